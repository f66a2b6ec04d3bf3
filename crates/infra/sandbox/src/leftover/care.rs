//! What a session does beforehand, so that nothing of it outlives it: marks, a note, a helper.

use std::io;

use super::{Leftovers, Note};
use crate::{
    error::SandboxError,
    helper::Keeper,
    mark::{Mark, Marks},
    settings::SandboxSettings,
};

/// Taken before the first command of a session; given up with the session, when its commands are gone.
#[derive(Debug)]
pub(crate) struct Care {
    marks: Option<Marks>,
    /// None in programs that cannot be their own helper.
    keeper: Option<Keeper>,
    leftovers: Leftovers,
    note: Note,
}

impl Care {
    /// Writes the note; starts no helper yet.
    pub(crate) fn take(settings: &SandboxSettings) -> Result<Self, SandboxError> {
        let marks = Marks::new();
        let failed = |source| SandboxError::Note { path: settings.run_folder.clone(), source };
        let mark = marks.as_ref().map(Marks::of_session);
        let leftovers = Leftovers::of_this_process(mark, settings).map_err(failed)?;
        let note = Note::write(&settings.run_folder, &leftovers).map_err(failed)?;
        Ok(Self { marks, keeper: settings.helper.clone().map(Keeper::new), leftovers, note })
    }

    /// Kills every process of the session, for want of time to end them in order.
    pub(crate) fn end_processes(&self) {
        if let Err(error) = self.leftovers.end_processes() {
            tracing::warn!(note = %self.note.place().display(), %error, "processes of the session stay behind");
        }
    }

    /// Sees to it that the helper is there. Call before a command of a model's or a person's is started.
    pub(crate) fn ensure_helper(&self) -> io::Result<()> {
        self.keeper.as_ref().map_or(Ok(()), |keeper| keeper.ensure(self.note.place()))
    }

    /// The mark of the next command.
    pub(crate) fn next_mark(&self) -> Option<Mark> {
        self.marks.as_ref().map(Marks::next)
    }

    /// What it does not reach, to be added to the reason of a level.
    pub(crate) fn gaps(&self) -> String {
        let mut gaps = String::new();
        if self.marks.is_none() {
            gaps.push_str("; a daemon that left its command's process group and parents may outlive it");
        }
        if self.keeper.is_none() {
            gaps.push_str(
                "; no helper process: what runs when this program is killed runs on until its next start",
            );
        }
        gaps
    }
}
