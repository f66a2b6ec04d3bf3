//! What differs between two kept states, before it is put into the domain's words.

use std::collections::{BTreeMap, BTreeSet};

use domain::workspace::{ChangeKind, Changes, FileChange};

use crate::{file::Stat, path::FilePath};

/// Differences.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) files: BTreeMap<FilePath, ChangeKind>,
    /// Why there may be more, or fewer.
    pub(crate) partial: Option<String>,
}

impl From<Found> for Changes {
    fn from(found: Found) -> Self {
        let files = found.files.into_iter().map(|(path, kind)| FileChange { path: path.to_text(), kind });
        let mut files = files.collect::<Vec<_>>();
        files.sort();
        Self { files, partial: found.partial }
    }
}

/// Adds to `files`, which were compared by content, those that at least one of two states knows by stat data
/// alone. `is_there` tells whether a file exists in the later state. Gives the files that differ by stat data only.
pub(crate) fn settle_aside(
    files: &mut BTreeMap<FilePath, ChangeKind>,
    from: &BTreeMap<FilePath, Stat>,
    now: &BTreeMap<FilePath, Stat>,
    is_there: impl Fn(&FilePath) -> bool,
) -> Vec<FilePath> {
    let mut unread = Vec::new();
    for path in from.keys().chain(now.keys()).collect::<BTreeSet<_>>() {
        let by_content = files.remove(path);
        let kind = match (from.get(path), now.get(path)) {
            (Some(before), Some(after)) if before == after => continue,
            (Some(_), Some(_)) => {
                unread.push(path.clone());
                ChangeKind::Modified
            }
            (Some(_), None) if is_there(path) => ChangeKind::Modified,
            (Some(_), None) => ChangeKind::Deleted,
            // It left the states compared by content: it was there before and grew, or it is new.
            (None, _) if by_content.is_some() => ChangeKind::Modified,
            (None, _) => ChangeKind::Created,
        };
        files.insert(path.clone(), kind);
    }
    unread
}

/// What was left out of a text that was cut at a bound, said at its end (law 8).
pub(crate) fn cut_note(omitted: u64) -> String {
    format!("\n[cut here: {omitted} more bytes of this diff; name a single path to see less at once]\n")
}

/// Cuts a diff after its last whole line within `most` bytes and says so; `omitted` bytes were cut before.
pub(crate) fn bounded_text(mut bytes: Vec<u8>, omitted: u64, most: usize) -> String {
    let over = bytes.len().saturating_sub(most) as u64;
    let mut omitted = omitted.saturating_add(over);
    bytes.truncate(most);
    if omitted == 0 {
        return String::from_utf8_lossy(&bytes).into_owned();
    }
    let line_end = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at.saturating_add(1));
    omitted = omitted.saturating_add(bytes.len().saturating_sub(line_end) as u64);
    bytes.truncate(line_end);
    String::from_utf8_lossy(&bytes).into_owned() + &cut_note(omitted)
}
