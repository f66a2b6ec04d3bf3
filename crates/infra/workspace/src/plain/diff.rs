//! Unified diffs in git's format, made without git.

use std::{sync::Arc, time::Duration};

use similar::TextDiff;

use crate::{
    changes::unread_note,
    error::KeepError,
    path::FilePath,
    plain::{Content, PlainFile, PlainKeeper, PlainState},
};

/// How long the search for the shortest diff of one file may take; then a longer one is good enough.
const SEARCH: Duration = Duration::from_secs(2);

/// Git's own test: a NUL byte near the start.
pub(crate) fn is_binary(bytes: &[u8]) -> bool {
    bytes.iter().take(8_000).any(|byte| *byte == 0)
}

/// What a side of a diff is, or why it cannot be shown.
enum Side {
    Missing,
    Text { mode: u32, text: String },
    Hidden,
}

impl PlainKeeper {
    /// The diff of what differs between two states, of the files that are wanted. What follows
    /// `diff_bytes` is counted, not kept. Reads copies; blocks.
    pub(crate) fn diff(
        &self,
        from: &PlainState,
        now: &PlainState,
        wanted: impl Fn(&FilePath) -> bool,
        most: usize,
    ) -> Result<(Vec<u8>, u64), KeepError> {
        let mut whole = Vec::new();
        let mut omitted = 0_u64;
        for path in self.compare(from, now).files.into_keys() {
            if !wanted(&path) {
                continue;
            }
            let (before, after) = (self.side(from.get(&path))?, self.side(now.get(&path))?);
            let text = file_diff(&path.to_text(), &before, &after);
            if whole.len() > most {
                omitted = omitted.saturating_add(text.len() as u64);
            } else {
                whole.extend_from_slice(text.as_bytes());
            }
        }
        Ok((whole, omitted))
    }

    fn side(&self, file: Option<&Arc<PlainFile>>) -> Result<Side, KeepError> {
        let Some(file) = file else { return Ok(Side::Missing) };
        let Content::Copied(digest) = &file.content else { return Ok(Side::Hidden) };
        let bytes = self.copies.read(digest)?;
        if is_binary(&bytes) {
            return Ok(Side::Hidden);
        }
        Ok(Side::Text { mode: git_mode(file.mode), text: String::from_utf8_lossy(&bytes).into_owned() })
    }
}

/// A mode as git writes it: link, program or other file.
const fn git_mode(mode: u32) -> u32 {
    if mode & 0o170_000 == 0o120_000 {
        0o120_000
    } else if mode & 0o100 != 0 {
        0o100_755
    } else {
        0o100_644
    }
}

fn file_diff(path: &str, before: &Side, after: &Side) -> String {
    let mut text = format!("diff --git a/{path} b/{path}\n");
    let (old_mode, old) = match before {
        Side::Missing => (None, ""),
        Side::Text { mode, text } => (Some(*mode), text.as_str()),
        Side::Hidden => return unread_note(path),
    };
    let (new_mode, new) = match after {
        Side::Missing => (None, ""),
        Side::Text { mode, text } => (Some(*mode), text.as_str()),
        Side::Hidden => return unread_note(path),
    };
    let (mut old_name, mut new_name) = (format!("a/{path}"), format!("b/{path}"));
    let line = match (old_mode, new_mode) {
        (Some(old), Some(new)) if old != new => format!("old mode {old:o}\nnew mode {new:o}\n"),
        (None, Some(new)) => {
            old_name = "/dev/null".to_owned();
            format!("new file mode {new:o}\n")
        }
        (Some(old), None) => {
            new_name = "/dev/null".to_owned();
            format!("deleted file mode {old:o}\n")
        }
        _ => String::new(),
    };
    text.push_str(&line);
    let diff = TextDiff::configure().timeout(SEARCH).diff_lines(old, new);
    let unified = diff.unified_diff().context_radius(3).header(&old_name, &new_name).to_string();
    text.push_str(&unified);
    text
}
