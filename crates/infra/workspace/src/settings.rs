//! What a workspace is told once, before it looks at anything.

use std::{collections::BTreeMap, ffi::OsString, path::PathBuf, time::Duration};

/// Where the workspace is and what its git calls may know.
#[derive(Debug, Clone)]
pub struct WorkspaceSettings {
    /// The person's folder, canonical.
    pub root: PathBuf,
    /// The folder of a session's states, outside of `root` or within one of `own`, beside those of other sessions and
    /// of nothing else. Made (0700) when first needed. It lasts; see [`Bounds::stores`].
    pub store: PathBuf,
    /// The folders of states of the sessions that this one was forked from, the nearest first, beside `store`. Nothing is
    /// written there; what was kept there can be compared with and is not kept a second time.
    pub ancestors: Vec<PathBuf>,
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
    /// The most bytes of content that git keeps for us while a session is open. What is past it is compared by size
    /// and times, and undo refuses it by name.
    pub kept_bytes: u64,
    /// Of files that git does not keep byte for byte, which outside of git are all: the largest, in bytes, of which a
    /// copy is kept, for diffs and undo. Larger ones are compared, and undo refuses them by name.
    pub copy_bytes: u64,
    /// The most bytes of such copies that are added while a session is open.
    pub copies_bytes: u64,
    /// Of how many sessions, over all workspaces, states are kept; older ones go when a new one begins.
    pub stores: usize,
    /// How many bytes of content these may have added together.
    pub stores_bytes: u64,
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
            kept_bytes: 1 << 30,
            copy_bytes: 20 << 20,
            copies_bytes: 256 << 20,
            stores: 200,
            stores_bytes: 4 << 30,
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
        Self { root, store, ancestors: Vec::new(), own: Vec::new(), environment, bounds: Bounds::default() }
    }

    /// A variable that was handed in and is not empty.
    pub(crate) fn variable(&self, name: &str) -> Option<&OsString> {
        self.environment.get(std::ffi::OsStr::new(name)).filter(|value| !value.is_empty())
    }
}
