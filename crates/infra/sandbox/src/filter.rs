//! The seccomp filter: no sockets but those of a network that a command may use, no io_uring (it opens sockets without
//! `socket`), no key rings, no change of the limit that carries the mark, no file with the rights of its owner
//! ([`modes`]).
//!
//! Where a command shares processes and memories with everybody (`kernel`) it reaches no process but itself
//! ([`others`]), and there are no System V queues, memories and semaphores and no POSIX queues: they outlive the
//! command, and those of other programs are open to it. Local sockets are refused at every level: each that has a path
//! is a door to whoever listens.
//!
//! `socketpair` works for connected pairs of local streams. Datagram pairs are refused: they can be pointed at any
//! socket that has a path, which is what refusing `socket` is there to stop.
//!
//! Written by hand because ready filter builders match call numbers one by one, and the x32 calls of x86_64 are a
//! whole range.

mod modes;
mod others;

use std::path::Path;

use libc::{c_int, sock_filter};

use self::{modes::Modes, others::Others};

/// A processor family that the filter knows.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Processor {
    /// `AUDIT_ARCH_*` of `linux/audit.h`.
    audit: u32,
    /// A second call table lives in numbers with this bit (x32).
    foreign_bit: Option<u32>,
    socket: u32,
    socketpair: u32,
    ptrace: u32,
    setrlimit: u32,
    prlimit: u32,
    /// `add_key`, `request_key`, `keyctl`.
    keys: [u32; 3],
    /// `shmget`, `shmat`, `shmctl`, `semget`, `semop`, `semtimedop`, `semctl`, `msgget`, `msgsnd`, `msgrcv`,
    /// `msgctl`, `mq_open`, `mq_unlink`: numbers of what others made can be guessed.
    shared: [u32; 13],
    others: Others,
    modes: Modes,
}

impl Processor {
    const X86_64: Self = Self {
        audit: 0xC000_003E,
        foreign_bit: Some(0x4000_0000),
        socket: 41,
        socketpair: 53,
        ptrace: 101,
        setrlimit: 160,
        prlimit: 302,
        keys: [248, 249, 250],
        shared: [29, 30, 31, 64, 65, 220, 66, 68, 69, 70, 71, 240, 241],
        others: Others::X86_64,
        modes: Modes::X86_64,
    };
    const AARCH64: Self = Self {
        audit: 0xC000_00B7,
        foreign_bit: None,
        socket: 198,
        socketpair: 199,
        ptrace: 117,
        setrlimit: 164,
        prlimit: 261,
        keys: [217, 218, 219],
        shared: [194, 196, 195, 190, 193, 192, 191, 186, 189, 188, 187, 180, 181],
        others: Others::AARCH64,
        modes: Modes::AARCH64,
    };

    /// The one this program was built for.
    pub(crate) const fn of_host() -> Option<Self> {
        if cfg!(all(target_arch = "x86_64", target_pointer_width = "64")) {
            Some(Self::X86_64)
        } else if cfg!(all(target_arch = "aarch64", target_pointer_width = "64", target_endian = "little")) {
            Some(Self::AARCH64)
        } else {
            None
        }
    }
}

/// What the filter leaves open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Doors {
    /// Sockets of the internet families, and those that ask the kernel about addresses.
    pub(crate) internet: bool,
    /// The command has processes and memories of its own: what it traces or shares is its own, too.
    pub(crate) is_alone: bool,
    /// What is made in a writable folder belongs to the folder's group, so commands may mark folders like this.
    pub(crate) hands_group_down: bool,
}

/// Whether what is made in one of these folders belongs to the folder's group.
pub(crate) fn hand_group_down<'a>(mut folders: impl Iterator<Item = &'a Path>) -> bool {
    use std::os::unix::fs::MetadataExt;

    folders.any(|folder| folder.metadata().is_ok_and(|found| found.mode() & libc::S_ISGID != 0))
}

/// `io_uring_setup`, `_enter`, `_register`: the same on every processor.
const IO_URING: [u32; 3] = [425, 426, 427];

// Offsets in `struct seccomp_data` of `linux/seccomp.h`; both processors store the low half of an argument first.
const NUMBER: u32 = 0;
const AUDIT: u32 = 4;
const FIRST_ARGUMENT: u32 = 16;
const SECOND_ARGUMENT: u32 = 24;
const THIRD_ARGUMENT: u32 = 32;
const THIRD_ARGUMENT_HIGH: u32 = 36;
const FOURTH_ARGUMENT: u32 = 40;

