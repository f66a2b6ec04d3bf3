//! The socket of a process that owns sessions (contract 3): others of the same user read their events and send commands.
//!
//! `docs/socket.md` is its protocol. [`Server`] listens at `state/run/<pid>.sock` and reaches the sessions through
//! [`Owned`]; [`attach`] and [`owners`] are the other end. A session never waits for a client: whoever reads slowly loses
//! deltas and gets every event from the journal; whoever takes nothing is let go.
//!
//! What a command does and whether it fits is the session's business. Other users, other machines and commands inside of
//! a sandbox are not served.

mod client;
mod connection;
mod error;
mod inbox;
mod outbox;
mod owned;
mod place;
mod reply;
mod request;
mod server;

pub use client::{Attached, Owner, Watching, attach, owners};
pub use error::{AttachError, SocketError};
pub use owned::{Doing, Happenings, Owned, Refusal, SessionState};
pub use server::Server;

/// The version of the protocol.
pub const VERSION: u32 = 1;
