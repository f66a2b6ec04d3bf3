//! The environment of commands: an allow-list, so that no key of the person's reaches one (contract 6).

use std::{
    ffi::{OsStr, OsString},
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

use domain::permission::SandboxLevel;

use crate::{folders::Folders, settings::SandboxSettings};

/// Names that pass as they are at every level.
const PASSED: [&str; 6] = ["LANG", "LANGUAGE", "TERM", "RUSTUP_TOOLCHAIN", "PYENV_VERSION", "NVM_BIN"];

/// Names that pass only where the tool chains use the person's own home.
const PASSED_UNWALLED: [&str; 9] = [
    "CARGO_HOME",
    "RUSTUP_HOME",
    "PYENV_ROOT",
    "NVM_DIR",
    "GOROOT",
    "JAVA_HOME",
    "GOPATH",
    "GOMODCACHE",
    "GOCACHE",
];

/// Tool chains that stand in a folder of their own, and where that is below the home where the variable is not set.
const TOOLCHAIN_ROOTS: [(&str, Option<&str>); 5] = [
    ("RUSTUP_HOME", Some(".rustup")),
    ("PYENV_ROOT", Some(".pyenv")),
    ("NVM_DIR", Some(".nvm")),
    ("GOROOT", None),
    ("JAVA_HOME", None),
];

/// Caches of tool chains and their places under `cache/toolchains/<workspace>/caches`.
const CACHES: [(&str, &str); 6] = [
    ("CARGO_HOME", "cargo"),
    ("npm_config_cache", "npm"),
    ("PIP_CACHE_DIR", "pip"),
    ("GOPATH", "go"),
    ("GOMODCACHE", "go/pkg/mod"),
    ("GOCACHE", "go-build"),
];

/// Names that hold our own credentials: they pass at no level, whoever asks.
const CREDENTIALS: [&str; 3] = ["ANTHROPIC_API_KEY", "OPENAI_API_KEY", "CLAUDE_CODE_OAUTH_TOKEN"];

/// The first name of `pass_env` that holds one of our own credentials.
pub(crate) fn passed_credential(settings: &SandboxSettings) -> Option<&OsStr> {
    settings
        .pass_env
        .iter()
        .map(|name| name.as_os_str())
        .find(|name| CREDENTIALS.iter().any(|key| name == key))
}

/// The whole environment of a command at `level`. What the sandbox sets itself goes before what a person passes.
pub(crate) fn of_commands(
    settings: &SandboxSettings,
    folders: &Folders,
    level: SandboxLevel,
) -> Vec<(OsString, OsString)> {
    let mut environment = of_the_sandbox(settings, folders, level);
    let passed = |name: &OsStr| {
        let is_named = settings.pass_env.iter().any(|passed| passed == name);
        passes(name) || (level == SandboxLevel::None && passes_unwalled(name)) || is_named
    };
    let is_set = |name: &OsStr| environment.iter().any(|(set, _)| set == name);
    let more =
        settings.environment.iter().filter(|(name, _)| passed(name) && !is_set(name) && !name.is_empty());
    let more: Vec<_> = more.cloned().collect();
    environment.extend(more);
    environment
}

/// What the sandbox sets itself.
fn of_the_sandbox(
    settings: &SandboxSettings,
    folders: &Folders,
    level: SandboxLevel,
) -> Vec<(OsString, OsString)> {
    let mut environment: Vec<(OsString, OsString)> = vec![
        ("PATH".into(), settings.path().to_owned()),
        ("TMPDIR".into(), folders.temporary.clone().into()),
        ("GIT_OPTIONAL_LOCKS".into(), "0".into()),
    ];
    if level == SandboxLevel::Strict {
        // The folders above the workspace are in the view's own memory, a file system that git would stop at.
        environment.push(("GIT_DISCOVERY_ACROSS_FILESYSTEM".into(), "1".into()));
    }
    match level {
        SandboxLevel::None => environment.extend(settings.home().map(|home| ("HOME".into(), home.into()))),
        SandboxLevel::Strict | SandboxLevel::Kernel => {
            environment.push(("HOME".into(), folders.home.clone().into()));
            environment
                .extend(toolchain_roots(settings).into_iter().map(|(name, root)| (name.into(), root.into())));
            environment.extend(
                CACHES.iter().map(|(name, place)| ((*name).into(), folders.caches.join(place).into())),
            );
            // Java asks the user database for the home, so Maven has to be told.
            let mut maven = OsString::from("-Dmaven.repo.local=");
            maven.push(folders.caches.join("maven"));
            environment.push(("MAVEN_OPTS".into(), maven));
            // It gives files of root's to whom an archive names, which nobody may inside, and calls that a failure.
            environment.push(("TAR_OPTIONS".into(), "--no-same-owner".into()));
        }
    }
    environment
}

fn passes(name: &OsStr) -> bool {
    PASSED.iter().any(|passed| name == OsStr::new(passed)) || name.as_bytes().starts_with(b"LC_")
}

fn passes_unwalled(name: &OsStr) -> bool {
    PASSED_UNWALLED.iter().any(|passed| name == OsStr::new(passed))
}

/// The folders of installed tool chains: those that are named, and those that exist at their usual place.
pub(crate) fn toolchain_roots(settings: &SandboxSettings) -> Vec<(&'static str, PathBuf)> {
    let home = settings.home();
    TOOLCHAIN_ROOTS
        .iter()
        .filter_map(|(name, usual)| {
            let named = settings.host(name).map(PathBuf::from);
            let usual = || home.as_deref().zip(*usual).map(|(home, usual)| home.join(usual));
            let root = named.or_else(|| usual().filter(|root| root.is_dir()))?;
            root.is_absolute().then_some((*name, root))
        })
        .collect()
}

/// The absolute folders of `PATH`. Relative ones would be found inside the workspace.
pub(crate) fn program_folders(path: &OsStr) -> impl Iterator<Item = PathBuf> + '_ {
    path.as_bytes()
        .split(|byte| *byte == b':')
        .map(|folder| PathBuf::from(OsStr::from_bytes(folder)))
        .filter(|folder| folder.is_absolute())
}

/// The shell that runs commands: `bash` where `PATH` has one, else `sh`.
pub(crate) fn shell(path: &OsStr) -> Option<PathBuf> {
    let find =
        |name: &str| program_folders(path).map(|folder| folder.join(name)).find(|file| is_program(file));
    find("bash")
        .or_else(|| find("sh"))
        .or_else(|| Some(PathBuf::from("/bin/sh")).filter(|file| is_program(file)))
}

/// Whether we may run it.
pub(crate) fn is_program(file: &Path) -> bool {
    file.is_file() && rustix::fs::access(file, rustix::fs::Access::EXEC_OK).is_ok()
}
