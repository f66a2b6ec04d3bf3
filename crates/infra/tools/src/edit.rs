//! The tool `edit`: a text in a file replaced by another, and not a byte besides.

mod matching;
mod near_miss;

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

use self::matching::{Matches, replaced};
use crate::{
    confined::{Confined, FileError, Place, Seen, VERSIONED},
    grant,
    off_thread::{Effects, look_off_thread, off_thread},
    preview::{self, Before},
    stale_guard::{Caller, Doing, Guarded, StaleGuard, State},
    text::{count, counted},
    tool::{Tool, Unfit},
};

/// The largest file that can be edited.
const LARGEST: u64 = VERSIONED;
/// The most line numbers that are named.
const MOST_NAMED: usize = 10;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Input {
    /// Relative to the workspace, or absolute in a folder added to it.
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

/// What is to be edited.
pub(crate) struct Call {
    input: Arc<Input>,
    /// The path as rules and people see it.
    named: String,
    seen: Option<Seen>,
}

/// Edits files.
pub(crate) struct Edit {
    files: Arc<Confined>,
    guard: Arc<StaleGuard>,
}

impl Edit {
    /// Edits files of that workspace, as far as the guard lets it.
    pub(crate) fn new(files: Arc<Confined>, guard: Arc<StaleGuard>) -> Self {
        Self { files, guard }
    }
}

#[async_trait]
impl Tool for Edit {
    type Input = Input;
    type Call = Call;

    const NAME: &'static str = "edit";
    const DESCRIPTION: &'static str = "Replace a text in a file of the workspace. `old_string` has to match exactly, \
        white space included, and only once, unless `replace_all` is true: take in enough of the lines around it. \
        Line ends (CRLF), byte order mark and all other bytes stay as they are.";
    const ACCESS: Access = Access::Edit;

    fn check(&self, input: Input) -> Result<Call, Unfit> {
        if input.old_string.is_empty() {
            return Err(Unfit::Malformed(
                "`old_string` is empty: create files and fill empty ones with `write`".to_owned(),
            ));
        }
        if input.old_string == input.new_string {
            return Err(Unfit::Meaningless("`old_string` and `new_string` are the same".to_owned()));
        }
        let named = self.files.named(&input.path);
        Ok(Call { input: Arc::new(input), named, seen: None })
    }

    fn target(call: &Call) -> CallTarget {
        CallTarget::Path(call.named.clone())
    }

    async fn preview(&self, call: &mut Call, _bases: &Bases) -> Option<Preview> {
        let (files, input) = (Arc::clone(&self.files), Arc::clone(&call.input));
        let shown = look_off_thread(move || show(&files, &input)).await;
        let (seen, text) = shown.unwrap_or((Seen::Nothing, None));
        call.seen = Some(seen);
        text
    }

    async fn run(&self, call: Call, context: ToolContext) -> ToolOutcome {
        let place = match self.files.find(&call.input.path) {
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
            edit(&guarded, &place, &call).unwrap_or_else(|error| error.outcome())
        })
        .await
    }
}

/// An edit that can be made.
struct Edited {
    content: Vec<u8>,
    /// What to say of it.
    done: String,
}

/// What stands there, and what would become of it; no text where the edit cannot be made.
fn show(files: &Confined, input: &Input) -> Result<(Seen, Option<Preview>), FileError> {
    let place = files.find(&input.path)?;
    let target = files.target(&place, &[], &PathRules::default())?;
    let before = target.content(LARGEST)?;
    let seen = Seen::Version(target.version()?);
    let text = edited(&place, &before, input)
        .ok()
        .map(|edited| preview::diff(&place, &Before::Content(&before), &edited.content));
    Ok((seen, text))
}

fn edit(guarded: &Guarded, place: &Place, call: &Call) -> Result<ToolOutcome, FileError> {
    // Where the text is not found, lines that resemble it are shown: an edit reads, too.
    let target = guarded.files.target(place, &[PathUse::Write, PathUse::Read], &guarded.rules)?;
    let path = target.real_path();
    if target.size().is_none() {
        guarded.guard.saw(guarded.caller.run, &path, State::MISSING);
    }
    let content = target.content(LARGEST)?;
    target.still(call.seen.as_ref())?;
    let edited = edited(place, &content, &call.input);
    let now = State { content: Some(content), version: target.version()? };
    if let Err(refused) = guarded.judge(place, &path, now, Doing::Change) {
        return Ok(refused);
    }
    match edited {
        Err(why) => Ok(ToolOutcome::error(why)),
        Ok(Edited { content, done }) => {
            let version = target.replace(&content)?;
            guarded.guard.changed(&guarded.caller, &path, State { version, content: Some(content) });
            Ok(ToolOutcome::ok(done))
        }
    }
}

/// The content after the edit, or why it cannot be made.
fn edited(place: &Place, content: &[u8], input: &Input) -> Result<Edited, String> {
    let found = Matches::of(&input.old_string, content);
    if found.is_empty() {
        let hint = near_miss::hint(&input.old_string, content);
        return Err(format!("`old_string` does not occur in `{place}`, which was left as it is. {hint}"));
    }
    if !input.replace_all && found.is_ambiguous() {
        return Err(format!(
            "`old_string` occurs {} times in `{place}` ({}), which was left as it is: take in more of the lines \
             around the one you mean, or set `replace_all`",
            found.overlapping(),
            lines(&found)
        ));
    }
    let edited = replaced(content, &found, &input.new_string);
    if edited == content {
        return Err(format!(
            "this would change nothing in `{place}`: its line ends are kept as they are; `write` can change them"
        ));
    }
    let replacements = counted(count(found.len()), "replacement", "replacements");
    Ok(Edited { content: edited, done: format!("edited `{place}`: {replacements} ({})", lines(&found)) })
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
