//! The workspace over real folders and real repositories, each in a temporary place with a home of its own.

#![expect(clippy::unwrap_used, reason = "helpers of tests stand outside of test functions here")]

mod belonging;
mod bounds;
mod checkpoints;
mod commits;
mod conversions;
mod diffs;
mod fixture;
mod hostile;
mod lasting;
mod layouts;
mod names;
mod new_rules;
mod own_places;
mod pipes;
mod swapped;
mod touches;
mod undo;
mod undo_killed;
mod undo_refused;
mod unfit;
mod without_git;
mod worktrees;
