//! The tools agents work with: one tool, one file.
//!
//! Files are reached through `confined` alone, which cannot leave the workspace and the folders added to it. Tools decide nothing about
//! permission, deadlines, redaction or the journal: whoever runs them does. Commands and commits are other
//! adapters' work and come in as ports. The tools that talk to the team (`report`, `finish`, ...) live in the
//! application.

mod bash;
mod binary;
mod commit;
mod confined;
mod diff;
mod edit;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
mod glob;
mod grant;
mod grep;
mod held;
mod off_thread;
mod output;
mod pattern;
mod preview;
mod process;
mod read;
mod spelling;
mod stale_guard;
mod text;
mod tool;
mod toolbox;
mod walk;
mod write;

#[cfg(test)]
mod testing;

pub use confined::{AddedRoot, OpenError};
pub use toolbox::{NAMES, ToolDeps, Toolbox, access};
