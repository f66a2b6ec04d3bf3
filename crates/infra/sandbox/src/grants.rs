//! What a walled-in command may touch: the list of contract 6, for `kernel` and `strict` alike.

use std::path::{Path, PathBuf};

use crate::{environment, folders::rest_inside, settings::SandboxSettings};

/// How far a grant goes. Execution comes with reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Read and execute.
    Read,
    /// Read, execute and change.
    Write,
}

/// A path and all below it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Grant {
    pub(crate) path: PathBuf,
    pub(crate) reach: Reach,
}

/// The grants, and what was asked for and is too wide to grant.
#[derive(Debug, Default)]
pub(crate) struct Grants {
    pub(crate) list: Vec<Grant>,
    /// Folders of the list as `PATH` and the like name them, where links lead there.
    pub(crate) names: Vec<PathBuf>,
    pub(crate) too_wide: Vec<PathBuf>,
}

const DEVICES_WRITE: [&str; 4] = ["/dev/null", "/dev/zero", "/dev/full", "/dev/tty"];
const SYSTEM_READ: [&str; 8] =
    ["/usr", "/bin", "/sbin", "/opt", "/nix/store", "/proc", "/dev/random", "/dev/urandom"];
/// pip reads which distribution it runs on, its own settings for all users and the kinds of files; what is there and
/// cannot be read ends it.
const SETTINGS_READ: [&str; 18] = [
    "/etc/alternatives",
    "/etc/ssl",
    "/etc/passwd",
    "/etc/group",
    "/etc/nsswitch.conf",
    "/etc/hosts",
    "/etc/resolv.conf",
    "/etc/localtime",
    "/etc/os-release",
    "/etc/debian_version",
    "/etc/lsb-release",
    "/etc/mime.types",
    "/etc/pip.conf",
    "/etc/gitconfig",
    // The certificates and the settings of TLS where `/etc/ssl` only leads to them.
    "/etc/pki/ca-trust",
    "/etc/pki/tls/certs",
    "/etc/pki/tls/openssl.cnf",
    "/etc/crypto-policies",
];
/// A folder, and the beginning of the names in it that are granted.
///
/// Java and Maven of Debian keep their settings in `/etc` and start with nothing less.
const FAMILIES_READ: [(&str, &str); 5] =
    [("/", "lib"), ("/etc", "ca-certificates"), ("/etc", "ld.so."), ("/etc", "java"), ("/etc", "maven")];

/// The list for these settings, but for `Folders::writable`, which is granted by handle. Paths may be missing;
/// whoever uses the list skips them.
pub(crate) fn of_commands(settings: &SandboxSettings) -> Grants {
    let mut grants = Grants::default();
    grants.allow(Reach::Write, [settings.workspace.clone()]);
    grants.allow(Reach::Write, DEVICES_WRITE.map(PathBuf::from));
    grants.allow(Reach::Read, SYSTEM_READ.map(PathBuf::from));
    grants.allow(Reach::Read, SETTINGS_READ.map(PathBuf::from));
    for (folder, beginning) in FAMILIES_READ {
        grants.allow(Reach::Read, family(Path::new(folder), beginning));
    }
    let outside = settings.git_dirs.iter().filter(|dir| !dir.starts_with(&settings.workspace)).cloned();
    grants.allow(Reach::Read, outside);
    // The person named these, so none is too wide.
    for added in &settings.add_dirs {
        let reach = if added.writable { Reach::Write } else { Reach::Read };
        grants.allow(reach, [added.path.clone()]);
    }

    let home = settings.home();
    let chosen = environment::program_folders(settings.path())
        .chain(environment::toolchain_roots(settings).into_iter().map(|(_, root)| root))
        .chain(cargo_programs(settings));
    for path in chosen {
        // Granted with the workspace. A link that a command put on the way would make the next grant lead outside.
        if settings.writable_roots().any(|root| rest_inside(&path, root).is_some()) {
            continue;
        }
        // A folder that does not exist yet is kept as it is named, and looked for again later.
        let real = path.canonicalize().unwrap_or_else(|_| path.clone());
        if is_too_wide(&real, home.as_deref()) {
            grants.too_wide.push(real);
            continue;
        }
        if real != path {
            grants.names.push(path);
        }
        if !grants.list.iter().any(|grant| grant.path == real) {
            grants.allow(Reach::Read, [real]);
        }
    }
    grants
}

impl Grants {
    fn allow(&mut self, reach: Reach, paths: impl IntoIterator<Item = PathBuf>) {
        self.list.extend(paths.into_iter().map(|path| Grant { path, reach }));
    }
}

/// `CARGO_HOME/bin`: the proxies of installed Rust tools.
fn cargo_programs(settings: &SandboxSettings) -> Option<PathBuf> {
    let cargo = settings.host("CARGO_HOME").map(PathBuf::from);
    let cargo = cargo.or_else(|| settings.home().map(|home| home.join(".cargo")))?;
    cargo.is_absolute().then(|| cargo.join("bin"))
}

/// Whether a folder that the person's environment names holds the home folder, or everybody's temporary files.
fn is_too_wide(path: &Path, home: Option<&Path>) -> bool {
    let holds = |inner: &Path| inner.starts_with(path);
    let home = home.map(|home| home.canonicalize().unwrap_or_else(|_| home.to_owned()));
    home.is_some_and(|home| holds(&home)) || holds(Path::new("/tmp")) || holds(Path::new("/var/tmp"))
}

fn family(folder: &Path, beginning: &str) -> Vec<PathBuf> {
    let Ok(entries) = folder.read_dir() else { return Vec::new() };
    let mut paths: Vec<PathBuf> = entries
        .filter_map(Result::ok)
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(beginning))
        .map(|entry| entry.path())
        .collect();
    paths.sort();
    paths
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_holds_the_home_or_the_temporary_files_is_too_wide() {
        let home = Path::new("/home/kim");
        let check = |path: &str| is_too_wide(Path::new(path), Some(home));
        assert_eq!(
            ["/", "/home", "/home/kim", "/tmp", "/var", "/home/kim/bin", "/home/kim-2", "/tmp/x", "/opt/go"]
                .map(check),
            [true, true, true, true, true, false, false, false, false]
        );
    }
}
