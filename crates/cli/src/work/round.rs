//! `better-llm-cli TASK`: one session with one round, its events as lines, its outcome as exit code.

mod asking;
mod listener;
mod saying;
mod signals;

use better_llm::{
    Engine, Helper,
    domain::{
        event::Event,
        session::{Command, Request},
    },
};

use self::{
    listener::Listener,
    saying::{Saying, Watched},
    signals::Signals,
};
use super::{Done, Terminal, build, builder};
use crate::{
    args::{Options, OutputFormat, Task},
    input::{InputError, context_items, task_text},
    render::{
        start::{StartFailure, causes},
        style::Role,
    },
    surroundings::{is_at_a_terminal, standard_input_holds_data},
    words::{NoticeCode, UNREAD_INPUT},
    writer::Writer,
};

/// Runs a task to its end.
pub(super) async fn run(
    task: &Task,
    options: &Options,
    helper: Helper,
    writer: &Writer,
    printer: &mut Terminal,
) -> Result<Done, StartFailure> {
    let unusable = |error: InputError| StartFailure::input(&error);
    let request = Request {
        text: task_text(task).map_err(unusable)?,
        is_typed: matches!(task, Task::Text(_)),
        context: context_items(&options.context).map_err(unusable)?,
    };
    let mut builder = builder(options).helper(helper);
    if !reads_standard_input(task, options) && standard_input_holds_data() {
        builder = builder.notice(NoticeCode::InputUnread.as_str(), UNREAD_INPUT);
    }
    let is_read = reads_standard_input(task, options);
    let is_attended = options.output == OutputFormat::Text && !is_read && is_at_a_terminal();
    let engine = build(builder.attended(is_attended)).await?;
    printer.speak(engine.settings().lang.into());
    play(engine, request, writer, printer, is_attended, |_| {}).await
}

fn reads_standard_input(task: &Task, options: &Options) -> bool {
    let in_context =
        options.context.iter().any(|source| matches!(source, crate::args::ContextSource::StandardInput));
    matches!(task, Task::StandardInput) || in_context
}

/// Plays one round in a session of its own and says everything that happens; `watch` sees every event,
/// too. A person who attends is asked for leave.
pub(super) async fn play(
    engine: Engine,
    request: Request,
    writer: &Writer,
    printer: &mut Terminal,
    is_attended: bool,
    watch: impl FnMut(&Event),
) -> Result<Done, StartFailure> {
    let mut signals = Signals::listen().map_err(|error| StartFailure::internal(&error))?;
    printer.catch(engine.redactor());
    printer.know(engine.notices());
    let session = engine.session().await.map_err(|error| StartFailure::from(&error))?;
    let (mut followed, mut told) = (Listener::new(session.subscribe()), Listener::new(session.subscribe()));
    session.send(Command::Start(request)).await.map_err(|error| StartFailure::internal(&error))?;
    let saying = Saying::new(&session, writer, printer, watch, is_attended);
    let said = match saying.until_the_end(&mut followed, &mut told, &mut signals).await {
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
