//! What a session leaves behind when its program is killed, and how that is ended.
//!
//! Before its first command a session writes down, in `state/run`, by what its processes are known and where its
//! temporary files are. The note goes with the session. A note whose owner died is worked off: by the session's
//! helper at once, or else by the next start, before anything else. Nothing is written per command, because the mark
//! of the session is on everything it starts.
//!
//! How protected files looked before its commands stands beside the note ([`shelf`]) and is put back by the same two.
//!
//! Whether somebody still owns a note is decided by [`owner`]. Nothing here ends processes of a session that lives.

mod care;
mod note;
mod owner;
mod shelf;
mod word;

use std::{
    ffi::OsStr,
    fs, io,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use domain::id::SessionId;

pub(crate) use self::{
    care::Care,
    shelf::{Armed, Shelf, is_in_reach},
    word::take as take_words,
};
use self::{
    note::Note,
    owner::{Life, Owner},
};
use crate::{
    folders::Folders,
    kin::{self, Kin},
    mark::SessionMark,
    settings::SandboxSettings,
};

/// How long the kernel may take to end what was killed.
const DEATH: Duration = Duration::from_secs(5);
/// How long an owner that let go of its helper may take to end.
const OWNER_DEATH: Duration = Duration::from_secs(5);
/// Between two looks at what was killed and still lives.
const LOOK_AGAIN: Duration = Duration::from_millis(1);

/// What one session would leave behind.
#[derive(Debug)]
pub(crate) struct Leftovers {
    owner: Owner,
    /// None where our own limits leave no room for marks.
    mark: Option<SessionMark>,
    session: SessionId,
    /// Whose tool chains' caches hold them.
    workspace: PathBuf,
    cache: PathBuf,
}

impl Leftovers {
    /// Those of a session of the calling process.
    pub(crate) fn of_this_process(mark: Option<SessionMark>, settings: &SandboxSettings) -> io::Result<Self> {
        Ok(Self {
            owner: Owner::this_process()?,
            mark,
            session: settings.session,
            workspace: settings.toolchains_of.clone(),
            cache: settings.cache.clone(),
        })
    }

    /// Reads the note of a session.
    pub(crate) fn noted(place: &Path) -> io::Result<Self> {
        note::read(place)
    }

    /// Waits for the owner's death, works them off and removes their note. For the helper, which is told by a pipe
    /// that closes a moment earlier. An owner that lives on keeps what is its own.
    pub(crate) fn end_after_their_owner(&self, note: &Path) -> io::Result<()> {
        if self.owner.ends_within(OWNER_DEATH)? {
            let ended = self.end();
            // Also beside what the kernel holds on to.
            if let Some(run_folder) = note.parent() {
                shelf::put_back_at_once(run_folder, &self.stem());
            }
            ended?;
            note::remove(note)?;
        }
        Ok(())
    }

    /// What the names of all files about the session begin with.
    fn stem(&self) -> String {
        shelf::stem(&self.owner, self.session)
    }

    /// Ends every process of the session and removes its temporary files.
    fn end(&self) -> io::Result<()> {
        // A program that runs inside of what it should end leaves that to one outside.
        if self.are(rustix::process::getpid().as_raw_pid()) {
            return Err(io::Error::other("this program runs inside of the session"));
        }
        self.end_processes()?;
        self.folders().remove_temporary();
        Ok(())
    }

    /// Kills until nothing is left that could start another one.
    fn end_processes(&self) -> io::Result<()> {
        let deadline = Instant::now() + DEATH;
        let signal = |signal| move |kin: &[Kin]| kin.iter().for_each(|kin| kin.signal(signal));
        loop {
            let found = kin::stopped(Vec::new(), signal(rustix::process::Signal::STOP), |known| {
                kin::of_session(known, |pid| self.are(pid))
            });
            if found.is_empty() {
                return Ok(());
            }
            if Instant::now() > deadline {
                return Err(io::Error::new(io::ErrorKind::TimedOut, "the kernel holds on to its processes"));
            }
            signal(rustix::process::Signal::KILL)(&found);
            thread::sleep(LOOK_AGAIN);
        }
    }

    /// Whether a process is one of them.
    fn are(&self, pid: i32) -> bool {
        match self.mark {
            Some(mark) => mark.is_on(pid),
            None => names(pid, &self.folders().temporary),
        }
    }

    fn folders(&self) -> Folders {
        Folders::at(&self.workspace, &self.cache, self.session)
    }
}

/// Whether a process was started with this folder for its temporary files.
fn names(pid: i32, temporary: &Path) -> bool {
    let Ok(environment) = fs::read(format!("/proc/{pid}/environ")) else { return false };
    environment
        .split(|byte| *byte == 0)
        .filter_map(|variable| variable.strip_prefix(b"TMPDIR="))
        .any(|value| OsStr::from_bytes(value) == temporary)
}

/// Works off the notes of `run_folder` whose owners died, off the runtime. What cannot be ended keeps its note, so the
/// next start tries again.
pub(crate) async fn end_those_of_the_dead(run_folder: &Path) {
    let dead = of_the_dead(run_folder);
    if dead.is_empty() && !shelf::is_something_armed(run_folder) {
        return;
    }
    let run_folder = run_folder.to_owned();
    let end = move || {
        end_all(dead);
        shelf::put_back_later(&run_folder);
    };
    if tokio::task::spawn_blocking(end).await.is_err() {
        tracing::error!("the thread that ends leftovers panicked");
    }
}

fn end_all(dead: Vec<(PathBuf, Leftovers)>) {
    for (place, leftovers) in dead {
        let ended = leftovers.end().and_then(|()| note::remove(&place));
        match ended {
            Ok(()) => tracing::info!(note = %place.display(), "ended what a killed program had left behind"),
            Err(error) => {
                tracing::warn!(note = %place.display(), %error, "leftovers of a killed program stay behind")
            }
        }
    }
}

fn of_the_dead(run_folder: &Path) -> Vec<(PathBuf, Leftovers)> {
    note::all(run_folder)
        .into_iter()
        .filter_map(|place| match note::read(&place) {
            Ok(leftovers) => Some((place, leftovers)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => {
                tracing::warn!(note = %place.display(), %error, "cannot read the note of a session; remove it if no better-llm runs");
                None
            }
        })
        .filter(|(_, leftovers)| matches!(leftovers.owner.life(), Ok(Life::Died | Life::DiedWithItsBoot)))
        .collect()
}

#[cfg(test)]
mod tests;
