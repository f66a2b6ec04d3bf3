//! The folders of our own that commands live in: home, caches of tool chains, temporary files.
//!
//! Commands write in some of them, and the engine, which no wall holds, makes and removes them. So no link is
//! followed on the way to them: one that a command had planted would lead the engine, and the next grant, outside.

use std::{
    ffi::{OsStr, OsString},
    fs::{self, DirBuilder},
    io,
    os::{
        fd::{AsFd, OwnedFd},
        unix::{ffi::OsStrExt, fs::DirBuilderExt},
    },
    path::{Component, Path, PathBuf},
};

use domain::id::SessionId;
use rustix::fs::{Mode, OFlags};
use sha2::{Digest, Sha256};

use crate::{error::SandboxError, settings::SandboxSettings};

/// Holds the caches of tool chains. Like the home it is writable as a whole; what holds the two is not, so neither can
/// be replaced by a link.
const CACHES: &str = "caches";
const HOME: &str = "home";
/// Holds a folder per session, of which a command may write its own.
const TEMPORARY: &str = "tmp";
/// Links that are followed at most where a path is resolved, as in the kernel.
const MOST_LINKS: usize = 40;

/// `cache/toolchains/<workspace>` and what stands in it. Only making and removing touch the disk.
#[derive(Debug, Clone)]
pub(crate) struct Folders {
    /// The person's own place, reached as it is named. Below it no link is followed.
    base: PathBuf,
    /// The names that lead from there to `toolchains`.
    way: Vec<OsString>,
    /// Kept between sessions.
    pub(crate) toolchains: PathBuf,
    /// The home of sandboxed commands.
    pub(crate) home: PathBuf,
    /// The caches of their tool chains; each makes its own in there.
    pub(crate) caches: PathBuf,
    /// This session's temporary files.
    pub(crate) temporary: PathBuf,
    session: OsString,
}

impl Folders {
    pub(crate) fn of(settings: &SandboxSettings) -> Self {
        Self::at(&settings.toolchains_of, &settings.cache, settings.session)
    }

    /// Those of any session: its `workspace`, canonical, and its `cache` root decide where.
    pub(crate) fn at(workspace: &Path, cache: &Path, session: SessionId) -> Self {
        let key = workspace_key(workspace);
        let toolchains = cache.join("toolchains").join(&key);
        // Commands can plant links wherever the workspace holds the cache.
        let (base, inside) = match rest_inside(cache, workspace) {
            Some(rest) => (workspace.to_owned(), rest),
            None => (cache.to_owned(), PathBuf::new()),
        };
        let inside = inside.components().filter_map(|component| match component {
            Component::Normal(name) => Some(name.to_owned()),
            Component::ParentDir => Some(OsString::from("..")),
            Component::Prefix(_) | Component::RootDir | Component::CurDir => None,
        });
        let session = session.to_string();
        Self {
            base,
            way: inside.chain(["toolchains".into(), key.into()]).collect(),
            home: toolchains.join(HOME),
            caches: toolchains.join(CACHES),
            temporary: toolchains.join(TEMPORARY).join(&session),
            toolchains,
            session: session.into(),
        }
    }

    /// What commands of a workspace may write besides it lies in there.
    pub(crate) fn toolchains_of(workspace: &Path, cache: &Path) -> PathBuf {
        cache.join("toolchains").join(workspace_key(workspace))
    }

    /// The paths that commands may write.
    pub(crate) fn writable(&self) -> impl Iterator<Item = PathBuf> + '_ {
        [&self.home, &self.temporary, &self.caches].map(Clone::clone).into_iter()
    }

    /// Makes the folders that are missing, private to the person, and gives a handle on each that commands may write.
    pub(crate) fn make(&self) -> Result<Vec<OwnedFd>, SandboxError> {
        let failed = |path: &Path, source| SandboxError::Folder { path: path.to_owned(), source };
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.base)
            .map_err(|source| failed(&self.base, source))?;
        let toolchains = self.toolchains(Missing::Make).map_err(|source| failed(&self.toolchains, source))?;
        let inside = |above: &OwnedFd, name: &OsStr| {
            enter(above, name, Missing::Make).map_err(|source| failed(&self.toolchains.join(name), source))
        };
        let above_temporary = inside(&toolchains, TEMPORARY.as_ref())?;
        let temporary = enter(&above_temporary, &self.session, Missing::Make)
            .map_err(|source| failed(&self.temporary, source))?;
        let rest = [HOME, CACHES].map(|name| inside(&toolchains, name.as_ref()));
        [Ok(temporary)].into_iter().chain(rest).collect()
    }

    /// Removes this session's temporary files.
    pub(crate) fn remove_temporary(&self) {
        match self.try_remove_temporary() {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::warn!(folder = %self.temporary.display(), %error, "temporary files of commands stay behind");
            }
            _ => {}
        }
    }

    fn try_remove_temporary(&self) -> io::Result<()> {
        let above = enter(&self.toolchains(Missing::Fail)?, TEMPORARY.as_ref(), Missing::Fail)?;
        fs::remove_dir_all(through(&above, self.temporary.parent()).join(&self.session))
    }

    fn toolchains(&self, missing: Missing) -> io::Result<OwnedFd> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let base = rustix::fs::open(&self.base, flags, Mode::empty())?;
        self.way.iter().try_fold(base, |above, name| enter(&above, name, missing))
    }
}

