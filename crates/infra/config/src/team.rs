//! The team: the default one or the configured one, narrowed by an untrusted workspace, with the last word to
//! environment and flags.

use std::{collections::BTreeMap, path::Path, time::Duration};

use domain::agent::{AgentKind, AgentName, AgentSpec, WorkerKind};

use crate::{
    agent_entry::{BUILT_IN, read_entries},
    draft::{Draft, drafts_of, narrow, shown},
    environment::WORKER_TIMEOUT,
    files::{Document, LEADS_OUT, Layers, prompt_base},
    notice::Notice,
    problem::{Fault, Problems, Spot, nearest},
    prompt::{NoPrompt, Prompt, Prompts},
    provider::ProviderName,
    reading::Snapshot,
    request::LoadRequest,
    source::{Shown, Source, Sourced},
    system_file::LONGEST_SECONDS,
    trust::Widening,
    variables::{Variables, spot_of},
};

/// Tools that only look; every agent of the default team has them.
const LOOKS: [&str; 4] = ["read", "glob", "grep", "diff"];

/// The workers of the default team with their roles and what they may do beside looking (contract 4).
const DEFAULT_TEAM: [(WorkerKind, &str, &[&str]); 5] = [
    (WorkerKind::Planner, "Turns a request into a plan", &[]),
    (WorkerKind::Coder, "Writes and changes code", &["write", "edit", "bash"]),
    (WorkerKind::Reviewer, "Reviews changes", &[]),
    (WorkerKind::Tester, "Runs tests and judges their results", &["bash", "process"]),
    (WorkerKind::Committer, "Commits finished work", &["commit"]),
];

const MANAGER_ROLE: &str = "Leads the team and answers the person";

/// The manager's own clock: a round's time limit ends its run sooner. A backstop, so that no wait is endless.
const MANAGER_TIMEOUT: Duration = Duration::from_secs(24 * 60 * 60);

/// Everyone of a session.
#[derive(Debug)]
pub(crate) struct Team {
    pub(crate) manager: AgentSpec,
    pub(crate) workers: Vec<AgentSpec>,
    pub(crate) shown: Vec<Shown>,
    /// The providers of workers that have one of their own.
    pub(crate) providers: BTreeMap<AgentName, ProviderName>,
    /// Every agent that a rule may name: also those that are built in, or that a workspace left out of the team.
    pub(crate) known: Vec<AgentName>,
}

/// What the team is made from.
pub(crate) struct TeamSources<'s> {
    pub(crate) request: &'s LoadRequest<'s>,
    pub(crate) config_root: &'s Path,
    pub(crate) snapshot: &'s Snapshot,
    pub(crate) layers: &'s Layers,
    pub(crate) variables: &'s Variables<'s>,
}

