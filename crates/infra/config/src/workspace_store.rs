//! What a person decided about one workspace: whether they trust its configuration, and what they allow for good.
//!
//! `workspaces/<key>.json` in the person's configuration root, 0600; the key is made from the workspace's canonical
//! path. Sessions side by side read the old file or the new one, never half of either, and change it one after the
//! other: under a lock, into a temporary file, which is on disk before it takes the old one's place. Nothing of it is
//! read from a workspace.

use std::{
    collections::BTreeMap,
    fs::{DirBuilder, File, OpenOptions, TryLockError},
    io::{self, Write},
    os::unix::{
        ffi::OsStrExt,
        fs::{DirBuilderExt, OpenOptionsExt},
    },
    path::{Path, PathBuf},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use domain::permission::Rule;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::{
    problem::Fault,
    reading::{LARGEST, read_text},
};

/// The present version of the file.
const VERSION: u32 = 1;

/// How long others may keep the lock: each holds it for a few milliseconds.
const PATIENCE: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(5);

/// Paths, relative to the workspace, with the digests of what was trusted.
pub(crate) type Digests = BTreeMap<String, String>;

/// The content of the file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Decisions {
    v: u32,
    /// For people: the name of the file does not say which workspace it is about.
    workspace: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) trusted: Option<Digests>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) rules: Vec<Rule>,
}

/// Decisions cannot be kept.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// A step with the file failed.
    #[error("cannot {doing} {}", file.display())]
    File {
        /// `read`, `write`, ...
        doing: &'static str,
        /// The file.
        file: PathBuf,
        /// Why.
        source: Arc<io::Error>,
    },
    /// What is there cannot be read.
    #[error("{}: {fault}; put it right or remove it", file.display())]
    Damaged {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        fault: Fault,
    },
    /// Another process keeps the file to itself.
    #[error("{} is locked by another process: try again when it has ended", file.display())]
    Busy {
        /// The lock.
        file: PathBuf,
    },
    /// It holds as much as it may.
    #[error("{} is full: remove rules from it that you do not need", file.display())]
    Full {
        /// The file.
        file: PathBuf,
    },
}

/// The file of one workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WorkspaceStore {
    file: PathBuf,
    workspace: String,
}

impl WorkspaceStore {
    /// The file of `workspace`, which is canonical, in the config root. Nothing is read yet.
    pub(crate) fn of(config: &Path, workspace: &Path) -> Self {
        let digest = Sha256::digest(workspace.as_os_str().as_bytes());
        let key: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        let file = config.join("workspaces").join(format!("{key}.json"));
        Self { file, workspace: workspace.display().to_string() }
    }

    pub(crate) fn file(&self) -> &Path {
        &self.file
    }

    /// What was decided so far.
    pub(crate) fn read(&self) -> Result<Decisions, Fault> {
        let Some(text) = read_text(&self.file)? else {
            let workspace = self.workspace.clone();
            return Ok(Decisions { v: VERSION, workspace, trusted: None, rules: Vec::new() });
        };
        let decisions: Decisions =
            serde_json::from_str(&text).map_err(|error| Fault::Syntax { what: error.to_string() })?;
        if decisions.v != VERSION {
            return Err(Fault::Rule("was written by another version of better-llm".to_owned()));
        }
        // Somebody renamed or copied it: what was decided about one folder says nothing about another.
        if decisions.workspace != self.workspace {
            return Err(Fault::Rule(format!("is about another folder ({})", decisions.workspace)));
        }
        Ok(decisions)
    }

    /// Changes what was decided; on disk when this returns.
    pub(crate) fn update(&self, change: impl FnOnce(&mut Decisions)) -> Result<(), StoreError> {
        let folder = self.file.parent().unwrap_or(Path::new("."));
        private_folder(folder).map_err(self.failed("make the folder of"))?;
        let _lock = self.lock()?;
        let mut decisions =
            self.read().map_err(|fault| StoreError::Damaged { file: self.file.clone(), fault })?;
        change(&mut decisions);
        let mut text = serde_json::to_vec_pretty(&decisions)
            .map_err(|error| self.failed("write")(io::Error::other(error)))?;
        text.push(b'\n');
        if u64::try_from(text.len()).is_ok_and(|length| length > LARGEST) {
            return Err(StoreError::Full { file: self.file.clone() });
        }
        self.replace(folder, &text)
    }

    /// A random name, O_EXCL and 0600; removed again when a step fails.
    fn replace(&self, folder: &Path, text: &[u8]) -> Result<(), StoreError> {
        let mut temporary = tempfile::Builder::new()
            .prefix(".workspace-")
            .tempfile_in(folder)
            .map_err(self.failed("make a temporary file for"))?;
        temporary.write_all(text).map_err(self.failed("write"))?;
        temporary.as_file().sync_all().map_err(self.failed("flush"))?;
        temporary.persist(&self.file).map_err(|error| self.failed("put in its place")(error.error))?;
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(self.failed("flush the folder of"))
    }

    /// Waits for the lock. It ends with the file handle, so a process that dies leaves none behind.
    fn lock(&self) -> Result<File, StoreError> {
        let file = self.file.with_extension("lock");
        let lock = OpenOptions::new().create(true).append(true).mode(0o600).open(&file);
        let lock = lock.map_err(self.failed("lock"))?;
        let since = Instant::now();
        loop {
            match lock.try_lock() {
                Ok(()) => return Ok(lock),
                Err(TryLockError::WouldBlock) if since.elapsed() < PATIENCE => thread::sleep(PAUSE),
                Err(TryLockError::WouldBlock) => return Err(StoreError::Busy { file }),
                Err(TryLockError::Error(source)) => return Err(self.failed("lock")(source)),
            }
        }
    }

    fn failed(&self, doing: &'static str) -> impl Fn(io::Error) -> StoreError {
        let file = self.file.clone();
        move |source| StoreError::File { doing, file: file.clone(), source: source.into() }
    }
}

/// Makes a folder and its missing parents, 0700.
fn private_folder(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}
