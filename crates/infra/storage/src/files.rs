//! Folders and files that only their owner can read.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::Path,
};

#[cfg(target_os = "linux")]
use domain::file_system;

use crate::error::StoreError;

/// Makes `folder` and its missing parents with mode 0700, each entry on disk before this returns. Folders that
/// are there keep their mode.
pub(crate) fn private_folder(folder: &Path) -> Result<(), StoreError> {
    let refused = |source| StoreError::Folder { folder: folder.to_owned(), source };
    let missing: Vec<&Path> =
        folder.ancestors().take_while(|path| !path.as_os_str().is_empty() && !path.is_dir()).collect();
    for path in missing.into_iter().rev() {
        match DirBuilder::new().mode(0o700).create(path) {
            Ok(()) => path.parent().map_or(Ok(()), sync_folder).map_err(refused)?,
            // Another process was faster.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => {}
            Err(error) => return Err(refused(error)),
        }
    }
    Ok(())
}

/// Makes an empty `file` with mode 0600 where there is none.
pub(crate) fn private_file(file: &Path) -> Result<(), StoreError> {
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(file) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(source) => Err(StoreError::File { doing: "make", file: file.to_owned(), source }),
    }
}

/// Waits until the entries of `folder` (a new or renamed file) are on disk.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    File::open(folder)?.sync_all()
}

/// Refuses a folder on a network file system.
#[cfg(target_os = "linux")]
pub(crate) fn refuse_network(folder: &Path) -> Result<(), StoreError> {
    let about = rustix::fs::statfs(folder).map_err(|error| StoreError::File {
        doing: "find the file system of",
        file: folder.to_owned(),
        source: error.into(),
    })?;
    // The field's type differs between architectures; the magic numbers are 32 bits on all of them.
    let magic = u32::try_from(i128::from(about.f_type) & 0xffff_ffff).unwrap_or_default();
    match file_system::network_by_magic(magic) {
        Some(kind) => Err(StoreError::Network { folder: folder.to_owned(), kind }),
        None => Ok(()),
    }
}

/// Elsewhere the kind of a file system is not told by a number; `doctor` looks there.
#[cfg(not(target_os = "linux"))]
pub(crate) fn refuse_network(_folder: &Path) -> Result<(), StoreError> {
    Ok(())
}

/// Whether something stands at `path`.
pub(crate) fn exists(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn new_folders_and_files_belong_to_their_owner_alone() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("가/나");
        private_folder(&folder).unwrap();
        private_folder(&folder).unwrap();
        let file = folder.join("일지.db");
        private_file(&file).unwrap();
        assert_eq!([mode(&home.path().join("가")), mode(&folder), mode(&file)], [0o700, 0o700, 0o600]);
    }

    #[test]
    fn a_file_in_the_way_of_a_folder_is_named() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("data");
        fs::write(&file, "").unwrap();
        let error = private_folder(&file.join("deep")).unwrap_err();
        assert!(error.to_string().contains(file.join("deep").to_str().unwrap()), "{error}");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_local_file_system_passes() {
        refuse_network(tempfile::tempdir().unwrap().path()).unwrap();
    }
}
