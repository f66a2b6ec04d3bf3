//! Files that run with the rights of whoever owns them, and devices: no command makes any. A view is mounted without
//! such rights, the host's file system is not, so a copied shell of root's with this bit would be root for everybody
//! who reaches the workspace.
//!
//! A filter cannot tell a folder from a file. On folders the bit of the group means that what is made in them belongs
//! to it, so in a workspace that works like this `chmod` may set it (`Doors::hands_group_down`); making a folder needs
//! no permission, because it takes the bit from the one above.
//!
//! `openat2` has its mode in memory, where no filter can look. It is refused as if it were unknown, and programs go on
//! with `openat`.

use libc::sock_filter;

use super::{
    ANSWER, Doors, FOURTH_ARGUMENT, IF_ANY_BIT, IF_EQUAL, LOAD, MASK, Processor, SECOND_ARGUMENT,
    THIRD_ARGUMENT, jump, line, refusal, refused,
};

/// Calls that take a mode, each with where it is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Modes {
    /// `chmod`, `fchmod`, `fchmodat`, `fchmodat2`.
    change: &'static [(u32, u32)],
    /// `creat`.
    create: &'static [(u32, u32)],
    /// `open`, `openat`: with the place of the flags, by which the mode counts or not.
    open: &'static [(u32, u32, u32)],
    /// `mknod`, `mknodat`.
    node: &'static [(u32, u32)],
}

impl Modes {
    pub(super) const X86_64: Self = Self {
        change: &[
            (90, SECOND_ARGUMENT),
            (91, SECOND_ARGUMENT),
            (268, THIRD_ARGUMENT),
            (FCHMODAT2, THIRD_ARGUMENT),
        ],
        create: &[(85, SECOND_ARGUMENT)],
        open: &[(2, SECOND_ARGUMENT, THIRD_ARGUMENT), (257, THIRD_ARGUMENT, FOURTH_ARGUMENT)],
        node: &[(133, SECOND_ARGUMENT), (259, THIRD_ARGUMENT)],
    };
    pub(super) const AARCH64: Self = Self {
        change: &[(52, SECOND_ARGUMENT), (53, THIRD_ARGUMENT), (FCHMODAT2, THIRD_ARGUMENT)],
        create: &[],
        open: &[(56, THIRD_ARGUMENT, FOURTH_ARGUMENT)],
        node: &[(33, THIRD_ARGUMENT)],
    };
}

/// The same on every processor.
const FCHMODAT2: u32 = 452;
const OPENAT2: u32 = 437;

/// `O_CREAT` and the bit of `O_TMPFILE` that is its own: the same on both processors.
const MAKES: u32 = 0o100 | 0o20_000_000;

