//! The program that a list of leftovers belongs to: which one it is, and whether it still lives.

use std::{fs, io, path::Path};

use rustix::process::{Pid, PidfdFlags, pidfd_open};

use crate::kin::Kin;

/// A process for good: no other one, of this boot or of another, is ever equal to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Owner {
    /// Names the boot of the machine.
    pub(super) boot: String,
    /// Names the PID namespace, in which alone the number means something.
    pub(super) namespace: String,
    pub(super) pid: i32,
    /// Clock ticks from boot to its start.
    pub(super) started: u64,
}

/// What is known of an owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Life {
    Lives,
    /// It died in this boot: what it started may live.
    Died,
    /// It died with an earlier boot, and everything with it.
    DiedWithItsBoot,
    /// It belongs to another container, from where alone it can be told.
    Unknown,
}

impl Owner {
    /// The calling process.
    pub(super) fn this_process() -> io::Result<Self> {
        let pid = rustix::process::getpid().as_raw_pid();
        let own = Kin::read(pid).ok_or_else(|| io::Error::other("/proc does not show this process"))?;
        Ok(Self { boot: boot()?, namespace: namespace()?, pid, started: own.started() })
    }

    /// Whether it lives, as seen from the calling process.
    pub(super) fn life(&self) -> io::Result<Life> {
        Ok(if self.boot != boot()? {
            Life::DiedWithItsBoot
        } else if self.namespace != namespace()? {
            Life::Unknown
        } else if Kin::read(self.pid).is_some_and(|now| now.started() == self.started) {
            Life::Lives
        } else {
            Life::Died
        })
    }

    /// Waits until it has ended; false where it still lives when `patience` is over.
    pub(super) fn ends_within(&self, patience: std::time::Duration) -> io::Result<bool> {
        use rustix::event::{PollFd, PollFlags, Timespec, poll};

        let descriptor = Pid::from_raw(self.pid).and_then(|pid| pidfd_open(pid, PidfdFlags::empty()).ok());
        // The descriptor holds whoever has the number now: is it still the one we mean?
        if let (Some(descriptor), Life::Lives) = (descriptor, self.life()?) {
            let patience = Timespec {
                tv_sec: patience.as_secs().try_into().unwrap_or(i64::MAX),
                tv_nsec: patience.subsec_nanos().into(),
            };
            poll(&mut [PollFd::new(&descriptor, PollFlags::IN)], Some(&patience))?;
        }
        Ok(matches!(self.life()?, Life::Died))
    }
}

fn boot() -> io::Result<String> {
    Ok(fs::read_to_string("/proc/sys/kernel/random/boot_id")?.trim().to_owned())
}

fn namespace() -> io::Result<String> {
    Ok(fs::read_link(Path::new("/proc/self/ns/pid"))?.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn check(change: impl FnOnce(&mut Owner), life: Life) {
        let mut owner = Owner::this_process().expect("we live");
        change(&mut owner);
        assert_eq!(owner.life().expect("proc tells"), life, "{owner:?}");
    }

    #[test]
    fn an_owner_is_its_number_its_start_its_namespace_and_its_boot() {
        check(|_| {}, Life::Lives);
        check(|owner| owner.started += 1, Life::Died);
        check(|owner| owner.pid = i32::MAX, Life::Died);
        check(|owner| owner.namespace.push('1'), Life::Unknown);
        check(|owner| owner.boot.push('1'), Life::DiedWithItsBoot);
    }

    #[test]
    fn who_lives_on_is_not_waited_for_longer_than_patience_lasts() {
        let owner = Owner::this_process().expect("we live");
        assert!(!owner.ends_within(Duration::from_millis(1)).expect("proc tells"));
        let gone = Owner { started: owner.started + 1, ..owner };
        assert!(gone.ends_within(Duration::MAX).expect("proc tells"));
    }
}
