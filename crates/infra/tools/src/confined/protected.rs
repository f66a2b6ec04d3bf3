//! Paths that the file tools never write (contract 6), whether they exist or not.
//!
//! Names are compared as the least careful file system would: without regard to case, Unicode form, the characters
//! that HFS+ ignores (the trick of CVE-2014-9390), dots and spaces at the end, the short names of FAT and the streams
//! of NTFS. Better one odd name too many than `.GIT/hooks`. What exists is compared by identity, too, so that a file
//! system's own spelling of it is none other.
//!
//! Shell start-up files are protected by their names wherever they stand: in the workspace, in the person's home where
//! that is the workspace or was added to it, in folders for dot files.

use std::{
    ffi::OsStr,
    os::fd::BorrowedFd,
    path::{Path, PathBuf},
};

use rustix::fs::{AtFlags, Stat};

use super::{Place, version::identity};
use crate::spelling;

/// Files that shells run when they start, and folders of such files.
const SHELL_START_UP: [&str; 27] = [
    ".bash_aliases",
    ".bash_login",
    ".bash_logout",
    ".bash_profile",
    ".bashrc",
    ".bashrc.d",
    ".cshrc",
    ".kshrc",
    ".login",
    ".logout",
    ".mkshrc",
    ".pam_environment",
    ".profile",
    ".profile.d",
    ".shrc",
    ".tcshrc",
    ".xinitrc",
    ".xonshrc",
    ".xprofile",
    ".xsession",
    ".xsessionrc",
    ".zlogin",
    ".zlogout",
    ".zprofile",
    ".zshenv",
    ".zshrc",
    ".zshrc.d",
];

/// The same for shells whose files have a folder: the folder's name, and a name in it.
const SHELL_FOLDERS: [(&str, &str); 11] = [
    ("elvish", "rc.elv"),
    ("fish", "completions"),
    ("fish", "conf.d"),
    ("fish", "config.fish"),
    ("fish", "functions"),
    ("nushell", "autoload"),
    ("nushell", "config.nu"),
    ("nushell", "env.nu"),
    ("nushell", "login.nu"),
    ("powershell", "profile.ps1"),
    ("xonsh", "rc.xsh"),
];

/// The same for everyone on the machine.
const SYSTEM_START_UP: [&str; 13] = [
    "/etc/bash.bashrc",
    "/etc/bashrc",
    "/etc/csh.cshrc",
    "/etc/csh.login",
    "/etc/environment",
    "/etc/fish",
    "/etc/profile",
    "/etc/profile.d",
    "/etc/zlogin",
    "/etc/zprofile",
    "/etc/zsh",
    "/etc/zshenv",
    "/etc/zshrc",
];

const GIT: &str = "git's own files";
const OURS: &str = "the configuration or data of better-llm";
const SHELL: &str = "a shell start-up file";

/// What is protected.
pub(super) struct Protected {
    /// Our own files and folders, as they were named and as they really are; absolute.
    paths: Vec<PathBuf>,
    /// The same, folded, each as its names.
    own: Vec<Vec<String>>,
}

/// What a name is used as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A folder on the way.
    Folder,
    /// What is to be written.
    File,
}

impl Protected {
    /// Takes the engine's own paths: absolute, or relative to the workspace.
    pub(super) fn new(paths: &[PathBuf], workspace: &Path) -> Self {
        let paths: Vec<PathBuf> = paths
            .iter()
            .map(|path| workspace.join(path))
            .flat_map(|path| [real(&path), Some(path)])
            .flatten()
            .collect();
        let own = paths.iter().map(|path| folded_names(path)).filter(|names| !names.is_empty()).collect();
        Self { paths, own }
    }

