//! Reading files with bounds, and a workspace's files once.
//!
//! What a [`Snapshot`] gives twice is the same bytes, so that what was looked at is what is used: a file that changes
//! in between changes nothing. Nothing is written here.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    fs::{self, File, Metadata, OpenOptions},
    io::{self, ErrorKind, Read},
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::Arc,
};

use rustix::fs::OFlags;

use crate::problem::Fault;

/// The most bytes of a configuration file, a `.env` or a prompt.
pub(crate) const LARGEST: u64 = 256 * 1024;

/// Why a file was not read.
#[derive(Debug, Clone)]
pub(crate) enum Unread {
    /// A link leads out of the folder that the file must stay in.
    Outside,
    /// It is wrong in itself.
    Fault(Fault),
}

/// The bytes of a file; `None` where there is no file.
pub(crate) type Content = Result<Option<Arc<[u8]>>, Unread>;

/// The bytes of a file that is there.
pub(crate) type Present = Result<Arc<[u8]>, Unread>;

/// The files of a workspace as they were when each was first asked for.
#[derive(Debug)]
pub(crate) struct Snapshot {
    /// Without links in its path: files must stay in it.
    root: PathBuf,
    files: RefCell<BTreeMap<PathBuf, Kept>>,
}

#[derive(Debug)]
struct Kept {
    content: Content,
    counts: bool,
}

impl Snapshot {
    /// Nothing is read yet.
    pub(crate) fn of(workspace: &Path) -> Self {
        let root = fs::canonicalize(workspace).unwrap_or_else(|_| workspace.to_owned());
        Self { root, files: RefCell::default() }
    }

    /// The content of a file that decides something: it is among [`Snapshot::counting`] from now on.
    pub(crate) fn read(&self, file: &Path) -> Content {
        self.kept(file, true)
    }

    /// The content of a file that may be none of ours.
    pub(crate) fn peek(&self, file: &Path) -> Content {
        self.kept(file, false)
    }

    /// Every file that decided something and is there, in the order of their names.
    pub(crate) fn counting(&self) -> Vec<(PathBuf, Present)> {
        let files = self.files.borrow();
        let counting = files.iter().filter(|(_, kept)| kept.counts);
        counting.filter_map(|(file, kept)| Some((file.clone(), kept.content.clone().transpose()?))).collect()
    }

    fn kept(&self, file: &Path, counts: bool) -> Content {
        // One spelling: `a/./b` is `a/b`.
        let file: PathBuf = file.components().collect();
        let mut files = self.files.borrow_mut();
        let kept = files.entry(file).or_insert_with_key(|file| {
            let content = read_bytes(file, Some(&self.root));
            Kept { content: content.map(|bytes| bytes.map(Arc::from)), counts: false }
        });
        kept.counts |= counts;
        kept.content.clone()
    }
}

/// The text of a regular file of at most 256 KiB without its byte order mark; `None` where there is no file.
pub(crate) fn read_text(file: &Path) -> Result<Option<String>, Fault> {
    match read_bytes(file, None) {
        Ok(bytes) => bytes.as_deref().map(text_of).transpose(),
        Err(Unread::Fault(fault)) => Err(fault),
        Err(Unread::Outside) => Ok(None),
    }
}

/// The text in a file's bytes without its byte order mark.
pub(crate) fn text_of(bytes: &[u8]) -> Result<String, Fault> {
    let text = std::str::from_utf8(bytes).map_err(|_| Fault::NotText)?;
    Ok(text.strip_prefix('\u{feff}').unwrap_or(text).to_owned())
}

/// The bytes of a regular file; links are followed, and with `within` not out of that folder.
fn read_bytes(file: &Path, within: Option<&Path>) -> Result<Option<Vec<u8>>, Unread> {
    let unreadable = |source: io::Error| Unread::Fault(Fault::Unreadable { source: source.into() });
    // Looked at before it is opened: to open a device can have effects.
    match fs::metadata(file) {
        Ok(about) if about.is_file() => {}
        Ok(_) => return Err(Unread::Fault(Fault::NoFile)),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(error) => return Err(unreadable(error)),
    }
    // And again once it is open, where nobody can change it any more. A pipe that took its place keeps nobody waiting.
    let flags = i32::try_from((OFlags::NONBLOCK | OFlags::NOCTTY).bits()).unwrap_or_default();
    let opened = OpenOptions::new().read(true).custom_flags(flags).open(file).map_err(unreadable)?;
    let about = opened.metadata().map_err(unreadable)?;
    if !about.is_file() {
        return Err(Unread::Fault(Fault::NoFile));
    }
    if let Some(within) = within
        && !lies_within(file, &about, within).map_err(unreadable)?
    {
        return Err(Unread::Outside);
    }
    bounded(opened)
}

/// Whether an opened file is one that really lies in `folder`.
fn lies_within(file: &Path, opened: &Metadata, folder: &Path) -> io::Result<bool> {
    let real = fs::canonicalize(file)?;
    let there = fs::symlink_metadata(&real)?;
    Ok(real.starts_with(folder) && (there.dev(), there.ino()) == (opened.dev(), opened.ino()))
}

fn bounded(file: File) -> Result<Option<Vec<u8>>, Unread> {
    let mut bytes = Vec::new();
    file.take(LARGEST + 1)
        .read_to_end(&mut bytes)
        .map_err(|source| Unread::Fault(Fault::Unreadable { source: source.into() }))?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length > LARGEST) {
        return Err(Unread::Fault(Fault::TooLarge { limit: LARGEST }));
    }
    Ok(Some(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_changes_after_it_was_looked_at_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("설정.json");
        fs::write(&file, "하나").unwrap();
        let snapshot = Snapshot::of(folder.path());
        let first = snapshot.peek(&file).unwrap().unwrap();
        fs::write(&file, "둘").unwrap();
        assert_eq!(snapshot.read(&folder.path().join("./설정.json")).unwrap().unwrap(), first);
        assert_eq!(snapshot.counting().len(), 1);
    }

    #[test]
    fn a_link_leads_nowhere_out_of_the_workspace_and_a_pipe_keeps_nobody_waiting() {
        let folder = tempfile::tempdir().unwrap();
        let workspace = folder.path().join("작업");
        fs::create_dir(&workspace).unwrap();
        fs::write(folder.path().join("밖"), "비밀").unwrap();
        std::os::unix::fs::symlink("../밖", workspace.join("link")).unwrap();
        rustix::fs::mkfifoat(rustix::fs::CWD, workspace.join("pipe"), 0o600.into()).unwrap();
        let snapshot = Snapshot::of(&workspace);
        assert!(matches!(snapshot.read(&workspace.join("link")), Err(Unread::Outside)));
        assert!(matches!(snapshot.read(&workspace.join("pipe")), Err(Unread::Fault(Fault::NoFile))));
        assert!(matches!(snapshot.read(&workspace.join("없음")), Ok(None)));
        assert_eq!(snapshot.counting().len(), 2);
    }
}
