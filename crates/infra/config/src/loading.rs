//! From a request to settings: what is read first, what is decided about the workspace, and what follows from it.

use std::{collections::HashSet, path::Path};

use domain::{
    permission::{Rule, SandboxLevel},
    secret::Secret,
};

use crate::{
    dotenv::Assignment,
    env_file::{EnvFile, Weight},
    files::{FileKind, FilePlaces},
    notice::Notice,
    places::Places,
    problem::{Fault, Problems, Spot},
    reading::Snapshot,
    request::LoadRequest,
    resolve::SystemSources,
    rules::{RuleNames, SourcedRule},
    settings::Settings,
    source::Source,
    system_file::SandboxChoice,
    team::TeamSources,
    trust::{Trust, TrustState, effects, survey},
    variables::Variables,
    workspace_store::{Decisions, WorkspaceStore},
};

/// What was read of a workspace before anything was decided about it.
struct Ground<'g> {
    request: &'g LoadRequest<'g>,
    /// By the environment alone: nothing of a workspace moves the place of the person's decisions about it.
    places: Places,
    env_file: Option<EnvFile>,
    snapshot: Snapshot,
    decisions: Decisions,
    store: WorkspaceStore,
}

/// Reads and resolves; `None` where something is wrong, which is then in `problems`.
pub(crate) fn load(
    request: &LoadRequest<'_>,
    problems: &mut Problems,
    notices: &mut Vec<Notice>,
) -> Option<Settings> {
    let places = Places::find(request.environment, request.home, problems, notices)?;
    let env_file = EnvFile::read_in(request.cwd, problems, notices);
    let snapshot = Snapshot::of(request.cwd);
    let store = WorkspaceStore::of(&places.config, request.cwd);
    let decisions = match store.read() {
        Ok(decisions) => decisions,
        Err(fault) => {
            problems.add(Spot::file(store.file()), fault);
            return None;
        }
    };
    let found = survey(request, &places.config, &snapshot, env_file.as_ref());
    let trust = Trust::look(found, decisions.trusted.as_ref(), store.clone());
    let ground = Ground { request, places, env_file, snapshot, decisions, store };
    match trust.state().clone() {
        TrustState::Trusted => ground.resolve(trust, true, problems, notices),
        TrustState::Nothing => ground.resolve(trust, false, problems, notices),
        TrustState::Untrusted { .. } => ground.narrowed(trust, problems, notices),
        TrustState::Changed { changes, .. } => {
            notices.push(Notice::TrustChanged { changes });
            ground.narrowed(trust, problems, notices)
        }
    }
}

impl Ground<'_> {
    /// The settings that an untrusted workspace leads to, with what it would lead to otherwise.
    fn narrowed(
        &self,
        mut trust: Trust,
        problems: &mut Problems,
        notices: &mut Vec<Notice>,
    ) -> Option<Settings> {
        let mut wrong = Problems::default();
        let then = self.resolve(trust.clone(), true, &mut wrong, &mut Vec::new());
        let now = self.resolve(trust.clone(), false, problems, notices)?;
        let effects = then.map(|then| effects(&now, &then)).unwrap_or_default();
        trust.would(effects, wrong.into_vec());
        Some(Settings { trust, ..now })
    }

    fn resolve(
        &self,
        trust: Trust,
        trusted: bool,
        problems: &mut Problems,
        notices: &mut Vec<Notice>,
    ) -> Option<Settings> {
        let request = self.request;
        let places = self.places(trusted, problems)?;
        let env_file = self.env_file.as_ref();
        let variables = Variables::gather(request, env_file, trusted, &places.config, problems, notices);
        let files = FilePlaces {
            given: request.config_files,
            workspace: request.cwd,
            snapshot: &self.snapshot,
            trusted,
            config: &places.config,
        };
        let (system, agents) = files.find(problems);
        let team = TeamSources {
            request,
            config_root: &places.config,
            snapshot: &self.snapshot,
            layers: &agents,
            variables: &variables,
        };
        let team = team.team(problems, notices);
        let files = system.used(FileKind::System).chain(agents.used(FileKind::Agents)).collect();
        let agents = team.as_ref().map(|team| &team.known[..]);
        let system = SystemSources {
            request,
            layers: &system,
            variables: &variables,
            rule_names: RuleNames { tools: request.known_tools, agents },
            kept: self.kept_rules(),
        };
        let system = system.resolve(places, problems, notices);
        let (team, mut system) = (team?, system?);
        system.shown.extend(team.shown);
        Some(Settings {
            places: system.places,
            limits: system.limits,
            intervention: system.intervention,
            question_timeout: system.question_timeout,
            idle_timeout: system.idle_timeout,
            first_byte_timeout: system.first_byte_timeout,
            retry: system.retry,
            prices: system.prices,
            verify_commands: system.verify_commands,
            permission_mode: system.walls.mode,
            rules: system.rules,
            sandbox_level: match system.walls.level {
                SandboxChoice::Auto => None,
                SandboxChoice::Strict => Some(SandboxLevel::Strict),
                SandboxChoice::Kernel => Some(SandboxLevel::Kernel),
                SandboxChoice::None => Some(SandboxLevel::None),
            },
            network: system.walls.network,
            add_dirs: system.walls.add_dirs,
            pass_env: system.walls.pass_env,
            proxy: system.proxy,
            lang: system.lang,
            log_level: system.log_level,
            log_format: system.log_format,
            manager: team.manager,
            workers: team.workers,
            files,
            shown: system.shown,
            wanted_provider: request.flags.provider.clone(),
            agent_providers: team.providers,
            access: system.access,
            fallbacks: system.fallbacks,
            secrets: each_once(variables.secrets()),
            trust,
        })
    }

    /// Where things lie. The homes that a trusted `.env` names stand behind those of the environment, and do not move
    /// the person's configuration.
    fn places(&self, trusted: bool, problems: &mut Problems) -> Option<Places> {
        let file = self.env_file.as_ref().filter(|_| trusted);
        let homes =
            file.into_iter().flat_map(EnvFile::ours).filter(|line| Weight::of(&line.name) == Weight::Home);
        let homes: Vec<&Assignment> = homes.filter(|line| !line.value.is_empty()).collect();
        if homes.is_empty() {
            return Some(self.places.clone());
        }
        let mut environment = self.request.environment.clone();
        for home in homes {
            if Path::new(&home.value).is_absolute() {
                environment = environment.or(&home.name, &home.value);
            } else if let Some(file) = file {
                problems.add(
                    file.spot(home),
                    Fault::WrongValue {
                        expected: "an absolute path".to_owned(),
                        found: format!("`{}`", home.value),
                    },
                );
            }
        }
        // What is to be said of the environment was said when it was first looked at.
        let places = Places::find(&environment, self.request.home, problems, &mut Vec::new())?;
        Some(Places { config: self.places.config.clone(), ..places })
    }

    fn kept_rules(&self) -> Vec<SourcedRule> {
        let source = Source::File(self.store.file().to_owned());
        let sourced = |rule: &Rule| SourcedRule { rule: rule.clone(), source: source.clone() };
        self.decisions.rules.iter().map(sourced).collect()
    }
}

fn each_once(secrets: &[Secret]) -> Vec<Secret> {
    let mut seen = HashSet::new();
    secrets.iter().filter(|secret| seen.insert(secret.reveal())).cloned().collect()
}
