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
    tap::Tap,
};

/// Looks at protected files again, puts back what changed and names it. Dropped, it puts back all the same.
pub(crate) type Settle = Box<dyn FnOnce() -> Result<Vec<String>, ProcessError> + Send>;

/// A shell that was just started.
pub(crate) struct Begun {
    pub(crate) group: Group,
    pub(crate) output: io::PipeReader,
    pub(crate) bounds: Bounds,
    pub(crate) redactor: Arc<Redactor>,
    pub(crate) settle: Settle,
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
    settle: Arc<Mutex<Option<Settle>>>,
    task: AbortHandle,
}

impl Server {
    /// Takes a started shell over; a task of its own drives it. Needs a tokio runtime with IO.
    pub(super) fn run(command: String, begun: Begun) -> io::Result<Self> {
        let Begun { group, output, bounds, redactor, settle } = begun;
        let window = Window::default();
        let mut tap = Tap::new(output, window.clone(), &redactor)?;
        let settle = Arc::new(Mutex::new(Some(settle)));
        let (stop, mut stopped) = watch::channel(false);
        let (ended, end) = watch::channel(None);
        let task: JoinHandle<()> = tokio::spawn({
            let (window, settle) = (window.clone(), Arc::clone(&settle));
            async move {
                // Also where nobody is left who could stop it.
                let stopped = Box::pin(async move { drop(stopped.wait_for(|stop| *stop).await) });
                let status = run::to_its_end(group, &mut tap, bounds, stopped).await;
                drop(tap.finish());
                ended.send_replace(Some(conclude(status, take(&settle), &window)));
            }
        });
        Ok(Self { command, window, stop, end, settle, task: task.abort_handle() })
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
        drop(take(&self.settle));
    }
}

fn take(settle: &Mutex<Option<Settle>>) -> Option<Settle> {
    settle.lock().unwrap_or_else(PoisonError::into_inner).take()
}

/// The files are looked at when the processes are gone, however they went.
fn conclude(status: io::Result<CommandStatus>, settle: Option<Settle>, window: &Window) -> End {
    let restored = settle.map_or(Ok(Vec::new()), |settle| settle());
    match (status, restored) {
        (Ok(status), Ok(restored)) if restored.is_empty() => End::Ended(status),
        (Ok(_), Ok(restored)) => {
            window.say(&format!(
                "\n[protected files were changed, and have been put back: {}]\n",
                restored.join(", ")
            ));
            End::Ended(CommandStatus::Refused)
        }
        (Err(error), _) => End::Lost(chain(&error)),
        (_, Err(error)) => End::Lost(chain(&error)),
    }
}
