//! Labels of what `agents` and `config` print.

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

    /// Label of what was left out.
    pub(crate) const fn config_notice(self) -> &'static str {
        self.pick("note", "알림")
    }

    /// Nothing is wrong with the configuration.
    pub(crate) const fn config_is_right(self) -> &'static str {
        self.pick("the configuration is right", "설정에 문제가 없습니다")
    }

    /// No agent has that name.
    pub(crate) fn no_such_agent(self, name: &str, known: &[&str]) -> String {
        let known = known.join(", ");
        match self {
            Self::English => format!("there is no agent `{name}`; there are: {known}"),
            Self::Korean => format!("`{name}` 에이전트는 없습니다. 있는 에이전트: {known}"),
        }
    }
}
