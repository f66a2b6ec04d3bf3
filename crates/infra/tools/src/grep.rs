//! The tool `grep`: lines by their content.

mod search;

use std::sync::Arc;

use async_trait::async_trait;
use domain::{
    permission::PathRules,
    ports::ToolContext,
    tool::{Access, CallTarget, ToolOutcome},
};
use regex::{Regex, RegexBuilder};
use schemars::JsonSchema;
use serde::Deserialize;

use self::search::Search;
use crate::{
    confined::{Confined, EntryKind, FileError},
    off_thread::{Effects, Stop, off_thread},
    pattern::{Bare, Pattern},
    spelling::composed,
    tool::{Tool, Unfit},
    walk::Walk,
};

const MOST_CONTEXT: u32 = 50;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Input {
    /// A regular expression (Rust syntax: no look-around, no back references), matched line by line.
    pattern: String,
    /// A folder or file to search, relative to the workspace, or absolute in a folder added to it; the workspace if
    /// left out.
    #[serde(default)]
    path: Option<String>,
    /// Only files that match this glob; without `/` it is compared with the name alone, for example `*.rs`.
    #[serde(default)]
    glob: Option<String>,
    /// How many lines to show before and after each match.
    #[serde(default)]
    #[schemars(range(max = 50))]
    context: u32,
}

/// What to search for, and where.
pub(crate) struct Call {
    base: String,
    /// The base as rules and people see it.
    named: String,
    wanted: Wanted,
}

/// What makes a line a match.
pub(crate) struct Wanted {
    regex: Regex,
    /// Whether decomposed text has to be composed first to be found.
    is_ascii: bool,
    glob: Option<Pattern>,
    context: usize,
}

/// Searches files.
pub(crate) struct Grep {
    files: Arc<Confined>,
}

impl Grep {
    /// Searches files of that workspace.
    pub(crate) fn new(files: Arc<Confined>) -> Self {
        Self { files }
    }
}

#[async_trait]
impl Tool for Grep {
    type Input = Input;
    type Call = Call;

    const NAME: &'static str = "grep";
    const DESCRIPTION: &'static str = "Search the files of the workspace for a regular expression, line by line. \
        Matches come as `path:number:text`, lines of context as `path-number-text`. What git ignores is left out \
        unless `path` names it. `(?i)` at the beginning of the pattern ignores case.";
    const ACCESS: Access = Access::Read;

    fn check(&self, input: Input) -> Result<Call, Unfit> {
        if input.pattern.is_empty() || input.pattern.contains('\n') {
            return Err(Unfit::Meaningless(
                "`pattern` is empty or holds a line break: it is matched against one line at a time"
                    .to_owned(),
            ));
        }
        if input.context > MOST_CONTEXT {
            return Err(Unfit::Malformed(format!("`context` has to be from 0 to {MOST_CONTEXT}")));
        }
        let regex = RegexBuilder::new(&composed(&input.pattern))
            .build()
            .map_err(|error| Unfit::Meaningless(format!("`pattern` is no regular expression: {error}")))?;
        let glob = input.glob.as_deref().map(|glob| Pattern::parse(glob, Bare::LastName)).transpose();
        let base = input.path.unwrap_or_default();
        Ok(Call {
            named: self.files.named(&base),
            base,
            wanted: Wanted {
                regex,
                is_ascii: input.pattern.is_ascii(),
                glob: glob.map_err(Unfit::Meaningless)?,
                context: usize::try_from(input.context).unwrap_or(0),
            },
        })
    }

    fn target(call: &Call) -> CallTarget {
        CallTarget::Path(call.named.clone())
    }

    async fn run(&self, call: Call, context: ToolContext) -> ToolOutcome {
        let (files, rules) = (Arc::clone(&self.files), context.paths);
        off_thread(context.cancelled, Effects::None, move |stop| {
            search(&files, &call, &rules, stop).unwrap_or_else(|error| error.outcome())
        })
        .await
    }
}

fn search(files: &Confined, call: &Call, rules: &PathRules, stop: &Stop) -> Result<ToolOutcome, FileError> {
    let base = files.find(&call.base)?;
    let mut search = Search::new(files, &call.wanted, rules, stop);
    if files.kind(&base, rules)? != EntryKind::Folder {
        search.file(&base, files.open(&base, rules)?);
        return Ok(search.finish(Vec::new()));
    }
    let mut walk = Walk::new(files, &base, None, rules, stop)?;
    for entry in &mut walk {
        let relative = entry.place.as_path().strip_prefix(base.as_path()).unwrap_or(entry.place.as_path());
        if entry.kind == EntryKind::File
            && call.wanted.glob.as_ref().is_none_or(|glob| glob.matches(relative))
        {
            search.found(&entry.place);
        }
    }
    let notes = walk.notes();
    Ok(search.finish(notes))
}

#[cfg(test)]
mod tests;
