//! The tool `edit`: a text in a file replaced by another, and not a byte besides.

mod matching;
mod near_miss;

use std::sync::Arc;

use async_trait::async_trait;
use domain::{
    ports::ToolContext,
    tool::{Access, CallTarget, ToolOutcome},
};
use schemars::JsonSchema;
use serde::Deserialize;

use self::matching::{Matches, replaced};
use crate::{
    confined::{Confined, FileError, Place},
    grant,
    off_thread::{Effects, off_thread},
    text::{count, counted},
    tool::{Tool, Unfit},
};

/// The largest file that can be edited.
const LARGEST: u64 = 32 * 1024 * 1024;
/// The most line numbers that are named.
const MOST_NAMED: usize = 10;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Input {
    /// Relative to the workspace.
    path: String,
    /// The text to replace, exactly as it stands in the file, without line numbers. It has to occur once.
    #[schemars(length(min = 1))]
    old_string: String,
    /// The text to put there.
    new_string: String,
    /// Replace every occurrence.
    #[serde(default)]
    replace_all: bool,
}

/// Edits files.
pub(crate) struct Edit {
    files: Arc<Confined>,
}

impl Edit {
    /// Edits files of that workspace.
    pub(crate) fn new(files: Arc<Confined>) -> Self {
        Self { files }
    }
}

#[async_trait]
impl Tool for Edit {
    type Input = Input;
    type Call = Input;

    const NAME: &'static str = "edit";
    const DESCRIPTION: &'static str = "Replace a text in a file of the workspace. `old_string` has to match exactly, \
        white space included, and only once, unless `replace_all` is true: take in enough of the lines around it. \
        Line ends (CRLF), byte order mark and all other bytes stay as they are.";
    const ACCESS: Access = Access::Edit;

    fn check(&self, input: Input) -> Result<Input, Unfit> {
        if input.old_string.is_empty() {
            return Err(Unfit::Malformed(
                "`old_string` is empty: create files and fill empty ones with `write`".to_owned(),
            ));
        }
        if input.old_string == input.new_string {
            return Err(Unfit::Meaningless("`old_string` and `new_string` are the same".to_owned()));
        }
        Ok(input)
    }

    fn target(call: &Input) -> CallTarget {
        CallTarget::Path(call.path.clone())
    }

    async fn run(&self, call: Input, context: ToolContext) -> ToolOutcome {
        let place = match self.files.find(&call.path) {
            Ok(place) => place,
            Err(error) => return error.outcome(),
        };
        if let Err(refusal) = grant::covers(context.writes.as_deref(), &place) {
            return refusal;
        }
        let files = Arc::clone(&self.files);
        off_thread(context.cancelled, Effects::Possible, move |_| {
            edit(&files, &place, &call).unwrap_or_else(|error| error.outcome())
        })
        .await
    }
}

fn edit(files: &Confined, place: &Place, call: &Input) -> Result<ToolOutcome, FileError> {
    let target = files.target(place)?;
    let content = target.content(LARGEST)?;
    let found = Matches::of(&call.old_string, &content);
    if found.is_empty() {
        let hint = near_miss::hint(&call.old_string, &content);
        return Ok(ToolOutcome::error(format!(
            "`old_string` does not occur in `{place}`, which was left as it is. {hint}"
        )));
    }
    if !call.replace_all && found.is_ambiguous() {
        return Ok(ToolOutcome::error(format!(
            "`old_string` occurs {} times in `{place}` ({}), which was left as it is: take in more of the lines \
             around the one you mean, or set `replace_all`",
            found.overlapping(),
            lines(&found)
        )));
    }
    let edited = replaced(&content, &found, &call.new_string);
    if edited == content {
        return Ok(ToolOutcome::error(format!(
            "this would change nothing in `{place}`: its line ends are kept as they are; `write` can change them"
        )));
    }
    target.replace(&edited)?;
    Ok(ToolOutcome::ok(format!(
        "edited `{place}`: {} ({})",
        counted(count(found.len()), "replacement", "replacements"),
        lines(&found)
    )))
}

/// `line 3`, `lines 3, 7`; no more than can be read.
fn lines(found: &Matches) -> String {
    let numbers = found.line_numbers();
    let named: Vec<String> = numbers.iter().take(MOST_NAMED).map(u64::to_string).collect();
    let more = if numbers.len() > MOST_NAMED { ", ..." } else { "" };
    format!("{} {}{more}", if numbers.len() == 1 { "line" } else { "lines" }, named.join(", "))
}

#[cfg(test)]
mod tests;
