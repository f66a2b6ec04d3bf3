//! The tool `read`: a page of a text file, with line numbers.

mod page;

use std::{io, num::NonZeroU64, sync::Arc};

use async_trait::async_trait;
use domain::{
    ports::ToolContext,
    tool::{Access, CallTarget, ToolOutcome},
};
use schemars::JsonSchema;
use serde::Deserialize;

use self::page::{Page, Range};
use crate::{
    confined::{Confined, FileError, Opened, Place},
    off_thread::{Effects, Stop, off_thread},
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
    NonZeroU64::MIN.saturating_add(1_999)
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
}

impl Read {
    /// Reads files of that workspace.
    pub(crate) fn new(files: Arc<Confined>) -> Self {
        Self { files }
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
        let found = self.files.find(&call.path);
        let opened =
            found.and_then(|place| self.files.open(&place, &context.paths).map(|opened| (place, opened)));
        match opened {
            Err(error) => error.outcome(),
            Ok((place, opened)) if opened.size <= READ_AT_ONCE => {
                show(opened, &place, call.range, &Stop::default())
            }
            Ok((place, opened)) => {
                off_thread(context.cancelled, Effects::None, move |stop| {
                    show(opened, &place, call.range, stop)
                })
                .await
            }
        }
    }
}

fn show(opened: Opened, place: &Place, range: Range, stop: &Stop) -> ToolOutcome {
    Page::read(opened.file, opened.size, range, stop).unwrap_or_else(|source: io::Error| {
        let error = FileError::Io { doing: "read", place: place.clone(), source };
        ToolOutcome::error(with_causes(&error))
    })
}

#[cfg(test)]
mod tests;
