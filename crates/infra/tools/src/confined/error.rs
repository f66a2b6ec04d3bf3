//! Why a file could not be reached, in words that a model can act on.

use std::{io, path::PathBuf};

use domain::tool::ToolOutcome;
use rustix::io::Errno;

use super::Place;
use crate::tool::with_causes;

/// The workspace, or a folder added to it, could not be opened.
#[derive(Debug, thiserror::Error)]
#[error("cannot open the folder {}: choose a folder that exists and that you may read", root.display())]
pub struct OpenError {
    /// The folder, as it was given.
    pub root: PathBuf,
    /// Why.
    #[source]
    pub source: io::Error,
}

/// A file could not be reached, read or replaced.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FileError {
    /// A NUL byte in a path.
    #[error("a path cannot hold a NUL byte")]
    Nul,
    /// By its words the path leaves the workspace and every added folder.
    #[error(
        "`{path}` is outside the workspace, and paths cannot leave it{}; a person who wants it reached starts with \
         `--add-dir`, naming its folder",
        if added.is_empty() { String::new() } else { format!(" but for absolute ones into {added}") }
    )]
    Outside {
        /// As it was given.
        path: String,
        /// The added folders, in words; empty without any.
        added: String,
    },
    /// A symbolic link on the path leads out of its folder.
    #[error(
        "`{place}` passes a symbolic link that is absolute or leads out of the workspace or added folder, which is \
         refused: name the file by its own path"
    )]
    LeadsOut {
        /// The path.
        place: Place,
    },
    /// A rule of the configuration forbids it.
    #[error("`{place}` is not for you: {rule}. A person who wants this changes `permissions.rules`")]
    Forbidden {
        /// The path, as it was given.
        place: Place,
        /// Which rule.
        rule: String,
    },
    /// It stands in a folder that was added for reading only.
    #[error(
        "`{place}` is in {folder}, which was added for reading only: a person who wants it changed starts with \
         `--add-dir {folder}`, without `:ro`"
    )]
    ReadOnlyFolder {
        /// The path.
        place: Place,
        /// The folder, as it was given.
        folder: String,
    },
    /// It is state of the kernel.
    #[error(
        "`{place}` belongs to the kernel ({name}) and not to anyone's files: tools neither read nor write it"
    )]
    System {
        /// The path.
        place: Place,
        /// The file system.
        name: &'static str,
    },
    /// It stands in an added folder, of which the engine keeps no states.
    #[error("`{place}` is no path of the workspace, and only of its files earlier states are known")]
    Unkept {
        /// The path.
        place: Place,
    },
    /// Something is to be written through a symbolic link.
    #[error(
        "`{link}` is a symbolic link to `{target}`, and nothing is written through links: \
         if that is inside the workspace, name its own path"
    )]
    ThroughLink {
        /// The link.
        link: Place,
        /// What it holds.
        target: String,
    },
    /// The file tools never write this.
    #[error("`{place}` is protected ({what}) and cannot be written by tools: a person has to change it")]
    Protected {
        /// The path.
        place: Place,
        /// What is protected there.
        what: &'static str,
    },
    /// Nothing has that name.
    #[error("there is no `{place}`: look for the right name with `glob`")]
    Missing {
        /// The path.
        place: Place,
    },
    /// A file was wanted.
    #[error("`{place}` is a folder: list it with `glob` (pattern `*`, path `{place}`)")]
    Folder {
        /// The path.
        place: Place,
    },
    /// A folder was wanted.
    #[error("`{place}` is no folder, or passes something that is none")]
    NoFolder {
        /// The path.
        place: Place,
    },
    /// Neither a file nor a folder.
    #[error("`{place}` is {kind}, which cannot be read or written as a file")]
    NotAFile {
        /// The path.
        place: Place,
        /// What it is.
        kind: &'static str,
    },
    /// Its permissions forbid writing.
    #[error("`{place}` is read-only: a person has to make it writable first, if it should change at all")]
    ReadOnly {
        /// The path.
        place: Place,
    },
    /// Somebody else wrote it while a person looked at what the call would do.
    #[error(
        "`{place}` was changed while the person was deciding and was left as it is: read it again, then ask again"
    )]
    ChangedMeanwhile {
        /// The path.
        place: Place,
    },
    /// Somebody else wrote it meanwhile.
    #[error("`{place}` was changed by someone else at the same moment and was left as it is: read it again")]
    Changed {
        /// The path.
        place: Place,
    },
    /// Too large to hold in memory.
    #[error("`{place}` has {size} bytes, more than the {most} that can be changed this way: use a command")]
    TooLarge {
        /// The path.
        place: Place,
        /// Its size in bytes.
        size: u64,
        /// The most bytes.
        most: u64,
    },
    /// The system refused.
    #[error("cannot {doing} `{place}`")]
    Io {
        /// The step.
        doing: &'static str,
        /// The path.
        place: Place,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl FileError {
    /// What an error number means while a file is looked for or read.
    pub(super) fn of_reading(place: &Place, errno: Errno) -> Self {
        Self::of("read", place, errno)
    }

    /// What an error number means at the step `doing`.
    pub(super) fn of(doing: &'static str, place: &Place, errno: Errno) -> Self {
        let place = place.clone();
        match errno {
            Errno::XDEV => Self::LeadsOut { place },
            Errno::NOENT => Self::Missing { place },
            Errno::NOTDIR => Self::NoFolder { place },
            _ => Self::Io { doing, place, source: errno.into() },
        }
    }

    /// The outcome that tells the model: `denied` where a rule forbids it, `error` where it does not work.
    pub(crate) fn outcome(&self) -> ToolOutcome {
        let text = with_causes(self);
        match self {
            Self::Outside { .. }
            | Self::LeadsOut { .. }
            | Self::Forbidden { .. }
            | Self::ReadOnlyFolder { .. }
            | Self::System { .. }
            | Self::ThroughLink { .. }
            | Self::Protected { .. } => ToolOutcome::denied(text),
            Self::Nul
            | Self::Missing { .. }
            | Self::Unkept { .. }
            | Self::Folder { .. }
            | Self::NoFolder { .. }
            | Self::NotAFile { .. }
            | Self::ReadOnly { .. }
            | Self::Changed { .. }
            | Self::ChangedMeanwhile { .. }
            | Self::TooLarge { .. }
            | Self::Io { .. } => ToolOutcome::error(text),
        }
    }
}
