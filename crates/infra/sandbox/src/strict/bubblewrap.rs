//! The host's `bwrap`: where it is, and what it can do.

use std::{
    fmt, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use super::StrictError;
use crate::{environment, folders::rest_inside, settings::SandboxSettings};

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

    /// Runs it once.
    pub(super) fn ask(&self) -> Result<Bubblewrap, StrictError> {
        let failed = |source| StrictError::Ask { program: self.path.clone(), source };
        let output = Command::new(&self.path)
            .arg("--version")
            .env_clear()
            .current_dir(Path::new("/"))
            .stdin(Stdio::null())
            .output()
            .map_err(failed)?;
        let said = String::from_utf8_lossy(&output.stdout);
        let unknown = || failed(io::Error::other(format!("it says {:?}", said.trim())));
        self.of_version(Version::parse(&said).ok_or_else(unknown)?)
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
    fn versions_are_read_and_compared() {
        assert_eq!(Version::parse("bubblewrap 0.8.0\n"), Some(Version(0, 8, 0)));
        assert_eq!(Version::parse("bubblewrap 0.11"), Some(Version(0, 11, 0)));
        assert!(Version(0, 11, 0) > Version::DISABLES_NAMESPACES && Version(0, 3, 9) < Version::OLDEST);
        for said in ["", "bubblewrap", "bubblewrap x.y", "bwrap 0.8.0"] {
            assert_eq!(Version::parse(said), None, "{said}");
        }
    }
}
