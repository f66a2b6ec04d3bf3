//! Whether a repository is the workspace's own: a `.git` that leads elsewhere counts only where the other side says so,
//! too, as git itself writes it. Whoever made the folder could name any repository of the person's in it.
//!
//! Asks the file system alone.

use std::{
    ffi::OsStr,
    fs,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

use crate::{error::KeepError, file, git::repository::Repository};

/// The longest file of git's that is read here: a `.git` file, `HEAD`, `commondir`, a repository's settings.
const LONGEST_POINTER: u64 = 64 << 10;

/// A `.git` that leads to a repository which does not name the folder in turn.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{} leads to {}, which does not name this folder in turn, so it is ignored: nothing is read from there or \
     committed there. If it belongs here, run `git worktree repair` (a linked work tree) or `git config core.worktree \
     \"$PWD\"` (any other repository) in {} and start again",
    dot_git.display(), leads_to.display(), top.display()
)]
pub(crate) struct Elsewhere {
    top: PathBuf,
    dot_git: PathBuf,
    leads_to: PathBuf,
}

impl Repository {
    /// Checks that git's folders lie in the work tree, or point back to it.
    pub(super) fn check_belongs(&self) -> Result<(), Elsewhere> {
        let elsewhere = |leads_to: &Path| Elsewhere {
            top: self.top.clone(),
            dot_git: self.top.join(".git"),
            leads_to: leads_to.to_owned(),
        };
        let real = |place: &Path| place.canonicalize().map_err(|_| elsewhere(place));
        let (top, git_dir, common_dir) = (real(&self.top)?, real(&self.git_dir)?, real(&self.common_dir)?);
        let is_ours = match (git_dir.starts_with(&top), git_dir == common_dir) {
            (true, _) => common_dir.starts_with(&top),
            (false, true) => is_work_tree_of(&git_dir, &top),
            (false, false) => is_linked(&git_dir, &common_dir, &top),
        };
        let outer = if git_dir.starts_with(&top) { common_dir } else { git_dir };
        if is_ours { Ok(()) } else { Err(elsewhere(&outer)) }
    }

    /// Why git cannot be used here although there is a repository: it is another one by now, or parts of it lie
    /// elsewhere.
    pub(crate) fn refusal(&self) -> Option<KeepError> {
        if let Err(elsewhere) = self.check_belongs() {
            return Some(elsewhere.into());
        }
        if let Some(place) = self.borrows_from() {
            return Some(KeepError::Borrowed { place });
        }
        self.leads_away().map(|place| KeepError::LeadsAway { place })
    }

    /// A place outside of the repository that it takes objects from, as `git clone --shared` makes it. Who wrote the
    /// repository could have us read any other one of the person's by it.
    fn borrows_from(&self) -> Option<PathBuf> {
        let objects = self.common_dir.join("objects");
        let own = self.common_dir.canonicalize().ok()?;
        let parts = ["", "info", "pack"].map(|part| objects.join(part));
        let links = parts.iter().flat_map(|part| links_in(part)).collect::<Vec<_>>();
        let parts = parts.into_iter().chain(links).map(|part| (part, false));
        let leads_away = |place: &Path| place.canonicalize().is_ok_and(|real| !real.starts_with(&own));
        let file = objects.join("info/alternates");
        let named = match read_pointer(&file) {
            None if file.symlink_metadata().is_ok() => return Some(file),
            named => named.unwrap_or_default(),
        };
        let lines =
            named.split(|byte| *byte == b'\n').filter(|line| !line.is_empty() && !line.starts_with(b"#"));
        // A name in quotes is written in another way; nobody inside would need it.
        let named = lines.map(|line| (objects.join(OsStr::from_bytes(line)), line.starts_with(b"\"")));
        named.chain(parts).find(|(place, is_quoted)| *is_quoted || leads_away(place)).map(|(place, _)| place)
    }

    /// A part of the repository that a commit writes and that is a link to elsewhere.
    fn leads_away(&self) -> Option<PathBuf> {
        let own = [&self.git_dir, &self.common_dir].map(|folder| folder.canonicalize().ok());
        let is_own = |real: &Path| own.iter().flatten().any(|own| real.starts_with(own));
        let leads_away = |place: &PathBuf| match place.canonicalize() {
            Ok(real) => !is_own(&real),
            Err(_) => place.is_symlink(),
        };
        let here = ["HEAD", "index", "index.lock", "logs", "logs/HEAD"].map(|name| self.git_dir.join(name));
        let shared = ["refs", "refs/heads", "packed-refs", "logs"].map(|name| self.common_dir.join(name));
        let branch = self.branch().into_iter().flat_map(|branch| {
            let places = [self.common_dir.join(&branch), self.common_dir.join("logs").join(&branch)];
            places.into_iter().flat_map(|place| place.ancestors().map(Path::to_owned).collect::<Vec<_>>())
        });
        let branch = branch.filter(|place| place.starts_with(&self.common_dir) && *place != self.common_dir);
        here.into_iter().chain(shared).chain(branch).find(leads_away)
    }

