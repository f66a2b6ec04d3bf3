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
    stale_guard::{Caller, Doing, Guarded, StaleGuard, State},
    text::{counted, lines_in},
    tool::{Tool, Unfit},
};

/// Files up to this size are shown beside what would replace them.
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
    guard: Arc<StaleGuard>,
}

impl Write {
    /// Writes files of that workspace, as far as the guard lets it.
    pub(crate) fn new(files: Arc<Confined>, guard: Arc<StaleGuard>) -> Self {
        Self { files, guard }
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
        let guarded = Guarded {
            files: Arc::clone(&self.files),
            guard: Arc::clone(&self.guard),
            caller: Caller { agent: context.agent, run: context.run },
            rules: context.paths,
        };
        off_thread(context.cancelled, Effects::Possible, move |_| {
            replace(&guarded, &place, &call).unwrap_or_else(|error| error.outcome())
        })
        .await
    }
}

/// What stands there, and what would become of it.
fn show(files: &Confined, path: &str, content: &[u8]) -> Result<(Seen, Preview), FileError> {
    let place = files.locate(path)?;
    let target = files.target(&place, &[], &PathRules::default())?;
    let text = match target.size() {
        None => preview::diff(&place, &Before::Missing, content),
        Some(size) if size > COMPARED => preview::diff(&place, &Before::Large(size), content),
        Some(_) => preview::diff(&place, &Before::Content(&target.content(COMPARED)?), content),
    };
    Ok((Seen::Version(target.version()?), text))
}

fn replace(guarded: &Guarded, place: &Place, call: &Call) -> Result<ToolOutcome, FileError> {
    let content = call.input.content.as_bytes();
    let target = guarded.files.target(place, &[PathUse::Write], &guarded.rules)?;
    let now = State { content: target.content_if_small()?, version: target.version()? };
    target.still(call.seen.as_ref())?;
    let path = target.real_path();
    if now.content.as_deref() == Some(content) {
        guarded.guard.saw(guarded.caller.run, &path, now);
        return Ok(ToolOutcome::ok(format!(
            "`{place}` already has exactly this content; nothing was changed"
        )));
    }
    let lines = counted(lines_in(content), "line", "lines");
    let done = match (target.size(), &now.content) {
        (None, _) => format!("created `{place}` ({lines})"),
        (Some(_), Some(before)) => {
            format!("replaced `{place}` ({lines}; before: {})", counted(lines_in(before), "line", "lines"))
        }
        (Some(size), None) => format!("replaced `{place}` ({lines}; before: {size} bytes)"),
    };
    if let Err(refused) = guarded.judge(place, &path, now, Doing::Replace) {
        return Ok(refused);
    }
    let version = target.replace(content)?;
    guarded.guard.changed(&guarded.caller, &path, State { version, content: Some(content.to_vec()) });
    Ok(ToolOutcome::ok(done))
}

#[cfg(test)]
mod tests;
