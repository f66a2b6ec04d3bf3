//! The seccomp filter: no sockets, no io_uring (it opens sockets without `socket`), no ptrace; no key rings and no
//! System V queues, memories and semaphores, which are shared with everybody and outlive the command; no change of
//! the limit that carries the mark.
//!
//! `socketpair` works for connected pairs of local streams. Datagram pairs are refused: they can be pointed at any
//! socket that has a path, which is what refusing `socket` is there to stop.
//!
//! Written by hand because ready filter builders match call numbers one by one, and the x32 calls of x86_64 are a
//! whole range.

use libc::{c_int, sock_filter};

/// A processor family that the filter knows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Processor {
    /// `AUDIT_ARCH_*` of `linux/audit.h`.
    audit: u32,
    /// A second call table lives in numbers with this bit (x32).
    foreign_bit: Option<u32>,
    socket: u32,
    socketpair: u32,
    ptrace: u32,
    setrlimit: u32,
    prlimit: u32,
    /// `add_key`, `request_key`, `keyctl`, `shmget`, `semget`, `msgget`.
    shared: [u32; 6],
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
        shared: [248, 249, 250, 29, 64, 68],
    };
    const AARCH64: Self = Self {
        audit: 0xC000_00B7,
        foreign_bit: None,
        socket: 198,
        socketpair: 199,
        ptrace: 117,
        setrlimit: 164,
        prlimit: 261,
        shared: [217, 218, 219, 194, 190, 186],
    };

    /// The one this program was built for.
    pub(super) const fn of_host() -> Option<Self> {
        if cfg!(all(target_arch = "x86_64", target_pointer_width = "64")) {
            Some(Self::X86_64)
        } else if cfg!(all(target_arch = "aarch64", target_pointer_width = "64", target_endian = "little")) {
            Some(Self::AARCH64)
        } else {
            None
        }
    }
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
pub(super) fn program(processor: &Processor) -> Vec<sock_filter> {
    let mut lines = vec![
        line(LOAD, AUDIT),
        jump(IF_EQUAL, processor.audit, 1, 0),
        line(ANSWER, libc::SECCOMP_RET_KILL_PROCESS),
        line(LOAD, NUMBER),
    ];
    if let Some(bit) = processor.foreign_bit {
        lines.extend([jump(IF_ANY_BIT, bit, 0, 1), line(ANSWER, refusal(libc::ENOSYS))]);
    }
    for (number, error) in IO_URING
        .map(|number| (number, libc::ENOSYS))
        .into_iter()
        .chain(processor.shared.map(|number| (number, libc::ENOSYS)))
        .chain([(processor.socket, libc::EPERM), (processor.ptrace, libc::EPERM)])
    {
        lines.extend([jump(IF_EQUAL, number, 0, 1), line(ANSWER, refusal(error))]);
    }
    lines.extend([
        jump(IF_EQUAL, processor.setrlimit, 0, 4),
        line(LOAD, FIRST_ARGUMENT),
        jump(IF_EQUAL, MARK, 0, 1),
        line(ANSWER, refusal(libc::EPERM)),
        line(ANSWER, libc::SECCOMP_RET_ALLOW),
        // Without a new value, which is the third argument, it only reads.
        jump(IF_EQUAL, processor.prlimit, 0, 8),
        line(LOAD, SECOND_ARGUMENT),
        jump(IF_EQUAL, MARK, 0, 5),
        line(LOAD, THIRD_ARGUMENT),
        jump(IF_EQUAL, 0, 0, 2),
        line(LOAD, THIRD_ARGUMENT_HIGH),
        jump(IF_EQUAL, 0, 1, 0),
        line(ANSWER, refusal(libc::EPERM)),
        line(ANSWER, libc::SECCOMP_RET_ALLOW),
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
    ]);
    lines
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
mod tests {
    use super::*;

    const ALLOWED: u32 = libc::SECCOMP_RET_ALLOW;
    const DENIED: u32 = libc::SECCOMP_RET_ERRNO | libc::EPERM as u32;
    const ABSENT: u32 = libc::SECCOMP_RET_ERRNO | libc::ENOSYS as u32;

    /// Interprets the program the way the kernel does, for one call.
    fn answer(processor: &Processor, audit: u32, number: u32, arguments: [u32; 4]) -> u32 {
        let lines = program(processor);
        let (mut at, mut register) = (0, 0);
        loop {
            let sock_filter { code, jt, jf, k } = lines[at];
            at += 1;
            let skip = |condition: bool| usize::from(if condition { jt } else { jf });
            match u32::from(code) {
                LOAD => {
                    register = match k {
                        NUMBER => number,
                        AUDIT => audit,
                        FIRST_ARGUMENT => arguments[0],
                        SECOND_ARGUMENT => arguments[1],
                        THIRD_ARGUMENT => arguments[2],
                        THIRD_ARGUMENT_HIGH => arguments[3],
                        _ => panic!("load of {k}"),
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
    fn check<const N: usize>(processor: &Processor, number: u32, arguments: [u32; N], expected: u32) {
        let mut four = [0; 4];
        four[..N].copy_from_slice(&arguments);
        assert_eq!(answer(processor, processor.audit, number, four), expected, "{number} {arguments:?}");
    }

    #[test]
    fn sockets_io_uring_and_ptrace_are_refused_on_both_processors() {
        for (processor, read) in [(Processor::X86_64, 0), (Processor::AARCH64, 63)] {
            for family in [libc::AF_UNIX, libc::AF_INET, libc::AF_INET6, libc::AF_NETLINK, libc::AF_VSOCK] {
                check(&processor, processor.socket, [family as u32, 1], DENIED);
            }
            check(&processor, processor.ptrace, [0, 0], DENIED);
            for number in IO_URING {
                check(&processor, number, [0, 0], ABSENT);
            }
            check(&processor, read, [0, 0], ALLOWED);
        }
    }

    #[test]
    fn what_is_shared_with_everybody_is_absent() {
        for processor in [Processor::X86_64, Processor::AARCH64] {
            for number in processor.shared {
                check(&processor, number, [0, 0], ABSENT);
            }
        }
    }

    #[test]
    fn the_limit_that_carries_the_mark_can_be_read_and_not_set() {
        for processor in [Processor::X86_64, Processor::AARCH64] {
            check(&processor, processor.setrlimit, [MARK], DENIED);
            check(&processor, processor.setrlimit, [libc::RLIMIT_NOFILE], ALLOWED);
            check(&processor, processor.prlimit, [0, MARK, 0x1000, 0], DENIED);
            check(&processor, processor.prlimit, [0, MARK, 0, 0x7FFF], DENIED);
            check(&processor, processor.prlimit, [7, MARK, 0, 0], ALLOWED);
            check(&processor, processor.prlimit, [0, libc::RLIMIT_NOFILE, 0x1000, 0], ALLOWED);
        }
    }

    #[test]
    fn socketpair_works_for_streams_and_not_for_datagrams() {
        let unix = libc::AF_UNIX as u32;
        let flags = (libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK) as u32;
        for processor in [Processor::X86_64, Processor::AARCH64] {
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
                check(&processor, processor.socketpair, [family, kind], expected);
            }
        }
    }

    #[test]
    fn calls_through_another_table_do_not_pass() {
        const I386: u32 = 0x4000_0003;
        let x86 = Processor::X86_64;
        assert_eq!(answer(&x86, I386, 3, [0; 4]), libc::SECCOMP_RET_KILL_PROCESS);
        for number in [0, x86.socket, 521] {
            check(&x86, number | 0x4000_0000, [0, 0], ABSENT);
        }
        const ARM: u32 = 0x4000_0028;
        assert_eq!(answer(&Processor::AARCH64, ARM, 3, [0; 4]), libc::SECCOMP_RET_KILL_PROCESS);
    }
}
