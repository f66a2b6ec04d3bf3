//! Folders and files that only their owner can read.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::Path,
};

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
    match network_file_system(magic) {
        Some(kind) => Err(StoreError::Network { folder: folder.to_owned(), kind }),
        None => Ok(()),
    }
}

/// Elsewhere the kind of a file system is not told by a number; `doctor` looks there.
#[cfg(not(target_os = "linux"))]
pub(crate) fn refuse_network(_folder: &Path) -> Result<(), StoreError> {
    Ok(())
}

/// The name of a network file system by its magic number (statfs(2), linux/magic.h).
#[cfg(target_os = "linux")]
fn network_file_system(magic: u32) -> Option<&'static str> {
    match magic {
        0x6969 => Some("nfs"),
        0x517b => Some("smb"),
        0xfe53_4d42 => Some("smb2"),
        0xff53_4d42 => Some("cifs"),
        0x0102_1997 => Some("9p"),
        0x5346_414f | 0x6b41_4653 => Some("afs"),
        0x00c3_6400 => Some("ceph"),
        0x0bd0_0bd0 => Some("lustre"),
        _ => None,
    }
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
    fn network_file_systems_are_known_and_local_ones_pass() {
        assert_eq!([0x6969, 0xef53, 0x0102_1994].map(network_file_system), [Some("nfs"), None, None]);
        refuse_network(tempfile::tempdir().unwrap().path()).unwrap();
    }
}
