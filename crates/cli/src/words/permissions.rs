//! What `permissions explain` says.

use better_llm::PermissionDecision;

use super::Language;

impl Language {
    /// Label of the mode.
    pub(crate) const fn permission_mode(self) -> &'static str {
        self.pick("permission mode", "권한 모드")
    }

    /// Heading of the rules.
    pub(crate) const fn permission_rules(self) -> &'static str {
        self.pick("rules", "규칙")
    }

    /// Label of a rule about some calls of a tool.
    pub(crate) const fn permission_also(self) -> &'static str {
        self.pick("some calls", "일부 호출")
    }

    /// What becomes of a call.
    pub(crate) const fn permission_decision(self, decision: PermissionDecision) -> &'static str {
        match decision {
            PermissionDecision::Allowed => self.pick("allowed", "허용"),
            PermissionDecision::Asked => self.pick("asked", "질문"),
            PermissionDecision::Denied => self.pick("denied", "거부"),
            PermissionDecision::NotGiven => self.pick("not given", "없음"),
        }
    }

    /// An agent talks to the team only.
    pub(crate) const fn no_tool_needs_permission(self) -> &'static str {
        self.pick("no tool of its needs permission", "권한이 필요한 도구가 없습니다")
    }

    /// No tool has that name, or it needs no permission.
    pub(crate) fn no_such_tool(self, name: &str) -> String {
        match self {
            Self::English => format!("there is no tool `{name}` that needs permission"),
            Self::Korean => format!("권한이 필요한 도구 중에 `{name}` 도구는 없습니다"),
        }
    }

    /// The tools that there are.
    pub(crate) fn known_tools(self, known: &str) -> String {
        match self {
            Self::English => format!("there are: {known}"),
            Self::Korean => format!("있는 도구: {known}"),
        }
    }
}
