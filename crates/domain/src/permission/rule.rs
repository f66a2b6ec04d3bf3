//! Rules of a person: what is allowed, asked about or denied, by tool and argument (`permissions.rules`, contract 3).
//!
//! A rule is told apart from the wall: it decides whether to ask. `deny` beats `ask`, `ask` beats `allow`, whatever
//! the order they stand in. What a text cannot say for sure counts for the narrower side: an `allow` covers only what
//! it plainly says, a `deny` or `ask` covers whatever it might mean.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{
    command_text::{CommandPattern, Reading},
    path_pattern::PathPattern,
};
use crate::{agent::AgentName, tool::CallTarget};

/// What a rule does to the calls that it covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// They run without asking, where the mode lets calls of their kind run at all.
    Allow,
    /// The person is asked.
    Ask,
    /// They do not run.
    Deny,
}

impl Effect {
    /// Every effect, from wide to narrow.
    pub const ALL: [Self; 3] = [Self::Allow, Self::Ask, Self::Deny];

    /// The word of the configuration.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Ask => "ask",
            Self::Deny => "deny",
        }
    }
}

/// One rule.
///
/// `{"effect": "deny", "tool": "read", "argument": "secret/**", "agent": "coder"}` in the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// What it does.
    pub effect: Effect,
    /// The tool's name; `*` for every tool.
    pub tool: String,
    /// Which calls of the tool; none: all.
    ///
    /// Of a tool that takes a path: a glob over the path relative to the workspace (`*` and `?` stay in a folder,
    /// `**` does not, `\` takes the next character as it is). Of a tool that runs a command: the exact text, or words
    /// in which `*` stands for more plain words (`npm run test:*`, `cargo test *`; `\*` for the star itself). What
    /// plain words can say, and which programs have none, is in `docs/adr/0013-leave.md`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub argument: Option<String>,
    /// The only agent that it is about; none: every agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<AgentName>,
}

/// A rule that says nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRule {
    /// No tool is named.
    #[error("a rule names a tool, or `*` for all of them")]
    NoTool,
    /// The argument is blank.
    #[error("a rule's argument is a text; leave it out where the rule is about every call of the tool")]
    BlankArgument,
    /// An `allow` for everything.
    #[error("a rule that allows every tool is what the permission mode `full` is for")]
    AllowsEverything,
}

/// A call, as far as permission is concerned.
#[derive(Debug, Clone, Copy)]
pub struct CallFacts<'c> {
    /// Who calls.
    pub agent: &'c AgentName,
    /// The tool's name.
    pub tool: &'c str,
    /// What it is about to touch.
    pub target: &'c CallTarget,
}

/// How far a rule covers a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Coverage {
    Not,
    /// The call may be covered; its text does not say for sure.
    Perhaps,
    Whole,
}

impl Rule {
    /// A rule about exactly this call, for whoever makes it: what a person's `session` and `always` mean.
    #[must_use]
    pub fn for_call(effect: Effect, tool: &str, target: &CallTarget) -> Self {
        let argument = match target {
            CallTarget::Path(path) => Some(PathPattern::escape(path)),
            CallTarget::Command(command) => Some(CommandPattern::escape(command)),
            CallTarget::None => None,
        };
        Self { effect, tool: tool.to_owned(), argument, agent: None }
    }

    /// Checks what the types cannot say.
    ///
    /// # Errors
    /// [`InvalidRule`] with what to write instead.
    pub fn check(&self) -> Result<(), InvalidRule> {
        if self.tool.trim().is_empty() {
            return Err(InvalidRule::NoTool);
        }
        match &self.argument {
            Some(argument) if argument.trim().is_empty() => Err(InvalidRule::BlankArgument),
            None if self.effect == Effect::Allow && self.tool == "*" => Err(InvalidRule::AllowsEverything),
            _ => Ok(()),
        }
    }

    /// Whether the rule is about this agent.
    pub(super) fn is_about(&self, agent: &AgentName) -> bool {
        self.agent.as_ref().is_none_or(|named| named == agent)
    }

    /// Whether the rule is about this tool.
    pub(super) fn names(&self, tool: &str) -> bool {
        self.tool == "*" || self.tool == tool
    }

    /// Whether the rule's argument covers a path, relative to the workspace and free of `.` and `..`. What is denied
    /// or asked about in a folder's name is so for everything below it.
    pub(super) fn covers_path(&self, path: &str) -> bool {
        let Some(argument) = &self.argument else { return true };
        let pattern = PathPattern::new(argument);
        let mut above = path.match_indices('/').filter_map(|(at, _)| path.get(..at));
        pattern.matches(path) || (self.effect != Effect::Allow && above.any(|folder| pattern.matches(folder)))
    }

    fn coverage(&self, call: CallFacts<'_>) -> Coverage {
        if !self.is_about(call.agent) || !self.names(call.tool) {
            return Coverage::Not;
        }
        let Some(argument) = &self.argument else { return Coverage::Whole };
        match call.target {
            CallTarget::Path(path) => {
                if self.covers_path(&PathPattern::normal(path)) {
                    Coverage::Whole
                } else {
                    Coverage::Not
                }
            }
            CallTarget::Command(command) => match CommandPattern::new(argument).reading(command) {
                Reading::IsExactly => Coverage::Whole,
                Reading::Holds if self.effect != Effect::Allow => Coverage::Whole,
                Reading::MayHold if self.effect != Effect::Allow => Coverage::Perhaps,
                Reading::Holds | Reading::MayHold | Reading::Without => Coverage::Not,
            },
            // What such a call touches is held against the rules file by file.
            CallTarget::None => Coverage::Not,
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.effect.as_str(), self.tool)?;
        if let Some(argument) = &self.argument {
            write!(f, " `{argument}`")?;
        }
        self.agent.as_ref().map_or(Ok(()), |agent| write!(f, " for {agent}"))
    }
}

/// A person's rules.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rules(Vec<Rule>);

/// What rules say of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Decided<'r> {
    pub(super) effect: Effect,
    pub(super) rule: &'r Rule,
    /// The rule covers the call for sure.
    pub(super) is_sure: bool,
}

impl Rules {
    /// Takes rules, in any order.
    #[must_use]
    pub fn new(rules: Vec<Rule>) -> Self {
        Self(rules)
    }

    /// One more.
    pub fn add(&mut self, rule: Rule) {
        if !self.0.contains(&rule) {
            self.0.push(rule);
        }
    }

    /// Every rule, in the order they were given.
    #[must_use]
    pub fn as_slice(&self) -> &[Rule] {
        &self.0
    }

    /// The narrowest rule that covers the call; none where no rule does.
    pub(super) fn decide(&self, call: CallFacts<'_>) -> Option<Decided<'_>> {
        let covering = self.0.iter().filter_map(|rule| match rule.coverage(call) {
            Coverage::Not => None,
            Coverage::Whole => Some(Decided { effect: rule.effect, rule, is_sure: true }),
            // Whether to deny cannot be told from the text, so a person has to look at it.
            Coverage::Perhaps => Some(Decided { effect: Effect::Ask, rule, is_sure: false }),
        });
        covering.reduce(|narrowest, next| if next.effect > narrowest.effect { next } else { narrowest })
    }
}

impl FromIterator<Rule> for Rules {
    fn from_iter<I: IntoIterator<Item = Rule>>(rules: I) -> Self {
        Self(rules.into_iter().collect())
    }
}
