//! `better-llm-cli TASK`: one session with one round, its events as lines, its outcome as exit code.

mod asking;
mod saying;
mod signals;

use std::time::Duration;

use better_llm::{
    Engine, Helper, SessionHandle,
    domain::{
        event::Event,
        session::{Command, Request},
    },
};
use tokio::time::timeout;

pub(super) use self::signals::Signals;
use self::{
    saying::{Saying, Watched},
};
use super::{Done, Terminal, build, builder};
use crate::{
    args::{Options, OutputFormat, Task},
    input,
    render::start::{StartFailure, causes},
    surroundings::{is_at_a_terminal, standard_input_holds_data},
    words::{NoticeCode, UNREAD_INPUT},
    writer::Writer,
};

/// How long the disk has for what a round leaves.
const LAST_WRITE: Duration = Duration::from_secs(20);
/// The same where somebody wants the end at once, or the machine goes away.
const HURRIED: Duration = Duration::from_millis(500);

/// Runs a task to its end.
pub(super) async fn run(
    task: &Task,
    options: &Options,
    helper: Helper,
    writer: &Writer,
    printer: &mut Terminal,
) -> Result<Done, StartFailure> {
    let mut signals = Signals::listen()?;
    let reading =
        async { input::request(task, &options.context).await.map_err(|error| StartFailure::input(&error)) };
    let request = signals.or_before(reading).await?;
    let mut builder = builder(options).helper(helper);
    if !reads_standard_input(task, options) && standard_input_holds_data() {
        builder = builder.notice(NoticeCode::InputUnread.as_str(), UNREAD_INPUT);
    }
    let is_read = reads_standard_input(task, options);
    let is_attended = options.output == OutputFormat::Text && !is_read && is_at_a_terminal();
    let engine = signals.or_before(build(builder.attended(is_attended))).await?;
    printer.speak(engine.settings().lang.into());
    play(engine, request, writer, printer, signals, is_attended, |_| {}).await
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
    mut signals: Signals,
    is_attended: bool,
    watch: impl FnMut(&Event),
) -> Result<Done, StartFailure> {
    printer.catch(engine.redactor());
    printer.know(engine.notices());
    let starting = async { engine.session().await.map_err(|error| StartFailure::from(&error)) };
    let session = signals.or_before(starting).await?;
    let (mut followed, mut told) = (session.subscribe(), session.subscribe());
    session.send(Command::Start(request)).await.map_err(|error| StartFailure::from(&error))?;
    let saying = Saying::new(&session, writer, printer, watch, is_attended);
    let Watched { said, is_hurried } = saying.until_the_end(&mut followed, &mut told, &mut signals).await;
    for why in close(session, engine, is_hurried).await {
        let text = printer.language().unsaved(&why);
        printer.alarm(&text);
    }
    // Without an end the round was broken off by a fault of ours.
    Ok(Done { said, exit_code: printer.exit_code().unwrap_or(1) })
}

/// Closes what a round leaves, and gives what could not be kept. Where the end has to be quick, the disk has little time.
async fn close(session: SessionHandle, engine: Engine, is_hurried: bool) -> Vec<String> {
    let patience = if is_hurried { HURRIED } else { LAST_WRITE };
    let late = || Err(format!("the disk took more than {} ms", patience.as_millis()));
    let closed = timeout(patience, session.close()).await.unwrap_or_else(|_| late());
    let stored = async {
        engine.close().await.map_err(|error| {
            std::iter::once(error.to_string()).chain(causes(&error)).collect::<Vec<_>>().join(": ")
        })
    };
    let stored = timeout(patience, stored).await.unwrap_or_else(|_| late());
    [closed, stored].into_iter().filter_map(Result::err).collect()
}
