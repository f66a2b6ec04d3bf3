//! How protected files looked before the commands that run now, on disk: one file per guarded folder beside the
//! session's note, 0600.
//!
//! It is written when something has changed since the last time, and waits for the disk: it is for the death of the
//! machine, too. While commands run it has the name by which whoever finds its owner dead puts back what it says;
//! between them it has another one, because by then the person may have changed those files themselves.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use super::{Life, Owner, note, word};
use crate::{
    folders::{Folders, rest_inside},
    protected::{self, Recovered, When},
    settings::SandboxSettings,
};

/// Ends the name of one that is to be put back.
const ARMED: &str = ".protected";
/// Ends the name of one that is not.
const IDLE: &str = ".protected.idle";
/// Ends the name of one that is being written.
const UNFINISHED: &str = ".protected.new";
/// More than any of them holds.
const LONGEST: u64 = 80 * 1024 * 1024;
/// How long somebody else who is at work on one is waited for.
const PATIENCE: Duration = Duration::from_secs(5);
/// Between two looks at whether they are done.
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// The place of one guarded folder's record. The record goes when this goes.
#[derive(Debug, Clone)]
pub(crate) struct Shelf(Arc<Place>);

#[derive(Debug)]
struct Place {
    folder: PathBuf,
    /// What the names begin with.
    stem: String,
    owner: Owner,
    /// Where a git dir may have been moved to.
    cache: PathBuf,
    /// Whose tool chains' caches they are.
    workspace: PathBuf,
}

impl Shelf {
    /// For the `number`th guarded folder of a session of the calling process. None where its commands could write it:
    /// what they may say is nothing to go by.
    pub(crate) fn of_this_process(settings: &SandboxSettings, number: usize) -> io::Result<Option<Self>> {
        if is_in_reach(settings) {
            return Ok(None);
        }
        let owner = Owner::this_process()?;
        Ok(Some(Self(Arc::new(Place {
            folder: settings.run_folder.clone(),
            stem: format!("{}-{number}", stem(&owner, settings.session)),
            owner,
            cache: settings.cache.clone(),
            workspace: settings.toolchains_of.clone(),
        }))))
    }

    /// The folder that everything stands in.
    pub(crate) fn folder(&self) -> &Path {
        &self.0.folder
    }

