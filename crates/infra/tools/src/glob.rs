//! The tool `glob`: files by their names.

use std::{path::Path, sync::Arc};

use async_trait::async_trait;
use domain::{
    permission::PathRules,
    ports::ToolContext,
    tool::{Access, CallTarget, ToolOutcome},
};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::{
    confined::{Confined, EntryKind, FileError},
    off_thread::{Effects, Stop, off_thread},
    output::Output,
    pattern::{Bare, Pattern},
    text::counted,
    tool::{Tool, Unfit},
    walk::Walk,
};

/// The most paths of one answer.
const MOST_PATHS: u64 = 1_000;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Input {
    /// For example `**/*.rs`, `src/*`, `*.{md,txt}`.
    pattern: String,
    /// The folder to look in, relative to the workspace, or absolute in a folder added to it; the workspace itself if
    /// left out.
    #[serde(default)]
    path: Option<String>,
}

/// What to look for, and where.
pub(crate) struct Call {
    base: String,
    /// The base as rules and people see it.
    named: String,
    /// Relative to the base.
    pattern: String,
    matcher: Pattern,
}

/// Finds files.
pub(crate) struct GlobTool {
    files: Arc<Confined>,
}

impl GlobTool {
    /// Finds files of that workspace.
    pub(crate) fn new(files: Arc<Confined>) -> Self {
        Self { files }
    }
}

#[async_trait]
impl Tool for GlobTool {
    type Input = Input;
    type Call = Call;

    const NAME: &'static str = "glob";
    const DESCRIPTION: &'static str = "List paths of the workspace that match a glob, sorted. `*` stays within one \
        folder, `**` crosses folders, so `*` lists one folder and `**/*.rs` finds files at any depth. Patterns \
        without `**` list folders, too, with a `/` at the end. What git ignores is left out unless `path` names it.";
    const ACCESS: Access = Access::Read;

    fn check(&self, input: Input) -> Result<Call, Unfit> {
        let pattern = input.pattern.strip_prefix("./").unwrap_or(&input.pattern);
        if pattern.is_empty() {
            return Err(Unfit::Meaningless("`pattern` is empty: `*` lists a folder".to_owned()));
        }
        if Path::new(pattern).is_absolute() {
            return Err(Unfit::Meaningless(format!(
                "`{pattern}` is absolute: patterns are relative; name the folder in `path`"
            )));
        }
        let matcher =
            Pattern::parse(pattern.trim_end_matches('/'), Bare::WholePath).map_err(Unfit::Meaningless)?;
        let base = input.path.unwrap_or_default();
        Ok(Call { named: self.files.named(&base), base, pattern: pattern.to_owned(), matcher })
    }

    fn target(call: &Call) -> CallTarget {
        CallTarget::Path(call.named.clone())
    }

    async fn run(&self, call: Call, context: ToolContext) -> ToolOutcome {
        let (files, rules) = (Arc::clone(&self.files), context.paths);
        off_thread(context.cancelled, Effects::None, move |stop| {
            list(&files, &call, &rules, stop).unwrap_or_else(|error| error.outcome())
        })
        .await
    }
}

fn list(files: &Confined, call: &Call, rules: &PathRules, stop: &Stop) -> Result<ToolOutcome, FileError> {
    let base = files.find(&call.base)?;
    let crosses_folders = call.pattern.contains("**");
    let only_folders = call.pattern.ends_with('/');
    let deepest = (!crosses_folders).then(|| call.pattern.trim_end_matches('/').split('/').count());
    let mut walk = Walk::new(files, &base, deepest, rules, stop)?;
    let mut output = Output::new();
    let (mut found, mut shown) = (0_u64, 0_u64);
    for entry in &mut walk {
        let is_folder = entry.kind == EntryKind::Folder;
        let is_wanted = if only_folders { is_folder } else { !is_folder || !crosses_folders };
        let relative = entry.place.as_path().strip_prefix(base.as_path()).unwrap_or(entry.place.as_path());
        if !is_wanted || !call.matcher.matches(relative) {
            continue;
        }
        found = found.saturating_add(1);
        let line = format!("{}{}", entry.place, if is_folder { "/" } else { "" });
        if found > MOST_PATHS {
            output.omit(crate::text::count(line.len()).saturating_add(1));
        } else if output.line(&line) {
            shown = found;
        }
    }
    let mut notes = Vec::new();
    if shown < found {
        notes.push(format!(
            "{} left out: narrow the pattern",
            counted(found - shown, "more path", "more paths")
        ));
    }
    if found == 0 {
        let hint = if crosses_folders { "" } else { "; `**/` before a name looks in every folder" };
        notes.push(format!("no path matches{hint}"));
    }
    notes.extend(walk.notes());
    Ok(output.finish(&notes))
}

#[cfg(test)]
mod tests;
