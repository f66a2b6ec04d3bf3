//! `better-llm-cli TASK`: one session with one round, its events as lines, its outcome as exit code.

use better_llm::{
    Engine, EventStream, Published, SessionHandle,
    domain::{
        event::Event,
        outcome::Signal,
        session::{Command, Request},
    },
};
use tokio::signal::unix::{SignalKind, signal};

use super::{Done, Terminal, build, builder};
use crate::{
    args::{Options, Task},
    input::{InputError, context_items, task_text},
    output::OutputError,
    render::{
        start::{StartFailure, causes},
        style::Role,
    },
    surroundings::standard_input_holds_data,
    words::{NoticeCode, UNREAD_INPUT},
};

/// Runs a task to its end.
pub(super) async fn run(
    task: &Task,
    options: &Options,
    printer: &mut Terminal,
) -> Result<Done, StartFailure> {
    let unusable = |error: InputError| StartFailure::input(&error);
    let request = Request {
        text: task_text(task).map_err(unusable)?,
        context: context_items(&options.context).map_err(unusable)?,
    };
    let mut builder = builder(options);
    if !reads_standard_input(task, options) && standard_input_holds_data() {
        builder = builder.notice(NoticeCode::InputUnread.as_str(), UNREAD_INPUT);
    }
    let engine = build(builder).await?;
    printer.speak(engine.settings().lang.into());
    play(engine, request, printer, |_| {}).await
}

fn reads_standard_input(task: &Task, options: &Options) -> bool {
    let in_context =
        options.context.iter().any(|source| matches!(source, crate::args::ContextSource::StandardInput));
    matches!(task, Task::StandardInput) || in_context
}

/// Plays one round in a session of its own and says everything that happens; `watch` sees every event, too.
pub(super) async fn play(
    engine: Engine,
    request: Request,
    printer: &mut Terminal,
    mut watch: impl FnMut(&Event),
) -> Result<Done, StartFailure> {
    let mut signals = Signals::listen().map_err(|error| StartFailure::internal(&error))?;
    printer.know(engine.notices());
    let session = engine.session().await.map_err(|error| StartFailure::from(&error))?;
    let mut events = session.subscribe();
    session.send(Command::Start(request)).await.map_err(|error| StartFailure::internal(&error))?;
    let said = match say_everything(&session, &mut events, &mut signals, printer, &mut watch).await {
        Watched::ToTheEnd(said) => said,
        // The caller drops the runtime, and with it every task; a dropped command takes its process group along.
        Watched::Abandoned(exit_code) => return Ok(Done { said: Ok(()), exit_code }),
    };
    let closed = session.close().await;
    let stored = engine.close().await;
    let stored = stored.map_err(|error| {
        std::iter::once(error.to_string()).chain(causes(&error)).collect::<Vec<_>>().join(": ")
    });
    for why in [closed, stored].into_iter().filter_map(Result::err) {
        let text = printer.language().unsaved(&why);
        printer.aside(Role::Bad, &text);
    }
    // Without an end the round was broken off by a fault of ours.
    Ok(Done { said, exit_code: printer.exit_code().unwrap_or(1) })
}

/// How the watching of a round ended.
enum Watched {
    /// With the round.
    ToTheEnd(Result<(), OutputError>),
    /// By a second signal: the person does not want to wait for the end. What to exit with.
    Abandoned(u8),
}

/// Says events until the round has ended. A signal cancels the round; a second one abandons it.
async fn say_everything(
    session: &SessionHandle,
    events: &mut EventStream,
    signals: &mut Signals,
    printer: &mut Terminal,
    watch: &mut impl FnMut(&Event),
) -> Watched {
    let mut said = Ok(());
    let mut cancelled = false;
    loop {
        let published = tokio::select! {
            published = events.next() => published,
            (signal, code) = signals.next() => {
                if cancelled {
                    return Watched::Abandoned(code);
                }
                cancelled = true;
                cancel(session, signal).await;
                continue;
            }
        };
        let Some(published) = published else { return Watched::ToTheEnd(said) };
        let spoken = match &published {
            Ok(Published::Event(event)) => {
                watch(event);
                printer.heed(event);
                if said.is_ok() { printer.event(event) } else { Ok(()) }
            }
            Ok(Published::Delta(delta)) if said.is_ok() => printer.delta(delta),
            Ok(Published::Delta(_)) => Ok(()),
            Err(error) => {
                let text = printer.language().unfollowed(&error.to_string());
                printer.aside(Role::Bad, &text);
                cancel(session, Signal::Interrupt).await;
                return Watched::ToTheEnd(said);
            }
        };
        if let Err(error) = spoken {
            // Nobody reads what we say any more, so nobody wants the round to go on.
            said = Err(error);
            cancelled = true;
            cancel(session, Signal::Interrupt).await;
        }
        if matches!(&published, Ok(Published::Event(event)) if event.body.ends_round()) {
            return Watched::ToTheEnd(said);
        }
    }
}

async fn cancel(session: &SessionHandle, signal: Signal) {
    // A session that has ended needs no cancelling.
    session.send(Command::Cancel(signal)).await.unwrap_or_default();
}

/// The signals that end a round.
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
    hang_up: tokio::signal::unix::Signal,
}

impl Signals {
    fn listen() -> std::io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    /// The next signal, and what a program that it ends exits with.
    async fn next(&mut self) -> (Signal, u8) {
        tokio::select! {
            _ = self.interrupt.recv() => (Signal::Interrupt, 130),
            _ = self.terminate.recv() => (Signal::Terminate, 143),
            _ = self.hang_up.recv() => (Signal::HangUp, 129),
        }
    }
}
