//! Level `kernel` on macOS: its own sandbox, by `sandbox-exec`.
//!
//! One profile for a session: everything is refused, the grants of contract 6 are given back, protected paths are taken
//! out of them again, also where they are missing. Paths are parameters, so none is part of the profile's text. Written
//! by the grammar that Apple's own profiles show; a probe runs a true command behind it, so what a version of macOS does
//! not take is an error and no hole. Process limits, marks and servers' loopback are not there.

use std::{
    collections::BTreeSet,
    ffi::OsString,
    path::{Path, PathBuf},
};

use crate::{
    environment,
    folders::Folders,
    settings::{NetworkAccess, SandboxSettings},
};

/// Part of macOS; where it is missing, the probe says so.
const PROGRAM: &str = "/usr/bin/sandbox-exec";
/// What programs of the system read.
const SYSTEM_READ: [&str; 14] = [
    "/usr",
    "/bin",
    "/sbin",
    "/opt",
    "/System",
    "/Library",
    "/Applications/Xcode.app",
    "/nix/store",
    "/private/etc/ssl",
    "/private/etc/hosts",
    "/private/etc/passwd",
    "/private/etc/group",
    "/private/var/db/timezone",
    "/private/var/select",
];
/// Names in the workspace that no command writes.
const PROTECTED: [&str; 2] = [".git", ".better-llm"];

/// The part that is the same for everybody. Names and attributes may be seen everywhere: programs resolve paths through
/// folders whose content they may not read.
const COMMON: &str = r#"(version 1)
(deny default)
(allow process-exec)
(allow process-fork)
(allow signal (target same-sandbox))
(allow process-info* (target same-sandbox))
(allow sysctl-read)
(allow ipc-posix-sem)
(allow file-read-metadata)
(allow file-read* (literal "/") (literal "/dev/random") (literal "/dev/urandom") (subpath "/dev/fd"))
(allow file-read* file-write-data (literal "/dev/null") (literal "/dev/zero") (literal "/dev/tty"))
(allow mach-lookup
  (global-name "com.apple.system.opendirectoryd.libinfo")
  (global-name "com.apple.system.notification_center")
  (global-name "com.apple.system.logger"))
"#;

/// The internet and names of hosts; local sockets stay closed.
const NETWORK: &str = r#"(allow system-socket)
(allow network-outbound (remote ip))
(allow network-inbound (local ip))
(allow network-bind (local ip))
(allow network-outbound (literal "/private/var/run/mDNSResponder"))
"#;

/// A profile and its parameters, as `sandbox-exec` takes them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seatbelt {
    words: Vec<OsString>,
}

impl Seatbelt {
    /// For one session's commands.
    pub(crate) fn of(settings: &SandboxSettings, folders: &Folders) -> Self {
        let real = |path: PathBuf| path.canonicalize().unwrap_or(path);
        let chosen = environment::program_folders(settings.path())
            .chain(environment::toolchain_roots(settings).into_iter().map(|(_, root)| root))
            .filter(|path| settings.writable_roots().all(|root| !real(path.clone()).starts_with(root)))
            .filter(|path| settings.home().is_none_or(|home| !real(home).starts_with(real(path.clone()))));
        let readable =
            settings.add_dirs.iter().filter(|added| !added.writable).map(|added| added.path.clone());
        let read = SYSTEM_READ.iter().map(PathBuf::from).chain(chosen).chain(settings.git_dirs.clone());
        let write = settings.writable_roots().map(Path::to_owned).chain(folders.writable());
        let named = settings.writable_roots().flat_map(|root| PROTECTED.map(|name| root.join(name)));
        let ours = settings.protected.iter().chain(&settings.own).chain(&settings.git_dirs).cloned();
        let is_inside = |path: &PathBuf| {
            settings.writable_roots().any(|root| path.starts_with(root) && path.as_path() != root)
        };
        let kept: Vec<PathBuf> =
            named.chain(ours).chain(readable.clone()).map(real).filter(is_inside).collect();
        // A folder that was moved away would take what is protected with it.
        let ways: BTreeSet<PathBuf> = kept
            .iter()
            .flat_map(|path| path.ancestors().skip(1))
            .map(Path::to_owned)
            .filter(is_inside)
            .collect();

        let mut profile = Profile { text: COMMON.to_owned(), options: Vec::new() };
        profile.add("allow file-read*", "subpath", "READ", read.chain(readable).map(real));
        profile.add("allow file-read* file-write*", "subpath", "WRITE", write.map(real));
        // The last rule that fits decides.
        profile.add("deny file-write*", "subpath", "KEPT", kept.into_iter());
        profile.add("deny file-write-unlink", "literal", "WAY", ways.into_iter());
        if settings.network == NetworkAccess::Open {
            profile.text.push_str(NETWORK);
        }
        let mut words = vec![OsString::from(PROGRAM)];
        words.extend(profile.options);
        words.extend(["-p".into(), profile.text.into()]);
        Self { words }
    }