/// `RLIMIT_LOCKS`, the same on both processors.
const MARK: u32 = 10;

const LOAD: u32 = libc::BPF_LD | libc::BPF_W | libc::BPF_ABS;
const MASK: u32 = libc::BPF_ALU | libc::BPF_AND | libc::BPF_K;
const IF_EQUAL: u32 = libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K;
const IF_ANY_BIT: u32 = libc::BPF_JMP | libc::BPF_JSET | libc::BPF_K;
const ANSWER: u32 = libc::BPF_RET | libc::BPF_K;

/// The program for one processor.
///
/// Foreign call tables (32-bit programs) kill the program: most of them would not survive an error from every call.
pub(crate) fn program(processor: &Processor, doors: Doors) -> Vec<sock_filter> {
    let mut lines = vec![
        line(LOAD, AUDIT),
        jump(IF_EQUAL, processor.audit, 1, 0),
        line(ANSWER, libc::SECCOMP_RET_KILL_PROCESS),
        line(LOAD, NUMBER),
    ];
    if let Some(bit) = processor.foreign_bit {
        lines.extend([jump(IF_ANY_BIT, bit, 0, 1), line(ANSWER, refusal(libc::ENOSYS))]);
    }
    lines.extend(IO_URING.into_iter().chain(processor.keys).flat_map(|call| refused(call, libc::ENOSYS)));
    if !doors.is_alone {
        lines.extend(processor.shared.into_iter().flat_map(|call| refused(call, libc::ENOSYS)));
        lines.extend(others::left_alone(processor));
    } else {
        lines.extend(others::first_left_alone(processor));
    }
    lines.extend(modes::without_rights_of_the_owner(processor, doors));
    lines.extend(if doors.internet {
        of_the_internet(processor)
    } else {
        refused(processor.socket, libc::EPERM).into()
    });
    lines.extend(own_limits(processor, doors));
    lines.extend(pairs_of_streams(processor));
    lines
}

/// Refuses a call. The number is loaded before and after.
fn refused(call: u32, error: c_int) -> [sock_filter; 2] {
    [jump(IF_EQUAL, call, 0, 1), line(ANSWER, refusal(error))]
}

/// `socket` for IPv4, IPv6 and routes. The number is loaded before, and after where the call is another one.
fn of_the_internet(processor: &Processor) -> Vec<sock_filter> {
    vec![
        jump(IF_EQUAL, processor.socket, 0, 8),
        line(LOAD, FIRST_ARGUMENT),
        jump(IF_EQUAL, number(libc::AF_INET), 5, 0),
        jump(IF_EQUAL, number(libc::AF_INET6), 4, 0),
        jump(IF_EQUAL, number(libc::AF_NETLINK), 0, 2),
        line(LOAD, THIRD_ARGUMENT),
        jump(IF_EQUAL, number(libc::NETLINK_ROUTE), 1, 0),
        line(ANSWER, refusal(libc::EPERM)),
        line(ANSWER, libc::SECCOMP_RET_ALLOW),
    ]
}

/// The limit that carries the mark can be read and not set; behind the wall other limits are set for the caller alone.
/// The number is loaded before, and after where the call is another one.
fn own_limits(processor: &Processor, doors: Doors) -> [sock_filter; 16] {
    let on_another = u8::from(!doors.is_alone);
    [
        jump(IF_EQUAL, processor.setrlimit, 0, 4),
        line(LOAD, FIRST_ARGUMENT),
        jump(IF_EQUAL, MARK, 0, 1),
        line(ANSWER, refusal(libc::EPERM)),
        line(ANSWER, libc::SECCOMP_RET_ALLOW),
        jump(IF_EQUAL, processor.prlimit, 0, 10),
        // Without a new value, which is the third argument, it only reads.
        line(LOAD, THIRD_ARGUMENT),
        jump(IF_EQUAL, 0, 0, 2),
        line(LOAD, THIRD_ARGUMENT_HIGH),
        jump(IF_EQUAL, 0, 5, 0),
        line(LOAD, FIRST_ARGUMENT),
        jump(IF_EQUAL, 0, 0, 2 * on_another),
        line(LOAD, SECOND_ARGUMENT),
        jump(IF_EQUAL, MARK, 0, 1),
        line(ANSWER, refusal(libc::EPERM)),
        line(ANSWER, libc::SECCOMP_RET_ALLOW),
    ]
}

