//! Calls that reach a process by its number. The kernel lets one program of a person change the limits, the priority
//! or the processors of every other one, and Landlock, which scopes signals and tracing, does not cover that.
//!
//! A filter sees numbers and knows nobody, so they work where the number is 0, which means the caller itself. A
//! process that names itself or a thread of its by number is refused, too: `pthread_setaffinity_np` is the one in
//! use, and who calls it goes on without. Reading is not refused, signals are Landlock's.

use libc::sock_filter;

use super::{
    ANSWER, FIRST_ARGUMENT, IF_EQUAL, LOAD, Processor, SECOND_ARGUMENT, jump, line, refusal, refused,
};

/// What is named by a number of processes, by call.
#[derive(Debug, Clone, Copy)]
pub(super) struct Others {
    /// `sched_setparam`, `sched_setscheduler`, `sched_setaffinity`, `sched_setattr`, `migrate_pages`, `move_pages`:
    /// their first argument is a process.
    pub(super) by_number: [u32; 6],
    /// `setpriority` and `ioprio_set` with the kinds that their first argument may have: a process, and its group.
    /// All processes of the person would be the third. The second argument is the number.
    pub(super) by_kind: [(u32, [u32; 2]); 2],
    /// `kcmp`, `process_vm_readv`, `process_vm_writev`: all of them are for debuggers.
    pub(super) never: [u32; 3],
}

/// `pidfd_getfd`, `process_madvise`, `process_mrelease`: the same on every processor.
pub(super) const BY_HANDLE: [u32; 3] = [438, 440, 448];

impl Others {
    pub(super) const X86_64: Self = Self {
        by_number: [142, 144, 203, 314, 256, 279],
        by_kind: [(141, PRIORITY_KINDS), (251, IO_PRIORITY_KINDS)],
        never: [312, 310, 311],
    };
    pub(super) const AARCH64: Self = Self {
        by_number: [118, 119, 122, 274, 238, 239],
        by_kind: [(140, PRIORITY_KINDS), (30, IO_PRIORITY_KINDS)],
        never: [272, 270, 271],
    };
}

/// `PRIO_PROCESS`, `PRIO_PGRP`.
const PRIORITY_KINDS: [u32; 2] = [0, 1];
/// `IOPRIO_WHO_PROCESS`, `IOPRIO_WHO_PGRP`.
const IO_PRIORITY_KINDS: [u32; 2] = [1, 2];

/// Refuses what would take over the first process of a view that is the command's own: bubblewrap, which ends everything
/// when we die. The number of the call is loaded before and after.
pub(super) fn first_left_alone(processor: &Processor) -> Vec<sock_filter> {
    let Others { never: [_, reads, writes], .. } = processor.others;
    let named = [(processor.ptrace, SECOND_ARGUMENT), (reads, FIRST_ARGUMENT), (writes, FIRST_ARGUMENT)];
    let by_handle = BY_HANDLE.into_iter().flat_map(|call| refused(call, libc::EPERM));
    let by_number = named.into_iter().flat_map(|(call, argument)| {
        [
            jump(IF_EQUAL, call, 0, 4),
            line(LOAD, argument),
            jump(IF_EQUAL, FIRST, 0, 1),
            line(ANSWER, refusal(libc::EPERM)),
            line(ANSWER, libc::SECCOMP_RET_ALLOW),
        ]
    });
    by_handle.chain(by_number).collect()
}

/// The number of the first process in a view.
const FIRST: u32 = 1;

