//! The tool `write`: a whole file at once.

use std::sync::Arc;

use async_trait::async_trait;
use domain::{
    ports::ToolContext,
    tool::{Access, CallTarget, ToolOutcome},
};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::{
    confined::{Confined, FileError, Place},
    grant,
    off_thread::{Effects, off_thread},
    text::{counted, lines_in},
    tool::{Tool, Unfit},
};

/// Files up to this size are compared with what replaces them.
const COMPARED: u64 = 8 * 1024 * 1024;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Input {
    /// Relative to the workspace; missing folders are made.
    path: String,
    /// The whole content of the file.
    content: String,
}

/// Writes files.
pub(crate) struct Write {
    files: Arc<Confined>,
}

impl Write {
    /// Writes files of that workspace.
    pub(crate) fn new(files: Arc<Confined>) -> Self {
        Self { files }
    }
}

#[async_trait]
impl Tool for Write {
    type Input = Input;
    type Call = Input;

    const NAME: &'static str = "write";
    const DESCRIPTION: &'static str = "Create a file of the workspace or replace all of its content. To change \
        parts of a file use `edit`.";
    const ACCESS: Access = Access::Edit;

    fn check(&self, input: Input) -> Result<Input, Unfit> {
        if input.path.is_empty() || input.path.ends_with('/') {
            return Err(Unfit::Meaningless(format!(
                "`path` has to name a file, and `{}` does not",
                input.path
            )));
        }
        Ok(input)
    }

    fn target(call: &Input) -> CallTarget {
        CallTarget::Path(call.path.clone())
    }

    async fn run(&self, call: Input, context: ToolContext) -> ToolOutcome {
        let place = match self.files.locate(&call.path) {
            Ok(place) => place,
            Err(error) => return error.outcome(),
        };
        if let Err(refusal) = grant::covers(context.writes.as_deref(), &place) {
            return refusal;
        }
        let files = Arc::clone(&self.files);
        off_thread(context.cancelled, Effects::Possible, move |_| {
            replace(&files, &place, call.content.as_bytes()).unwrap_or_else(|error| error.outcome())
        })
        .await
    }
}

fn replace(files: &Confined, place: &Place, content: &[u8]) -> Result<ToolOutcome, FileError> {
    let target = files.target(place)?;
    let lines = counted(lines_in(content), "line", "lines");
    let done = match target.size() {
        None => format!("created `{place}` ({lines})"),
        Some(size) if size > COMPARED => format!("replaced `{place}` ({lines}; before: {size} bytes)"),
        Some(_) => {
            let before = target.content(COMPARED)?;
            if before == content {
                return Ok(ToolOutcome::ok(format!(
                    "`{place}` already has exactly this content; nothing was changed"
                )));
            }
            format!("replaced `{place}` ({lines}; before: {})", counted(lines_in(&before), "line", "lines"))
        }
    };
    target.replace(content)?;
    Ok(ToolOutcome::ok(done))
}

#[cfg(test)]
mod tests;
