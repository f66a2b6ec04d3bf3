//! `better-llm-cli TASK`: one round of a session, its events as lines, its outcome as exit code. The session is a new one,
//! or one that is there already (`--resume`, `--continue`), whose broken-off round may go on instead.

mod person;
mod saying;
mod signals;

use std::time::Duration;

use better_llm::{
    Engine, Helper, SessionHandle,
    domain::{
        event::Event,
        id::SessionId,
        session::{Command, Request},
    },
};
use tokio::time::timeout;

pub(crate) use self::person::WhyRefused;
pub(super) use self::signals::Signals;
use self::{
    person::Person,
    saying::{Saying, Watched},
};
use super::{Done, Terminal, build, builder};
use crate::{
    args::{EarlierSession, Options, OutputFormat, Task},
    input,
    render::{
        start::{StartFailure, causes},
        style::Role,
        text::BrokenOff,
    },
    surroundings::{can_be_asked, standard_input_holds_data},
    words::{NoticeCode, UNREAD_INPUT},
    writer::Writer,
};

/// How long the disk has for what a round leaves.
const LAST_WRITE: Duration = Duration::from_secs(20);
/// The same where somebody wants the end at once, or the machine goes away.
const HURRIED: Duration = Duration::from_millis(500);
/// How long looking through a worktree and removing it may take.
const CLEARING: Duration = Duration::from_secs(120);

/// What a call of the program begins with.
#[derive(Debug, Default)]
pub(super) struct Opening<'a> {
    /// The session; none: a new one.
    pub(super) session: Option<&'a EarlierSession>,
    /// What the round is about; none: the round that was broken off goes on.
    pub(super) request: Option<Request>,
}

/// Runs a task to its end; without one, the round in which the session broke off.
pub(super) async fn run(
    task: Option<&Task>,
    options: &Options,
    helper: Helper,
    writer: &Writer,
    printer: &mut Terminal,
) -> Result<Done, StartFailure> {
    let mut signals = Signals::listen().map_err(|error| StartFailure::internal(&error))?;
    let reading = async {
        let Some(task) = task else { return Ok(None) };
        input::request(task, &options.context).await.map(Some).map_err(|error| StartFailure::input(&error))
    };
    let request = signals.or_before(reading).await?;
    let is_read = task.is_some_and(|task| reads_standard_input(task, options));
    let mut builder = builder(options).helper(helper);
    if !is_read && !options.takes_commands && standard_input_holds_data() {
        builder = builder.notice(NoticeCode::InputUnread.as_str(), UNREAD_INPUT);
    }
    let types = options.output == OutputFormat::Text && !is_read && can_be_asked();
    let presence = match (options.takes_commands, types) {
        (true, _) => Presence::Program,
        (false, true) => Presence::Terminal,
        (false, false) => Presence::Nobody,
    };
    let building = build(builder.attended(presence != Presence::Nobody));
    let engine = signals.or_before(building).await?;
    printer.speak(engine.settings().lang.into());
    let opening = Opening { session: options.session.as_ref(), request };
    play(engine, opening, writer, printer, signals, presence, |_| {}).await
}

/// Where a person can be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Presence {
    /// Nowhere.
    Nobody,
    /// At the terminal.
    Terminal,
    /// Over standard input, by a program in their place.
    Program,
}

fn reads_standard_input(task: &Task, options: &Options) -> bool {
    let in_context =
        options.context.iter().any(|source| matches!(source, crate::args::ContextSource::StandardInput));
    matches!(task, Task::StandardInput) || in_context
}