    /// What protects a place of the folder `root`, if anything does by its name.
    pub(super) fn at(&self, place: &Place, root: &Path) -> Option<&'static str> {
        let names = folded_names(place.as_path());
        if names.iter().any(|name| is_git(name)) {
            return Some(GIT);
        }
        let top = folded_names(root);
        let whole = [top.as_slice(), names.as_slice()].concat();
        // A workspace inside of our own folders (a worktree) is the person's.
        let is_own =
            |own: &Vec<String>| whole.starts_with(own) && (own.len() > top.len() || !place.is_in_workspace());
        if names.iter().any(|name| is_ours(name)) || self.own.iter().any(is_own) {
            return Some(OURS);
        }
        let is_shell = names.iter().any(|name| SHELL_START_UP.contains(&name.as_str()))
            || names.windows(2).any(|pair| matches!(pair, [folder, name] if is_of_shell(folder, name)))
            || SYSTEM_START_UP.iter().any(|path| whole.starts_with(&folded_names(Path::new(path))));
        is_shell.then_some(SHELL)
    }

    /// What something in `folder` is another spelling of, where the file system takes it for something protected.
    pub(super) fn alias(&self, folder: BorrowedFd<'_>, stat: &Stat, kind: Kind) -> Option<&'static str> {
        // Where a file has two names, they are two names and not two spellings; writing replaces one of them.
        if kind == Kind::File && stat.st_nlink > 1 {
            return None;
        }
        let is = |name: &str| {
            rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW)
                .is_ok_and(|other| identity(&other) == identity(stat))
        };
        let is_own =
            |path: &PathBuf| rustix::fs::lstat(path).is_ok_and(|other| identity(&other) == identity(stat));
        if is(".git") {
            Some(GIT)
        } else if is(".better-llm") || self.paths.iter().any(is_own) {
            Some(OURS)
        } else {
            SHELL_START_UP.iter().any(|name| is(name)).then_some(SHELL)
        }
    }
}

/// The path without links, as far as it exists.
fn real(path: &Path) -> Option<PathBuf> {
    path.ancestors().find_map(|known| {
        let canonical = std::fs::canonicalize(known).ok()?;
        Some(canonical.join(path.strip_prefix(known).ok()?))
    })
}

fn is_git(name: &str) -> bool {
    name == ".git" || is_short_for(name, "git")
}

fn is_ours(name: &str) -> bool {
    name == ".better-llm" || is_short_for(name, "better")
}

/// A short name that FAT and NTFS give: `git~1`.
fn is_short_for(name: &str, beginning: &str) -> bool {
    name.strip_prefix(beginning)
        .and_then(|rest| rest.strip_prefix('~'))
        .is_some_and(|number| matches!(number, "1" | "2" | "3" | "4"))
}

fn is_of_shell(folder: &str, name: &str) -> bool {
    SHELL_FOLDERS.contains(&(folder, name)) || (folder == "powershell" && name.ends_with("profile.ps1"))
}

/// The names of a path, each as the least careful file system reads it.
fn folded_names(path: &Path) -> Vec<String> {
    path.iter().filter(|name| *name != "/").map(folded).collect()
}

