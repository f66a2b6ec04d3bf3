//! Who works in a session, ready to run: each agent with its model, its tools and its system prompt.

use std::sync::{Arc, OnceLock};

use domain::{
    agent::{AgentKind, AgentName, AgentSpec, WorkerKind},
    mention::{self, Addressee, MentionError},
    model::{Effort, ModelFacts},
    ports::{ModelPort, ToolPort},
    run::RunRole,
    session::Request,
    tool::ToolSpec,
};
use sha2::{Digest, Sha256};

use crate::coordination;

/// An agent, ready to run.
pub struct Member {
    /// The agent as configured.
    pub spec: AgentSpec,
    pub(crate) model: Arc<dyn ModelPort>,
    pub(crate) effort: Option<Effort>,
    /// The tools that the tool runner may run for it: the allow-list of spec O-2.
    pub(crate) tools: Vec<Arc<dyn ToolPort>>,
    system: Arc<str>,
    part: PartInTeam,
    /// Made when it first runs: most rounds need few of the team.
    prefix: OnceLock<Prefix>,
}

/// What an agent can do with the others.
enum PartInTeam {
    /// Calls workers, by these tools.
    Leads(Vec<ToolSpec>),
    /// Hands in a report.
    Reports(WorkerKind),
}

/// What an agent's model sees before the conversation; the same bytes for every request of a session.
#[derive(Clone)]
pub(crate) struct Prefix {
    pub(crate) system: Arc<str>,
    pub(crate) tools: Arc<[ToolSpec]>,
    /// A fingerprint of model, system prompt and tools.
    pub(crate) digest: String,
}

impl Member {
    /// The name of the model that answers it.
    #[must_use]
    pub fn model_name(&self) -> String {
        self.model.resolve(self.spec.model.as_deref())
    }

    /// What is known of its model.
    pub(crate) fn model_facts(&self) -> ModelFacts {
        self.model.facts(self.spec.model.as_deref())
    }

    /// Whose part it plays in a run.
    pub(crate) const fn role(&self) -> RunRole {
        match self.part {
            PartInTeam::Leads(_) => RunRole::Manager,
            PartInTeam::Reports(kind) => RunRole::Worker(kind),
        }
    }

    pub(crate) fn tool(&self, name: &str) -> Option<&Arc<dyn ToolPort>> {
        self.tools.iter().find(|tool| &*tool.spec().name == name)
    }

    /// What its model sees before the conversation.
    pub(crate) fn prefix(&self) -> &Prefix {
        self.prefix.get_or_init(|| {
            let own = self.tools.iter().map(|tool| tool.spec().clone());
            let tools: Arc<[ToolSpec]> = match &self.part {
                PartInTeam::Leads(tools) => own.chain(tools.iter().cloned()).collect(),
                PartInTeam::Reports(kind) => own.chain([coordination::report_tool(*kind)]).collect(),
            };
            let digest = prefix_digest(&self.model_name(), &self.system, &tools);
            Prefix { system: Arc::clone(&self.system), tools, digest }
        })
    }

    fn new(recruit: Recruit, effort: Option<Effort>, system: String, part: PartInTeam) -> Self {
        let Recruit { spec, model, tools } = recruit;
        Self { spec, model, effort, tools, system: system.into(), part, prefix: OnceLock::new() }
    }
}

/// What an agent is made of, before it is told who else is there.
pub struct Recruit {
    /// The agent as configured.
    pub spec: AgentSpec,
    /// Its model.
    pub model: Arc<dyn ModelPort>,
    /// Its tools.
    pub tools: Vec<Arc<dyn ToolPort>>,
}

/// The manager and its workers.
pub struct Team {
    pub(crate) manager: Member,
    pub(crate) workers: Vec<Member>,
}

impl Team {
    /// Puts a team together. `cwd` is told to every agent.
    #[must_use]
    pub fn new(manager: Recruit, workers: Vec<Recruit>, effort: Option<Effort>, cwd: &str) -> Self {
        let place = format!("\n\nThe workspace is {cwd}. Paths in tools are relative to it.");
        let manager_system =
            format!("{}{}{place}", manager.spec.prompt.trim_end(), coordination::roster(specs(&workers)));
        let leads = PartInTeam::Leads(coordination::manager_tools(specs(&workers)));
        let manager = Member::new(manager, effort, manager_system, leads);
        let workers = workers
            .into_iter()
            .map(|recruit| {
                let system = format!("{}{place}", recruit.spec.prompt.trim_end());
                let reports = PartInTeam::Reports(worker_kind(&recruit.spec));
                Member::new(recruit, effort, system, reports)
            })
            .collect();
        Self { manager, workers }
    }

    /// The manager.
    #[must_use]
    pub const fn manager(&self) -> &Member {
        &self.manager
    }

    /// Every agent's name, the manager's first.
    #[must_use]
    pub fn names(&self) -> Vec<AgentName> {
        let workers = self.workers.iter().map(|worker| worker.spec.name.clone());
        std::iter::once(self.manager.spec.name.clone()).chain(workers).collect()
    }

    /// Whom a request speaks to. Only what the person typed can mention workers.
    pub(crate) fn addressee(&self, request: &Request) -> Result<Addressee, MentionError> {
        if !request.is_typed {
            return Ok(Addressee::Manager);
        }
        let workers: Vec<AgentName> = self.worker_specs().map(|spec| spec.name.clone()).collect();
        mention::addressee(&request.text, &workers)
    }

    /// The workers as configured.
    pub(crate) fn worker_specs(&self) -> impl Iterator<Item = &AgentSpec> {
        self.workers.iter().map(|worker| &worker.spec)
    }

    /// The agent of this name.
    pub(crate) fn member(&self, name: &AgentName) -> Option<&Member> {
        let manager = Some(&self.manager).filter(|manager| manager.spec.name == *name);
        manager.or_else(|| self.worker(name))
    }

    pub(crate) fn worker(&self, name: &AgentName) -> Option<&Member> {
        self.workers.iter().find(|worker| worker.spec.name == *name)
    }
}

fn specs(recruits: &[Recruit]) -> impl Iterator<Item = &AgentSpec> {
    recruits.iter().map(|recruit| &recruit.spec)
}

/// The kind of a worker; a manager's specification among the workers counts as general.
pub(crate) const fn worker_kind(spec: &AgentSpec) -> WorkerKind {
    match spec.kind {
        AgentKind::Worker(kind) => kind,
        AgentKind::Manager => WorkerKind::General,
    }
}

/// A short fingerprint of what stays the same in all requests of an agent: 16 hexadecimal digits.
fn prefix_digest(model: &str, system: &str, tools: &[ToolSpec]) -> String {
    let mut hash = Sha256::new();
    for text in [model, system] {
        hash.update(text.as_bytes());
        hash.update([0]);
    }
    for tool in tools {
        hash.update(tool.name.as_bytes());
        hash.update([0]);
        hash.update(tool.description.as_bytes());
        hash.update([0]);
        hash.update(tool.input_schema.to_string().as_bytes());
        hash.update([0]);
    }
    hash.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}
