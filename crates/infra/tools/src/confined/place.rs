//! Paths of the workspace.

use std::{
    ffi::OsStr,
    fmt,
    path::{Component, Path, PathBuf},
};

use super::FileError;
use crate::text::one_line;

/// A path of the workspace: relative, without `.` and `..`; empty for the workspace itself.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place(PathBuf);

impl Place {
    /// The workspace itself.
    pub(crate) fn root() -> Self {
        Self(PathBuf::new())
    }

    /// Reads a path: relative, or absolute beneath one of `roots`. Compared name by name, so that `/w/repo-evil`
    /// is not beneath `/w/repo`. `..` takes back the name before it and never leaves the workspace.
    pub(super) fn parse(text: &str, roots: &[&Path]) -> Result<Self, FileError> {
        if text.contains('\0') {
            return Err(FileError::Nul);
        }
        let outside = || FileError::Outside { path: text.to_owned() };
        let path = Path::new(text);
        let relative = if path.is_absolute() {
            roots.iter().find_map(|root| path.strip_prefix(root).ok()).ok_or_else(outside)?
        } else {
            path
        };
        let mut inside = PathBuf::new();
        for component in relative.components() {
            match component {
                Component::Normal(name) => inside.push(name),
                Component::CurDir => {}
                Component::ParentDir => {
                    if !inside.pop() {
                        return Err(outside());
                    }
                }
                Component::RootDir | Component::Prefix(_) => return Err(outside()),
            }
        }
        Ok(Self(inside))
    }

    /// A name beneath this place.
    pub(crate) fn child(&self, name: &OsStr) -> Self {
        Self(self.0.join(name))
    }

    /// The folder and the name in it; none for the workspace itself.
    pub(crate) fn split(&self) -> Option<(Self, &OsStr)> {
        Some((Self(self.0.parent()?.to_owned()), self.0.file_name()?))
    }

    /// The names from the workspace down.
    pub(crate) fn names(&self) -> impl Iterator<Item = &OsStr> {
        self.0.iter()
    }

    /// The path; empty for the workspace itself.
    pub(crate) fn as_path(&self) -> &Path {
        &self.0
    }

    /// Whether this is the workspace itself.
    pub(crate) fn is_root(&self) -> bool {
        self.0.as_os_str().is_empty()
    }
}

impl fmt::Display for Place {
    /// On one line; `.` for the workspace itself.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_root() { f.write_str(".") } else { f.write_str(&one_line(&self.0.to_string_lossy())) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Whatever is written, what comes out names something beneath the workspace, and reads back the same.
        #[test]
        fn a_place_never_leaves_the_workspace(text in "(/w/repo)?([./a한~ \n]|\\.\\./){0,24}") {
            if let Ok(place) = Place::parse(&text, &[Path::new("/w/repo")]) {
                prop_assert!(place.as_path().components().all(|part| matches!(part, Component::Normal(_))));
                let again = Place::parse(place.as_path().to_str().unwrap_or_default(), &[]);
                prop_assert_eq!(again.ok(), Some(place));
            }
        }
    }

    fn check(text: &str, expected: Option<&str>) {
        let parsed = Place::parse(text, &[Path::new("/w/repo"), Path::new("/link/repo")]);
        assert_eq!(parsed.ok(), expected.map(|path| Place(PathBuf::from(path))), "{text:?}");
    }

    #[test]
    fn paths_inside_are_read_and_others_refused() {
        for (text, expected) in [
            ("src/lib.rs", Some("src/lib.rs")),
            ("./src//lib.rs", Some("src/lib.rs")),
            ("src/../lib.rs", Some("lib.rs")),
            ("", Some("")),
            (".", Some("")),
            ("/w/repo", Some("")),
            ("/w/repo/한글.txt", Some("한글.txt")),
            ("/link/repo/a", Some("a")),
            ("a b\nc", Some("a b\nc")),
            ("..", None),
            ("../repo-evil/a", None),
            ("src/../../a", None),
            ("/w/repo/../repo-evil/a", None),
            ("/w/repo-evil/a", None),
            ("/etc/passwd", None),
            ("/", None),
            ("a\0b", None),
        ] {
            check(text, expected);
        }
    }
}
