//! Rules at the moment a file is used: by the path that it really has, after it was opened.

use std::sync::Arc;

use super::{
    path_pattern::PathPattern,
    rule::{Effect, Rule},
};
use crate::agent::AgentName;

/// What a tool does with a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PathUse {
    /// Shows something of it.
    Read,
    /// Changes it.
    Write,
}

impl PathUse {
    /// The tools whose rules are about this use: a rule about `read` is about reading, whatever tool reads.
    const fn tools(self) -> &'static [&'static str] {
        match self {
            Self::Read => &["read"],
            Self::Write => &["write", "edit"],
        }
    }
}

/// What rules forbid one agent to read and to write.
#[derive(Debug, Clone, Default)]
pub struct PathRules {
    rules: Arc<[Rule]>,
    /// The path that a person gave leave for, with this call.
    granted: Option<Arc<str>>,
}

impl PathRules {
    /// The rules among `rules` that keep `agent` from something.
    #[must_use]
    pub fn of<'r>(agent: &AgentName, rules: impl IntoIterator<Item = &'r Rule>) -> Self {
        let narrow = rules.into_iter().filter(|rule| rule.effect != Effect::Allow && rule.is_about(agent));
        Self { rules: narrow.cloned().collect(), granted: None }
    }

    /// The person was asked about this path and agreed: rules that ask are silent about it.
    #[must_use]
    pub fn with_leave_for(mut self, path: &str) -> Self {
        self.granted = Some(PathPattern::normal(path).into());
        self
    }

    /// Whether the person agreed to exactly this path.
    #[must_use]
    pub fn has_leave_for(&self, path: &str) -> bool {
        self.granted.as_deref() == Some(path)
    }

    /// Whether there is nothing to look at.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// The rule that forbids this use of a file, in words for the model; none where no rule does.
    ///
    /// `path` is the one that the opened file has, relative to the workspace, with `/`; absolute for a file of an
    /// added folder.
    #[must_use]
    pub fn forbids(&self, path_use: PathUse, path: &str) -> Option<String> {
        let is_granted = self.has_leave_for(path);
        let covering = self.rules.iter().filter(|rule| {
            path_use.tools().iter().any(|tool| rule.names(tool))
                && rule.covers_path(path)
                && !(rule.effect == Effect::Ask && is_granted)
        });
        let rule = covering.max_by_key(|rule| rule.effect)?;
        Some(match rule.effect {
            Effect::Deny | Effect::Allow => format!("the rule `{rule}` of the configuration forbids it"),
            Effect::Ask => {
                format!(
                    "the rule `{rule}` of the configuration asks first: name the file by its own path, `{path}`"
                )
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(effect: Effect, tool: &str, argument: &str) -> Rule {
        Rule { effect, tool: tool.to_owned(), argument: Some(argument.to_owned()), agent: None }
    }

    fn coder() -> AgentName {
        AgentName::parse("coder").expect("a name")
    }

    #[test]
    fn a_rule_about_read_forbids_reading_and_nothing_else() {
        let rules = [rule(Effect::Deny, "read", "비밀/**"), rule(Effect::Allow, "read", "src/**")];
        let rules = PathRules::of(&coder(), &rules);
        assert_eq!(
            rules.forbids(PathUse::Read, "비밀/열쇠"),
            Some("the rule `deny read `비밀/**`` of the configuration forbids it".to_owned())
        );
        assert_eq!(rules.forbids(PathUse::Write, "비밀/열쇠"), None);
        assert_eq!(rules.forbids(PathUse::Read, "비밀 2/열쇠"), None);
        assert_eq!(rules.forbids(PathUse::Read, "src/a"), None);
    }

    #[test]
    fn a_rule_that_names_a_folder_forbids_what_lies_below_it() {
        let rules = PathRules::of(
            &coder(),
            &[rule(Effect::Deny, "read", "비밀"), rule(Effect::Deny, "read", "**/.env")],
        );
        for forbidden in ["비밀", "비밀/열쇠", "비밀/깊은/열쇠", "a/.env", "a/.env/b"] {
            assert!(rules.forbids(PathUse::Read, forbidden).is_some(), "{forbidden}");
        }
        assert_eq!(rules.forbids(PathUse::Read, "비밀 2/열쇠"), None);
    }

    #[test]
    fn a_rule_that_asks_is_silent_about_the_path_that_a_person_agreed_to() {
        let rules = PathRules::of(&coder(), &[rule(Effect::Ask, "write", "*")]);
        let granted = rules.clone().with_leave_for("./a");
        assert_eq!(granted.forbids(PathUse::Write, "a"), None);
        assert!(granted.forbids(PathUse::Write, "b").expect("asked first").contains("`b`"));
        assert!(rules.forbids(PathUse::Write, "a").is_some());
    }

    #[test]
    fn rules_about_other_agents_are_left_out() {
        let mut other = rule(Effect::Deny, "*", "**");
        other.agent = Some(AgentName::parse("tester").expect("a name"));
        assert!(PathRules::of(&coder(), &[other]).is_empty());
    }
}
