//! The right to write in a workspace, as locks on the folders that it consists of: one session in a workspace, and none
//! in a folder around or inside it (contract 3).
//!
//! A session has the lock of its workspace alone and shares those of the folders around it. So two workspaces side by
//! side never meet, and of one inside the other the second is refused. Nothing is touched before the first
//! [`claim`](ClaimPort::claim); a session that only reads takes nothing. Folders that were added to a workspace
//! (`--add-dir`) are not locked.

use std::{
    ffi::OsStr,
    fs,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use domain::{
    id::SessionId,
    ports::{ClaimError, ClaimPort, Clock, Holder},
};
use sha2::{Digest as _, Sha256};
use tokio::{sync::Mutex, time::Instant};

use crate::{
    lock::{self, Lock, LockError, Note},
    off_thread::blocking,
};

/// How long a session that waits sleeps before it looks again, at first; twice as long each time.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// The most lock files that are looked through for a name to say.
const MOST_LOCKS: usize = 1_000;
const SUFFIX: &str = "lock";

/// Whose claim it is, and on what.
#[derive(Clone)]
pub struct ClaimSettings {
    /// The workspace, canonical.
    pub workspace: PathBuf,
    /// Where lock files lie: one folder for all sessions that are to heed each other.
    pub locks: PathBuf,
    /// Folders of the engine's, absolute. No session works in one but where its workspace lies there (a worktree), so a
    /// workspace inside does not meet one around.
    pub own: Vec<PathBuf>,
    /// The session.
    pub session: SessionId,
    /// How long to wait for a session that has the right; zero: not at all.
    pub patience: Duration,
    /// Says in the lock since when.
    pub clock: Arc<dyn Clock>,
}

/// A session's right to write in its workspace: none yet, or taken and kept until this is dropped.
pub struct WorkspaceClaim {
    settings: ClaimSettings,
    held: Mutex<Option<Vec<Lock>>>,
}

impl WorkspaceClaim {
    /// Takes the settings; no lock.
    #[must_use]
    pub fn new(settings: ClaimSettings) -> Self {
        Self { settings, held: Mutex::new(None) }
    }
}

#[async_trait]
impl ClaimPort for WorkspaceClaim {
    async fn claim(&self) -> Result<(), ClaimError> {
        let mut held = self.held.lock().await;
        if held.is_some() {
            return Ok(());
        }
        let began = Instant::now();
        let mut pause = FIRST_PAUSE;
        loop {
            let settings = self.settings.clone();
            let locks = settings.locks.clone();
            let taken = blocking(move || settings.take()).await;
            let taken = taken.unwrap_or_else(|source| Err(refused(&locks, source)));
            let left = self.settings.patience.saturating_sub(began.elapsed());
            match taken {
                Ok(locks) => {
                    *held = Some(locks);
                    return Ok(());
                }
                Err(ClaimError::Held { .. }) if !left.is_zero() => {
                    tokio::time::sleep(pause.min(left)).await;
                    pause = pause.saturating_mul(2).min(LONGEST_PAUSE);
                }
                Err(error) => return Err(error),
            }
        }
    }
}

impl ClaimSettings {
    /// All the locks or none. Blocks for [`lock::PATIENCE`] each at most.
    fn take(&self) -> Result<Vec<Lock>, ClaimError> {
        let place = self.place_of(&self.workspace);
        let note = Note {
            folder: Some(self.workspace.display().to_string()),
            ..Note::new(self.session, self.clock.now())
        };
        let own = match Lock::take(&place, &note) {
            Err(LockError::Held { holder: Holder { session: None, pid: None }, .. }) => {
                // Whoever shares it has written no name there.
                return Err(self.somebody_inside());
            }
            taken => taken.map_err(|error| of_lock(error, None))?,
        };
        let mut locks = vec![own];
        for folder in self.around() {
            let place = self.place_of(folder);
            let shared = Lock::share(&place);
            locks.push(shared.map_err(|error| of_lock(error, Some(folder.display().to_string())))?);
        }
        Ok(locks)
    }

    /// The folders around the workspace in which another session could work.
    fn around(&self) -> impl Iterator<Item = &Path> {
        let real = |own: &PathBuf| own.canonicalize().unwrap_or_else(|_| own.clone());
        let own = self.own.iter().map(real).find(|own| self.workspace.starts_with(own));
        let is_free = move |folder: &&Path| own.as_ref().is_none_or(|own| !own.starts_with(folder));
        self.workspace.ancestors().skip(1).take_while(is_free)
    }

    fn place_of(&self, folder: &Path) -> PathBuf {
        let digest = Sha256::digest(folder.as_os_str().as_bytes());
        let name: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        self.locks.join(name).with_extension(SUFFIX)
    }

    /// A session has the right in a folder inside the workspace, or one whose note is torn has it here.
    fn somebody_inside(&self) -> ClaimError {
        let root = PathBuf::from(self.workspace.display().to_string());
        let entries = fs::read_dir(&self.locks).into_iter().flatten().flatten().take(MOST_LOCKS);
        let places = entries.map(|entry| entry.path());
        let found = places.filter(|place| place.extension() == Some(OsStr::new(SUFFIX))).find_map(|place| {
            let folder = lock::read(&place)?.folder?;
            let is_inside = Path::new(&folder).starts_with(&root) && Path::new(&folder) != root;
            let holder = if is_inside { lock::holder(&place).ok()?? } else { return None };
            Some((holder, folder))
        });
        match found {
            Some((holder, folder)) => ClaimError::Held { holder, folder: Some(folder) },
            None => ClaimError::Held { holder: Holder { session: None, pid: None }, folder: None },
        }
    }
}

fn of_lock(error: LockError, folder: Option<String>) -> ClaimError {
    match error {
        LockError::Held { holder, .. } => ClaimError::Held { holder, folder },
        LockError::Network { ref place, .. } | LockError::File { ref place, .. } => {
            let place = place.display().to_string();
            ClaimError::Lock { place, source: error.into() }
        }
    }
}

fn refused(locks: &Path, source: std::io::Error) -> ClaimError {
    ClaimError::Lock { place: locks.display().to_string(), source: source.into() }
}

#[cfg(test)]
mod tests;
