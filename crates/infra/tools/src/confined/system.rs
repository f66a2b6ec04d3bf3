//! File systems that hold no files but the kernel's state: a read of `/proc/self/environ` would show our own keys, a
//! write to `/proc/self/mem` our own memory. They are refused wherever they are mounted.

use std::os::fd::BorrowedFd;

use super::{FileError, Place};

/// Refuses what stands in such a file system.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(super) fn refuse(place: &Place, opened: BorrowedFd<'_>) -> Result<(), FileError> {
    let stat = rustix::fs::fstatfs(opened).map_err(|errno| FileError::of("look at", place, errno))?;
    match name_of(u32::try_from(stat.f_type & 0xffff_ffff).unwrap_or_default()) {
        Some(name) => Err(FileError::System { place: place.clone(), name }),
        None => Ok(()),
    }
}

/// Refuses what stands in such a file system; there is none here.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(super) fn refuse(_place: &Place, _opened: BorrowedFd<'_>) -> Result<(), FileError> {
    Ok(())
}

/// The numbers of `linux/magic.h`.
#[cfg(any(target_os = "linux", target_os = "android"))]
const fn name_of(magic: u32) -> Option<&'static str> {
    Some(match magic {
        0x0000_9fa0 => "proc",
        0x6265_6572 => "sysfs",
        0x6462_6720 => "debugfs",
        0x7472_6163 => "tracefs",
        0x7363_6673 => "securityfs",
        0x0027_e0eb | 0x6367_7270 => "cgroup",
        0x6265_6570 => "configfs",
        0xcafe_4a11 => "bpf",
        0xde5e_81e4 => "efivarfs",
        0x0000_1cd1 => "devpts",
        0x4249_4e4d => "binfmt_misc",
        0xf97c_ff8c => "selinuxfs",
        0x6e73_6673 => "nsfs",
        0x1980_0202 => "mqueue",
        0x6165_676c => "pstore",
        _ => return None,
    })
}
