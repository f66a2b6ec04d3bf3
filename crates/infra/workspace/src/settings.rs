//! What a workspace is told once, before it looks at anything.

use std::{collections::BTreeMap, ffi::OsString, path::PathBuf, time::Duration};

/// Where the workspace is and what its git calls may know.
#[derive(Debug, Clone)]
pub struct WorkspaceSettings {
    /// The person's folder, canonical.
    pub root: PathBuf,
    /// A folder of this value alone, outside of `root` or within one of `own`. Made (0700) when first needed, emptied
    /// of what a process that died left in it, and removed with the value.
    pub store: PathBuf,
    /// Folders of the engine's, absolute. What of them lies inside `root` is no work of anybody: it is neither
    /// observed nor compared nor committed.
    pub own: Vec<PathBuf>,
    /// Where git is looked for, whose settings it reads and who may be named as author: of the variables given,
    /// `PATH`, `HOME`, `XDG_CONFIG_HOME`, `GIT_CONFIG_GLOBAL`, `GIT_AUTHOR_NAME`, `GIT_AUTHOR_EMAIL`,
    /// `GIT_COMMITTER_NAME` and `GIT_COMMITTER_EMAIL` are used, all others are ignored.
    pub environment: BTreeMap<OsString, OsString>,
    /// How much is looked at.
    pub bounds: Bounds,
}

/// How much of a workspace is looked at. What lies beyond is said in [`domain::workspace::Changes::partial`].
#[derive(Debug, Clone)]
pub struct Bounds {
    /// The most files; the rest is not looked at.
    pub files: usize,
    /// The most files that git ignores by rules which are newer than the first checkpoint; the rest of those is not
    /// looked at.
    pub hidden_files: usize,
    /// The deepest folder below the root; what lies deeper is not looked at.
    pub depth: usize,
    /// The largest file, in bytes, whose content is compared. Larger ones are compared by size and times.
    pub file_bytes: u64,
    /// The most bytes of new content that one checkpoint reads; what is left is compared by size and times.
    pub checkpoint_bytes: u64,
    /// Outside of git: the largest text, in bytes, of which a copy is kept for diffs.
    pub copy_bytes: u64,
    /// Outside of git: the most bytes of such copies.
    pub copies_bytes: u64,
    /// The longest diff, in bytes; what is cut is counted and said.
    pub diff_bytes: usize,
    /// How long one walk over the files may take.
    pub walk: Duration,
    /// How long one git process may take.
    pub git: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            files: 200_000,
            hidden_files: 200,
            depth: 128,
            file_bytes: 20 << 20,
            checkpoint_bytes: 512 << 20,
            copy_bytes: 1 << 20,
            copies_bytes: 64 << 20,
            diff_bytes: 512 << 10,
            walk: Duration::from_secs(10),
            git: Duration::from_secs(60),
        }
    }
}

impl WorkspaceSettings {
    /// Settings with the usual bounds and no folders of the engine's inside the workspace.
    #[must_use]
    pub fn new(root: PathBuf, store: PathBuf, environment: BTreeMap<OsString, OsString>) -> Self {
        Self { root, store, own: Vec::new(), environment, bounds: Bounds::default() }
    }

    /// A variable that was handed in and is not empty.
    pub(crate) fn variable(&self, name: &str) -> Option<&OsString> {
        self.environment.get(std::ffi::OsStr::new(name)).filter(|value| !value.is_empty())
    }
}
