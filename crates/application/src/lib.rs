//! Carries the domain's decisions out, through ports.
//!
//! One request as a straight line: [`session`] takes the person's message, `round` lets the manager run, or the workers
//! that the person called (`chain`), and says how that ended (`end`). `agent_run` drives one agent between model
//! (`open_request`, `spending`) and tools (`tool_runner`); a worker's run is a tool of the manager (`worker`). Where the
//! person is asked, waited for or heard, `person` does it. Everything that happens goes through [`event_log`]; whatever
//! ends early ends by `stop`. Decisions are made in `domain`; this crate waits.
//!
//! It knows no HTTP, no SQLite, no file system and no terminal.

pub mod event_log;
pub mod event_stream;
pub mod session;
pub mod team;

mod agent_run;
mod coordination;
mod deltas;
mod locking;
mod logging;
mod person;
mod round;
#[cfg(test)]
mod simulator;
mod stop;
mod telling;

pub use event_log::Published;
pub use event_stream::EventStream;
pub use session::{CommandRefused, SessionHandle, SessionLink, SessionParts, SessionStanding};
pub use team::{Member, Recruit, Team};
