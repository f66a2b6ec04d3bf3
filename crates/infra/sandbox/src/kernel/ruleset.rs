//! The Landlock ruleset: everything it knows is refused, the grants are given back.

use std::{io, os::fd::OwnedFd};

use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible, PathBeneath, PathFd, PathFdError,
    Ruleset, RulesetAttr, RulesetCreatedAttr, Scope,
};

use super::{WallError, roots::Roots};
use crate::grants::{Grant, Reach};

/// The oldest Landlock that holds what `kernel` promises (TCP came with it).
const OLDEST: ABI = ABI::V4;
/// The newest whose rights this list was checked against; what the kernel lacks of it is left out.
const NEWEST: ABI = ABI::V9;

/// The version of the kernel's Landlock.
pub(super) fn abi() -> Result<i64, WallError> {
    const VERSION: u32 = 1;
    #[expect(unsafe_code, reason = "the landlock crate keeps the version to itself")]
    // SAFETY: with this flag the call reads nothing and only returns a number.
    let abi = unsafe {
        libc::syscall(libc::SYS_landlock_create_ruleset, std::ptr::null::<libc::c_void>(), 0_usize, VERSION)
    };
    match abi {
        abi if abi >= OLDEST as i64 => Ok(abi),
        abi if abi > 0 => Err(WallError::OldLandlock(abi)),
        _ => Err(WallError::NoLandlock(io::Error::last_os_error())),
    }
}

/// A ruleset with these grants, ready for `landlock_restrict_self`. Missing paths are skipped.
///
/// `roots` and `writable` (files, too) are granted as they were opened. Without the network no TCP goes anywhere.
pub(super) fn of<'a>(
    grants: &[Grant],
    roots: &Roots,
    writable: impl IntoIterator<Item = &'a OwnedFd>,
    network: bool,
) -> Result<OwnedFd, WallError> {
    let mut ruleset = Ruleset::default()
        .set_compatibility(CompatLevel::HardRequirement)
        .handle_access(AccessFs::from_all(OLDEST))?;
    if !network {
        ruleset = ruleset.handle_access(AccessNet::from_all(OLDEST))?;
    }
    let mut ruleset = ruleset
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(NEWEST))?
        .scope(Scope::from_all(NEWEST))?
        .create()?;
    for grant in grants {
        let rights: BitFlags<AccessFs> = match grant.reach {
            Reach::Read => AccessFs::from_read(NEWEST),
            Reach::Write => write_rights(),
        };
        if roots.hold(&grant.path) {
            if let Some(folder) = roots.get(&grant.path) {
                ruleset = ruleset.add_rule(PathBeneath::new(&**folder, rights))?;
            }
            continue;
        }
        match PathFd::new(&grant.path) {
            // Rights that only folders have are dropped for files by the crate.
            Ok(path) => ruleset = ruleset.add_rule(PathBeneath::new(path, rights))?,
            Err(error) if is_out_of_reach(&error) => {}
            Err(error) => return Err(error.into()),
        }
    }
    for folder in writable {
        ruleset = ruleset.add_rule(PathBeneath::new(folder, write_rights()))?;
    }
    Option::<OwnedFd>::from(ruleset).ok_or(WallError::NoRuleset)
}

/// All but device nodes: one in the workspace would be a door to the whole disk.
fn write_rights() -> BitFlags<AccessFs> {
    AccessFs::from_all(NEWEST) & !(AccessFs::MakeBlock | AccessFs::MakeChar)
}

/// What cannot be reached by us cannot be by a command either, so no rule is needed.
fn is_out_of_reach(error: &PathFdError) -> bool {
    use io::ErrorKind::{NotADirectory, NotFound, PermissionDenied};
    match error {
        PathFdError::OpenCall { source, .. } => {
            matches!(source.kind(), NotFound | NotADirectory | PermissionDenied)
        }
        _ => false,
    }
}
