//! What each agent may do here, and by which rule: the data behind `permissions explain`. Nothing is run.

use domain::{
    agent::{AgentName, AgentSpec},
    permission::{CallFacts, Ceiling, Leave, PermissionMode, Ruling, SandboxState},
    tool::{Access, CallTarget},
};
use serde::Serialize;

use crate::{Engine, StartError};

/// The permissions of a session that would begin now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// The mode.
    pub mode: PermissionMode,
    /// The level that commands would run at, and why.
    pub sandbox: SandboxState,
    /// Every rule, in the order of the configuration.
    pub rules: Vec<ExplainedRule>,
    /// The agents that were asked about.
    pub agents: Vec<AgentPermissions>,
}

/// A rule and where it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ExplainedRule {
    /// The rule, in words: `deny read `secret/**` for coder`.
    pub rule: String,
    /// The file that holds it.
    pub source: String,
}

/// What one agent may do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AgentPermissions {
    /// The agent.
    pub agent: AgentName,
    /// Its tools, in the order of the configuration; of a call that was asked about, that tool alone.
    pub tools: Vec<ToolPermission>,
}

/// What becomes of an agent's calls of a tool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ToolPermission {
    /// The tool.
    pub tool: String,
    /// The decision about the call; about any call that no rule with an argument covers where none was asked about.
    pub decision: PermissionDecision,
    /// What decides: a rule or the mode.
    pub by: String,
    /// What the agent or the person would read; empty for [`PermissionDecision::Allowed`].
    pub text: String,
    /// Rules that decide about some calls of the tool, in words. Empty where a call was asked about.
    pub also: Vec<String>,
}

/// Yes, ask, no.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PermissionDecision {
    /// The call runs.
    Allowed,
    /// A person is asked first; with nobody there, it is denied.
    Asked,
    /// It does not run.
    Denied,
    /// The agent does not have the tool.
    NotGiven,
}

/// A question that cannot be answered.
#[derive(Debug, thiserror::Error)]
pub enum ExplainError {
    /// No agent of that name.
    #[error("there is no agent `{name}`; the agents are: {known}")]
    NoAgent {
        /// The name that was asked for.
        name: String,
        /// The names that there are.
        known: String,
    },
    /// No tool of that name.
    #[error("there is no tool `{name}` that needs permission; the tools are: {known}")]
    NoTool {
        /// The name that was asked for.
        name: String,
        /// The names that there are.
        known: String,
    },
    /// The sandbox level that was named cannot be had.
    #[error(transparent)]
    Start(#[from] StartError),
}

impl Engine {
    /// What `agent` (none: every one) may do; with `call`, a tool and its path or command, what becomes of that call.
    ///
    /// # Errors
    /// [`ExplainError`] where there is no such agent or tool, or the sandbox level that was named cannot be had.
    pub async fn explain(
        &self,
        agent: Option<&str>,
        call: Option<(&str, &str)>,
    ) -> Result<Explanation, ExplainError> {
        let settings = self.settings();
        let team: Vec<&AgentSpec> = std::iter::once(&settings.manager).chain(&settings.workers).collect();
        let asked: Vec<&AgentSpec> = match agent {
            None => team,
            Some(name) => {
                vec![team.iter().copied().find(|spec| spec.name.as_str() == name).ok_or_else(|| {
                    let known = team.iter().map(|spec| spec.name.as_str()).collect::<Vec<_>>().join(", ");
                    ExplainError::NoAgent { name: name.to_owned(), known }
                })?]
            }
        };
        let call = call.map(|(tool, argument)| Question::about(tool, argument)).transpose()?;
        let sandbox = self.sandbox().await?;
        let ceiling = Ceiling::new(self.policy());
        let explained = |spec: &AgentSpec| AgentPermissions {
            agent: spec.name.clone(),
            tools: match &call {
                Some(call) => vec![call.answered(spec, &ceiling, &sandbox)],
                None => spec
                    .tools
                    .iter()
                    .filter_map(|tool| Question::general(tool))
                    .map(|call| call.answered(spec, &ceiling, &sandbox))
                    .collect(),
            },
        };
        Ok(Explanation {
            mode: settings.permission_mode,
            rules: settings
                .rules
                .iter()
                .map(|sourced| ExplainedRule {
                    rule: sourced.rule.to_string(),
                    source: sourced.source.to_string(),
                })
                .collect(),
            agents: asked.into_iter().map(explained).collect(),
            sandbox,
        })
    }
}

/// A call that might be made.
struct Question {
    tool: String,
    access: Access,
    target: CallTarget,
}

impl Question {
    /// Any call of a tool.
    fn general(tool: &str) -> Option<Self> {
        Some(Self { tool: tool.to_owned(), access: tools::access(tool)?, target: CallTarget::None })
    }

    fn about(tool: &str, argument: &str) -> Result<Self, ExplainError> {
        let general = Self::general(tool)
            .ok_or_else(|| ExplainError::NoTool { name: tool.to_owned(), known: tools::NAMES.join(", ") })?;
        let argument = argument.to_owned();
        let target = match general.access {
            Access::Command => CallTarget::Command(argument),
            Access::Read | Access::Edit => CallTarget::Path(argument),
            Access::Coordinate => CallTarget::None,
        };
        Ok(Self { target, ..general })
    }

    fn answered(&self, spec: &AgentSpec, ceiling: &Ceiling, sandbox: &SandboxState) -> ToolPermission {
        let facts = CallFacts { agent: &spec.name, tool: &self.tool, target: &self.target };
        let Ruling { leave, by } = ceiling.decide(facts, self.access, sandbox);
        let (decision, text) = match leave {
            _ if !spec.tools.contains(&self.tool) => {
                (PermissionDecision::NotGiven, format!("{} does not have this tool", spec.name))
            }
            Leave::Granted => (PermissionDecision::Allowed, String::new()),
            Leave::Ask(text) => (PermissionDecision::Asked, text),
            Leave::Denied(text) => (PermissionDecision::Denied, text),
        };
        let also = match self.target {
            CallTarget::None => ceiling.rules_with_arguments(facts).map(ToString::to_string).collect(),
            CallTarget::Path(_) | CallTarget::Command(_) => Vec::new(),
        };
        ToolPermission { tool: self.tool.clone(), decision, by, text, also }
    }
}
