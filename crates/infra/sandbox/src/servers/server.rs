//! One server, from its start to the moment nothing of it is left.

use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
};

use domain::{
    command::{CommandStatus, ProcessError, ServerError, ServerOutput},
    secret::Redactor,
};
use tokio::{
    sync::watch,
    task::{AbortHandle, JoinHandle},
};

use super::window::Window;
use crate::{
    error::chain,
    group::Group,
    run::{self, Bounds},
    settle::{Settled, Settlement},
    tap::Tap,
};

/// A shell that was just started.
pub(crate) struct Begun {
    pub(crate) group: Group,
    pub(crate) output: io::PipeReader,
    pub(crate) bounds: Bounds,
    pub(crate) redactor: Arc<Redactor>,
    pub(crate) settlement: Settlement,
}

/// How it ended.
#[derive(Debug, Clone)]
enum End {
    Ended(CommandStatus),
    /// We lost sight of it, and killed it; why.
    Lost(String),
}

/// A server that runs, or has ended. Dropping it ends it, as soon as the runtime gets to it.
pub(super) struct Server {
    command: String,
    window: Window,
    stop: watch::Sender<bool>,
    end: watch::Receiver<Option<End>>,
    /// Taken by the server's own end, or before that by whoever cannot wait for it.
    settlement: Arc<Mutex<Option<Settlement>>>,
    task: AbortHandle,
}

impl Server {
    /// Takes a started shell over; a task of its own drives it. Needs a tokio runtime with IO.
    pub(super) fn run(command: String, begun: Begun) -> io::Result<Self> {
        let Begun { group, output, bounds, redactor, settlement } = begun;
        let window = Window::default();
        let mut tap = Tap::new(output, window.clone(), &redactor)?;
        let settlement = Arc::new(Mutex::new(Some(settlement)));
        let (stop, mut stopped) = watch::channel(false);
        let (ended, end) = watch::channel(None);
        let task: JoinHandle<()> = tokio::spawn({
            let (window, settlement) = (window.clone(), Arc::clone(&settlement));
            async move {
                // Also where nobody is left who could stop it.
                let stopped = Box::pin(async move { drop(stopped.wait_for(|stop| *stop).await) });
                let status = run::to_its_end(group, &mut tap, bounds, stopped).await;
                drop(tap.finish());
                ended.send_replace(Some(conclude(status, take(&settlement), &window)));
            }
        });
        Ok(Self { command, window, stop, end, settlement, task: task.abort_handle() })
    }

    /// What is new since the last look.
    pub(super) fn look(&self) -> Result<ServerOutput, ServerError> {
        // The end first: what it says last comes before it.
        let end = self.end.borrow().clone();
        let status = match end {
            None => None,
            Some(End::Ended(status)) => Some(status),
            Some(End::Lost(why)) => {
                let source = io::Error::other(why);
                return Err(ProcessError::Watch { command: self.command.clone(), source }.into());
            }
        };
        let (output, omitted_bytes) = self.window.look();
        Ok(ServerOutput { status, output, omitted_bytes })
    }

    pub(super) fn has_ended(&self) -> bool {
        // Without a task nobody will say more.
        self.end.borrow().is_some() || self.end.has_changed().is_err()
    }

    /// Asks it to end, and gives what resolves when nothing of it is left: every step of that has a bound.
    pub(super) fn stop(&self) -> impl Future<Output = ()> + Send + use<> {
        self.stop.send_replace(true);
        let mut end = self.end.clone();
        async move { drop(end.wait_for(Option::is_some).await) }
    }

    /// Gives it up after its processes were killed, without waiting for its task.
    pub(super) fn give_up(&self) {
        self.task.abort();
        drop(take(&self.settlement));
    }
}

fn take(settlement: &Mutex<Option<Settlement>>) -> Option<Settlement> {
    settlement.lock().unwrap_or_else(PoisonError::into_inner).take()
}

/// The files are looked at when the processes are gone, however they went.
fn conclude(status: io::Result<CommandStatus>, settlement: Option<Settlement>, window: &Window) -> End {
    let Settled { restored, not_restored } = settlement.map(Settlement::settle).unwrap_or_default();
    let is_refused = !(restored.is_empty() && not_restored.is_empty());
    if !restored.is_empty() {
        let paths = restored.join(", ");
        window.say(&format!("\n[protected files were changed, and have been put back: {paths}]\n"));
    }
    if !not_restored.is_empty() {
        let paths: Vec<_> = not_restored.iter().map(ToString::to_string).collect();
        let paths = paths.join("; ");
        window.say(&format!("\n[protected files were changed, and could not be put back: {paths}]\n"));
    }
    match status {
        Ok(_) if is_refused => End::Ended(CommandStatus::Refused),
        Ok(status) => End::Ended(status),
        Err(error) => End::Lost(chain(&error)),
    }
}
