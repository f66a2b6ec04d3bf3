//! Contents that git's trees do not hold as they lie in the work tree, kept by their digest: every file outside of
//! git, converted ones inside.
//!
//! A content is kept once; one that the session before kept in the same workspace is linked, not copied. What is read
//! back is checked against its digest.

use std::{
    fs::{self, DirBuilder},
    io,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use sha2::{Digest as _, Sha256};

use crate::{
    error::KeepError,
    file::{Digest, hex},
    settings::Bounds,
    store::{Scratch, Store},
};

/// Contents by digest.
#[derive(Debug)]
pub(crate) struct Copies {
    scratch: Arc<Scratch>,
    folder: PathBuf,
    earlier: Option<PathBuf>,
    /// Where sessions that this one was forked from have theirs.
    ancestors: Vec<PathBuf>,
    /// How many bytes more may be added.
    budget: u64,
    largest: u64,
}

impl Copies {
    pub(crate) fn new(store: &Store, bounds: &Bounds) -> Self {
        Self {
            scratch: Arc::clone(store.scratch()),
            folder: store.copies(),
            earlier: store.earlier().map(|earlier| earlier.join("copies")),
            ancestors: store.copies_of_ancestors(),
            budget: bounds.copies_bytes,
            largest: bounds.copy_bytes,
        }
    }

    /// Keeps a content; false where it is too large, or one too many.
    pub(crate) fn keep(&mut self, digest: &Digest, content: &[u8]) -> Result<bool, KeepError> {
        let name = name_of(digest);
        let place = self.folder.join(&name);
        let size = content.len() as u64;
        if self.has(digest) {
            return Ok(true);
        }
        if size > self.largest || size > self.budget {
            return Ok(false);
        }
        let failed = |source| KeepError::Store { doing: "write", place: place.clone(), source };
        if let Some(parent) = place.parent() {
            DirBuilder::new().recursive(true).mode(0o700).create(parent).map_err(failed)?;
        }
        self.budget = self.budget.saturating_sub(size);
        if !self.link_earlier(&name, &place, size) {
            self.scratch.put(content, &place).map_err(failed)?;
        }
        Ok(true)
    }

    /// How many bytes were added, of `bounds` that it was made with.
    pub(crate) const fn added(&self, bounds: &Bounds) -> u64 {
        bounds.copies_bytes.saturating_sub(self.budget)
    }

    fn link_earlier(&self, name: &str, place: &Path, size: u64) -> bool {
        let Some(earlier) = self.earlier.as_ref().map(|folder| folder.join(name)) else { return false };
        let is_whole = fs::metadata(&earlier).is_ok_and(|data| data.is_file() && data.len() == size);
        is_whole && fs::hard_link(earlier, place).is_ok()
    }

    pub(crate) fn has(&self, digest: &Digest) -> bool {
        self.place_of(digest).is_file()
    }

    /// Where a content lies that was kept by this session or one that it was forked from; where neither has it, where
    /// it would lie.
    fn place_of(&self, digest: &Digest) -> PathBuf {
        let name = name_of(digest);
        let mut places =
            std::iter::once(&self.folder).chain(&self.ancestors).map(|folder| folder.join(&name));
        places.find(|place| place.is_file()).unwrap_or_else(|| self.folder.join(&name))
    }

    /// A content that was kept.
    pub(crate) fn read(&self, digest: &Digest) -> Result<Vec<u8>, KeepError> {
        let place = self.place_of(digest);
        let failed = |source| KeepError::Store { doing: "read", place: place.clone(), source };
        let content = fs::read(&place).map_err(failed)?;
        let found: Digest = Sha256::digest(&content).into();
        if found == *digest { Ok(content) } else { Err(failed(io::ErrorKind::InvalidData.into())) }
    }
}

/// Two letters of the digest are a folder, so that no folder grows too long.
fn name_of(digest: &Digest) -> String {
    let [first, ..] = digest;
    format!("{first:02x}/{}", hex::text(digest))
}
