//! The sandbox against real processes: every rule at the level, or the levels, that promise it.

#![expect(clippy::expect_used, clippy::panic, reason = "a test that cannot go on says why by panicking")]

mod commands;
mod endings;
mod environment;
mod folders;
mod held;
mod inside;
mod levels;
mod limits;
mod modes;
mod network;
mod others;
mod patience;
mod plain_user;
mod protected;
mod scarce;
mod secrets;
mod servers;
mod shield;
mod stubborn;
mod support;
mod together;
mod wall;
