//! Puts protected files back from a record, after the program that wrote it was killed.

use std::{
    collections::{BTreeMap, VecDeque},
    fs, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use domain::command::NotRestored;

use super::{
    Held, hold,
    record::{self, Identity, Record},
    restore::{self, When},
    snapshot::{Snapshot, stat},
    spot::Root,
};
use crate::settle::Settled;

/// Folders that are looked through for a git dir that was moved away.
const MOST_FOLDERS: usize = 20_000;

/// What came of it.
#[derive(Debug)]
pub(crate) struct Recovered {
    /// The folder that it happened in.
    pub(crate) workspace: PathBuf,
    pub(crate) settled: Settled,
    /// It is worth another attempt.
    pub(crate) may_be_tried_again: bool,
}

/// Puts back what `text`, a record, says; none where it is no record. `elsewhere` are folders besides the workspace
/// that its commands could write.
pub(crate) fn recover(text: &[u8], when: When, elsewhere: &[PathBuf]) -> Option<io::Result<Recovered>> {
    record::read(text).map(|record| put_back(record, when, elsewhere))
}

fn put_back(record: Record, when: When, elsewhere: &[PathBuf]) -> io::Result<Recovered> {
    let Record { workspace, root: identity, mode, git_dirs, entries } = record;
    let nothing =
        |workspace| Ok(Recovered { workspace, settled: Settled::default(), may_be_tried_again: false });
    let root = match Root::hold(&workspace) {
        // A folder that was made anew since is another one, which nobody guarded.
        Ok(root) if root.identity()? == identity => root.with_mode(mode),
        Ok(_) => return nothing(workspace),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return nothing(workspace),
        Err(error) => return Err(error),
    };
    let mut snapshot = Snapshot { entries: BTreeMap::from_iter(entries) };
    let mut precious = Vec::new();
    let mut lost = Vec::new();
    for (name, identity) in git_dirs {
        match find(&workspace, &name, identity, elsewhere) {
            Some(held) => precious.push(held),
            None => lost.push(name),
        }
    }
    let mut others = Vec::new();
    for name in lost {
        if when == When::Later {
            // The person may have made it since, so nothing of the old one is put into it.
            snapshot.entries.retain(|path, _| !path.starts_with(&name));
            let path = workspace.join(&name);
            if stat(&path)?.is_some() {
                let why = "another repository stands there than before; look at its hooks and its config"
                    .to_owned();
                others.push(NotRestored { path: path.to_string_lossy().into_owned(), is_new: false, why });
            }
        } else {
            others.push(NotRestored {
                path: workspace.join(&name).to_string_lossy().into_owned(),
                is_new: false,
                why: "it was deleted; its settings are back, its index and its objects are lost".to_owned(),
            });
        }
    }
    let mut settled = restore::put_back((&workspace, &root), &snapshot, &precious, when);
    let may_be_tried_again = !settled.not_restored.is_empty();
    settled.not_restored.extend(others);
    Ok(Recovered { workspace, settled, may_be_tried_again })
}

/// A folder that was at `name`, wherever it is now.
fn find(workspace: &Path, name: &Path, identity: Identity, elsewhere: &[PathBuf]) -> Option<Held> {
    let is_it = |path: &Path| {
        stat(path).is_ok_and(|found| {
            found.is_some_and(|found| (found.dev(), found.ino()) == (identity.device, identity.inode))
        })
    };
    let there = workspace.join(name);
    if is_it(&there) {
        return hold(workspace, name);
    }
    let mut waiting: VecDeque<PathBuf> =
        std::iter::once(workspace.to_owned()).chain(elsewhere.iter().cloned()).collect();
    let mut folders = 0;
    while let Some(folder) = waiting.pop_front() {
        folders += 1;
        if folders > MOST_FOLDERS {
            return None;
        }
        for entry in fs::read_dir(&folder).into_iter().flatten().filter_map(Result::ok) {
            if !entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                continue;
            }
            let path = entry.path();
            if entry_is(&entry, identity) && is_it(&path) {
                let held = hold(&folder, Path::new(&entry.file_name()))?;
                return Some(Held { name: name.to_owned(), ..held });
            }
            waiting.push_back(path);
        }
    }
    None
}

/// A first look that costs nothing.
fn entry_is(entry: &fs::DirEntry, identity: Identity) -> bool {
    use std::os::unix::fs::DirEntryExt;

    entry.ino() == identity.inode
}