/// What is done about a folder that is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Missing {
    Make,
    Fail,
}

/// Opens a folder in another one, whatever else may stand there.
fn enter(above: &impl AsFd, name: &OsStr, missing: Missing) -> io::Result<OwnedFd> {
    use rustix::io::Errno;

    if missing == Missing::Make {
        match rustix::fs::mkdirat(above, name, Mode::RWXU) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    rustix::fs::openat(above, name, flags, Mode::empty()).map_err(|error| match error {
        Errno::LOOP | Errno::NOTDIR => io::Error::new(
            io::ErrorKind::NotADirectory,
            format!(
                "`{}` is a link or a file where a folder of ours has to be; a command may have put it there; look at \
                 it, then remove it",
                name.display()
            ),
        ),
        error => error.into(),
    })
}

/// A path that leads through the handle, whatever the folder's own path leads to by now.
#[cfg(target_os = "linux")]
fn through(folder: &OwnedFd, _path: Option<&Path>) -> PathBuf {
    use std::os::fd::AsRawFd;

    Path::new("/proc/self/fd").join(folder.as_raw_fd().to_string())
}

/// Elsewhere no level walls commands in, so they need no planted link to do what the person can do.
#[cfg(not(target_os = "linux"))]
fn through(_folder: &OwnedFd, path: Option<&Path>) -> PathBuf {
    path.unwrap_or(Path::new("/")).to_owned()
}

/// What is left of `path` where its resolution, links included, has come into `workspace` (canonical); none where it
/// never does. From there on a command decides where the path leads.
pub(crate) fn rest_inside(path: &Path, workspace: &Path) -> Option<PathBuf> {
    let mut real = PathBuf::from("/");
    let mut rest = path.to_owned();
    let mut links = 0;
    while real != workspace {
        let mut components = rest.components();
        let component = components.next()?;
        let mut after = components.as_path().to_owned();
        match component {
            Component::RootDir => real = PathBuf::from("/"),
            Component::Prefix(_) | Component::CurDir => {}
            Component::ParentDir => {
                real.pop();
            }
            Component::Normal(name) => {
                let next = real.join(name);
                match fs::read_link(&next) {
                    Ok(target) if links < MOST_LINKS => {
                        links += 1;
                        after = target.join(after);
                    }
                    _ => real = next,
                }
            }
        }
        rest = after;
    }
    Some(rest)
}

/// A folder name of its own for every workspace: its last name, for people, and a digest of its whole path.
fn workspace_key(workspace: &Path) -> String {
    let name: String = workspace
        .file_name()
        .map(|name| name.to_string_lossy())
        .unwrap_or_default()
        .chars()
        .map(|letter| if letter.is_ascii_alphanumeric() || "-_.".contains(letter) { letter } else { '_' })
        .take(32)
        .collect();
    let digest = Sha256::digest(workspace.as_os_str().as_bytes());
    let digest: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    format!("{name}-{digest}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn workspaces_of_one_name_have_folders_of_their_own() {
        let first = workspace_key(Path::new("/a/프로젝트 x"));
        let second = workspace_key(Path::new("/b/프로젝트 x"));
        assert!(first.starts_with("_____x-"), "{first}");
        assert_ne!(first, second);
        assert_eq!(first, workspace_key(Path::new("/a/프로젝트 x")));
    }

    #[test]
    fn a_path_that_comes_through_the_workspace_is_told_from_one_that_does_not() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let root = folder.path().canonicalize().expect("its path");
        let workspace = root.join("작업");
        fs::create_dir_all(workspace.join("bin")).expect("a workspace");
        let link = |target: &Path, name: &Path| std::os::unix::fs::symlink(target, name).expect("a link");
        link(&workspace.join("bin"), &root.join("programs"));
        link(Path::new("작업"), &root.join("relative"));
        link(&root, &workspace.join("out"));
        for (path, expected) in [
            ("작업/bin", Some("bin")),
            ("programs", Some("bin")),
            ("relative/a/b", Some("a/b")),
            ("작업/out/secret", Some("out/secret")),
            ("x/../작업", Some("")),
            ("작업 2/bin", None),
            ("secret", None),
        ] {
            assert_eq!(
                rest_inside(&root.join(path), &workspace).as_deref(),
                expected.map(Path::new),
                "{path}"
            );
        }
    }
}