/// Refuses modes with such a bit. The number of the call is loaded before and after.
pub(super) fn without_rights_of_the_owner(processor: &Processor, doors: Doors) -> Vec<sock_filter> {
    let Modes { change, create, open, node } = processor.modes;
    let both = libc::S_ISUID | libc::S_ISGID;
    let by_chmod = if doors.hands_group_down { libc::S_ISUID } else { both };
    let mut lines = Vec::from(refused(OPENAT2, libc::ENOSYS));
    let changes = change.iter().map(|call| (call, by_chmod)).chain(create.iter().map(|call| (call, both)));
    for ((call, mode), refused) in changes {
        lines.extend([
            jump(IF_EQUAL, *call, 0, 4),
            line(LOAD, *mode),
            jump(IF_ANY_BIT, refused, 0, 1),
            line(ANSWER, refusal(libc::EPERM)),
            line(ANSWER, libc::SECCOMP_RET_ALLOW),
        ]);
    }
    for (call, flags, mode) in open {
        lines.extend([
            jump(IF_EQUAL, *call, 0, 6),
            line(LOAD, *flags),
            jump(IF_ANY_BIT, MAKES, 0, 3),
            line(LOAD, *mode),
            jump(IF_ANY_BIT, both, 0, 1),
            line(ANSWER, refusal(libc::EPERM)),
            line(ANSWER, libc::SECCOMP_RET_ALLOW),
        ]);
    }
    for (call, mode) in node {
        lines.extend([
            jump(IF_EQUAL, *call, 0, 7),
            line(LOAD, *mode),
            jump(IF_ANY_BIT, both, 3, 0),
            line(MASK, libc::S_IFMT),
            jump(IF_EQUAL, libc::S_IFCHR, 1, 0),
            jump(IF_EQUAL, libc::S_IFBLK, 0, 1),
            line(ANSWER, refusal(libc::EPERM)),
            line(ANSWER, libc::SECCOMP_RET_ALLOW),
        ]);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filter::tests::{ABSENT, ALLOWED, CLOSED, DENIED, OPEN, answer_of};

    const SHARED: Doors = Doors { hands_group_down: true, ..OPEN };

    /// The answer to `call` with these words at these places, in every wall of these doors.
    fn check(processor: &Processor, call: u32, words: &[(u32, u32)], expected: [u32; 2]) {
        for (doors, expected) in [(CLOSED, expected[0]), (OPEN, expected[0]), (SHARED, expected[1])] {
            let answer = answer_of(processor, doors, call, words);
            assert_eq!(answer, expected, "{call} {words:?} {doors:?}");
        }
    }

    #[test]
    fn no_file_gets_the_rights_of_its_owner_and_a_shared_folder_keeps_its_group() {
        for processor in [Processor::X86_64, Processor::AARCH64] {
            for (call, mode) in processor.modes.change {
                for (value, expected) in [
                    (0o755, [ALLOWED; 2]),
                    (0o1777, [ALLOWED; 2]),
                    (0o4755, [DENIED; 2]),
                    (0o6755, [DENIED; 2]),
                    (0o2775, [DENIED, ALLOWED]),
                ] {
                    check(&processor, *call, &[(*mode, value)], expected);
                }
            }
            for (call, mode) in processor.modes.create {
                for (value, expected) in [(0o644, ALLOWED), (0o4755, DENIED), (0o2755, DENIED)] {
                    check(&processor, *call, &[(*mode, value)], [expected; 2]);
                }
            }
        }
    }

    #[test]
    fn the_mode_of_an_open_counts_where_it_makes_a_file() {
        let tmpfile = u32::try_from(libc::O_TMPFILE).expect("a flag");
        for processor in [Processor::X86_64, Processor::AARCH64] {
            for (call, flags, mode) in processor.modes.open {
                for (flag, value, expected) in [
                    (0, 0o7777, ALLOWED),
                    (0o100, 0o644, ALLOWED),
                    (0o100, 0o4755, DENIED),
                    (0o101, 0o2755, DENIED),
                    (tmpfile, 0o4755, DENIED),
                ] {
                    check(&processor, *call, &[(*flags, flag), (*mode, value)], [expected; 2]);
                }
            }
            check(&processor, OPENAT2, &[], [ABSENT; 2]);
        }
    }

    #[test]
    fn no_device_is_made_and_pipes_are() {
        for processor in [Processor::X86_64, Processor::AARCH64] {
            for (call, mode) in processor.modes.node {
                for (value, expected) in [
                    (libc::S_IFIFO | 0o644, ALLOWED),
                    (0o644, ALLOWED),
                    (libc::S_IFREG | 0o4755, DENIED),
                    (libc::S_IFCHR | 0o600, DENIED),
                    (libc::S_IFBLK | 0o600, DENIED),
                ] {
                    check(&processor, *call, &[(*mode, value)], [expected; 2]);
                }
            }
        }
    }

    /// The numbers of the processor that runs this are the C library's.
    #[test]
    fn the_calls_are_those_that_they_are_called() {
        let Some(host) = Processor::of_host() else { return };
        let number = |number: libc::c_long| u32::try_from(number).expect("a call");
        let has = |calls: &[(u32, u32)], call| calls.iter().any(|(known, _)| *known == number(call));
        assert!(has(host.modes.change, libc::SYS_fchmod) && has(host.modes.change, libc::SYS_fchmodat));
        assert!(has(host.modes.node, libc::SYS_mknodat));
        assert!(host.modes.open.iter().any(|(call, ..)| *call == number(libc::SYS_openat)));
        #[cfg(target_arch = "x86_64")]
        {
            assert!(has(host.modes.change, libc::SYS_chmod) && has(host.modes.create, libc::SYS_creat));
            assert!(has(host.modes.node, libc::SYS_mknod));
            assert!(host.modes.open.iter().any(|(call, ..)| *call == number(libc::SYS_open)));
        }
        assert_eq!((OPENAT2, FCHMODAT2), (number(libc::SYS_openat2), number(libc::SYS_fchmodat2)));
    }
}
