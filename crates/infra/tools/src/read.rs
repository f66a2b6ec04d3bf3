//! The tool `read`: a page of a text file, with line numbers.

mod page;
mod witness;

use std::{io, num::NonZeroU64, sync::Arc};

use async_trait::async_trait;
use domain::{
    id::RunId,
    ports::ToolContext,
    tool::{Access, CallTarget, ToolOutcome},
};
use schemars::JsonSchema;
use serde::Deserialize;

pub(crate) use self::page::{Page, Range};
use self::witness::Witness;
use crate::{
    confined::{Confined, FileError, Opened, Place, VERSIONED},
    off_thread::{Effects, Stop, off_thread},
    stale_guard::{StaleGuard, State},
    tool::{Tool, Unfit, with_causes},
};

/// Files up to this size are read at once, by the thread that asks: that takes less than to hand them over.
const READ_AT_ONCE: u64 = 256 * 1024;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Input {
    /// Relative to the workspace, or absolute in a folder added to it.
    path: String,
    /// The first line to show, from 1.
    #[serde(default = "first_line")]
    offset: NonZeroU64,
    /// How many lines to show.
    #[serde(default = "page_of_lines")]
    limit: NonZeroU64,
}

const fn first_line() -> NonZeroU64 {
    NonZeroU64::MIN
}

const fn page_of_lines() -> NonZeroU64 {
    NonZeroU64::MIN.saturating_add(Range::BEGINNING.lines - 1)
}

/// What is to be read.
pub(crate) struct Call {
    path: String,
    /// The path as rules and people see it.
    named: String,
    range: Range,
}

/// Reads files.
pub(crate) struct Read {
    files: Arc<Confined>,
    guard: Arc<StaleGuard>,
}

impl Read {
    /// Reads files of that workspace, and says so to the guard.
    pub(crate) fn new(files: Arc<Confined>, guard: Arc<StaleGuard>) -> Self {
        Self { files, guard }
    }
}

#[async_trait]
impl Tool for Read {
    type Input = Input;
    type Call = Call;

    const NAME: &'static str = "read";
    const DESCRIPTION: &'static str = "Read a text file of the workspace. Each line comes with its number and a tab \
        before it, which are not part of the file. Long files come in pages: go on with `offset`. Of binary files \
        you get type, size and fingerprint.";
    const ACCESS: Access = Access::Read;

    fn check(&self, input: Input) -> Result<Call, Unfit> {
        let range = Range { first: input.offset.get(), lines: input.limit.get() };
        Ok(Call { named: self.files.named(&input.path), path: input.path, range })
    }

    fn target(call: &Call) -> CallTarget {
        CallTarget::Path(call.named.clone())
    }

    async fn run(&self, call: Call, context: ToolContext) -> ToolOutcome {
        let place = match self.files.find(&call.path) {
            Ok(place) => place,
            Err(error) => return error.outcome(),
        };
        let reader =
            Reader { files: Arc::clone(&self.files), guard: Arc::clone(&self.guard), run: context.run };
        match self.files.open(&place, &context.paths) {
            Err(error) => {
                if matches!(error, FileError::Missing { .. }) {
                    self.guard.saw(context.run, &self.files.absolute(&place), State::MISSING);
                }
                error.outcome()
            }
            Ok(opened) if opened.size <= READ_AT_ONCE => {
                reader.show(opened, &place, call.range, &Stop::default())
            }
            Ok(opened) => {
                off_thread(context.cancelled, Effects::None, move |stop| {
                    reader.show(opened, &place, call.range, stop)
                })
                .await
            }
        }
    }
}

/// Reads for a run.
struct Reader {
    files: Arc<Confined>,
    guard: Arc<StaleGuard>,
    run: RunId,
}

impl Reader {
    fn show(&self, opened: Opened, place: &Place, range: Range, stop: &Stop) -> ToolOutcome {
        self.try_to_show(opened, place, range, stop).unwrap_or_else(|source: io::Error| {
            let error = FileError::Io { doing: "read", place: place.clone(), source };
            ToolOutcome::error(with_causes(&error))
        })
    }

    /// Whatever page it is, the run has then seen this version of the whole file.
    fn try_to_show(
        &self,
        mut opened: Opened,
        place: &Place,
        range: Range,
        stop: &Stop,
    ) -> io::Result<ToolOutcome> {
        let path = self.files.real_path(&opened, place);
        let (outcome, seen) = if opened.size > VERSIONED {
            // As it is before it is read: what comes meanwhile was not seen.
            let version = opened.large()?;
            (
                Page::read(&mut opened.file, opened.size, range, 0, stop)?,
                Some(State { version, content: None }),
            )
        } else {
            let mut witness = Witness::of(&mut opened.file);
            let outcome = Page::read(&mut witness, opened.size, range, 0, stop)?;
            (outcome, witness.finish(stop)?)
        };
        if let (Some(path), Some(seen)) = (path, seen) {
            self.guard.saw(self.run, &path, seen);
        }
        Ok(outcome)
    }
}

#[cfg(test)]
mod tests;