/// The end of the program: `socketpair` for streams, and every call that was not refused before.
fn pairs_of_streams(processor: &Processor) -> [sock_filter; 10] {
    [
        jump(IF_EQUAL, processor.socketpair, 1, 0),
        line(ANSWER, libc::SECCOMP_RET_ALLOW),
        line(LOAD, FIRST_ARGUMENT),
        jump(IF_EQUAL, number(libc::AF_UNIX), 0, 4),
        line(LOAD, SECOND_ARGUMENT),
        // The kind of the socket; flags such as SOCK_CLOEXEC stand above it.
        line(MASK, 0xF),
        jump(IF_EQUAL, number(libc::SOCK_STREAM), 2, 0),
        jump(IF_EQUAL, number(libc::SOCK_SEQPACKET), 1, 0),
        line(ANSWER, refusal(libc::EPERM)),
        line(ANSWER, libc::SECCOMP_RET_ALLOW),
    ]
}

const fn number(constant: c_int) -> u32 {
    constant.unsigned_abs()
}

const fn refusal(error: c_int) -> u32 {
    libc::SECCOMP_RET_ERRNO | (number(error) & libc::SECCOMP_RET_DATA)
}

fn line(operation: u32, operand: u32) -> sock_filter {
    jump(operation, operand, 0, 0)
}