fn folded(name: &OsStr) -> String {
    let is_ignored = |c: &char| matches!(c, '\u{200c}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{206a}'..='\u{206f}' | '\u{feff}');
    let name: String = name.to_string_lossy().chars().filter(|c| !is_ignored(c)).collect();
    let name = spelling::composed(&name).to_lowercase();
    // A stream of NTFS: `.git::$INDEX_ALLOCATION` is the folder itself.
    let name = name.split_once(':').map_or(name.as_str(), |(name, _)| name);
    let trimmed = name.trim_end_matches([' ', '.']);
    if trimmed.is_empty() { name.to_owned() } else { trimmed.to_owned() }
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd as _;

    use super::*;
    use crate::testing::place;

    fn check(path: &str, expected: Option<&str>) {
        let own = [
            PathBuf::from("/w/repo/config/agent_config.json"),
            PathBuf::from("prompts"),
            "/else/where".into(),
            "/w".into(),
        ];
        let protected = Protected::new(&own, Path::new("/w/repo"));
        assert_eq!(protected.at(&place(path), Path::new("/w/repo")), expected, "{path}");
    }

    /// P05.
    #[test]
    fn git_our_own_files_and_shell_start_up_files_are_protected() {
        for (path, expected) in [
            (".git", Some(GIT)),
            (".git/hooks/pre-commit", Some(GIT)),
            (".GIT/config", Some(GIT)),
            (".g\u{200c}it/config", Some(GIT)),
            (".git./config", Some(GIT)),
            (".git /config", Some(GIT)),
            (".git. . /config", Some(GIT)),
            (".git::$INDEX_ALLOCATION/config", Some(GIT)),
            ("GIT~1/config", Some(GIT)),
            ("vendor/library/.git/HEAD", Some(GIT)),
            ("vendor/worktree/.git", Some(GIT)),
            (".better-llm/agent_config.json", Some(OURS)),
            (".Better-LLM/x", Some(OURS)),
            ("BETTER~1/x", Some(OURS)),
            ("config/agent_config.json", Some(OURS)),
            ("Config/Agent_Config.json", Some(OURS)),
            ("prompts/coder.txt", Some(OURS)),
            (".bashrc", Some(SHELL)),
            (".BashRC.", Some(SHELL)),
            ("home/.zshrc", Some(SHELL)),
            (".bashrc.d/mine", Some(SHELL)),
            (".config/fish/config.fish", Some(SHELL)),
            (".config/fish/functions/ls.fish", Some(SHELL)),
            (".config/powershell/Microsoft.PowerShell_profile.ps1", Some(SHELL)),
            (".gitignore", None),
            (".github/workflows/ci.yml", None),
            ("src/git/mod.rs", None),
            ("git~5", None),
            ("config/agent_config.json.example", None),
            ("config/other.json", None),
            ("docs/bashrc.md", None),
            ("functions/deploy.fish", None),
            ("etc/profile", None),
        ] {
            check(path, expected);
        }
    }

    /// P05: in an added folder nothing of ours is the person's, and the system's start-up files are named, too.
    #[test]
    fn added_folders_have_the_same_protection() {
        let own = [PathBuf::from("/home/u/.local/share/ours")];
        let protected = Protected::new(&own, Path::new("/w/repo"));
        let in_added = |root: &str, path: &str| {
            let within = super::super::place::Within::Added(Path::new(root).into());
            protected.at(&Place::new(within, path.into()), Path::new(root))
        };
        for (root, path, expected) in [
            ("/home/u", ".local/share/ours/better-llm.db", Some(OURS)),
            ("/home/u/.local/share/ours", "better-llm.db", Some(OURS)),
            ("/home/u", ".bashrc", Some(SHELL)),
            ("/", "etc/profile.d/x.sh", Some(SHELL)),
            ("/etc", "profile", Some(SHELL)),
            ("/lib", ".git/config", Some(GIT)),
            ("/home/u", ".local/share/theirs", None),
        ] {
            assert_eq!(in_added(root, path), expected, "{root} {path}");
        }
    }

    /// A file system that folds names finds what is protected by spellings that no list knows: it is the same file.
    #[test]
    fn what_is_protected_is_so_by_every_spelling_of_the_file_system() {
        use rustix::fs::{CWD, Mode, OFlags};

        let workspace = crate::testing::Workspace::new();
        for path in [".git/config", ".better-llm/x", ".bashrc", "config/own.json", "src/plain"] {
            workspace.put(path, "");
        }
        std::fs::hard_link(workspace.path(".bashrc"), workspace.path("src/two")).expect("a hard link");
        let protected = Protected::new(&[workspace.path("config/own.json")], workspace.root());
        let alias = |path: &str, kind| {
            let path = workspace.path(path);
            let folder = path.parent().expect("a folder");
            let folder = rustix::fs::openat(CWD, folder, OFlags::RDONLY, Mode::empty()).expect("a folder");
            protected.alias(folder.as_fd(), &rustix::fs::lstat(&path).expect("it is there"), kind)
        };
        for (path, kind, expected) in [
            (".git", Kind::Folder, Some(GIT)),
            (".better-llm", Kind::Folder, Some(OURS)),
            ("config/own.json", Kind::File, Some(OURS)),
            ("config", Kind::Folder, None),
            ("src", Kind::Folder, None),
            ("src/plain", Kind::File, None),
            // Two names of one file are two names: writing replaces one of them.
            (".bashrc", Kind::File, None),
        ] {
            assert_eq!(alias(path, kind), expected, "{path}");
        }
        std::fs::remove_file(workspace.path("src/two")).expect("removed");
        assert_eq!(alias(".bashrc", Kind::File), Some(SHELL));
    }
}