    /// What stands before the shell and its arguments.
    pub(crate) fn words(&self) -> &[OsString] {
        &self.words
    }

    /// What holds commands here, in words for people.
    pub(crate) fn reason(settings: &SandboxSettings) -> String {
        let network = match settings.network {
            NetworkAccess::Open => "; the network is open (`--allow-network`)",
            NetworkAccess::Off | NetworkAccess::Hosts(_) => "",
        };
        format!(
            "the sandbox of macOS holds commands in the workspace{network}; what leaves a command's process group may \
             outlive it"
        )
    }
}

struct Profile {
    text: String,
    options: Vec<OsString>,
}

impl Profile {
    /// A rule for these paths, with all below them (`subpath`) or alone (`literal`). A rule for none would be one for all.
    fn add(&mut self, rule: &str, reach: &str, name: &str, paths: impl Iterator<Item = PathBuf>) {
        let mut paths = paths.enumerate().peekable();
        if paths.peek().is_none() {
            return;
        }
        self.text.push_str(&format!("({rule}"));
        for (number, path) in paths {
            let mut parameter = OsString::from(format!("{name}_{number}="));
            parameter.push(path);
            self.options.extend(["-D".into(), parameter]);
            self.text.push_str(&format!(" ({reach} (param \"{name}_{number}\"))"));
        }
        self.text.push_str(")\n");
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::settings::{AddedDir, Requested};

    /// Only the text can be looked at where there is no macOS.
    #[test]
    fn the_profile_refuses_all_grants_by_parameter_and_takes_protected_paths_out_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path().canonicalize().expect("its path");
        let workspace = root.join("작업 \"공간\")");
        std::fs::create_dir(&workspace).expect("a workspace");
        let settings = SandboxSettings {
            workspace: workspace.clone(),
            toolchains_of: workspace.clone(),
            requested: Requested::Auto,
            cache: root.join("cache"),
            session: "01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().expect("a session id"),
            run_folder: root.join("run"),
            tidied: Arc::default(),
            helper: None,
            git_dirs: vec![workspace.join(".git")],
            protected: vec![workspace.join("config/agents.json"), root.join("elsewhere")],
            own: Vec::new(),
            artifacts: Arc::new(testkit::MemoryArtifacts::new()),
            redactor: Arc::default(),
            environment: Vec::new(),
            memory: None,
            network: NetworkAccess::Off,
            add_dirs: vec![AddedDir { path: root.clone(), writable: false }],
            pass_env: Vec::new(),
        };
        let seatbelt = Seatbelt::of(&settings, &Folders::of(&settings));
        assert!(Seatbelt::reason(&settings).contains("macOS"));
        let (profile, parameters) = seatbelt.words().split_last().expect("a profile");
        let profile = profile.to_string_lossy();
        assert!(profile.starts_with("(version 1)\n(deny default)\n"));
        assert!(!profile.contains("network") && !profile.contains("공간"), "{profile}");
        let order = [
            "(allow file-read* (subpath",
            "(allow file-read* file-write* (subpath",
            "(deny file-write* (subpath",
            "(deny file-write-unlink (literal",
        ];
        let places: Vec<_> = order.iter().map(|rule| profile.find(rule).expect(rule)).collect();
        assert!(places.is_sorted(), "{profile}");
        let value = |name: &str| {
            let beginning = format!("{name}=");
            let found = parameters
                .iter()
                .filter_map(|option| Some(option.to_str()?.strip_prefix(&beginning)?.to_owned()));
            found.collect::<Vec<_>>()
        };
        assert_eq!(value("WRITE_0"), [workspace.display().to_string()]);
        assert_eq!(value("KEPT_2"), [workspace.join("config/agents.json").display().to_string()]);
        assert_eq!(value("WAY_0"), [workspace.join("config").display().to_string()]);
        assert!(parameters.iter().all(|option| !option.to_string_lossy().contains("elsewhere")));
    }
}