/// Plays one round and says everything that happens; `watch` sees every event, too. Who is present is asked, and heard.
pub(super) async fn play(
    engine: Engine,
    opening: Opening<'_>,
    writer: &Writer,
    printer: &mut Terminal,
    mut signals: Signals,
    presence: Presence,
    watch: impl FnMut(&Event),
) -> Result<Done, StartFailure> {
    printer.catch(engine.redactor());
    printer.know(engine.notices());
    let session = signals.or_before(open(&engine, opening.session)).await?;
    let (mut followed, mut told) = (session.subscribe(), session.subscribe());
    let goes_on = opening.request.is_none();
    printer.know_broken_off(session.broken_round().map(|round| BrokenOff { round, goes_on }));
    let command = opening.request.map_or(Command::GoOn, Command::Start);
    if let Err(error) = session.send(command).await {
        leave(session, engine, false, &mut signals, printer).await;
        return Err(StartFailure::from(&error));
    }
    let person = match presence {
        Presence::Nobody => Ok(Person::Nobody),
        Presence::Terminal => Person::at_the_terminal(),
        Presence::Program => Person::behind_a_pipe(),
    };
    let person = match person {
        Ok(person) => person,
        Err(error) => {
            let text = printer.language().not_listening(&error.to_string());
            printer.alarm(&text);
            session.send(Command::Unattended).await.map_err(|error| StartFailure::from(&error))?;
            Person::Nobody
        }
    };
    let saying = Saying::new(&session, writer, printer, watch, person);
    let Watched { said, is_hurried } = saying.until_the_end(&mut followed, &mut told, &mut signals).await;
    leave(session, engine, is_hurried, &mut signals, printer).await;
    // Without an end the round was broken off by a fault of ours.
    Ok(Done { said, exit_code: printer.exit_code().unwrap_or(1) })
}

/// The session in which the round is played.
async fn open(engine: &Engine, earlier: Option<&EarlierSession>) -> Result<SessionHandle, StartFailure> {
    let failed = |error| StartFailure::session(&error);
    let session = match earlier {
        None => engine.session().await,
        Some(EarlierSession::Latest) => engine.resume(engine.latest_session().await.map_err(failed)?).await,
        Some(EarlierSession::Named(given)) => {
            engine.resume(engine.find_session(given).await.map_err(failed)?).await
        }
    };
    session.map_err(|error| StartFailure::from(&error))
}

/// Closes what a round leaves, and says what could not be kept: the first reason, which as a rule is that of all. Where the
/// end has to be quick, the disk has little time, and a worktree stays as it is.
async fn leave(
    session: SessionHandle,
    engine: Engine,
    is_hurried: bool,
    signals: &mut Signals,
    printer: &mut Terminal,
) {
    let id = session.id();
    let patience = if is_hurried { HURRIED } else { LAST_WRITE };
    let late = || Err(format!("the disk took more than {} ms", patience.as_millis()));
    let closed = timeout(patience, session.close()).await.unwrap_or_else(|_| late());
    if !is_hurried {
        clear_worktree(&engine, id, signals, printer).await;
    }
    let stored = async { engine.close().await.map_err(|error| in_words(&error)) };
    let stored = timeout(patience, stored).await.unwrap_or_else(|_| late());
    if let Err(why) = closed.and(stored) {
        let text = printer.language().unsaved(&why);
        printer.alarm(&text);
    }
}

/// Removes what nobody will miss of the session's worktree, if it has one, and says what became of it. A signal ends that.
async fn clear_worktree(engine: &Engine, session: SessionId, signals: &mut Signals, printer: &mut Terminal) {
    let clearing = timeout(CLEARING, engine.clear_worktree(session));
    let cleared = tokio::select! {
        cleared = clearing => cleared,
        _ = signals.next() => return,
    };
    let why = match cleared {
        Ok(Ok(None)) => return,
        Ok(Ok(Some(cleared))) => {
            let text = printer.language().cleared(session, &cleared);
            return printer.aside(Role::Warning, &text);
        }
        Ok(Err(error)) => in_words(&error),
        Err(_) => format!("it took more than {} s", CLEARING.as_secs()),
    };
    let text = printer.language().not_cleared(&why);
    printer.alarm(&text);
}

fn in_words(error: &dyn std::error::Error) -> String {
    std::iter::once(error.to_string()).chain(causes(error)).collect::<Vec<_>>().join(": ")
}
