//! What rules of the configuration, and the way a folder was added, leave to a call.
//!
//! Rules speak of paths: relative to the workspace, absolute elsewhere. They are asked twice: about the path as it is
//! written, before anything is looked at, and about the path that the opened file really has, so that a link does not
//! lead round them.

use std::{
    borrow::Cow,
    ffi::OsStr,
    os::fd::BorrowedFd,
    path::{Path, PathBuf},
};

use domain::permission::{PathRules, PathUse};
use rustix::io::Errno;

use super::{Confined, FileError, Place, root::Root};
use crate::spelling;

impl Confined {
    /// Refuses what rules forbid about the path as it is written.
    pub(crate) fn may(&self, path_use: PathUse, place: &Place, rules: &PathRules) -> Result<(), FileError> {
        if rules.is_empty() {
            return Ok(());
        }
        self.judge(path_use, place, &self.absolute(place), rules)
    }

    /// Whether rules forbid to read what a walk came across. Walks follow no link, so that the path is the real one.
    pub(crate) fn hides(&self, place: &Place, rules: &PathRules) -> bool {
        self.may(PathUse::Read, place, rules).is_err()
    }

    /// Refuses what rules forbid about the path that an opened file really has; `opened` with the place that it was
    /// opened by. `name`: about a name in that opened folder instead.
    pub(super) fn may_as_opened(
        &self,
        path_use: PathUse,
        place: &Place,
        (opened, opened_by): (BorrowedFd<'_>, &Place),
        name: Option<&OsStr>,
        rules: &PathRules,
    ) -> Result<(), FileError> {
        if rules.is_empty() {
            return Ok(());
        }
        let real = self.root(place)?.real_path(opened, opened_by.as_path()).map_err(|errno| match errno {
            Errno::STALE => FileError::Changed { place: place.clone() },
            errno => FileError::of("find the real path of", place, errno),
        })?;
        if self.innermost(&real).is_none() {
            return Err(FileError::LeadsOut { place: place.clone() });
        }
        let real = name.map_or(real.clone(), |name| real.join(name));
        self.judge(path_use, place, &real, rules)
    }

    /// Refuses to change what stands in a folder that was added for reading only.
    pub(super) fn writable(&self, place: &Place) -> Result<(), FileError> {
        match self.innermost(&self.absolute(place)) {
            Some(root) if !root.writable => {
                let folder = root.given.display().to_string();
                Err(FileError::ReadOnlyFolder { place: place.clone(), folder })
            }
            _ => Ok(()),
        }
    }

    /// The path of a place, as far as it is known without opening it.
    pub(crate) fn absolute(&self, place: &Place) -> PathBuf {
        self.canonical(place).join(place.as_path())
    }

    /// The innermost folder that holds a path; of two for the same folder the narrower one.
    fn innermost(&self, path: &Path) -> Option<&Root> {
        let roots = std::iter::once(&self.workspace).chain(self.added.iter().map(|(_, root)| root));
        roots
            .filter(|root| path.starts_with(&root.canonical))
            .max_by_key(|root| (root.canonical.components().count(), !root.writable))
    }

    fn judge(
        &self,
        path_use: PathUse,
        place: &Place,
        absolute: &Path,
        rules: &PathRules,
    ) -> Result<(), FileError> {
        let path = absolute.strip_prefix(&self.workspace.canonical).unwrap_or(absolute).to_string_lossy();
        // A rule may be written in either Unicode form, and so may a name. Leave for one is leave for the other.
        let forms = [path.clone(), spelling::composed(&path), spelling::decomposed(&path)];
        let has_leave = forms.iter().any(|form| rules.has_leave_for(form));
        let forbids = |form: &Cow<'_, str>| match has_leave {
            true => rules.clone().with_leave_for(form).forbids(path_use, form),
            false => rules.forbids(path_use, form),
        };
        match forms.iter().find_map(forbids) {
            Some(rule) => Err(FileError::Forbidden { place: place.clone(), rule }),
            None => Ok(()),
        }
    }
}
