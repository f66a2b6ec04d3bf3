//! Protected files that a command changed and that could not be put back (contract 6): the round ends, and says what a
//! person has to mend before git or this program is used here again. And what the wall around commands says of itself.

use domain::{
    command::WallNotice,
    event::EventBody,
    outcome::{Ending, FailReason},
    past::PROTECTED_FILES_CHANGED,
    ports::JournalError,
    run::RunEnd,
};

use super::{RoundContext, chain::WorkEnd};

impl RoundContext {
    /// Says what the wall has to say, and looks whether something protected stays changed. If so, that is said, once, and
    /// the round is stopped. Call when a command or the servers of a run have ended.
    pub(crate) async fn heed_protected_files(&self) -> Result<(), JournalError> {
        for WallNotice { code, text } in self.ports.processes.notices().await {
            self.append(EventBody::Notice { code: code.to_owned(), text }).await?;
        }
        if self.state().protection_failed {
            return Ok(());
        }
        let still_changed = self.ports.processes.still_changed().await;
        if still_changed.is_empty() {
            return Ok(());
        }
        self.state().protection_failed = true;
        self.append(EventBody::Error {
            code: PROTECTED_FILES_CHANGED.to_owned(),
            text: "a command changed protected files, and they could not be put back".to_owned(),
            chain: still_changed.iter().map(ToString::to_string).collect(),
        })
        .await?;
        self.stop.trigger(Ending::Failed(FailReason::Internal));
        Ok(())
    }

    /// The end of a round of which nobody may think that it went well.
    pub(crate) fn with_protection(&self, end: WorkEnd) -> WorkEnd {
        match end {
            WorkEnd::Manager(RunEnd::Stopped(_) | RunEnd::Failed(_)) => end,
            _ if self.state().protection_failed => {
                WorkEnd::Manager(RunEnd::Stopped(Ending::Failed(FailReason::Internal)))
            }
            end => end,
        }
    }
}
