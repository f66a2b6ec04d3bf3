//! The built programs, as a person or a script runs them: over real HTTP, on real repositories.
//!
//! Each test has a repository, a home and a model server of its own; the programs see nothing of this machine's
//! environment but where programs lie.

mod agents;
mod blocked;
mod budgets;
mod configuration;
mod demo;
mod embed;
mod endings;
mod ends;
mod failures;
mod hostile;
mod keys;
mod killed;
mod limits;
mod loops;
mod mentions;
mod options;
mod parallel;
mod permissions;
mod person;
mod providers;
mod resume;
mod retries;
mod reviews;
mod secrets;
mod soak;
mod socket;
mod stale;
mod story;
mod streaming;
mod support;
mod sweep;
mod terminal;
mod trust;
mod truth;
mod undo;
mod unfinished;
mod verbs;
mod walls;
mod wires;
mod worktrees;
