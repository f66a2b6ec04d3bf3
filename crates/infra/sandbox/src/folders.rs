//! The folders of our own that commands live in: home, caches of tool chains, temporary files.

use std::{
    fs::DirBuilder,
    io,
    os::unix::{ffi::OsStrExt, fs::DirBuilderExt},
    path::{Path, PathBuf},
};

use sha2::{Digest, Sha256};

use crate::{error::SandboxError, settings::SandboxSettings};

/// `cache/toolchains/<workspace>` and what stands in it. Only [`Folders::make`] touches the disk.
#[derive(Debug, Clone)]
pub(crate) struct Folders {
    /// Writable by sandboxed commands, kept between sessions.
    pub(crate) toolchains: PathBuf,
    /// The home of sandboxed commands.
    pub(crate) home: PathBuf,
    /// This session's temporary files.
    pub(crate) temporary: PathBuf,
}

impl Folders {
    pub(crate) fn of(settings: &SandboxSettings) -> Self {
        let toolchains = settings.cache.join("toolchains").join(workspace_key(&settings.workspace));
        Self {
            home: toolchains.join("home"),
            temporary: toolchains.join("tmp").join(settings.session.to_string()),
            toolchains,
        }
    }

    /// Makes the folders that are missing, private to the person.
    pub(crate) fn make(&self) -> Result<(), SandboxError> {
        [&self.home, &self.temporary].into_iter().try_for_each(|path| {
            DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(path)
                .map_err(|source| SandboxError::Folder { path: path.clone(), source })
        })
    }

    /// Removes this session's temporary files.
    pub(crate) fn remove_temporary(&self) {
        match std::fs::remove_dir_all(&self.temporary) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::warn!(folder = %self.temporary.display(), %error, "temporary files of commands stay behind");
            }
            _ => {}
        }
    }
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
}
