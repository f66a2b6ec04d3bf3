//! What bubblewrap says of a command when it ends.

use std::{
    io::{self, Read},
    os::{fd::OwnedFd, unix::process::ExitStatusExt},
    process::ExitStatus,
};

/// Bytes of a report that are read; whole ones have some hundred.
const MOST: u64 = 4096;
/// bubblewrap and shells say of a process that a signal ended: this and the signal's number.
const SIGNALLED: i32 = 128;
/// Signals from 32 on end nobody by accident.
const MOST_SIGNALS: i32 = 31;

/// bubblewrap failed before the command ran.
#[derive(Debug, thiserror::Error)]
#[error("bubblewrap failed, and nothing ran")]
pub(crate) struct NothingRan;

/// The reading end of `--json-status-fd`.
#[derive(Debug)]
pub(crate) struct Report(io::PipeReader);

impl Report {
    /// The report, and the descriptor that bubblewrap writes.
    pub(super) fn pipe() -> io::Result<(Self, OwnedFd)> {
        let (reader, writer) = io::pipe()?;
        rustix::io::ioctl_fionbio(&reader, true)?;
        Ok((Self(reader), writer.into()))
    }

    /// Whether an error says that bubblewrap failed before the command ran.
    pub(crate) fn is_of_nothing(error: &io::Error) -> bool {
        error.get_ref().is_some_and(|inner| inner.is::<NothingRan>())
    }

    /// What became of the command whose bubblewrap ended as `status`. bubblewrap names an exit code only where the
    /// command was started; a death by a signal it gives as a code, as a shell does.
    pub(crate) fn translate(&mut self, status: ExitStatus) -> Result<ExitStatus, NothingRan> {
        let mut said = Vec::new();
        // What was written is there by now, so the end of it is all that a read can fail with.
        let read = (&mut self.0).take(MOST).read_to_end(&mut said);
        let is_over = read.err().is_none_or(|error| error.kind() == io::ErrorKind::WouldBlock);
        match status.code() {
            Some(code) if is_over && String::from_utf8_lossy(&said).contains("\"exit-code\"") => {
                Ok(of_code(code))
            }
            Some(_) => Err(NothingRan),
            // Somebody killed bubblewrap, and the command with it.
            None => Ok(status),
        }
    }
}

fn of_code(code: i32) -> ExitStatus {
    match code - SIGNALLED {
        signal if (1..=MOST_SIGNALS).contains(&signal) => ExitStatus::from_raw(signal),
        _ => ExitStatus::from_raw(code << 8),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn check(said: &str, status: i32, expected: Option<(Option<i32>, Option<i32>)>) {
        let (mut report, writer) = Report::pipe().expect("a pipe");
        std::fs::File::from(writer).write_all(said.as_bytes()).expect("a report");
        let found = report.translate(ExitStatus::from_raw(status)).ok();
        assert_eq!(found.map(|status| (status.code(), status.signal())), expected, "{said} {status}");
    }

    #[test]
    fn codes_signals_and_failures_of_bubblewrap_are_told_apart() {
        let begun = "{ \"child-pid\": 7 }\n";
        let ended = "{ \"child-pid\": 7 }\n{ \"exit-code\": 1 }\n";
        check(ended, 0, Some((Some(0), None)));
        check(ended, 7 << 8, Some((Some(7), None)));
        check(ended, 139 << 8, Some((None, Some(11))));
        check(ended, 255 << 8, Some((Some(255), None)));
        check(begun, 1 << 8, None);
        check("", 1 << 8, None);
        check(begun, 9, Some((None, Some(9))));
    }
}
