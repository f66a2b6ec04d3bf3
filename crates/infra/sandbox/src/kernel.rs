//! Level `kernel`: Landlock and seccomp, applied by the child to itself between fork and exec (design law 11).
//!
//! Everything that allocates, opens or can be got wrong happens before the fork; what is left are raw calls on a
//! ready ruleset and a ready filter. Namespaces and mounts are not done here.

mod roots;
mod ruleset;

use std::{
    fs::Metadata,
    io,
    os::{
        fd::OwnedFd,
        unix::{fs::MetadataExt, process::CommandExt},
    },
    path::{Path, PathBuf},
    process::Command,
    sync::{Arc, Mutex, PoisonError},
};

use landlock::{PathFdError, RulesetError};
use rustix::thread::{CapabilitySet, CapabilitySets};

use self::roots::Roots;
use crate::{
    child,
    error::SandboxError,
    filter::{self, Doors},
    folders::Folders,
    grants::{self, Grants, Reach},
    held::Held,
    limits::Limits,
    mark::Mark,
    settings::{NetworkAccess, SandboxSettings},
};

/// Why the wall cannot be built.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WallError {
    /// No filter is known for this processor.
    #[error("no seccomp filter is known for this processor; x86_64 and aarch64 have one")]
    Processor,
    /// The kernel was built or started without Landlock.
    #[error("this kernel has no Landlock, or it was not switched on at boot")]
    NoLandlock(#[source] io::Error),
    /// Landlock is too old to hold TCP.
    #[error("Landlock ABI {0} is too old, 4 is needed (Linux 6.7)")]
    OldLandlock(i64),
    /// The kernel refused the ruleset.
    #[error("cannot build the Landlock ruleset")]
    Ruleset(#[from] RulesetError),
    /// Landlock cannot take rights back that a folder above gives.
    #[error(
        "{} cannot be read-only, because it lies in a folder that commands may write; level `strict` can do that",
        .0.display()
    )]
    ReadOnlyInside(PathBuf),
    /// A granted path exists and cannot be opened.
    #[error("cannot grant a path")]
    Grant(#[from] PathFdError),
    /// The workspace is gone, or a link leads away from where it was.
    #[error(
        "{} is no folder any more, or a link on the way to it leads elsewhere; bring it back, or begin a new session in \
         the right folder",
        .0.display()
    )]
    Moved(PathBuf),
    /// A folder of commands went away and could not be made anew.
    #[error(transparent)]
    Folder(#[from] Box<SandboxError>),
    /// The ruleset came without a descriptor.
    #[error("Landlock gave no ruleset")]
    NoRuleset,
}

/// Rulesets of commands that are held to some places: as many as tasks run at a time, and some more.
const MOST_BUILT: usize = 16;

/// A ruleset, and the state of the files it was built for.
struct Built {
    ruleset: Arc<OwnedFd>,
    roots: Roots,
    /// A rule holds an inode, not a name, so a path that comes, goes or is made anew outdates the ruleset.
    seen: Vec<(PathBuf, Option<(u64, u64)>)>,
}

impl Built {
    /// For the paths as they are now; also gives what is too wide to grant. `held`: what commands may write of all in
    /// the workspace and the added folders.
    fn of(
        settings: &SandboxSettings,
        folders: &Folders,
        held: Option<&Held>,
    ) -> Result<(Self, Vec<PathBuf>), WallError> {
        let mut writable = folders.make().map_err(Box::new)?;
        let Grants { mut list, too_wide, .. } = grants::of_commands(settings);
        let mut seen = seen(&list, settings, folders);
        if let Some(held) = held {
            for grant in
                list.iter_mut().filter(|grant| settings.writable_roots().any(|root| root == grant.path))
            {
                grant.reach = Reach::Read;
            }
            // Looked at before they are opened, so that what comes in between is seen as a change.
            seen.extend(held.paths().map(|path| (path.to_owned(), identity_of(path))));
            writable.extend(held.present().map(|(_, opened)| opened));
        }
        let is_open = settings.network == NetworkAccess::Open;
        let roots = Roots::open(settings);
        let ruleset = Arc::new(ruleset::of(&list, &roots, &writable, is_open)?);
        Ok((Self { ruleset, roots, seen }, too_wide))
    }

