//! Walking through the workspace's files: in order, without what git ignores, never through a symbolic link.
//!
//! Hidden files are seen, `.git` is not. Ignore rules come from every `.gitignore` from the repository's top down
//! and from its `info/exclude`; the person's global rules lie outside of the workspace and are left alone.

use std::{
    ffi::OsStr,
    fs::File,
    io::{self, Read as _},
    path::Path,
};

use domain::permission::PathRules;
use ignore::{
    Match,
    gitignore::{Gitignore, GitignoreBuilder},
};
use rustix::fs::{FileType, Mode, OFlags};

use crate::{
    confined::{Confined, EntryKind, FileError, Place},
    off_thread::Stop,
    text::counted,
};

/// The most entries that one walk looks at.
const MOST_ENTRIES: usize = 1_000_000;
/// The most bytes of one ignore file that are read.
const LONGEST_RULES: u64 = 1024 * 1024;

/// A walk; an iterator over files, links and folders, parents before children, sorted name by name.
pub(crate) struct Walk<'a> {
    files: &'a Confined,
    permitted: &'a PathRules,
    stop: &'a Stop,
    /// Below the base; none: as deep as it goes.
    deepest: Option<usize>,
    pending: Vec<Found>,
    rules: Vec<Rules>,
    /// Entries that may still be looked at.
    left: usize,
    unreadable: u64,
    /// Entries that rules of the configuration forbid to read.
    hidden: u64,
}

/// An entry of a walk.
pub(crate) struct Found {
    /// Where.
    pub(crate) place: Place,
    /// What.
    pub(crate) kind: EntryKind,
    depth: usize,
}

struct Rules {
    /// None: above the walk's top folder or in it, so in force everywhere.
    folder: Option<Place>,
    rules: Gitignore,
}

impl<'a> Walk<'a> {
    /// Begins at `base`, a folder. `deepest`: how many folders deep to go, 1 for the base's own entries.
    pub(crate) fn new(
        files: &'a Confined,
        base: &Place,
        deepest: Option<usize>,
        permitted: &'a PathRules,
        stop: &'a Stop,
    ) -> Result<Self, FileError> {
        let mut walk = Self {
            files,
            permitted,
            stop,
            deepest,
            pending: Vec::new(),
            rules: rules_above(files.canonical(base)),
            left: MOST_ENTRIES,
            unreadable: 0,
            hidden: 0,
        };
        walk.add_rules(None, &base.top().child(OsStr::new(".git")).child(OsStr::new("info")), "exclude");
        let mut folder = base.top();
        for name in base.names() {
            walk.add_rules(Some(&folder.clone()), &folder, ".gitignore");
            folder = folder.child(name);
        }
        walk.enter(base, 0)?;
        Ok(walk)
    }

    /// What the walk could not see, for the notes of an output.
    pub(crate) fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        if self.left == 0 {
            notes.push(format!("stopped after {MOST_ENTRIES} entries: choose a narrower `path`"));
        }
        if self.unreadable > 0 {
            notes.push(format!("{} could not be read", counted(self.unreadable, "folder", "folders")));
        }
        if self.hidden > 0 {
            notes.push(format!(
                "{} left out: rules of the configuration (`permissions.rules`) forbid to read them",
                counted(self.hidden, "path", "paths")
            ));
        }
        notes
    }

    fn enter(&mut self, folder: &Place, depth: usize) -> Result<(), FileError> {
        let listing = self.files.list(folder, self.left, self.permitted)?;
        self.left = if listing.cut { 0 } else { self.left.saturating_sub(listing.entries.len()) };
        if listing.entries.iter().any(|(name, kind)| name == ".gitignore" && *kind == EntryKind::File) {
            self.add_rules(Some(folder), folder, ".gitignore");
        }
        for (name, kind) in listing.entries.into_iter().rev() {
            let place = folder.child(&name);
            if name == ".git" || self.is_ignored(&place, kind) {
                continue;
            }
            if self.files.hides(&place, self.permitted) {
                self.hidden = self.hidden.saturating_add(1);
            } else {
                self.pending.push(Found { place, kind, depth: depth.saturating_add(1) });
            }
        }
        Ok(())
    }

    fn add_rules(&mut self, scope: Option<&Place>, folder: &Place, name: &str) {
        let Ok(opened) = self.files.open(&folder.child(OsStr::new(name)), &PathRules::default()) else {
            return;
        };
        let mut text = Vec::new();
        if opened.file.take(LONGEST_RULES).read_to_end(&mut text).is_err() {
            self.unreadable = self.unreadable.saturating_add(1);
            return;
        }
        let top = self.files.canonical(folder);
        let base = scope.map_or_else(|| top.to_owned(), |scope| top.join(scope.as_path()));
        self.rules.push(Rules {
            folder: scope.cloned(),
            rules: read_rules(&base, &String::from_utf8_lossy(&text)),
        });
    }

    fn is_ignored(&self, place: &Place, kind: EntryKind) -> bool {
        let path = self.files.canonical(place).join(place.as_path());
        for level in self.rules.iter().rev() {
            match level.rules.matched(&path, kind == EntryKind::Folder) {
                Match::Ignore(_) => return true,
                Match::Whitelist(_) => return false,
                Match::None => {}
            }
        }
        false
    }
}