fn jump(operation: u32, operand: u32, then: u8, otherwise: u8) -> sock_filter {
    // Every operation above fits 16 bits.
    sock_filter { code: u16::try_from(operation).unwrap_or(u16::MAX), jt: then, jf: otherwise, k: operand }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(super) const ALLOWED: u32 = libc::SECCOMP_RET_ALLOW;
    pub(super) const DENIED: u32 = libc::SECCOMP_RET_ERRNO | libc::EPERM as u32;
    pub(super) const ABSENT: u32 = libc::SECCOMP_RET_ERRNO | libc::ENOSYS as u32;

    pub(super) const CLOSED: Doors = Doors { internet: false, is_alone: false, hands_group_down: false };
    pub(super) const OPEN: Doors = Doors { internet: true, is_alone: true, hands_group_down: false };

    fn answer(processor: &Processor, doors: Doors, audit: u32, number: u32, arguments: [u32; 4]) -> u32 {
        let places = [FIRST_ARGUMENT, SECOND_ARGUMENT, THIRD_ARGUMENT, THIRD_ARGUMENT_HIGH];
        let words: Vec<_> = places.into_iter().zip(arguments).chain([(AUDIT, audit)]).collect();
        answer_of(processor, doors, number, &words)
    }

    /// Interprets the program the way the kernel does, for one call with these words at these places.
    pub(super) fn answer_of(processor: &Processor, doors: Doors, number: u32, words: &[(u32, u32)]) -> u32 {
        let lines = program(processor, doors);
        let (mut at, mut register) = (0, 0);
        loop {
            let sock_filter { code, jt, jf, k } = lines[at];
            at += 1;
            let skip = |condition: bool| usize::from(if condition { jt } else { jf });
            match u32::from(code) {
                LOAD => {
                    let word = words.iter().find(|(place, _)| *place == k);
                    register = match (k, word) {
                        (NUMBER, _) => number,
                        (_, Some((_, word))) => *word,
                        (AUDIT, None) => processor.audit,
                        (place, None) => panic!("load of {place}"),
                    }
                }
                MASK => register &= k,
                IF_EQUAL => at += skip(register == k),
                IF_ANY_BIT => at += skip(register & k != 0),
                ANSWER => return k,
                other => panic!("operation {other}"),
            }
        }
    }

    /// The arguments are the first, the second, and both halves of the third.
    pub(super) fn check<const N: usize>(
        doors: Doors,
        call: impl Fn(&Processor) -> u32,
        arguments: [u32; N],
        expected: u32,
    ) {
        let mut four = [0; 4];
        four[..N].copy_from_slice(&arguments);
        for processor in [Processor::X86_64, Processor::AARCH64] {
            let number = call(&processor);
            let answer = answer(&processor, doors, processor.audit, number, four);
            assert_eq!(answer, expected, "{number} {arguments:?} {doors:?}");
        }
    }

    fn read(processor: &Processor) -> u32 {
        if processor.foreign_bit.is_some() { 0 } else { 63 }
    }

    #[test]
    fn sockets_open_with_the_network_and_local_ones_never() {
        let socket = |processor: &Processor| processor.socket;
        let (unix, inet, inet6) = (libc::AF_UNIX as u32, libc::AF_INET as u32, libc::AF_INET6 as u32);
        let (netlink, vsock) = (libc::AF_NETLINK as u32, libc::AF_VSOCK as u32);
        let (route, firewall) = (libc::NETLINK_ROUTE as u32, libc::NETLINK_NETFILTER as u32);
        for (arguments, open) in [
            ([unix, 1, 0, 0], DENIED),
            ([vsock, 1, 0, 0], DENIED),
            ([libc::AF_PACKET as u32, 3, 0, 0], DENIED),
            ([inet, 1, 6, 0], ALLOWED),
            ([inet6, 2, 17, 0], ALLOWED),
            ([netlink, 3, route, 0], ALLOWED),
            ([netlink, 3, firewall, 0], DENIED),
        ] {
            check(CLOSED, socket, arguments, DENIED);
            check(OPEN, socket, arguments, open);
        }
    }

    #[test]
    fn what_is_shared_with_everybody_is_refused_where_the_command_is_not_alone() {
        for doors in [CLOSED, OPEN] {
            IO_URING.iter().for_each(|call| check(doors, |_| *call, [0, 0], ABSENT));
            (0..3).for_each(|at| check(doors, |processor| processor.keys[at], [0, 0], ABSENT));
            check(doors, read, [0, 0], ALLOWED);
        }
        for at in 0..13 {
            check(CLOSED, |processor| processor.shared[at], [0, 0], ABSENT);
            check(OPEN, |processor| processor.shared[at], [0, 0], ALLOWED);
        }
    }

    #[test]
    fn the_limit_that_carries_the_mark_can_be_read_and_not_set() {
        let (set, both) =
            (|processor: &Processor| processor.setrlimit, |processor: &Processor| processor.prlimit);
        for doors in [CLOSED, OPEN] {
            check(doors, set, [MARK], DENIED);
            check(doors, set, [libc::RLIMIT_NOFILE], ALLOWED);
            for own_or_not in [0, 7] {
                check(doors, both, [own_or_not, MARK, 0x1000, 0], DENIED);
                check(doors, both, [own_or_not, MARK, 0, 0x7FFF], DENIED);
                check(doors, both, [own_or_not, MARK, 0, 0], ALLOWED);
            }
            check(doors, both, [0, libc::RLIMIT_NOFILE, 0x1000, 0], ALLOWED);
        }
    }

    #[test]
    fn the_limits_of_another_process_can_be_read_and_behind_the_wall_not_set() {
        for (new, behind_the_wall) in [([0, 0], ALLOWED), ([0x1000, 0], DENIED), ([0, 0x7FFF], DENIED)] {
            let arguments = [7, libc::RLIMIT_NOFILE, new[0], new[1]];
            check(CLOSED, |processor| processor.prlimit, arguments, behind_the_wall);
            check(OPEN, |processor| processor.prlimit, arguments, ALLOWED);
        }
    }

    #[test]
    fn socketpair_works_for_streams_and_not_for_datagrams() {
        let unix = libc::AF_UNIX as u32;
        let flags = (libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK) as u32;
        for (family, kind, expected) in [
            (unix, libc::SOCK_STREAM as u32, ALLOWED),
            (unix, libc::SOCK_STREAM as u32 | flags, ALLOWED),
            (unix, libc::SOCK_SEQPACKET as u32 | flags, ALLOWED),
            (unix, libc::SOCK_DGRAM as u32, DENIED),
            (unix, libc::SOCK_DGRAM as u32 | flags, DENIED),
            // The kernel takes it for a datagram socket.
            (unix, libc::SOCK_RAW as u32, DENIED),
            (libc::AF_TIPC as u32, libc::SOCK_STREAM as u32, DENIED),
        ] {
            for doors in [CLOSED, OPEN] {
                check(doors, |processor| processor.socketpair, [family, kind], expected);
            }
        }
    }

    #[test]
    fn calls_through_another_table_do_not_pass() {
        const I386: u32 = 0x4000_0003;
        const ARM: u32 = 0x4000_0028;
        let (x86, arm) = (Processor::X86_64, Processor::AARCH64);
        for doors in [CLOSED, OPEN] {
            assert_eq!(answer(&x86, doors, I386, 3, [0; 4]), libc::SECCOMP_RET_KILL_PROCESS);
            for number in [0, x86.socket, 521] {
                let foreign = number | 0x4000_0000;
                assert_eq!(answer(&x86, doors, x86.audit, foreign, [0; 4]), ABSENT);
            }
            assert_eq!(answer(&arm, doors, ARM, 3, [0; 4]), libc::SECCOMP_RET_KILL_PROCESS);
        }
    }
}