impl TeamSources<'_> {
    /// Puts the team together; `None` where something is wrong, which is then in `problems`.
    pub(crate) fn team(&self, problems: &mut Problems, notices: &mut Vec<Notice>) -> Option<Team> {
        let before = problems.count();
        let mut prompts = self.prompts(self.layers.base.as_ref());
        let mut drafts = match &self.layers.base {
            Some(document) => read_entries(document, &prompts, self.request.known_tools, problems)
                .map(|entries| drafts_of(entries, document)),
            None => default_team(&prompts, problems),
        };
        let mut known = known_names(drafts.as_deref().unwrap_or_default());
        let mut manager_prompt = self.manager_prompt(&prompts, problems, notices);
        if let Some(document) = &self.layers.workspace {
            prompts = self.prompts(Some(document));
            let entries = read_entries(document, &prompts, self.request.known_tools, problems);
            if let (Some(base), Some(entries)) = (drafts.take(), entries) {
                known.extend(entries.iter().map(|entry| entry.name.clone()));
                drafts = Some(narrow(base, entries, document, notices));
            }
            let other = self.manager_prompt(&prompts, problems, notices);
            manager_prompt = other.filter(|prompt| !prompt.is_built_in()).or(manager_prompt);
        }
        let (mut drafts, prompt) = (drafts?, manager_prompt?);
        self.apply_timeouts(&mut drafts, problems, notices);
        let manager_model = self.apply_models(&mut drafts, problems);
        self.apply_provider(&mut drafts);
        (problems.count() == before).then(|| Team {
            shown: shown(&drafts, &manager_model, &prompt),
            manager: manager(prompt, manager_model.value),
            providers: own_providers(&drafts),
            workers: drafts.into_iter().map(Draft::finish).collect(),
            known,
        })
    }

    fn prompts(&self, document: Option<&Document>) -> Prompts<'_> {
        Prompts {
            embedded: self.request.embedded_prompts,
            base: document.map_or_else(|| prompt_base(self.config_root), Document::base),
            snapshot: document.filter(|document| document.is_workspaces()).map(|_| self.snapshot),
        }
    }

    fn manager_prompt(
        &self,
        prompts: &Prompts<'_>,
        problems: &mut Problems,
        notices: &mut Vec<Notice>,
    ) -> Option<Prompt> {
        let file = prompts.base.join("prompts/manager.txt");
        let fault = match prompts.of_name("manager") {
            Ok(Some(prompt)) => return Some(prompt),
            Ok(None) => Fault::Missing,
            Err(NoPrompt::Fault(fault)) => fault,
            Err(NoPrompt::Outside) if self.layers.workspace.is_none() => Fault::Rule(LEADS_OUT.to_owned()),
            Err(NoPrompt::Outside) => {
                let (path, widening) = ("prompts/manager.txt".to_owned(), Widening::PromptOutside);
                notices.push(Notice::NotTrusted { file, path, widening });
                return None;
            }
        };
        problems.add(Spot::file(&file), fault);
        None
    }

    /// `WORKER_TIMEOUT_<NAME>` over everything else (spec O-14).
    fn apply_timeouts(&self, drafts: &mut [Draft], problems: &mut Problems, notices: &mut Vec<Notice>) {
        for variable in self.variables.timeouts() {
            let Some(text) = self.variables.text(&variable, problems) else { continue };
            let seconds = text.value.trim().parse::<f64>();
            let seconds = seconds.ok().filter(|seconds| *seconds > 0.0 && *seconds <= LONGEST_SECONDS);
            let Some(seconds) = seconds else {
                let expected = format!("a number of seconds above 0 and at most {LONGEST_SECONDS}");
                let found = format!("{:?}", text.value);
                problems.add(spot_of(&text.source), Fault::WrongValue { expected, found });
                continue;
            };
            let mut used = false;
            for draft in drafts.iter_mut().filter(|draft| timeout_variable(&draft.name) == variable) {
                draft.timeout = Sourced::new(seconds, text.source.clone());
                used = true;
            }
            if !used {
                notices.push(Notice::NoSuchWorker { variable });
            }
        }
    }

    /// `--provider NAME` for everyone. One that is none is said where the session's is chosen.
    fn apply_provider(&self, drafts: &mut [Draft]) {
        let Some(Ok(provider)) = self.request.flags.provider.as_deref().map(ProviderName::parse) else {
            return;
        };
        let chosen = Sourced::new(Some(provider), Source::Flag("--provider"));
        drafts.iter_mut().for_each(|draft| draft.provider = chosen.clone());
    }

    /// `--model X` for everyone, `--model AGENT=X` for one; gives the manager's.
    fn apply_models(&self, drafts: &mut [Draft], problems: &mut Problems) -> Sourced<Option<String>> {
        const FLAG: Source = Source::Flag("--model");
        let flags = self.request.flags;
        let mut manager = Sourced::default(None);
        if let Some(model) = &flags.model {
            manager = Sourced::new(Some(model.clone()), FLAG);
            drafts.iter_mut().for_each(|draft| draft.model = manager.clone());
        }
        for (name, model) in &flags.agent_models {
            let chosen = Sourced::new(Some(model.clone()), FLAG);
            if name == AgentName::manager().as_str() {
                manager = chosen;
            } else if let Some(draft) = drafts.iter_mut().find(|draft| draft.name.as_str() == name) {
                draft.model = chosen;
            } else {
                let known = drafts.iter().map(|draft| draft.name.as_str()).chain(["manager"]);
                let fault = Fault::UnknownName {
                    what: "agent".to_owned(),
                    name: name.clone(),
                    nearest: nearest(name, known),
                };
                problems.add(Spot::Flag("--model"), fault);
            }
        }
        manager
    }
}

fn own_providers(drafts: &[Draft]) -> BTreeMap<AgentName, ProviderName> {
    let own = drafts.iter().filter_map(|draft| Some((draft.name.clone(), draft.provider.value.clone()?)));
    own.collect()
}

fn known_names(drafts: &[Draft]) -> Vec<AgentName> {
    let built_in = BUILT_IN.iter().filter_map(|name| AgentName::parse(name).ok());
    let configured = drafts.iter().map(|draft| draft.name.clone());
    [AgentName::manager()].into_iter().chain(configured).chain(built_in).collect()
}

/// The variable that sets a worker's timeout: its name in capitals, `-` as `_`.
fn timeout_variable(name: &AgentName) -> String {
    format!("{WORKER_TIMEOUT}{}", name.as_str().to_ascii_uppercase().replace('-', "_"))
}

fn default_team(prompts: &Prompts<'_>, problems: &mut Problems) -> Option<Vec<Draft>> {
    let mut team = Vec::new();
    for (kind, role, more_tools) in DEFAULT_TEAM {
        let name = kind.as_str();
        let place = prompts.base.join("prompts").join(format!("{name}.txt"));
        let prompt = match prompts.of_name(name) {
            Ok(Some(prompt)) => prompt,
            Ok(None) | Err(NoPrompt::Outside) => {
                problems.add(Spot::BuiltIn(name.to_owned()), Fault::Missing);
                continue;
            }
            Err(NoPrompt::Fault(fault)) => {
                problems.add(Spot::file(&place), fault);
                continue;
            }
        };
        team.push(Draft {
            name: AgentName::parse(name).ok()?,
            role: role.to_owned(),
            kind,
            prompt: Sourced::default(prompt),
            tools: Sourced::default(LOOKS.iter().chain(more_tools).map(|tool| (*tool).to_owned()).collect()),
            model: Sourced::default(None),
            provider: Sourced::default(None),
            thinking: None,
            timeout: Sourced::default(kind.default_timeout().as_secs_f64()),
            description: None,
        });
    }
    Some(team)
}

fn manager(prompt: Prompt, model: Option<String>) -> AgentSpec {
    AgentSpec {
        name: AgentName::manager(),
        role: MANAGER_ROLE.to_owned(),
        kind: AgentKind::Manager,
        prompt: prompt.text,
        prompt_source: prompt.source,
        tools: LOOKS.map(str::to_owned).to_vec(),
        model,
        thinking: None,
        timeout: MANAGER_TIMEOUT,
        description: None,
    }
}
