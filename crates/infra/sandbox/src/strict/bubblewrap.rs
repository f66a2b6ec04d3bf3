//! The host's `bwrap`: where it is, and what it can do.

use std::{
    fmt,
    io::{self, Read},
    os::unix::fs::MetadataExt,
    path::PathBuf,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::StrictError;
use crate::{environment, folders::rest_inside, settings::SandboxSettings};

/// How long it may take to say its version.
const PATIENCE: Duration = Duration::from_secs(10);
/// Bytes of what it says that are read.
const MOST_SAID: usize = 4096;

/// A version of bubblewrap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Version(u32, u32, u32);

impl Version {
    /// The oldest that has every option that is always used.
    pub(super) const OLDEST: Self = Self(0, 4, 0);
    /// From here on it can forbid user namespaces inside, and bound a file system in memory.
    const DISABLES_NAMESPACES: Self = Self(0, 8, 0);

    fn parse(said: &str) -> Option<Self> {
        let mut parts = said.trim().strip_prefix("bubblewrap ")?.split('.').map(str::parse);
        let mut next = || parts.next()?.ok();
        Some(Self(next()?, next()?, next().unwrap_or(0)))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}.{}.{}", self.0, self.1, self.2)
    }
}

/// A program that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Program {
    pub(super) path: PathBuf,
    /// Changes whenever the file does.
    pub(super) stamp: String,
}

/// A program that was asked for its version.
#[derive(Debug, Clone)]
pub(super) struct Bubblewrap {
    pub(super) program: PathBuf,
    pub(super) version: Version,
}

impl Program {
    /// The first `bwrap` in the absolute folders of `PATH` that no command can write.
    pub(super) fn find(settings: &SandboxSettings) -> Result<Self, StrictError> {
        let is_safe =
            |folder: &PathBuf| !settings.writable_roots().any(|root| rest_inside(folder, root).is_some());
        environment::program_folders(settings.path())
            .filter(is_safe)
            .map(|folder| folder.join("bwrap"))
            .filter(|file| environment::is_program(file))
            .find_map(|path| {
                let found = path.metadata().ok()?;
                let stamp = format!(
                    "{}:{}:{}:{}:{}.{}",
                    found.dev(),
                    found.ino(),
                    found.size(),
                    found.mode(),
                    found.ctime(),
                    found.ctime_nsec()
                );
                Some(Self { path, stamp })
            })
            .ok_or(StrictError::NoBubblewrap)
    }

    /// Runs it once. Blocks, at most as long as [`PATIENCE`].
    pub(super) fn ask(&self) -> Result<Bubblewrap, StrictError> {
        let failed = |source| StrictError::Ask { program: self.path.clone(), source };
        let said = self.first_words().map_err(failed)?;
        let said = String::from_utf8_lossy(&said);
        let unknown = || failed(io::Error::other(format!("it says {:?}", said.trim())));
        self.of_version(Version::parse(&said).ok_or_else(unknown)?)
    }

    /// What it says to its standard output until it closes it, or until nobody waits any more.
    fn first_words(&self) -> io::Result<Vec<u8>> {
        let (mut told, tells) = io::pipe()?;
        let mut command = Command::new(&self.path);
        command.arg("--version").env_clear().current_dir("/").stdin(Stdio::null());
        let mut program = command.stdout(tells).stderr(Stdio::null()).spawn()?;
        // Our end of what it writes to goes with it.
        drop(command);
        let said = read_within(&mut told, PATIENCE);
        // It has said all that we hear of it, whether it knows or not.
        program.kill()?;
        program.wait()?;
        said
    }

    /// As [`Program::ask`] told it before.
    pub(super) fn told(&self, said: &str) -> Option<Bubblewrap> {
        self.of_version(Version::parse(said)?).ok()
    }

    fn of_version(&self, version: Version) -> Result<Bubblewrap, StrictError> {
        if version < Version::OLDEST {
            return Err(StrictError::OldBubblewrap { program: self.path.clone(), version });
        }
        Ok(Bubblewrap { program: self.path.clone(), version })
    }
}

/// What comes out of a pipe until it is closed, its first bytes at most.
fn read_within(pipe: &mut io::PipeReader, patience: Duration) -> io::Result<Vec<u8>> {
    let deadline = Instant::now() + patience;
    let mut said = Vec::new();
    while said.len() < MOST_SAID {
        let left = deadline.saturating_duration_since(Instant::now());
        let left = Timespec::try_from(left).map_err(io::Error::other)?;
        if poll(&mut [PollFd::new(pipe, PollFlags::IN)], Some(&left))? == 0 {
            return Err(io::ErrorKind::TimedOut.into());
        }
        let mut part = [0; 512];
        match pipe.read(&mut part)? {
            0 => break,
            read => said.extend(part.iter().take(read)),
        }
    }
    Ok(said)
}

impl Bubblewrap {
    /// Whether it can forbid user namespaces inside.
    pub(super) fn disables_namespaces(&self) -> bool {
        self.version >= Version::DISABLES_NAMESPACES
    }

    /// Whether it can bound a file system in memory.
    pub(super) fn bounds_memory(&self) -> bool {
        self.version >= Version::DISABLES_NAMESPACES
    }

    /// What [`Program::told`] reads.
    pub(super) fn said(&self) -> String {
        format!("bubblewrap {}", self.version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_says_nothing_is_waited_for_in_vain_and_who_says_too_much_is_cut_short() {
        let (mut told, mut tells) = io::pipe().expect("a pipe");
        let nothing = read_within(&mut told, Duration::from_millis(1));
        assert_eq!(nothing.expect_err("nobody said anything").kind(), io::ErrorKind::TimedOut);
        io::Write::write_all(&mut tells, &[b'x'; MOST_SAID * 2]).expect("room in the pipe");
        assert_eq!(read_within(&mut told, PATIENCE).expect("much").len(), MOST_SAID);
    }

    #[test]
    fn versions_are_read_and_compared() {
        assert_eq!(Version::parse("bubblewrap 0.8.0\n"), Some(Version(0, 8, 0)));
        assert_eq!(Version::parse("bubblewrap 0.11"), Some(Version(0, 11, 0)));
        assert!(Version(0, 11, 0) > Version::DISABLES_NAMESPACES && Version(0, 3, 9) < Version::OLDEST);
        for said in ["", "bubblewrap", "bubblewrap x.y", "bwrap 0.8.0"] {
            assert_eq!(Version::parse(said), None, "{said}");
        }
    }
}
