//! The helper: this program once more, as a small process that outlives a killed session and ends what it left.
//!
//! It holds the reading end of a pipe and sleeps. When the pipe closes, the session is over; where its note
//! (`crate::leftover`) still stands then, the session's program was killed, and the helper works the note off: every
//! process of the session ends, its temporary files go. It starts no commands and stands in nobody's way: commands are
//! children of the session's own program, and a helper that was killed, too, is made up for by the next start.

#[cfg(target_os = "linux")]
mod keeper;
#[cfg(target_os = "linux")]
mod watch;

use std::{env, path::PathBuf, process};

#[cfg(target_os = "linux")]
pub(crate) use self::keeper::Keeper;

/// The hidden first argument that makes a program its own helper; the note's path is the second.
const ARGUMENT: &str = "__helper";

/// A program that becomes a helper when it is asked to.
#[derive(Debug, Clone)]
#[cfg_attr(not(target_os = "linux"), expect(dead_code, reason = "helpers are for Linux"))]
pub struct Helper {
    program: PathBuf,
}

impl Helper {
    /// A program whose `main` begins with [`run_helper_if_asked`]. For hosts that are no such program themselves, an
    /// interpreter, say; all others take what [`run_helper_if_asked`] gives them.
    #[must_use]
    pub fn of_program(program: impl Into<PathBuf>) -> Self {
        Self { program: program.into() }
    }
}

/// Becomes the helper, and never returns, where this program was started as one; else gives what lets sessions start
/// it as one. Call it first in `main`, before anything opens a file, starts a thread or reads the options.
#[must_use = "sessions have no helper until they are given this"]
pub fn run_helper_if_asked() -> Helper {
    let mut arguments = env::args_os().skip(1);
    if arguments.next().is_some_and(|first| first == ARGUMENT) {
        #[cfg(target_os = "linux")]
        let is_done = arguments.next().is_some_and(|note| watch::over(note.as_ref()).is_ok());
        #[cfg(not(target_os = "linux"))]
        let is_done = false;
        process::exit(if is_done { 0 } else { 1 });
    }
    // The program that runs, even where its file has been replaced since.
    Helper::of_program("/proc/self/exe")
}
