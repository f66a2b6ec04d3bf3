//! The session's side of its helper: it is there before the first command, and goes with the session.

use std::{
    io,
    path::Path,
    process::{Child, Command, Stdio},
    sync::{Mutex, PoisonError},
};

use super::{ARGUMENT, Helper};

/// Keeps a helper running.
#[derive(Debug)]
pub(crate) struct Keeper {
    helper: Helper,
    running: Mutex<Option<Running>>,
}

impl Keeper {
    /// Starts nothing yet.
    pub(crate) const fn new(helper: Helper) -> Self {
        Self { helper, running: Mutex::new(None) }
    }

    /// Sees to it that a helper watches over the session of `note`. Costs one call where it does already.
    pub(crate) fn ensure(&self, note: &Path) -> io::Result<()> {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if !running.as_mut().is_some_and(Running::lives) {
            *running = Some(Running::start(&self.helper, note)?);
        }
        Ok(())
    }
}

/// A helper process. Its standard input is a pipe of which we hold the other end.
#[derive(Debug)]
struct Running(Child);

impl Running {
    fn start(helper: &Helper, note: &Path) -> io::Result<Self> {
        let child = Command::new(&helper.program)
            .arg(ARGUMENT)
            .arg(note)
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        Ok(Self(child))
    }

    fn lives(&mut self) -> bool {
        matches!(self.0.try_wait(), Ok(None))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // A host may have reaped it.
        if let Err(error) = self.0.kill().and_then(|()| self.0.wait()) {
            tracing::debug!(%error, "the helper is gone already");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        fs,
        path::PathBuf,
        time::{Duration, Instant},
    };

    use rustix::process::{Pid, Signal, kill_process};

    use super::*;
    use crate::kin::Kin;

    /// A state that has not come by then will not come.
    const PATIENCE: Duration = Duration::from_secs(60);

    /// A program that says how it was started and then does what a helper does: it waits for the end of its input.
    fn program(folder: &Path) -> PathBuf {
        let program = folder.join("program");
        let script = "#!/bin/sh\necho \"$$ $* $(env | grep -v -e ^PWD= -e ^_= -e ^SHLVL= -e ^OLDPWD=)\" >> \"$2\"\nread -r nothing\n";
        let text = folder.join("text");
        fs::write(&text, script).expect("a file");
        // By another process: one that this one writes could not be run while a neighbouring test's child holds it.
        let copied = Command::new("install").args(["-m", "700"]).args([&text, &program]).status();
        assert!(copied.expect("install").success());
        program
    }

    /// Waits until `count` programs have said something, and gives the last one's number.
    fn last_of(note: &Path, count: usize) -> Pid {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let said = fs::read_to_string(note).unwrap_or_default();
            let lines: Vec<&str> = said.lines().collect();
            if let (true, Some(last)) = (said.ends_with('\n') && lines.len() == count, lines.last()) {
                let (pid, rest) = last.split_once(' ').expect("words");
                assert_eq!(rest, format!("__helper {} ", note.display()), "argument, note, no environment");
                return pid.parse().ok().and_then(Pid::from_raw).expect("a process id");
            }
            assert!(Instant::now() < deadline, "{said}");
            std::thread::yield_now();
        }
    }

    #[test]
    fn one_helper_is_kept_running_and_goes_with_the_session() {
        let folder = tempfile::tempdir().expect("a folder");
        let note = folder.path().join("note");
        let keeper = Keeper::new(Helper::of_program(program(folder.path())));
        keeper.ensure(&note).expect("it starts");
        let first = last_of(&note, 1);
        keeper.ensure(&note).expect("it runs");
        kill_process(first, Signal::KILL).expect("it is ours to end");
        let deadline = Instant::now() + PATIENCE;
        while Kin::read(first.as_raw_pid()).is_some() {
            assert!(Instant::now() < deadline, "it was killed");
        }
        keeper.ensure(&note).expect("another one starts");
        let second = last_of(&note, 2);
        assert_ne!(first, second);
        drop(keeper);
        assert!(Kin::read(second.as_raw_pid()).is_none());
    }

    #[test]
    fn a_program_that_cannot_be_started_is_an_error() {
        let keeper = Keeper::new(Helper::of_program("/nowhere/program"));
        assert_eq!(
            keeper.ensure(Path::new("/n")).map_err(|error| error.kind()),
            Err(io::ErrorKind::NotFound)
        );
    }
}
