//! Where sockets lie: `<pid>.sock` in the run folder, `<pid>-2.sock` and so on for further engines of one process.
//!
//! Whoever makes or removes a name there holds the folder's lock meanwhile (`flock` on the folder itself), so that nobody
//! removes what somebody else has just made. A socket that nobody listens at is a dead process's, and is removed by
//! whoever finds it.

use std::{
    fs::{self, DirBuilder, File, Permissions, TryLockError},
    io::{self, ErrorKind},
    os::{
        fd::OwnedFd,
        unix::{
            ffi::OsStrExt,
            fs::{DirBuilderExt, PermissionsExt},
        },
    },
    path::{Path, PathBuf},
    time::Duration,
};

use rustix::process::{Pid, getpid, test_kill_process};
use tokio::{
    net::{UnixListener, UnixStream},
    time::{sleep, timeout},
};

use crate::error::SocketError;

/// How long a process has to answer that it lives.
const ANSWER: Duration = Duration::from_secs(2);
/// How long others have to get done who are at work in the folder.
const PATIENCE: Duration = Duration::from_secs(2);
/// Between two looks whether they have.
const LOOK_AGAIN: Duration = Duration::from_millis(5);
/// The bytes of a path that an address holds, the zero at its end left out (`sun_path` in unix(7)).
const LONGEST: usize = if cfg!(target_os = "linux") { 107 } else { 103 };

/// Makes a socket of this process in `folder` and listens at it.
pub(crate) async fn listen(folder: &Path) -> Result<(UnixListener, PathBuf), SocketError> {
    private_folder(folder).map_err(|source| SocketError::Folder { folder: folder.to_owned(), source })?;
    let _lock = lock(folder).await?;
    let name = free_name(folder).await;
    let place = folder.join(name);
    let failed = |source| SocketError::Listen { place: place.clone(), source };
    let address =
        Address::of(&place).map_err(failed)?.ok_or_else(|| SocketError::TooLong { place: place.clone() })?;
    let listener = UnixListener::bind(&address.path).map_err(failed)?;
    // The folder lets nobody else in meanwhile.
    fs::set_permissions(&place, Permissions::from_mode(0o600)).map_err(failed)?;
    Ok((listener, place))
}

/// A name that nobody listens at. What a dead process of the same number left makes room.
async fn free_name(folder: &Path) -> String {
    let pid = getpid().as_raw_pid();
    let first = format!("{pid}.sock");
    if remove_if_dead(&folder.join(&first)).await {
        return first;
    }
    let names = names(folder);
    let further = (2_u64..).map(|number| format!("{pid}-{number}.sock"));
    further.into_iter().find(|name| !names.contains(name)).unwrap_or(first)
}

/// Connects to the socket at `place`.
pub(crate) async fn connect(place: &Path) -> io::Result<UnixStream> {
    let address = Address::of(place)?.ok_or_else(|| io::Error::from(ErrorKind::InvalidFilename))?;
    let connecting = UnixStream::connect(&address.path);
    timeout(ANSWER, connecting).await.unwrap_or_else(|_| Err(ErrorKind::TimedOut.into()))
}

/// Every socket in the folder; none where there is no folder.
pub(crate) fn sockets(folder: &Path) -> Vec<PathBuf> {
    names(folder).into_iter().map(|name| folder.join(name)).collect()
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    names.filter(|name| pid_of(name).is_some()).collect()
}

/// The process that a socket's name names.
fn pid_of(name: &str) -> Option<Pid> {
    let stem = name.strip_suffix(".sock")?;
    let pid = stem.split_once('-').map_or(stem, |(pid, _)| pid);
    Pid::from_raw(pid.parse().ok()?)
}

/// Removes the sockets of processes that have died.
pub(crate) async fn sweep(folder: &Path) {
    for name in names(folder) {
        // A number that is in use is not looked into: the name goes when that process does.
        let is_in_use =
            pid_of(&name).is_none_or(|pid| test_kill_process(pid) != Err(rustix::io::Errno::SRCH));
        if !is_in_use {
            remove_dead(&folder.join(name)).await;
        }
    }
}

/// Removes a socket that nobody listens at.
pub(crate) async fn remove_dead(place: &Path) {
    let folder = place.parent().unwrap_or(Path::new("."));
    if !is_dead(place).await {
        return;
    }
    match lock(folder).await {
        // Under the lock, nobody is between making a name and listening at it.
        Ok(_lock) => drop(remove_if_dead(place).await),
        Err(error) => {
            tracing::warn!(place = %place.display(), %error, "a dead process's socket stays behind")
        }
    }
}

/// Whether nothing stands at `place` any more. Called under the lock.
async fn remove_if_dead(place: &Path) -> bool {
    if is_dead(place).await {
        remove(place);
    }
    fs::symlink_metadata(place).is_err_and(|error| error.kind() == ErrorKind::NotFound)
}

async fn is_dead(place: &Path) -> bool {
    connect(place).await.is_err_and(|error| error.kind() == ErrorKind::ConnectionRefused)
}

/// Removes a socket, if it is there.
pub(crate) fn remove(place: &Path) {
    match fs::remove_file(place) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            tracing::warn!(place = %place.display(), %error, "a socket stays behind");
        }
        _ => {}
    }
}

