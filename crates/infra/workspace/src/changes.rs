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

/// Files that at least one of two states knows by stat data alone, and that differ.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Unread {
    pub(crate) files: BTreeMap<FilePath, ChangeKind>,
    /// Those of them of which nothing but size and times is known.
    pub(crate) by_times: Vec<FilePath>,
}

/// Files compared by stat data in an earlier and a later state, beside what trees tell.
pub(crate) struct Aside<'a, T: Fn(&FilePath) -> bool, I: Fn(&FilePath) -> bool> {
    pub(crate) from: &'a BTreeMap<FilePath, Stat>,
    pub(crate) now: &'a BTreeMap<FilePath, Stat>,
    /// Whether a file exists in the later state.
    pub(crate) is_there: T,
    /// Whether the later tree holds an older content of a file.
    pub(crate) is_in_tree: I,
}

impl<T: Fn(&FilePath) -> bool, I: Fn(&FilePath) -> bool> Aside<'_, T, I> {
    /// Takes these files out of `trees`, which were compared by content, and says how they differ.
    pub(crate) fn settle(&self, trees: &mut BTreeMap<FilePath, ChangeKind>) -> Unread {
        let mut unread = Unread::default();
        for path in self.from.keys().chain(self.now.keys()).collect::<BTreeSet<_>>() {
            let in_trees = trees.remove(path);
            let kind = match (self.from.get(path), self.now.get(path)) {
                (Some(before), Some(after)) if before == after => continue,
                (Some(_), Some(_)) => {
                    unread.by_times.push(path.clone());
                    ChangeKind::Modified
                }
                (Some(_), None) if (self.is_there)(path) => ChangeKind::Modified,
                (Some(_), None) => ChangeKind::Deleted,
                (None, _) => match in_trees {
                    Some(kind) => kind,
                    None if (self.is_in_tree)(path) => ChangeKind::Modified,
                    None => ChangeKind::Created,
                },
            };
            unread.files.insert(path.clone(), kind);
        }
        unread
    }
}

/// What a diff says of a file whose content it does not show.
pub(crate) fn unread_note(path: &str) -> String {
    format!("diff --git a/{path} b/{path}\nBinary or large files a/{path} and b/{path} differ\n")
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
