//! Contents on their way into git: read below the workspace's root handle, with no link followed, and laid into a
//! folder of ours, which is the only work tree that git reads contents in.
//!
//! So git converts line ends and encodings as it always does, and nobody can put something else in a file's place
//! between a look and git's reading of it. The attributes that count for the files come along. Git is not called from
//! here.

mod lay;

use std::{
    collections::BTreeSet,
    ffi::OsStr,
    fs::{self, DirBuilder},
    io,
    os::unix::{ffi::OsStrExt, fs::DirBuilderExt},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use crate::{
    error::KeepError,
    file,
    git::{
        shadow::Shadow,
        stage::lay::{Laying, Miss},
    },
    off_thread::blocking,
    path::FilePath,
    settings::WorkspaceSettings,
    store::Scratch,
};

/// How many bytes lie in our folder at once, unless a single file is larger.
const PORTION: u64 = 64 << 20;
const ATTRIBUTES: &[u8] = b".gitattributes";

/// Files as they were read, until it is dropped.
#[derive(Debug)]
pub(super) struct Stage {
    /// A work tree for git, laid out from the top as the person's is.
    pub(super) tree: PathBuf,
    /// What lies in it.
    pub(super) taken: Vec<FilePath>,
    /// No longer there, or behind a link.
    pub(super) gone: Vec<FilePath>,
    /// There, and not to be read: forbidden, or more bytes than wanted.
    pub(super) unread: Vec<FilePath>,
    /// Not looked at yet, because the portion is full.
    pub(super) rest: Vec<FilePath>,
    _scratch: Arc<Scratch>,
}

impl Drop for Stage {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.tree)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(%error, folder = %self.tree.display(), "cannot remove copies of files that git has read");
        }
    }
}

/// Reads files for git.
#[derive(Debug, Clone)]
pub(super) struct Stager {
    root: PathBuf,
    /// The folders above the root, up to the top of the work tree.
    above: Vec<PathBuf>,
    top: PathBuf,
    prefix: Vec<u8>,
    scratch: Arc<Scratch>,
    /// How many stages there were. Each one's files bear a time of their own, by which git tells them from all that it
    /// has read before.
    count: Arc<AtomicU32>,
}

impl Stager {
    pub(super) fn new(shadow: &Shadow, settings: &WorkspaceSettings) -> Self {
        let (root, top) = (settings.root.clone(), shadow.repository.top.clone());
        let above = root.ancestors().skip(1).take_while(|folder| folder.starts_with(&top));
        let above = above.map(Path::to_owned).collect();
        let (prefix, scratch) = (shadow.repository.prefix.clone(), Arc::clone(&shadow.scratch));
        Self { root, above, top, prefix, scratch, count: Arc::default() }
    }

    /// Reads the first portion of `paths`, files of at most `most` bytes each.
    ///
    /// # Errors
    /// Where the workspace cannot be opened or our folder not written. What is wrong with a single file is no error.
    pub(super) async fn stage(&self, paths: Vec<FilePath>, most: u64) -> Result<Stage, KeepError> {
        let stager = self.clone();
        blocking(move || stager.stage_now(paths, most)).await?
    }

    fn stage_now(&self, paths: Vec<FilePath>, most: u64) -> Result<Stage, KeepError> {
        let number = self.count.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        let tree = self.scratch.join(&format!("stage-{number}"));
        let inner = tree.join(OsStr::from_bytes(&self.prefix));
        let mut stage = Stage {
            tree: tree.clone(),
            taken: Vec::new(),
            gone: Vec::new(),
            unread: Vec::new(),
            rest: Vec::new(),
            _scratch: Arc::clone(&self.scratch),
        };
        let failed = |source| KeepError::Store { doing: "write", place: tree.clone(), source };
        DirBuilder::new().recursive(true).mode(0o700).create(&inner).map_err(failed)?;
        let root = || self.root.clone();
        let from = file::open_root(&self.root).map_err(|source| KeepError::Root { place: root(), source })?;
        let mut laying = Laying::new(from, file::open_root(&inner).map_err(failed)?, most, number);
        stage.fill(&mut laying, paths).map_err(failed)?;
        lay_attributes(&mut laying, &stage.taken).map_err(failed)?;
        for folder in &self.above {
            let Ok(from) = file::open_root(folder) else { continue };
            let to = folder.strip_prefix(&self.top).map(|inner| tree.join(inner)).unwrap_or(tree.clone());
            let to = file::open_root(&to).map_err(failed)?;
            lay_attributes(&mut Laying::new(from, to, most, number), &[]).map_err(failed)?;
        }
        Ok(stage)
    }
}

impl Stage {
    fn fill(&mut self, laying: &mut Laying, paths: Vec<FilePath>) -> io::Result<()> {
        let mut bytes = 0_u64;
        for path in paths {
            if bytes >= PORTION {
                self.rest.push(path);
                continue;
            }
            match laying.lay(&path) {
                Ok(size) => {
                    bytes = bytes.saturating_add(size);
                    self.taken.push(path);
                }
                Err(Miss::Gone) => self.gone.push(path),
                Err(Miss::Unread) => self.unread.push(path),
                Err(Miss::Failed(error)) => return Err(error),
            }
        }
        Ok(())
    }
}

/// Lays the attributes that count for files beside them: those of every folder on the way. Where there are none to
/// read, git knows none either.
fn lay_attributes(laying: &mut Laying, files: &[FilePath]) -> io::Result<()> {
    let mut folders = BTreeSet::from([b"".as_slice()]);
    for path in files {
        folders.extend(path.folders());
    }
    for folder in folders {
        match laying.lay(&FilePath::new(folder).join(ATTRIBUTES)) {
            // One of the files itself lies there already.
            Ok(_) | Err(Miss::Gone | Miss::Unread) => {}
            Err(Miss::Failed(error)) => return Err(error),
        }
    }
    Ok(())
}
