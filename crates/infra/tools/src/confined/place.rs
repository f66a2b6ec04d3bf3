//! Paths that tools work with.

use std::{
    borrow::Cow,
    ffi::OsStr,
    fmt,
    path::{Component, Path, PathBuf},
    sync::Arc,
};

use crate::text::one_line;

/// A path of the workspace or of a folder added to it: relative to that folder, without `.` and `..`; empty for the
/// folder itself.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    within: Within,
    path: PathBuf,
}

/// Which folder a place belongs to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Within {
    /// The workspace.
    Workspace,
    /// The added folder with this canonical path.
    Added(Arc<Path>),
}

impl Place {
    /// The workspace itself.
    #[cfg(test)]
    pub(crate) fn workspace() -> Self {
        Self { within: Within::Workspace, path: PathBuf::new() }
    }

    /// A path that [`normal`] gave, within a folder.
    pub(super) fn new(within: Within, path: PathBuf) -> Self {
        Self { within, path }
    }

    /// Which folder it belongs to.
    pub(super) fn within(&self) -> &Within {
        &self.within
    }

    /// A name beneath this place.
    pub(crate) fn child(&self, name: &OsStr) -> Self {
        Self { within: self.within.clone(), path: self.path.join(name) }
    }

    /// The folder and the name in it; none for the workspace or an added folder itself.
    pub(crate) fn split(&self) -> Option<(Self, &OsStr)> {
        let folder = Self { within: self.within.clone(), path: self.path.parent()?.to_owned() };
        Some((folder, self.path.file_name()?))
    }

    /// The folder it belongs to, itself as a place.
    pub(crate) fn top(&self) -> Self {
        Self { within: self.within.clone(), path: PathBuf::new() }
    }

    /// The names from the folder it belongs to down.
    pub(crate) fn names(&self) -> impl Iterator<Item = &OsStr> {
        self.path.iter()
    }

    /// The path relative to the folder it belongs to; empty for that folder itself.
    pub(crate) fn as_path(&self) -> &Path {
        &self.path
    }

    /// The path as a model writes it: relative to the workspace, absolute in an added folder.
    pub(crate) fn path(&self) -> Cow<'_, Path> {
        match &self.within {
            Within::Workspace => Cow::Borrowed(&self.path),
            Within::Added(folder) if self.path.as_os_str().is_empty() => Cow::Borrowed(folder),
            Within::Added(folder) => Cow::Owned(folder.join(&self.path)),
        }
    }

    /// Whether it belongs to the workspace.
    pub(crate) fn is_in_workspace(&self) -> bool {
        self.within == Within::Workspace
    }

    /// Whether this is the workspace or an added folder itself.
    pub(crate) fn is_top(&self) -> bool {
        self.path.as_os_str().is_empty()
    }
}

impl fmt::Display for Place {
    /// On one line; `.` for the workspace itself.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path();
        if path.as_os_str().is_empty() {
            f.write_str(".")
        } else {
            f.write_str(&one_line(&path.to_string_lossy()))
        }
    }
}

/// A relative path without `.` and `..`, of which each takes back the name before it; none where it would leave the
/// folder that it is relative to.
pub(super) fn normal(relative: &Path) -> Option<PathBuf> {
    let mut inside = PathBuf::new();
    for component in relative.components() {
        match component {
            Component::Normal(name) => inside.push(name),
            Component::CurDir => {}
            Component::ParentDir if inside.pop() => {}
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(inside)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Whatever is written, what comes out names something beneath the folder, and reads back the same.
        #[test]
        fn a_normal_path_never_leaves_its_folder(text in "([./a한~ \n]|\\.\\./){0,24}") {
            if let Some(path) = normal(Path::new(&text)) {
                prop_assert!(path.components().all(|part| matches!(part, Component::Normal(_))));
                prop_assert_eq!(normal(&path), Some(path));
            }
        }
    }
}
