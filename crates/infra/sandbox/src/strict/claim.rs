//! Who lives in a folder: what was made there for mounts is removed by the last one only.
//!
//! A mount comes off when its place is removed, in whichever view that is done. So every session holds a shared lock
//! on each folder that its commands may write, as long as any of its commands or servers lives there; the kernel lets
//! go of it when a session is killed. Who removes holds it alone. What a killed session started may outlive the lock,
//! by moments or because it took over the first process inside; so the views of living processes are looked at, too.
//! No lock is handed down to commands: a descriptor of a folder would lead them out.

use std::{
    fs, io,
    os::{
        fd::OwnedFd,
        unix::{ffi::OsStrExt, fs::MetadataExt},
    },
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use rustix::fs::{FlockOperation, Mode, OFlags, flock};

/// How long whoever removes something may hold the lock.
const PATIENCE: Duration = Duration::from_millis(500);
/// How long what was killed may take to end.
const DEATH: Duration = Duration::from_secs(1);
/// Between two tries.
const LOOK_AGAIN: Duration = Duration::from_millis(2);

/// A folder that we live in. Dropping it is leaving.
#[derive(Debug)]
pub(super) struct Claim {
    root: PathBuf,
    folder: Option<OwnedFd>,
}

impl Claim {
    /// Waits a moment for somebody who removes something. Where the file system knows no locks, or somebody else holds
    /// this one, the claim is there all the same, and nobody is ever the last one.
    pub(super) fn on(root: &Path) -> Self {
        let folder = lock(root).inspect_err(
            |error| tracing::debug!(folder = %root.display(), %error, "a folder cannot be locked"),
        );
        Self { root: root.to_owned(), folder: folder.ok() }
    }

    /// The folder, by name.
    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// Whether the folder is still the one of that name.
    pub(super) fn stands(&self) -> bool {
        self.folder.as_ref().is_none_or(|folder| is_at(folder, &self.root))
    }

    /// Leaves, unless nobody else lives there: then nobody can come until what this gives is dropped. Waits a moment for
    /// what was just killed and still has `places` mounted.
    pub(super) fn of_the_last(self, places: &[&Path]) -> Option<Self> {
        if !self.stands() {
            return None;
        }
        // One that fails costs the shared lock, too (flock(2)).
        flock(self.folder.as_ref()?, FlockOperation::NonBlockingLockExclusive).ok()?;
        let deadline = Instant::now() + DEATH;
        while is_mounted_elsewhere(places) {
            if Instant::now() > deadline {
                return None;
            }
            thread::sleep(LOOK_AGAIN);
        }
        Some(self)
    }
}

fn lock(root: &Path) -> io::Result<OwnedFd> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let folder = rustix::fs::open(root, flags, Mode::empty())?;
        match flock(&folder, FlockOperation::NonBlockingLockShared) {
            Ok(()) => return Ok(folder),
            Err(rustix::io::Errno::WOULDBLOCK) if Instant::now() < deadline => thread::sleep(LOOK_AGAIN),
            Err(error) => return Err(error.into()),
        }
    }
}

/// Whether a held folder is what stands at `place`.
pub(super) fn is_at(held: &OwnedFd, place: &Path) -> bool {
    let Ok(held) = rustix::fs::fstat(held) else { return false };
    place.symlink_metadata().is_ok_and(|found| (found.dev(), found.ino()) == (held.st_dev, held.st_ino))
}

/// Whether a process that we may look at lives in another view, with something mounted at one of `places`.
fn is_mounted_elsewhere(places: &[&Path]) -> bool {
    let places: Vec<_> = places.iter().map(|place| escaped(place)).collect();
    let Ok(own) = fs::read_link("/proc/self/ns/mnt") else { return true };
    let Ok(processes) = fs::read_dir("/proc") else { return true };
    processes.filter_map(Result::ok).map(|entry| entry.path()).any(|process| {
        // Neither can be read of a process that has ended.
        fs::read_link(process.join("ns/mnt")).is_ok_and(|view| view != own)
            && fs::read(process.join("mountinfo")).is_ok_and(|mounts| has_mount_at(&mounts, &places))
    })
}

/// The fifth word of each line is a place (proc_pid_mountinfo(5)).
fn has_mount_at(mounts: &[u8], places: &[Vec<u8>]) -> bool {
    let place = |line: &'_ [u8]| line.split(|byte| *byte == b' ').nth(4).map(<[u8]>::to_vec);
    mounts.split(|byte| *byte == b'\n').filter_map(place).any(|place| places.contains(&place))
}

/// As the kernel writes a path into such a line.
fn escaped(path: &Path) -> Vec<u8> {
    let mut escaped = Vec::new();
    for byte in path.as_os_str().as_bytes() {
        match byte {
            b' ' | b'\t' | b'\n' | b'\\' => escaped.extend(format!("\\{byte:03o}").into_bytes()),
            byte => escaped.push(*byte),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_one_in_a_folder_is_alone_and_nobody_can_come_then() {
        let folder = tempfile::tempdir().expect("a folder");
        let (first, second) = (Claim::on(folder.path()), Claim::on(folder.path()));
        assert!(first.of_the_last(&[]).is_none());
        let last = second.of_the_last(&[]).expect("the first has left");
        assert!(Claim::on(folder.path()).of_the_last(&[]).is_none());
        drop(last);
        assert!(Claim::on(folder.path()).of_the_last(&[]).is_some());
    }

    #[test]
    fn a_claim_on_a_folder_that_was_made_anew_stands_no_more() {
        let above = tempfile::tempdir().expect("a folder");
        let root = above.path().join("작업 공간");
        fs::create_dir(&root).expect("a folder");
        let claim = Claim::on(&root);
        assert!(claim.stands());
        fs::rename(&root, above.path().join("old"))
            .and_then(|()| fs::create_dir(&root))
            .expect("our folders");
        assert!(!claim.stands());
    }

    #[test]
    fn a_mount_is_found_under_the_name_that_the_kernel_writes() {
        let line = "35 34 0:3 / /w\\040x/\\134.git rw,noatime - ext4 /dev/vda rw\n".as_bytes();
        for (place, is_there) in [("/w x/\\.git", true), ("/w x", false), ("/w", false), ("/", false)] {
            assert_eq!(has_mount_at(line, &[escaped(Path::new(place))]), is_there, "{place}");
        }
        assert!(!is_mounted_elsewhere(&[Path::new("/nowhere/at/all")]));
    }
}