    /// The branch that `HEAD` names, from the common folder.
    pub(crate) fn branch(&self) -> Option<PathBuf> {
        let head = read_pointer(&self.git_dir.join("HEAD"))?;
        let branch = head.strip_prefix(b"ref:")?.trim_ascii();
        Some(PathBuf::from(OsStr::from_bytes(branch)))
    }
}

/// The links in a folder.
fn links_in(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_symlink()))
        .map(|entry| entry.path())
        .collect()
}

/// Whether `git_dir` is what `common_dir` knows the work tree `top` by: `<common>/worktrees/<name>`, whose `gitdir` names
/// the `.git` file there.
fn is_linked(git_dir: &Path, common_dir: &Path, top: &Path) -> bool {
    let back = read_pointer(&git_dir.join("gitdir"));
    let back = back.and_then(|text| git_dir.join(OsStr::from_bytes(&text)).canonicalize().ok());
    git_dir.parent() == Some(&common_dir.join("worktrees")) && back == Some(top.join(".git"))
}

/// Whether the settings of `git_dir` name the work tree `top`, as those of a submodule do.
fn is_work_tree_of(git_dir: &Path, top: &Path) -> bool {
    let named = ["config.worktree", "config"].into_iter().find_map(|name| {
        let value = core_work_tree(&read_pointer(&git_dir.join(name))?)?;
        git_dir.join(OsStr::from_bytes(&value)).canonicalize().ok()
    });
    named.is_some_and(|named| named == top)
}

/// `core.worktree` in the text of a settings file, as git writes it; none for what git itself would not write.
fn core_work_tree(text: &[u8]) -> Option<Vec<u8>> {
    let (mut is_core, mut found) = (false, None);
    for line in text.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii) {
        if line.starts_with(b"[") {
            is_core = line.eq_ignore_ascii_case(b"[core]");
        } else if let Some(equals) = line.iter().position(|byte| *byte == b'=').filter(|_| is_core) {
            let (key, value) = line.split_at(equals);
            if key.trim_ascii().eq_ignore_ascii_case(b"worktree") {
                found = unquoted(value.get(1..)?.trim_ascii());
            }
        }
    }
    found
}

/// A value of settings, of which quotes, if any, are around the whole.
fn unquoted(value: &[u8]) -> Option<Vec<u8>> {
    let inner = match value.strip_prefix(b"\"") {
        Some(rest) => rest.strip_suffix(b"\"")?,
        None => value,
    };
    let mut bytes = inner.iter().copied();
    let mut plain = Vec::with_capacity(inner.len());
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' => match bytes.next()? {
                escaped @ (b'\\' | b'"') => plain.push(escaped),
                _ => return None,
            },
            b'"' => return None,
            _ => plain.push(byte),
        }
    }
    (!plain.is_empty()).then_some(plain)
}

/// A small regular file, without the line end. Waits for no pipe.
pub(super) fn read_pointer(path: &Path) -> Option<Vec<u8>> {
    let content = file::read_regular(path, LONGEST_POINTER).ok()?;
    Some(content.trim_ascii_end().to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Option<&str>) {
        let found = core_work_tree(text.as_bytes()).map(|value| String::from_utf8(value).unwrap());
        assert_eq!(found.as_deref(), expected, "{text}");
    }

    #[test]
    fn the_work_tree_is_read_as_git_writes_it() {
        check(
            "[core]\n\tbare = false\n\tworktree = ../../../lib\n[x]\n\tworktree = no\n",
            Some("../../../lib"),
        );
        check("[Core]\n\tWorkTree=/한글 폴더/a\n", Some("/한글 폴더/a"));
        check("[core]\n\tworktree = \"/a \\\"b\\\\c\"\n", Some("/a \"b\\c"));
        check("[core]\n\tworktree = one\n\tworktree = two\n", Some("two"));
        check("[core \"x\"]\n\tworktree = no\n", None);
        check("[core]\n\tworktree = \"a\"b\n", None);
        check("[core]\n\tworktree\n", None);
        check("", None);
    }
}
