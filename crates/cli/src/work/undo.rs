//! `session undo`: what a round did to the files, and taking it back (O-29).

use better_llm::{
    Engine, Undo, UndoError,
    domain::workspace::{RefusedFile, UndoError as Refusal, UndoFile, Undone},
};
use serde_json::{Value, json};

use super::{
    Done, Terminal,
    confirm::{CALLED_OFF, can_ask, is_wanted},
    data::NOT_FOUND,
};
use crate::{
    args::{Options, UndoRequest},
    render::{
        start::{StartFailure, causes},
        style::Role,
        undo::planned,
    },
    words::Said,
};

/// Exit code where the files stay as they are, or some of them do (contract 2: not done).
const NOT_DONE: u8 = 14;

/// Shows what would happen, diff first; asks where somebody is there to be asked; does it. Exit code 16 where there is
/// no such round, or it changed nothing at a path; 14 where files cannot be put back, or the round was cut off and
/// nobody is there to agree; 15 where the person calls it off.
pub(super) async fn undo(
    engine: &Engine,
    request: &UndoRequest,
    options: &Options,
    printer: &mut Terminal,
) -> Result<Done, StartFailure> {
    let paths = (!request.paths.is_empty()).then_some(request.paths.as_slice());
    let round = options.round.map(std::num::NonZeroU32::get);
    let undo = engine.undo_plan(request.session, round, paths).await.map_err(|error| failure(&error))?;
    if !options.json {
        let text = planned(&undo, printer.language());
        if let Err(error) = printer.answer(&text) {
            // Nobody has seen what would be undone.
            return Ok(Done { said: Err(error), exit_code: CALLED_OFF });
        }
    }
    if undo.plan().is_empty() {
        let said = if options.json { printer.data(&data(&undo, &[])) } else { Ok(()) };
        return Ok(Done { said, exit_code: 0 });
    }
    if !undo.plan().refused.is_empty() {
        return Err(failure(&UndoError::Refused(Refusal::Refused(undo.plan().refused.clone()))));
    }
    if undo.needs_agreement() && !can_ask(options) {
        return Err(failure(&undo.cut_off()));
    }
    let question = printer.language().undo_question(undo.plan().files.len(), undo.is_cut_off());
    if !is_wanted(&question, options, printer).await {
        printer.aside(Role::Warning, printer.language().not_undone());
        return Ok(Done { said: Ok(()), exit_code: CALLED_OFF });
    }
    let data = data(&undo, &undo.plan().files);
    let Undone { files, .. } = undo.agreed().apply().await.map_err(|error| failure(&error))?;
    let said = if options.json {
        printer.data(&data)
    } else {
        printer.aside(Role::Good, &printer.language().files_undone(files.len()));
        Ok(())
    };
    Ok(Done { said, exit_code: 0 })
}

/// What was undone: as planned, for an undo that does not go as planned is an error.
fn data(undo: &Undo, files: &[UndoFile]) -> Value {
    let files = files.iter().map(|file| json!({ "path": file.path, "what": file.what.as_str() }));
    json!({
        "session_id": undo.session(),
        "round": undo.round(),
        "files": files.collect::<Vec<_>>(),
        "commits": undo.plan().commits,
    })
}

fn failure(error: &UndoError) -> StartFailure {
    let exit_code = match error {
        UndoError::NoSession { .. }
        | UndoError::OtherWorkspace { .. }
        | UndoError::NoRound { .. }
        | UndoError::NothingChanged(_)
        | UndoError::Shared { .. }
        | UndoError::Unchanged { .. }
        | UndoError::Gone(_)
        | UndoError::Lost { .. } => NOT_FOUND,
        UndoError::Outside(_) => StartFailure::USAGE,
        UndoError::Session(error) => error.exit_code(),
        UndoError::Open(_)
        | UndoError::AtWork { .. }
        | UndoError::Unlocked(_)
        | UndoError::CutOff { .. }
        | UndoError::Refused(_) => NOT_DONE,
        UndoError::Journal(better_llm::domain::ports::JournalError::NoSession(_)) => NOT_FOUND,
        UndoError::Journal(_) | UndoError::Workspace(_) | UndoError::Unrecorded { .. } => {
            StartFailure::INTERNAL
        }
    };
    let words = Said::by(|language| match error {
        UndoError::Refused(Refusal::Refused(files)) => language.undo_refused(&refused(files, language)),
        error => language.undo_error(error),
    });
    let hint = Said::by(|language| match error {
        UndoError::Session(error) => language.session_hint(error),
        error => language.undo_hint(error).to_owned(),
    });
    StartFailure::new(error.code(), exit_code, words, hint).because(causes(error))
}

/// The files that stand in the way, each with its reason.
fn refused(files: &[RefusedFile], language: crate::words::Language) -> Vec<String> {
    files.iter().map(|file| format!("{} ({})", file.path, language.undo_refusal(file.why))).collect()
}
