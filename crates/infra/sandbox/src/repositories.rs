//! The repositories below a folder: other projects in a workspace, and submodules.
//!
//! Their settings and hooks run programs, too, as soon as a person uses git there, so each level protects them in its
//! own way. They are looked for once, by a walk with bounds that follows no link, nearest folders first. Not here: a
//! repository that a command makes later has no more power than any other folder of its, and stays.

use std::{
    collections::VecDeque,
    fs,
    path::{Path, PathBuf},
};

use domain::command::WallNotice;

/// Folders that the walk looks into.
const MOST_FOLDERS: usize = 20_000;
/// Entries that the walk reads.
const MOST_ENTRIES: usize = 400_000;
/// Folders that the walk goes down. Nearest come first, so this bounds the mounts on the way to a repository, not the time.
const DEEPEST: usize = 16;
/// Repositories that are protected: each costs mounts or comparisons at every command.
const MOST: usize = 64;
/// The word of the notice that there may be more.
const UNSEEN: &str = "nested_repositories_unseen";

/// What was found, relative to the folder.
#[derive(Debug, Default)]
pub(crate) struct Repositories {
    /// Folders named `.git`.
    pub(crate) git_dirs: Vec<PathBuf>,
    /// Files and links named `.git`, which say where the folder lies.
    pub(crate) pointers: Vec<PathBuf>,
    /// The walk met a bound: what lies past it is not protected.
    is_partial: bool,
}

/// How far it was looked for repositories.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Extent {
    /// How many were found.
    pub(crate) count: usize,
    /// There may be more.
    pub(crate) is_partial: bool,
}

impl Extent {
    /// Of two folders.
    pub(crate) const fn and(self, other: Self) -> Self {
        Self {
            count: self.count.saturating_add(other.count),
            is_partial: self.is_partial || other.is_partial,
        }
    }

    /// What a person should hear of it.
    pub(crate) fn notice(self) -> Option<WallNotice> {
        let text = || {
            format!(
                "not every folder here was searched for repositories: {} found and protected from commands; one further \
                 down is not, so a command may change its settings and hooks",
                self.count
            )
        };
        self.is_partial.then(|| WallNotice { code: UNSEEN, text: text() })
    }
}

impl Repositories {
    /// Looks below `root`; a repository at `root` itself is not among them.
    pub(crate) fn below(root: &Path) -> Self {
        let mut found = Self::default();
        let (mut entries, mut folders) = (0, 0);
        let mut waiting = VecDeque::from([(PathBuf::new(), 0)]);
        while let Some((folder, depth)) = waiting.pop_front() {
            folders += 1;
            let Ok(names) = fs::read_dir(root.join(&folder)) else { continue };
            for entry in names.filter_map(Result::ok) {
                entries += 1;
                if entries > MOST_ENTRIES || folders > MOST_FOLDERS || found.count() >= MOST {
                    found.is_partial = true;
                    return found;
                }
                let Ok(kind) = entry.file_type() else { continue };
                let path = folder.join(entry.file_name());
                match (entry.file_name() == ".git", kind.is_dir()) {
                    (true, true) if depth > 0 && is_git_dir(&root.join(&path)) => found.git_dirs.push(path),
                    (true, false) if depth > 0 => found.pointers.push(path),
                    (false, true) if depth < DEEPEST => waiting.push_back((path, depth + 1)),
                    (false, true) => found.is_partial = true,
                    _ => {}
                }
            }
        }
        found
    }

    pub(crate) fn extent(&self) -> Extent {
        Extent { count: self.count(), is_partial: self.is_partial }
    }

    fn count(&self) -> usize {
        self.git_dirs.len() + self.pointers.len()
    }
}

/// Whether git takes a folder for its own: it has a `HEAD`. Without this, empty folders would fill the bound and leave
/// no room for repositories.
fn is_git_dir(folder: &Path) -> bool {
    folder.join("HEAD").symlink_metadata().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn repository(root: &Path, folder: &str) {
        let git = root.join(folder).join(".git");
        fs::create_dir_all(&git).expect("a folder");
        fs::write(git.join("HEAD"), "ref: refs/heads/main\n").expect("a file");
    }

    #[test]
    fn empty_folders_named_git_leave_room_for_repositories() {
        let folder = tempfile::tempdir().expect("a folder");
        for number in 0..MOST + 6 {
            fs::create_dir_all(folder.path().join(format!("a{number}/.git"))).expect("a folder");
        }
        repository(folder.path(), "깊은/곳/저장소");
        let found = Repositories::below(folder.path());
        assert_eq!(found.git_dirs, [Path::new("깊은/곳/저장소/.git")]);
        assert!(!found.is_partial);
    }

    #[test]
    fn the_folders_own_repository_is_not_below_it_and_pointers_are_told_apart() {
        let folder = tempfile::tempdir().expect("a folder");
        repository(folder.path(), ".");
        repository(folder.path(), "하나");
        fs::create_dir(folder.path().join("둘")).expect("a folder");
        fs::write(folder.path().join("둘/.git"), "gitdir: ../.git/modules/둘\n").expect("a file");
        let found = Repositories::below(folder.path());
        assert_eq!(found.git_dirs, [Path::new("하나/.git")]);
        assert_eq!(found.pointers, [Path::new("둘/.git")]);
    }

    #[test]
    fn a_walk_that_meets_a_bound_says_so() {
        let folder = tempfile::tempdir().expect("a folder");
        (0..=MOST).for_each(|number| repository(folder.path(), &format!("a{number}")));
        let found = Repositories::below(folder.path());
        assert_eq!(found.extent(), Extent { count: MOST, is_partial: true });
    }

    #[test]
    fn what_lies_too_deep_is_told_and_ends_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let deep = |levels: usize| vec!["d"; levels].join("/");
        repository(folder.path(), &deep(DEEPEST));
        assert_eq!(Repositories::below(folder.path()).extent(), Extent { count: 1, is_partial: false });
        repository(folder.path(), &deep(DEEPEST + 1));
        repository(folder.path(), "later");
        assert_eq!(Repositories::below(folder.path()).extent(), Extent { count: 2, is_partial: true });
    }
}
