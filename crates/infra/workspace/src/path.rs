//! Paths inside the workspace, as the bytes the file system knows them by.
//!
//! Nothing here normalises Unicode or case: two names that differ in a byte are two files.

use std::{
    ffi::OsStr,
    os::unix::ffi::OsStrExt,
    path::{Component, Path, PathBuf},
    sync::Arc,
};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A path relative to the workspace, with `/`, without `.` and `..`. Sorted by bytes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct FilePath(Arc<[u8]>);

impl FilePath {
    pub(crate) fn new(bytes: &[u8]) -> Self {
        Self(bytes.into())
    }

    /// Reads a path that a model or a person wrote: relative to `root`, or absolute and inside of it. None where
    /// it leads outside or names the root itself.
    pub(crate) fn named(root: &Path, text: &str) -> Option<Self> {
        Self::inside(root, Path::new(text))
    }

    /// [`FilePath::named`], of any path.
    pub(crate) fn inside(root: &Path, path: &Path) -> Option<Self> {
        let inside = if path.is_absolute() { path.strip_prefix(root).ok()? } else { path };
        let mut clean = PathBuf::new();
        for component in inside.components() {
            match component {
                Component::Normal(name) => clean.push(name),
                Component::CurDir => {}
                Component::ParentDir | Component::RootDir | Component::Prefix(_) => return None,
            }
        }
        let bytes = clean.as_os_str().as_bytes();
        (!bytes.is_empty()).then(|| Self::new(bytes))
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// For people and events. A name that is not UTF-8 shows U+FFFD where it is not.
    pub(crate) fn to_text(&self) -> String {
        String::from_utf8_lossy(&self.0).into_owned()
    }

    pub(crate) fn as_path(&self) -> &Path {
        Path::new(OsStr::from_bytes(&self.0))
    }

    /// Whether this is `folder` or lies in it.
    pub(crate) fn is_within(&self, folder: &[u8]) -> bool {
        self.0.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
    }

    /// The folders above it, nearest last: `a`, `a/b` for `a/b/c`.
    pub(crate) fn folders(&self) -> impl Iterator<Item = &[u8]> {
        let slashes = self.0.iter().enumerate().filter(|(_, byte)| **byte == b'/');
        slashes.filter_map(|(at, _)| self.0.get(..at))
    }

    /// A name in the folder that this is; empty: the workspace.
    pub(crate) fn join(&self, name: &[u8]) -> Self {
        if self.0.is_empty() { Self::new(name) } else { Self::new(&[&self.0, name].join(&b'/')) }
    }

    /// Whether it can be the path of a person's file: it leads nowhere else, and not into a `.git`.
    pub(crate) fn is_sound(&self) -> bool {
        let is_name = |part: &[u8]| !matches!(part, b"" | b"." | b"..") && !part.contains(&0);
        self.0.split(|byte| *byte == b'/').all(is_name) && self.fits_git(false)
    }

    /// Whether git takes a file of this name into an index: no part of the path may be `.git`, in any case.
    pub(crate) fn fits_git(&self, is_link: bool) -> bool {
        let has_git = self.0.split(|byte| *byte == b'/').any(|part| part.eq_ignore_ascii_case(b".git"));
        let name = self.0.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
        !(has_git || is_link && name.eq_ignore_ascii_case(b".gitmodules"))
    }
}

/// Text where it is UTF-8, else its bytes.
impl Serialize for FilePath {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match str::from_utf8(&self.0) {
            Ok(text) => serializer.serialize_str(text),
            Err(_) => serializer.collect_seq(self.0.iter()),
        }
    }
}

impl<'de> Deserialize<'de> for FilePath {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            Text(String),
            Bytes(Vec<u8>),
        }
        Ok(match Written::deserialize(deserializer)? {
            Written::Text(text) => Self::new(text.as_bytes()),
            Written::Bytes(bytes) => Self::new(&bytes),
        })
    }
}

/// At most `most` of `paths` for a sentence, and how many more there are.
pub(crate) fn list(paths: &[FilePath], most: usize) -> String {
    let mut text = paths.iter().take(most).map(FilePath::to_text).collect::<Vec<_>>().join(", ");
    if let Some(more) = paths.len().checked_sub(most).filter(|more| *more > 0) {
        text.push_str(&format!(" and {more} more"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Option<&str>) {
        let named = FilePath::named(Path::new("/w/space"), text).map(|path| path.to_text());
        assert_eq!(named.as_deref(), expected, "{text}");
    }

    #[test]
    fn a_named_path_stays_inside_the_workspace() {
        check("src/main.rs", Some("src/main.rs"));
        check("./src//main.rs", Some("src/main.rs"));
        check("/w/space/한글 파일.txt", Some("한글 파일.txt"));
        check("/w/space-other/a", None);
        check("../a", None);
        check("a/../../b", None);
        check("", None);
        check(".", None);
        check("/etc/passwd", None);
    }

    #[test]
    fn what_git_would_refuse_is_known_before() {
        assert!(FilePath::new(b"a/.github/x").fits_git(false));
        assert!(!FilePath::new(b"a/.GIT/x").fits_git(false));
        assert!(FilePath::new(b".gitmodules").fits_git(false));
        assert!(!FilePath::new(b"a/.gitmodules").fits_git(true));
    }
}
