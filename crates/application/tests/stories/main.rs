//! Whole rounds over fakes: what a session does between a request and its one terminal event.
//!
//! The file system, processes and models are testkit's; time is tokio's paused time.

#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests fail by panicking")]

mod budgets;
mod cancel;
mod circles;
mod claims;
mod defects;
mod endings;
mod faults;
mod going_on;
mod leave;
mod mentions;
mod parallel;
mod person;
mod retries;
mod reviews;
mod secrets;
mod stage;
mod story;