/// Makes the folder with its parents, for its owner alone.
fn private_folder(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let mode = fs::metadata(folder)?.permissions().mode();
    if mode & 0o077 == 0 { Ok(()) } else { fs::set_permissions(folder, Permissions::from_mode(0o700)) }
}

/// Waits for the folder's lock. It goes with the file.
async fn lock(folder: &Path) -> Result<File, SocketError> {
    let failed = |source| SocketError::Lock { folder: folder.to_owned(), source };
    let file = File::open(folder).map_err(failed)?;
    let locking = async {
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(()),
                Err(TryLockError::WouldBlock) => sleep(LOOK_AGAIN).await,
                Err(TryLockError::Error(error)) => return Err(error),
            }
        }
    };
    let locked = timeout(PATIENCE, locking).await.unwrap_or_else(|_| Err(ErrorKind::TimedOut.into()));
    locked.map_err(failed)?;
    Ok(file)
}

/// A path that an address holds.
struct Address {
    path: PathBuf,
    /// What the path goes through stays open as long.
    _folder: Option<OwnedFd>,
}

impl Address {
    /// The path itself, or where that is too long one through the folder, opened. None where the system has no such way.
    fn of(place: &Path) -> io::Result<Option<Self>> {
        if place.as_os_str().as_bytes().len() <= LONGEST {
            return Ok(Some(Self { path: place.to_owned(), _folder: None }));
        }
        Self::through_folder(place)
    }

    #[cfg(target_os = "linux")]
    fn through_folder(place: &Path) -> io::Result<Option<Self>> {
        use std::os::fd::AsRawFd;

        use rustix::fs::{Mode, OFlags, open};

        let (Some(folder), Some(name)) = (place.parent(), place.file_name()) else { return Ok(None) };
        let folder = open(folder, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
        let path = Path::new("/proc/self/fd").join(folder.as_raw_fd().to_string()).join(name);
        Ok((path.as_os_str().as_bytes().len() <= LONGEST).then_some(Self { path, _folder: Some(folder) }))
    }

    #[cfg(not(target_os = "linux"))]
    fn through_folder(_place: &Path) -> io::Result<Option<Self>> {
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(place: &Path) -> u32 {
        fs::metadata(place).unwrap().permissions().mode() & 0o777
    }

    fn own_name(suffix: &str) -> String {
        format!("{}{suffix}.sock", getpid().as_raw_pid())
    }

    #[tokio::test]
    async fn a_socket_belongs_to_its_owner_alone_and_each_engine_has_its_own() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("상태/run");
        let (_first, place) = listen(&folder).await.unwrap();
        let (_second, other) = listen(&folder).await.unwrap();
        assert_eq!([&place, &other], [&folder.join(own_name("")), &folder.join(own_name("-2"))]);
        assert_eq!([mode(&folder), mode(&place), mode(&other)], [0o700, 0o600, 0o600]);
    }

    #[tokio::test]
    async fn a_folder_that_was_open_to_others_is_closed() {
        let root = tempfile::tempdir().unwrap();
        fs::set_permissions(root.path(), Permissions::from_mode(0o755)).unwrap();
        let (_listener, _) = listen(root.path()).await.unwrap();
        assert_eq!(mode(root.path()), 0o700);
    }

    /// Paths of any length and script.
    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn a_path_too_long_for_an_address_works_nevertheless() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("아주-긴-이름".repeat(8)).join("עברית👩🏽‍🚀".repeat(6)).join("run");
        let (listener, place) = listen(&folder).await.unwrap();
        assert!(place.as_os_str().len() > LONGEST && place.exists());
        let (connected, accepted) = tokio::join!(connect(&place), listener.accept());
        connected.unwrap();
        accepted.unwrap();
        drop(listener);
        remove_dead(&place).await;
        assert!(!place.exists());
    }

    /// A socket of a process that is gone: its number is higher than any process has.
    #[tokio::test]
    async fn what_dead_processes_left_is_removed_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let dead = ["2147483647.sock", "2147483646-3.sock"].map(|name| folder.path().join(name));
        for place in &dead {
            drop(std::os::unix::net::UnixListener::bind(place).unwrap());
        }
        let kept = ["2147483645.sock", "me.sock", "1.note"].map(|name| folder.path().join(name));
        // Another container's, where that number is in use: it answers.
        let _alive = std::os::unix::net::UnixListener::bind(&kept[0]).unwrap();
        for place in &kept[1..] {
            fs::write(place, "").unwrap();
        }
        sweep(folder.path()).await;
        let there = |place: &PathBuf| place.exists();
        assert_eq!((dead.each_ref().map(there), kept.each_ref().map(there)), ([false; 2], [true; 3]));
    }

    #[tokio::test]
    async fn the_name_of_a_dead_process_of_the_same_number_is_taken() {
        let folder = tempfile::tempdir().unwrap();
        let name = folder.path().join(own_name(""));
        drop(std::os::unix::net::UnixListener::bind(&name).unwrap());
        let (_listener, place) = listen(folder.path()).await.unwrap();
        assert_eq!(place, name);
    }
}
