//! Paths that the file tools never write (contract 6), whether they exist or not.
//!
//! Names are compared as the least careful file system would: without regard to case, Unicode form and the
//! characters that HFS+ ignores (the trick of CVE-2014-9390). Better one odd name too many than `.GIT/hooks`.

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
};

use super::Place;
use crate::spelling;

/// Files that shells run when they start.
const SHELL_START_UP: [&str; 17] = [
    ".bash_aliases",
    ".bash_login",
    ".bash_logout",
    ".bash_profile",
    ".bashrc",
    ".cshrc",
    ".kshrc",
    ".login",
    ".logout",
    ".mkshrc",
    ".profile",
    ".tcshrc",
    ".zlogin",
    ".zlogout",
    ".zprofile",
    ".zshenv",
    ".zshrc",
];

/// What is protected.
pub(super) struct Protected {
    /// Our own files and folders in the workspace, folded, each as its names.
    own: Vec<Vec<String>>,
}

impl Protected {
    /// Takes the engine's own paths: absolute beneath one of `roots`, or relative to the workspace. Others cannot
    /// be reached by the tools anyway.
    pub(super) fn new(paths: &[PathBuf], roots: &[&Path]) -> Self {
        let own = paths.iter().flat_map(|path| {
            let real = path.parent().and_then(|folder| std::fs::canonicalize(folder).ok());
            let real = real.zip(path.file_name()).map(|(folder, name)| folder.join(name));
            [Some(path.clone()), real.filter(|_| path.is_absolute())]
        });
        let own = own.flatten().filter_map(|path| {
            let place = Place::parse(path.to_str()?, roots).ok()?;
            Some(place.names().map(folded).collect::<Vec<_>>())
        });
        Self { own: own.filter(|names| !names.is_empty()).collect() }
    }

    /// What protects a place, if anything does.
    pub(super) fn at(&self, place: &Place) -> Option<&'static str> {
        let names: Vec<String> = place.names().map(folded).collect();
        if names.iter().any(|name| name == ".git") {
            return Some("git's own files");
        }
        if names.iter().any(|name| name == ".better-llm") || self.own.iter().any(|own| names.starts_with(own))
        {
            return Some("the configuration or data of better-llm");
        }
        let last = names.last()?;
        let is_fish = names.windows(2).any(|pair| {
            matches!(pair, [folder, name] if folder == "fish"
            && (name == "config.fish" || name == "conf.d"))
        });
        (SHELL_START_UP.contains(&last.as_str()) || is_fish).then_some("a shell start-up file")
    }
}

fn folded(name: &OsStr) -> String {
    let is_ignored = |c: &char| matches!(c, '\u{200c}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{206a}'..='\u{206f}' | '\u{feff}');
    let name: String = name.to_string_lossy().chars().filter(|c| !is_ignored(c)).collect();
    spelling::composed(&name).to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, expected: Option<&str>) {
        let own = [
            PathBuf::from("/w/repo/config/agent_config.json"),
            PathBuf::from("prompts"),
            "/else/where".into(),
        ];
        let protected = Protected::new(&own, &[Path::new("/w/repo")]);
        let place = Place::parse(path, &[]).expect("a path inside");
        assert_eq!(protected.at(&place), expected, "{path}");
    }

    /// P05.
    #[test]
    fn git_our_own_files_and_shell_start_up_files_are_protected() {
        let (git, ours, shell) = (
            Some("git's own files"),
            Some("the configuration or data of better-llm"),
            Some("a shell start-up file"),
        );
        for (path, expected) in [
            (".git", git),
            (".git/hooks/pre-commit", git),
            (".GIT/config", git),
            (".g\u{200c}it/config", git),
            ("vendor/library/.git/HEAD", git),
            (".better-llm/agent_config.json", ours),
            (".Better-LLM/x", ours),
            ("config/agent_config.json", ours),
            ("Config/Agent_Config.json", ours),
            ("prompts/coder.txt", ours),
            (".bashrc", shell),
            ("home/.zshrc", shell),
            (".config/fish/config.fish", shell),
            (".gitignore", None),
            (".github/workflows/ci.yml", None),
            ("src/git/mod.rs", None),
            ("config/agent_config.json.example", None),
            ("config/other.json", None),
            ("docs/bashrc.md", None),
        ] {
            check(path, expected);
        }
    }
}
