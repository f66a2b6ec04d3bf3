//! Carries the domain's decisions out, through ports.
//!
//! One request as a straight line: [`session`] takes the person's message, `round` lets the manager run, `agent_run`
//! drives one agent between model and tools, `tool_runner` guards each call, `worker` runs a worker as a tool of the
//! manager. Everything that happens goes through [`event_log`]. Decisions are made in `domain`; this crate waits.
//!
//! It knows no HTTP, no SQLite, no file system and no terminal.

pub mod event_log;
pub mod event_stream;
pub mod session;
pub mod team;

mod agent_run;
mod chain;
mod clock;
mod coordination;
mod deltas;
mod hearing;
mod intervention;
mod leave;
mod locking;
mod logging;
mod open_request;
mod person;
mod protection;
mod question;
mod reporting;
mod reviewing;
mod round;
mod round_context;
mod round_effects;
mod round_end;
mod spending;
mod stop;
mod telling;
mod tool_runner;
mod verification;
mod worker;

pub use event_log::Published;
pub use event_stream::EventStream;
pub use session::{CommandRefused, SessionHandle, SessionParts};
pub use team::{Member, Recruit, Team};
