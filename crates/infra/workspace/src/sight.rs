//! Whether a walk would come by a path, be there a file now or not.

use std::{
    io,
    os::fd::{AsFd, OwnedFd},
};

use crate::{
    file::{self, Stat},
    path::FilePath,
    rules::{RuleBook, RuleFolder, Verdict},
};

/// How walks that begin at one folder see paths.
pub(crate) struct Sight<'a> {
    pub(crate) root: &'a OwnedFd,
    /// The path of `root` from the top of the work tree, empty or with a slash at its end.
    pub(crate) prefix: &'a [u8],
    pub(crate) rules: &'a mut RuleBook,
}

impl Sight<'_> {
    /// Whether git's rules, a link on the way or its kind keep `path` out of every walk.
    pub(crate) fn overlooks(&mut self, path: &FilePath) -> io::Result<bool> {
        Ok(self.look(path)?.is_none_or(Verdict::is_ignored))
    }

    /// What git's rules say of `path`; none where it lies in `.git`, behind a link, or is no file.
    pub(crate) fn look(&mut self, path: &FilePath) -> io::Result<Option<Verdict>> {
        let mut place = self.prefix.to_vec();
        let mut folder = Some(self.root.try_clone()?);
        let mut here = self.rules.at_workspace(self.prefix);
        let mut parts = path.as_bytes().split(|byte| *byte == b'/').peekable();
        while let Some(part) = parts.next() {
            if part == b".git" {
                return Ok(None);
            }
            let holder = folder.as_ref().map(AsFd::as_fd);
            let is_root = place.len() == self.prefix.len();
            let is_nested = !is_root && holder.is_some_and(|holder| Stat::of(holder, b".git").is_ok());
            here = self.rules.in_folder(&here, &RuleFolder { path: &place, holder, is_nested });
            place.extend_from_slice(part);
            let is_last = parts.peek().is_none();
            let verdict = here.judge(&place, !is_last);
            let stat = holder.and_then(|holder| Stat::of(holder, part).ok());
            if is_last || verdict.is_ignored() {
                return Ok(stat.is_none_or(|stat| !is_last || stat.has_content()).then_some(verdict));
            }
            folder = match (holder, stat) {
                (Some(holder), Some(stat)) if stat.is_folder() => Some(file::open_folder(holder, part)?),
                (_, Some(_)) => return Ok(None),
                (_, None) => None,
            };
            here = here.below(verdict);
            place.push(b'/');
        }
        Ok(None)
    }
}