    fn is_outdated(&self) -> bool {
        self.seen.iter().any(|(path, identity)| identity_of(path) != *identity)
    }
}

/// The ruleset of commands that are held to some places.
type BuiltFor = (Arc<Held>, Built);

/// The wall of one session's commands.
pub(crate) struct Wall {
    settings: Arc<SandboxSettings>,
    folders: Folders,
    filter: Arc<[libc::sock_filter]>,
    built: Mutex<Built>,
    /// The newest last; with more than [`MOST_BUILT`] the oldest go, and are built again when they are asked for.
    built_for: Mutex<Vec<BuiltFor>>,
    abi: i64,
    too_wide: Vec<PathBuf>,
    kept: CapabilitySet,
}

impl Wall {
    /// Builds what can be built before any command.
    pub(crate) fn build(settings: Arc<SandboxSettings>, folders: Folders) -> Result<Self, WallError> {
        let processor = filter::Processor::of_host().ok_or(WallError::Processor)?;
        let internet = settings.network == NetworkAccess::Open;
        if let Some(path) = read_only_inside(&settings) {
            return Err(WallError::ReadOnlyInside(path.to_owned()));
        }
        let abi = ruleset::abi()?;
        let (built, too_wide) = Built::of(&settings, &folders, None)?;
        let hands_group_down = filter::hand_group_down(settings.writable_roots());
        let doors = Doors { internet, is_alone: false, hands_group_down };
        let filter = filter::program(&processor, doors).into();
        let kept = capabilities_to_keep(&settings);
        let (built, built_for) = (Mutex::new(built), Mutex::default());
        Ok(Self { settings, folders, filter, built, built_for, abi, too_wide, kept })
    }

    /// What holds commands here, in words for people.
    pub(crate) fn reason(&self) -> String {
        let mut reason =
            format!("Landlock (ABI {}) and a seccomp filter hold commands in the workspace", self.abi);
        if self.settings.network == NetworkAccess::Open {
            reason.push_str("; the network is open (`--allow-network`)");
        }
        if rustix::process::geteuid().is_root() {
            reason.push_str(
                "; we run as root, so nothing limits the number of processes, and commands can change the mode and the \
                 times of root's own files outside (a plain user, or `strict`, is safer)",
            );
            if !self.kept.is_empty() {
                reason.push_str(
                    "; commands keep root's right to any file's content inside, because a writable folder belongs to \
                     somebody else",
                );
            }
        }
        if !self.too_wide.is_empty() {
            let paths: Vec<_> = self.too_wide.iter().map(|path| path.display().to_string()).collect();
            reason.push_str("; not readable, because too much lies below: ");
            reason.push_str(&paths.join(", "));
        }
        reason
    }

    /// Makes `command` begin in the workspace, wall itself in, and put the mark on, before it becomes the program.
    pub(crate) fn enclose(
        &self,
        command: &mut Command,
        held: Option<&Arc<Held>>,
        mark: Option<Mark>,
    ) -> Result<(), WallError> {
        let (ruleset, workspace) = match held {
            None => self.present()?,
            Some(held) => self.present_for(held)?,
        };
        command.current_dir("/");
        let filter = Arc::clone(&self.filter);
        let (limits, kept) = (Limits::of_a_command(true), self.kept);
        #[expect(
            unsafe_code,
            reason = "code between fork and exec; only raw calls, nothing allocates or locks"
        )]
        // SAFETY: the closure only makes async-signal-safe system calls on values that were made before the fork.
        unsafe {
            command.pre_exec(move || {
                rustix::process::fchdir(&workspace)?;
                restrict_self(&ruleset, &filter, &limits, kept, mark)
            });
        }
        Ok(())
    }

    /// The ruleset for the paths as they are now, and the workspace it grants.
    fn present(&self) -> Result<(Arc<OwnedFd>, Arc<OwnedFd>), WallError> {
        let mut built = self.built.lock().unwrap_or_else(PoisonError::into_inner);
        if built.is_outdated() {
            (*built, _) = Built::of(&self.settings, &self.folders, None)?;
        }
        self.of(&built)
    }

    /// The same for a command that is held to some places.
    fn present_for(&self, held: &Arc<Held>) -> Result<(Arc<OwnedFd>, Arc<OwnedFd>), WallError> {
        let mut all = self.built_for.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|(other, built)| !(Arc::ptr_eq(other, held) && built.is_outdated()));
        if let Some((_, built)) = all.iter().find(|(other, _)| Arc::ptr_eq(other, held)) {
            return self.of(built);
        }
        let (built, _) = Built::of(&self.settings, &self.folders, Some(held))?;
        let found = self.of(&built);
        if all.len() >= MOST_BUILT {
            all.remove(0);
        }
        all.push((Arc::clone(held), built));
        found
    }

    fn of(&self, built: &Built) -> Result<(Arc<OwnedFd>, Arc<OwnedFd>), WallError> {
        let workspace = &self.settings.workspace;
        let folder = built.roots.get(workspace).ok_or_else(|| WallError::Moved(workspace.clone()))?;
        Ok((Arc::clone(&built.ruleset), Arc::clone(folder)))
    }
}

