//! Which calls of one message may be at work at the same time (contract 4, spec O-24).
//!
//! A message's calls run side by side when none of them writes, or when every one that does has been given the only
//! paths that it may write, no two of which can meet, and its commands are held to them, too. Else they run one after
//! the other, all of them. Nothing is looked up here: whether commands can be held is asked of who runs them.

use std::sync::Arc;

use crate::tool::{Access, ToolSpec};

mod globs;

pub use globs::are_disjoint;

/// The only command tool whose commands can be held to a task's `writes`.
const BASH: &str = "bash";
/// The tool that takes files of the whole session, whatever its run may write.
const COMMIT: &str = "commit";

/// What a call may do to the workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    /// It changes nothing.
    Reads,
    /// It changes what these globs cover, and nothing else.
    Writes(Arc<[String]>),
    /// It may change anything, or it wants the person's answer before anything else happens.
    Alone,
}

/// How the calls of a message are run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// Each waits for the one before it.
    OneAfterTheOther,
    /// All at the same time.
    SideBySide {
        /// More than one of them may write, so that what changes has to be told apart.
        share_files: bool,
    },
}

impl Pace {
    /// How calls with these reaches run.
    #[must_use]
    pub fn of(calls: &[Reach]) -> Self {
        let mut writers: Vec<&[String]> = Vec::new();
        for call in calls {
            match call {
                Reach::Alone => return Self::OneAfterTheOther,
                Reach::Reads => {}
                Reach::Writes(globs) => writers.push(globs),
            }
        }
        let may_meet = writers.iter().enumerate().any(|(at, one)| {
            let later = writers.iter().skip(at + 1);
            later.into_iter().any(|other| !are_disjoint(one, other))
        });
        if calls.len() < 2 || may_meet {
            Self::OneAfterTheOther
        } else {
            Self::SideBySide { share_files: writers.len() > 1 }
        }
    }
}

/// What an agent's tools can do to the workspace.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Hands {
    edits: bool,
    runs_bash: bool,
    /// It commits, or runs programs by another tool, which nothing holds to any paths.
    is_unheld: bool,
}

impl Hands {
    /// What these tools can do.
    pub fn of<'t>(tools: impl IntoIterator<Item = &'t ToolSpec>) -> Self {
        tools.into_iter().fold(Self::default(), |hands, tool| match (tool.access, &*tool.name) {
            (Access::Read | Access::Coordinate, _) => hands,
            (Access::Command, BASH) => Self { runs_bash: true, ..hands },
            (Access::Command, _) | (Access::Edit, COMMIT) => Self { is_unheld: true, ..hands },
            (Access::Edit, _) => Self { edits: true, ..hands },
        })
    }

    /// Whether it matters for [`Hands::reach`] that commands are held to a task's `writes`.
    #[must_use]
    pub const fn have_to_be_held(self) -> bool {
        self.runs_bash && !self.is_unheld
    }

    /// What a run with these tools may change whose task may write `writes` (none: everything). `are_held`: its
    /// commands can write nothing else either.
    #[must_use]
    pub fn reach(self, writes: Option<&[String]>, are_held: bool) -> Reach {
        match writes {
            _ if self == Self::default() => Reach::Reads,
            Some(globs) if !self.is_unheld && (are_held || !self.runs_bash) => Reach::Writes(globs.into()),
            _ => Reach::Alone,
        }
    }
}

#[cfg(test)]
mod tests;
