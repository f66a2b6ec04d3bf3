//! Whether a walk would come by a path, be there a file now or not.

use std::{
    io,
    os::fd::{AsFd, OwnedFd},
};

use crate::{
    file::{self, Stat},
    path::FilePath,
    rules::RuleBook,
};

/// Whether git's rules, a link on the way or its kind keep `path` out of every walk that begins at `root`.
/// `prefix` is the path of `root` from the top of the work tree.
pub(crate) fn is_hidden(
    root: &OwnedFd,
    prefix: &[u8],
    rules: &mut RuleBook,
    path: &FilePath,
) -> io::Result<bool> {
    let mut place = prefix.to_vec();
    let mut folder = root.try_clone()?;
    let mut here = rules.at_workspace(prefix);
    let mut parts = path.as_bytes().split(|byte| *byte == b'/').peekable();
    let mut is_there = true;
    let mut is_root = true;
    while let Some(part) = parts.next() {
        if part == b".git" {
            return Ok(true);
        }
        if is_there {
            if !is_root && Stat::of(folder.as_fd(), b".git").is_ok() {
                here = rules.outermost(place.len());
            }
            here = rules.in_folder(&here, folder.as_fd(), place.len());
        }
        is_root = false;
        place.extend_from_slice(part);
        let is_last = parts.peek().is_none();
        if here.ignore(&place, !is_last) {
            return Ok(true);
        }
        let stat = is_there.then(|| Stat::of(folder.as_fd(), part).ok()).flatten();
        match stat {
            Some(stat) if is_last => return Ok(!stat.has_content()),
            Some(stat) if stat.is_folder() => folder = file::open_folder(folder.as_fd(), part)?,
            Some(_) => return Ok(true),
            None => is_there = false,
        }
        place.push(b'/');
    }
    Ok(false)
}
