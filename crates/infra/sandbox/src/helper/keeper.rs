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
