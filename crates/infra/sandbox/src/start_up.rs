//! Files of a person's that run programs later, outside of every wall: what shells read when they start, and git's
//! settings of the person.
//!
//! Not here: what else a home folder holds (keys, autostart, timers). Whoever makes it the workspace is told so.

use std::path::{Path, PathBuf};

use crate::{folders::rest_inside, settings::SandboxSettings};

/// Files that shells run when they start. Looked for in every writable folder: it may be somebody's home.
const SHELLS: [&str; 17] = [
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

/// What is added where a writable folder holds this person's home.
const OF_HOME: [&str; 9] = [
    ".config/fish/conf.d",
    ".config/fish/config.fish",
    ".config/git/config",
    ".gitconfig",
    ".pam_environment",
    ".xinitrc",
    ".xprofile",
    ".xsession",
    ".xsessionrc",
];

/// Those in `root`, relative to it, whether they exist or not.
pub(crate) fn inside(root: &Path, settings: &SandboxSettings) -> Vec<PathBuf> {
    let mut paths: Vec<_> = SHELLS.map(PathBuf::from).into();
    if let Some(home) = settings.home().and_then(|home| rest_inside(&home, root)) {
        paths.extend(SHELLS.iter().chain(&OF_HOME).map(|name| home.join(name)));
    }
    paths.sort();
    paths.dedup();
    paths
}