/// The paths that are worth a look before each command: those that commands write, and those that were missing.
fn seen(
    list: &[grants::Grant],
    settings: &SandboxSettings,
    folders: &Folders,
) -> Vec<(PathBuf, Option<(u64, u64)>)> {
    let ours = [settings.workspace.clone(), folders.toolchains.clone()].into_iter().chain(folders.writable());
    let ours = ours.map(|path| {
        let identity = identity_of(&path);
        (path, identity)
    });
    let missing = list.iter().map(|grant| &grant.path).filter(|path| identity_of(path).is_none());
    ours.chain(missing.map(|path| (path.clone(), None))).collect()
}

fn identity_of(path: &Path) -> Option<(u64, u64)> {
    path.metadata().ok().map(|found: Metadata| (found.dev(), found.ino()))
}

/// An added folder that is to be read only, though one above it is not.
fn read_only_inside(settings: &SandboxSettings) -> Option<&Path> {
    let inside = |path: &Path| settings.writable_roots().any(|root| path.starts_with(root));
    let read_only = settings.add_dirs.iter().filter(|added| !added.writable);
    read_only.map(|added| added.path.as_path()).find(|path| inside(path))
}

/// Runs in the child. Afterwards no call reaches a path, a socket or a process that was not granted.
fn restrict_self(
    ruleset: &OwnedFd,
    filter: &[libc::sock_filter],
    limits: &Limits,
    kept: CapabilitySet,
    mark: Option<Mark>,
) -> io::Result<()> {
    rustix::process::setsid()?;
    mark.map(Mark::put_on).transpose()?;
    limits.apply()?;
    rustix::thread::set_no_new_privs(true)?;
    give_up_capabilities(kept)?;
    child::close_everything_on_exec()?;
    child::apply_ruleset(ruleset)?;
    child::apply_filter(filter)
}

/// What root may keep: nothing, like any other user. Landlock holds the content of files in place and not their owners,
/// modes and times, so rights over those would reach every file of this machine. Where a writable folder belongs to
/// somebody else (a container with a folder of the host's), root could not work in it without the right to the content.
fn capabilities_to_keep(settings: &SandboxSettings) -> CapabilitySet {
    let us = rustix::process::geteuid().as_raw();
    let is_ours = |root: &Path| root.metadata().is_ok_and(|found| found.uid() == us);
    if settings.writable_roots().all(is_ours) { CapabilitySet::empty() } else { CapabilitySet::DAC_OVERRIDE }
}

/// Root has powers that go round the wall: to read the memory and the environment of any process (ours holds keys),
/// to make a device node of a disk, to load a kernel module, to become any other user. With no-new-privileges set, no
/// program gets them back.
fn give_up_capabilities(kept: CapabilitySet) -> io::Result<()> {
    let had = rustix::thread::capabilities(None)?;
    let kept = CapabilitySets {
        effective: had.effective & kept,
        permitted: had.permitted & kept,
        inheritable: CapabilitySet::empty(),
    };
    Ok(rustix::thread::set_capabilities(None, kept)?)
}
