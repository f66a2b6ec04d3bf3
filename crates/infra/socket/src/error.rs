//! What can go wrong with the socket, on either end.

use std::{io, path::PathBuf};

use domain::id::SessionId;

use crate::owned::Refusal;

/// Why a process cannot be reached by others. Its sessions work nevertheless.
#[derive(Debug, thiserror::Error)]
pub enum SocketError {
    /// The folder is not there and cannot be made, or is open to others and cannot be closed.
    #[error("cannot make the folder {} for sockets private: check who owns it, or set BETTER_LLM_HOME", folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Somebody else is at work on the sockets of the folder and does not get done.
    #[error("cannot lock the folder {}: look for a hanging better-llm", folder.display())]
    Lock {
        /// The folder.
        folder: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The path is longer than addresses of sockets can be, and this system knows no way around.
    #[error("the path {} is too long for a socket: set BETTER_LLM_HOME to a folder with a shorter path", place.display())]
    TooLong {
        /// The socket.
        place: PathBuf,
    },
    /// The socket cannot be made.
    #[error("cannot listen at {}: set BETTER_LLM_HOME to a folder on a local disk", place.display())]
    Listen {
        /// The socket.
        place: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// Why a session of another process cannot be watched or told something.
#[derive(Debug, thiserror::Error)]
pub enum AttachError {
    /// No process that lives owns it.
    #[error("session {0} is not at work on this machine: go on with it by `--resume {0}`")]
    NotAtWork(SessionId),
    /// The owner's socket does not take us.
    #[error("cannot reach the owner of the session at {}: has it just ended?", place.display())]
    Connect {
        /// The socket.
        place: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The socket belongs to another user.
    #[error("{} belongs to another user: it is not trusted", place.display())]
    NotOurs {
        /// The socket.
        place: PathBuf,
    },
    /// The owner does not do what was asked for.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The owner is gone without a last word, or does not answer.
    #[error("the session's owner is gone, or does not answer: go on with the session by `--resume`")]
    Lost {
        /// Why; none where the connection just ended.
        #[source]
        source: Option<io::Error>,
    },
    /// The owner says what this program does not understand.
    #[error("the session's owner says what is not understood here: is it of another version?")]
    Garbled {
        /// Why.
        #[source]
        source: serde_json::Error,
    },
}