impl Iterator for Walk<'_> {
    type Item = Found;

    fn next(&mut self) -> Option<Found> {
        let found = if self.stop.is_set() { None } else { self.pending.pop() }?;
        let parent = found.place.split().map(|(parent, _)| parent).unwrap_or_else(|| found.place.top());
        while let Some(Rules { folder: Some(folder), .. }) = self.rules.last() {
            if parent.as_path().starts_with(folder.as_path()) {
                break;
            }
            self.rules.pop();
        }
        if found.kind == EntryKind::Folder
            && self.deepest.is_none_or(|deepest| found.depth < deepest)
            && self.enter(&found.place, found.depth).is_err()
        {
            self.unreadable = self.unreadable.saturating_add(1);
        }
        Some(found)
    }
}

/// The beginning of a regular file, or of one that a link leads to; nothing else is opened to be read, and no pipe waited
/// for.
fn read_outside(file: &Path) -> io::Result<String> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let opened = rustix::fs::open(file, flags, Mode::empty())?;
    if FileType::from_raw_mode(rustix::fs::fstat(&opened)?.st_mode) != FileType::RegularFile {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let mut text = Vec::new();
    File::from(opened).take(LONGEST_RULES).read_to_end(&mut text)?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// The rules of the folders above a workspace that is a part of a repository.
fn rules_above(workspace: &Path) -> Vec<Rules> {
    let mut above: Vec<&Path> = Vec::new();
    for folder in workspace.ancestors() {
        if folder.join(".git").exists() {
            let rules = above.into_iter().rev().filter_map(|folder| {
                let text = read_outside(&folder.join(".gitignore")).ok()?;
                Some(Rules { folder: None, rules: read_rules(folder, &text) })
            });
            return rules.collect();
        }
        if let Some(parent) = folder.parent() {
            above.push(parent);
        }
    }
    Vec::new()
}

/// Reads the lines of an ignore file; a line that is no rule is none, as for git.
fn read_rules(folder: &Path, text: &str) -> Gitignore {
    let mut builder = GitignoreBuilder::new(folder);
    for line in text.lines() {
        if let Err(error) = builder.add_line(None, line) {
            tracing::debug!(folder = %folder.display(), %error, "a line of an ignore file is no rule");
        }
    }
    builder.build().unwrap_or_else(|error| {
        tracing::warn!(folder = %folder.display(), %error, "ignore rules cannot be used");
        Gitignore::empty()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Workspace;

    fn check(workspace: &Workspace, base: &str, deepest: Option<usize>, expected: &[&str]) {
        let files = workspace.files();
        let (rules, stop) = (PathRules::default(), Stop::default());
        let base = files.locate(base).expect("a path inside");
        let walk = Walk::new(&files, &base, deepest, &rules, &stop).expect("a folder");
        let seen: Vec<String> = walk
            .filter(|found| found.kind != EntryKind::Folder)
            .map(|found| found.place.to_string())
            .collect();
        assert_eq!(seen, expected, "{base} {deepest:?}");
    }

    #[test]
    fn ignored_files_are_left_out_and_hidden_ones_are_not() {
        let workspace = Workspace::new();
        for (path, text) in [
            (".git/config", ""),
            (".git/info/exclude", "secret.txt\n"),
            (".gitignore", "/target/\n*.log\n"),
            (".hidden", ""),
            ("a.log", ""),
            ("secret.txt", ""),
            ("sub/.gitignore", "!keep.log\nlocal\n"),
            ("sub/keep.log", ""),
            ("sub/local", ""),
            ("sub/other.log", ""),
            ("target/debug/out", ""),
            ("z/local", ""),
        ] {
            workspace.put(path, text);
        }
        check(&workspace, "", None, &[".gitignore", ".hidden", "sub/.gitignore", "sub/keep.log", "z/local"]);
        check(&workspace, "sub", None, &["sub/.gitignore", "sub/keep.log"]);
        check(&workspace, "", Some(1), &[".gitignore", ".hidden"]);
        check(&workspace, "target", None, &["target/debug/out"]);
    }

    #[test]
    fn a_workspace_inside_a_repository_obeys_the_rules_above_it() {
        let outer = Workspace::new();
        for (path, text) in [(".git/HEAD", ""), (".gitignore", "*.log\n"), ("part/a.log", ""), ("part/b", "")]
        {
            outer.put(path, text);
        }
        let inner = outer.inner("part");
        check(&inner, "", None, &["part/b".strip_prefix("part/").expect("a prefix")]);
    }

    /// What stands above a workspace may be anybody's: a walk waits for no pipe and reads no more than a part.
    #[test]
    fn a_pipe_or_too_much_in_place_of_the_rules_above_holds_nothing_up() {
        let outer = Workspace::new();
        for (path, text) in [(".git/HEAD", ""), ("deep/part/b", ""), ("deep/part/c.log", "")] {
            outer.put(path, text);
        }
        outer.put("deep/.gitignore", format!("*.log\n{}b\n", "\n".repeat(1024 * 1024)));
        let inner = outer.inner("deep/part");
        let pipe = outer.path(".gitignore");
        rustix::fs::mkfifoat(rustix::fs::CWD, pipe, Mode::RWXU).expect("a pipe");
        check(&inner, "", None, &["b"]);
    }

    #[test]
    fn links_are_seen_and_not_followed() {
        let workspace = Workspace::new();
        workspace.put("folder/file", "");
        workspace.link("loop", ".");
        workspace.link("out", "/etc");
        check(&workspace, "", None, &["folder/file", "loop", "out"]);
    }

    #[test]
    fn a_stopped_walk_ends() {
        let workspace = Workspace::new();
        workspace.put("a", "");
        let files = workspace.files();
        let (rules, stop) = (PathRules::default(), Stop::default());
        let mut walk = Walk::new(&files, &Place::workspace(), None, &rules, &stop).expect("a folder");
        stop.set();
        assert!(walk.next().is_none());
    }
}
