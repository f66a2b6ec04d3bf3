//! Reviews: which cycle it is, what is open, what was settled, and what a person decided where they do not converge.
//!
//! The subject is all changes since the last approval, whoever reviews. What is open follows from reports and from the
//! files that changed between them, never from what a coder says about its own work. Deliberately not here: looking at
//! files, asking people, and when to do either ([`crate::workflow`]).

mod changed;
mod cycle;
mod decision;
mod finding;
mod ledger;
#[cfg(test)]
mod tests;

pub use changed::{ChangedFiles, Shown};
pub use cycle::ReviewCycle;
pub use decision::{ReviewDecision, ReviewOption};
pub use finding::{ClosedAs, ClosedFinding, FindingId};
pub(crate) use ledger::Beside;
pub use ledger::{Ledger, Reviewed};