/// Refuses what reaches another process. The number of the call is loaded before and after.
pub(super) fn left_alone(processor: &Processor) -> Vec<sock_filter> {
    let Others { by_number, by_kind, never } = processor.others;
    let never = never.into_iter().chain(BY_HANDLE).chain([processor.ptrace]);
    let mut lines: Vec<_> = never.flat_map(|call| refused(call, libc::EPERM)).collect();
    for call in by_number {
        lines.extend([
            jump(IF_EQUAL, call, 0, 4),
            line(LOAD, FIRST_ARGUMENT),
            jump(IF_EQUAL, 0, 1, 0),
            line(ANSWER, refusal(libc::EPERM)),
            line(ANSWER, libc::SECCOMP_RET_ALLOW),
        ]);
    }
    for (call, [process, group]) in by_kind {
        lines.extend([
            jump(IF_EQUAL, call, 0, 7),
            line(LOAD, FIRST_ARGUMENT),
            jump(IF_EQUAL, process, 1, 0),
            jump(IF_EQUAL, group, 0, 2),
            line(LOAD, SECOND_ARGUMENT),
            jump(IF_EQUAL, 0, 1, 0),
            line(ANSWER, refusal(libc::EPERM)),
            line(ANSWER, libc::SECCOMP_RET_ALLOW),
        ]);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filter::{
        Doors,
        tests::{ALLOWED, CLOSED, DENIED, OPEN, check},
    };

    const NOBODY: u32 = 4_711;

    /// Behind the wall `arguments` are answered so; where a command is alone everything is open.
    fn answers<const N: usize>(
        call: impl Fn(&Processor) -> u32 + Copy,
        arguments: [u32; N],
        behind_the_wall: u32,
    ) {
        check(CLOSED, call, arguments, behind_the_wall);
        check(Doors { is_alone: false, ..OPEN }, call, arguments, behind_the_wall);
        check(OPEN, call, arguments, ALLOWED);
    }

    #[test]
    fn a_process_is_reached_by_nobody_but_itself() {
        for at in 0..6 {
            answers(|processor| processor.others.by_number[at], [0], ALLOWED);
            answers(|processor| processor.others.by_number[at], [NOBODY], DENIED);
            answers(|processor| processor.others.by_number[at], [u32::MAX], DENIED);
        }
        for (at, kinds) in [PRIORITY_KINDS, IO_PRIORITY_KINDS].into_iter().enumerate() {
            for kind in 0..5 {
                let own = if kinds.contains(&kind) { ALLOWED } else { DENIED };
                answers(|processor| processor.others.by_kind[at].0, [kind, 0], own);
                answers(|processor| processor.others.by_kind[at].0, [kind, NOBODY], DENIED);
            }
        }
        for (at, by_handle) in BY_HANDLE.into_iter().enumerate() {
            answers(|processor| processor.others.never[at], [0, 0], DENIED);
            check(CLOSED, |_| by_handle, [0, 0], DENIED);
        }
        answers(|processor| processor.ptrace, [0, 0], DENIED);
    }

    /// Who traces it could take back its wish to die with us.
    #[test]
    fn nobody_takes_over_the_first_process_of_a_view() {
        for (process, answer) in [(FIRST, DENIED), (NOBODY, ALLOWED)] {
            check(OPEN, |processor| processor.ptrace, [0, process], answer);
            check(OPEN, |processor| processor.others.never[1], [process, 0], answer);
            check(OPEN, |processor| processor.others.never[2], [process, 0], answer);
        }
        BY_HANDLE.into_iter().for_each(|call| check(OPEN, |_| call, [0, 0], DENIED));
    }

    /// The numbers of the processor that runs this are the C library's.
    #[test]
    fn the_calls_are_those_that_they_are_called() {
        let Some(host) = Processor::of_host() else { return };
        let number = |number: libc::c_long| u32::try_from(number).expect("a call");
        let by_number = [
            libc::SYS_sched_setparam,
            libc::SYS_sched_setscheduler,
            libc::SYS_sched_setaffinity,
            libc::SYS_sched_setattr,
            libc::SYS_migrate_pages,
            libc::SYS_move_pages,
        ];
        let never = [libc::SYS_kcmp, libc::SYS_process_vm_readv, libc::SYS_process_vm_writev];
        let by_handle = [libc::SYS_pidfd_getfd, libc::SYS_process_madvise, libc::SYS_process_mrelease];
        assert_eq!(host.others.by_number, by_number.map(number));
        assert_eq!(
            host.others.by_kind.map(|(call, _)| call),
            [libc::SYS_setpriority, libc::SYS_ioprio_set].map(number)
        );
        assert_eq!((host.others.never, BY_HANDLE), (never.map(number), by_handle.map(number)));
    }
}
