//! The tool `write`: a whole file at once.

use std::sync::Arc;

use async_trait::async_trait;
use domain::{
    permission::{PathRules, PathUse},
    ports::ToolContext,
    tool::{Access, CallTarget, Preview, ToolOutcome},
    workspace::Bases,
};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::{
    confined::{Confined, FileError, Place, Seen},
    grant,
    off_thread::{Effects, look_off_thread, off_thread},
    preview::{self, Before},
    text::{counted, lines_in},
    tool::{Tool, Unfit},
};

/// Files up to this size are compared with what replaces them.
const COMPARED: u64 = 8 * 1024 * 1024;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Input {
    /// Relative to the workspace, or absolute in a folder added to it; missing folders are made.
    path: String,
    /// The whole content of the file.
    content: String,
}

/// What is to be written.
pub(crate) struct Call {
    input: Input,
    /// The path as rules and people see it.
    named: String,
    seen: Option<Seen>,
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
    type Call = Call;

    const NAME: &'static str = "write";
    const DESCRIPTION: &'static str = "Create a file of the workspace or replace all of its content. To change \
        parts of a file use `edit`.";
    const ACCESS: Access = Access::Edit;

    fn check(&self, input: Input) -> Result<Call, Unfit> {
        if input.path.is_empty() || input.path.ends_with('/') {
            return Err(Unfit::Meaningless(format!(
                "`path` has to name a file, and `{}` does not",
                input.path
            )));
        }
        let named = self.files.named(&input.path);
        Ok(Call { input, named, seen: None })
    }

    fn target(call: &Call) -> CallTarget {
        CallTarget::Path(call.named.clone())
    }

    async fn preview(&self, call: &mut Call, _bases: &Bases) -> Option<Preview> {
        let (files, path, content) =
            (Arc::clone(&self.files), call.input.path.clone(), call.input.content.clone());
        let shown = look_off_thread(move || show(&files, &path, content.as_bytes())).await;
        let (seen, text) = shown.map_or((Seen::Nothing, None), |(seen, text)| (seen, Some(text)));
        call.seen = Some(seen);
        text
    }

    async fn run(&self, call: Call, context: ToolContext) -> ToolOutcome {
        let place = match self.files.locate(&call.input.path) {
            Ok(place) => place,
            Err(error) => return error.outcome(),
        };
        if let Err(refusal) = grant::covers(context.writes.as_deref(), &place) {
            return refusal;
        }
        let (files, rules) = (Arc::clone(&self.files), context.paths);
        off_thread(context.cancelled, Effects::Possible, move |_| {
            replace(&files, &place, &call, &rules).unwrap_or_else(|error| error.outcome())
        })
        .await
    }
}

/// What stands there, and what would become of it.
fn show(files: &Confined, path: &str, content: &[u8]) -> Result<(Seen, Preview), FileError> {
    let place = files.locate(path)?;
    let target = files.target(&place, &[], &PathRules::default())?;
    let seen = target.seen(COMPARED)?;
    let text = match target.size() {
        None => preview::diff(&place, &Before::Missing, content),
        Some(size) if size > COMPARED => preview::diff(&place, &Before::Large(size), content),
        Some(_) => preview::diff(&place, &Before::Content(&target.content(COMPARED)?), content),
    };
    Ok((seen, text))
}

fn replace(
    files: &Confined,
    place: &Place,
    call: &Call,
    rules: &PathRules,
) -> Result<ToolOutcome, FileError> {
    let content = call.input.content.as_bytes();
    let target = files.target(place, &[PathUse::Write], rules)?;
    target.still(call.seen.as_ref(), COMPARED)?;
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
