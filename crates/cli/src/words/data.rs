//! Labels of what `agents` and `config` print.

use domain::agent::{AgentKind, WorkerKind};

use super::Language;

impl Language {
    /// Label of an agent's role.
    pub(crate) const fn agent_role(self) -> &'static str {
        self.pick("role", "역할")
    }

    /// Label of an agent's kind.
    pub(crate) const fn agent_kind(self) -> &'static str {
        self.pick("kind", "종류")
    }

    /// What an agent is for.
    pub(crate) const fn kind(self, kind: AgentKind) -> &'static str {
        match kind {
            AgentKind::Manager => self.pick("manager", "매니저"),
            AgentKind::Worker(WorkerKind::Planner) => self.pick("planner", "계획"),
            AgentKind::Worker(WorkerKind::Coder) => self.pick("coder", "구현"),
            AgentKind::Worker(WorkerKind::Reviewer) => self.pick("reviewer", "리뷰"),
            AgentKind::Worker(WorkerKind::Tester) => self.pick("tester", "테스트"),
            AgentKind::Worker(WorkerKind::Committer) => self.pick("committer", "커밋"),
            AgentKind::Worker(WorkerKind::General) => self.pick("general", "일반"),
        }
    }

    /// How long a run may take.
    pub(crate) fn whole_seconds(self, seconds: f64) -> String {
        match self {
            Self::English => format!("{seconds} s"),
            Self::Korean => format!("{seconds}초"),
        }
    }

    /// A prompt that came with the program.
    pub(crate) const fn built_in_prompt(self) -> &'static str {
        self.pick("built-in", "내장")
    }

    /// Label of an agent's tools.
    pub(crate) const fn agent_tools(self) -> &'static str {
        self.pick("tools", "도구")
    }

    /// Label of an agent's model.
    pub(crate) const fn agent_model(self) -> &'static str {
        self.pick("model", "모델")
    }

    /// The model of an agent that names none.
    pub(crate) const fn agent_standard_model(self) -> &'static str {
        self.pick("the provider's standard", "제공자 기본값")
    }

    /// Label of how long a run may take.
    pub(crate) const fn agent_timeout(self) -> &'static str {
        self.pick("timeout", "제한 시간")
    }

    /// Label of where the prompt comes from.
    pub(crate) const fn agent_prompt(self) -> &'static str {
        self.pick("prompt", "프롬프트")
    }

    /// Label of a configuration file that counts.
    pub(crate) const fn config_file(self) -> &'static str {
        self.pick("read", "읽음")
    }

    /// No configuration file counts.
    pub(crate) const fn config_built_in(self) -> &'static str {
        self.pick(
            "no configuration file was found: the built-in values hold",
            "설정 파일이 없어 내장된 값을 사용합니다",
        )
    }

    /// A setting that is not there.
    pub(crate) const fn value_none(self) -> &'static str {
        self.pick("none", "없음")
    }

    /// Whether a credential is there; it is never shown.
    pub(crate) const fn credential(self, set: bool) -> &'static str {
        if set { self.pick("set", "설정됨") } else { self.pick("not set", "설정 안 됨") }
    }

    /// Nothing is wrong with the configuration.
    pub(crate) const fn config_is_right(self) -> &'static str {
        self.pick("the configuration is right", "설정에 문제가 없습니다")
    }

    /// No agent has that name.
    pub(crate) fn no_such_agent(self, name: &str) -> String {
        match self {
            Self::English => format!("there is no agent `{name}`"),
            Self::Korean => format!("`{name}` 에이전트는 없습니다"),
        }
    }

    /// The agents that there are.
    pub(crate) fn known_agents(self, known: &[&str]) -> String {
        let known = known.join(", ");
        match self {
            Self::English => format!("there are: {known}"),
            Self::Korean => format!("있는 에이전트: {known}"),
        }
    }
}
