//! The journal in SQLite and the finished records (contract 3, "Places").
//!
//! [`SqliteJournal`] keeps every session's events in one database; [`RecordFiles`] writes one JSON file for each
//! finished session. Nothing appears on disk before there is something to keep. Searching, deleting and
//! compressing are not done here yet; what events mean is `domain`'s business.

mod artifact;
mod error;
mod files;
mod journal;
mod record;

pub use artifact::ArtifactFiles;
pub use error::StoreError;
pub use journal::{ReadBack, SessionSummary, SqliteJournal, Stretch};
pub use record::RecordFiles;