    /// Takes the place of what was written before. Not armed yet.
    pub(crate) fn write(&self, record: &[u8]) -> io::Result<()> {
        let place = &*self.0;
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&place.folder)?;
        let unfinished = place.named(UNFINISHED);
        let mut file =
            OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&unfinished)?;
        let mut heading = Vec::new();
        note::write_fields(
            &mut heading,
            &note::fields_of(&place.owner)
                .chain([
                    ("workspace", place.workspace.as_os_str().into()),
                    ("cache", place.cache.as_os_str().into()),
                ])
                .collect::<Vec<_>>(),
        );
        file.write_all(&(heading.len() as u64).to_le_bytes())?;
        file.write_all(&heading)?;
        file.write_all(record)?;
        file.sync_data()?;
        fs::rename(unfinished, place.named(IDLE))
    }

    /// Whether there is one that can be armed.
    pub(crate) fn is_there(&self) -> bool {
        self.0.named(IDLE).exists()
    }

    /// From now on it is put back if we die. None where it is gone.
    pub(crate) fn arm(&self) -> io::Result<Option<Armed>> {
        match fs::rename(self.0.named(IDLE), self.0.named(ARMED)) {
            Ok(()) => Ok(Some(Armed { place: Arc::clone(&self.0), stays: AtomicBool::new(false) })),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}

impl Place {
    fn named(&self, ending: &str) -> PathBuf {
        self.folder.join(format!("{}{ending}", self.stem))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Err(error) = note::remove(&self.named(IDLE)) {
            tracing::warn!(folder = %self.folder.display(), %error, "the record of an ended session stays behind");
        }
    }
}

/// A record that is put back if we die. Dropped, it no longer is.
#[derive(Debug)]
pub(crate) struct Armed {
    place: Arc<Place>,
    stays: AtomicBool,
}

impl Armed {
    /// Leaves it to those who come after us.
    pub(crate) fn leave_armed(&self) {
        self.stays.store(true, Ordering::Relaxed);
    }
}

impl Drop for Armed {
    fn drop(&mut self) {
        if self.stays.load(Ordering::Relaxed) {
            return;
        }
        if let Err(error) = fs::rename(self.place.named(ARMED), self.place.named(IDLE)) {
            tracing::warn!(folder = %self.place.folder.display(), %error, "a record stays armed");
        }
    }
}

/// Whether commands could write what stands in the run folder.
pub(crate) fn is_in_reach(settings: &SandboxSettings) -> bool {
    settings.writable_roots().any(|root| rest_inside(&settings.run_folder, root).is_some())
}

/// What the names of a session begin with.
pub(super) fn stem(owner: &Owner, session: impl std::fmt::Display) -> String {
    format!("{}-{session}", owner.pid)
}

/// Puts back what the session whose names begin with `stem` had under way when it died, a moment ago.
pub(super) fn put_back_at_once(run_folder: &Path, stem: &str) {
    for (name, place) in armed(run_folder) {
        if name.starts_with(stem) {
            put_back(run_folder, &place, When::AtOnce);
        }
    }
}

/// Puts back what sessions of programs that died had under way.
pub(super) fn put_back_later(run_folder: &Path) {
    for (_, place) in armed(run_folder) {
        put_back(run_folder, &place, When::Later);
    }
}

/// Whether there is something to put back.
pub(super) fn is_something_armed(run_folder: &Path) -> bool {
    !armed(run_folder).is_empty()
}

/// Those that are to be put back, by name. What else the dead left is removed.
fn armed(run_folder: &Path) -> Vec<(String, PathBuf)> {
    let Ok(entries) = fs::read_dir(run_folder) else { return Vec::new() };
    let mut armed = Vec::new();
    for entry in entries.filter_map(Result::ok) {
        let Ok(name) = entry.file_name().into_string() else { continue };
        if name.ends_with(ARMED) {
            armed.push((name, entry.path()));
        } else if (name.ends_with(IDLE) || name.ends_with(UNFINISHED)) && !note::has_a_living_writer(&name) {
            note::remove(&entry.path()).unwrap_or_default();
        }
    }
    armed
}

fn put_back(run_folder: &Path, place: &Path, when: When) {
    match try_put_back(run_folder, place, when) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => {
            tracing::error!(record = %place.display(), %error, "cannot put back what a killed program's commands changed");
        }
    }
}

fn try_put_back(run_folder: &Path, place: &Path, when: When) -> io::Result<()> {
    let file = File::open(place)?;
    take(&file)?;
    // Somebody may have been done with it while we waited.
    if file.metadata()?.ino() != fs::metadata(place)?.ino() {
        return Ok(());
    }
    let mut text = Vec::new();
    (&file).take(LONGEST).read_to_end(&mut text)?;
    let damaged =
        || io::Error::new(io::ErrorKind::InvalidData, "the record is damaged or of another version");
    let (heading, record) = split(&text).ok_or_else(damaged)?;
    let owner = note::owner_of(&heading).ok_or_else(damaged)?;
    if !matches!(owner.life()?, Life::Died | Life::DiedWithItsBoot) {
        return Ok(());
    }
    let path = |name: &str| note::path_of(&heading, name).ok_or_else(damaged);
    let toolchains = Folders::toolchains_of(&path("workspace")?, &path("cache")?);
    let recovered = protected::recover(record, when, &[toolchains]).ok_or_else(damaged)??;
    let Recovered { workspace, settled, may_be_tried_again } = recovered;
    word::leave(run_folder, place, &workspace, &settled, when)?;
    if may_be_tried_again { Ok(()) } else { note::remove(place) }
}

/// Waits for whoever is at work on it.
fn take(file: &File) -> io::Result<()> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(()),
            Err(fs::TryLockError::WouldBlock) if Instant::now() < deadline => thread::sleep(LOOK_AGAIN),
            Err(error) => return Err(error.into()),
        }
    }
}

fn split(text: &[u8]) -> Option<(note::Fields<'_>, &[u8])> {
    let (length, rest) = text.split_first_chunk()?;
    let (heading, record) = rest.split_at_checked(usize::try_from(u64::from_le_bytes(*length)).ok()?)?;
    Some((note::read_fields(heading), record))
}

#[cfg(test)]
mod tests;
