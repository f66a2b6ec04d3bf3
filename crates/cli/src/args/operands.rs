//! What follows a verb's words: a task, an agent, a call to be explained, a session and its paths.

use super::{
    PermissionQuestion, Task, UndoRequest, UsageError, Verb, VerbError,
    table::{VerbId, VerbRow},
    value::{agent_name, is_session_beginning},
};

/// What follows a verb's words.
pub(super) struct Operands {
    pub(super) all: Vec<String>,
    /// How many of them stand before `--`; all where there is none.
    pub(super) plain: usize,
}

/// The verb of a row with what it needs.
///
/// # Errors
/// [`UsageError`] where something is missing, too much, or not what the verb takes.
pub(super) fn complete(row: &VerbRow, operands: Operands) -> Result<Verb, UsageError> {
    let Operands { mut all, plain } = operands;
    let missing = |operand| VerbError::MissingOperand { verb: row.path.join(" "), operand };
    match row.id {
        VerbId::PermissionsExplain => return permission_question(all, plain, missing),
        VerbId::SessionUndo => return Ok(Verb::SessionUndo(undo_request(all, plain))),
        _ => {}
    }
    let rest = all.split_off(all.len().min(usize::from(row.operand.is_some())));
    if let Some(argument) = rest.into_iter().next() {
        return Err(VerbError::ExtraArgument { argument }.into());
    }
    let operand = all.pop().ok_or_else(|| missing(row.operand.unwrap_or("")));
    Ok(match row.id {
        VerbId::Run => Verb::Run(task(operand?)?),
        VerbId::AgentsShow => Verb::AgentsShow(agent_name(&operand?)?),
        VerbId::Demo => Verb::Demo,
        VerbId::AgentsList => Verb::AgentsList,
        VerbId::ConfigShow => Verb::ConfigShow,
        VerbId::ConfigCheck => Verb::ConfigCheck,
        VerbId::ConfigSchema => Verb::ConfigSchema,
        VerbId::ConfigPaths => Verb::ConfigPaths,
        VerbId::ConfigTrust => Verb::ConfigTrust,
        VerbId::PermissionsExplain => Verb::PermissionsExplain(PermissionQuestion::default()),
        VerbId::SessionUndo => Verb::SessionUndo(UndoRequest::default()),
        VerbId::SessionFork => Verb::SessionFork(session_beginning(operand?)?),
    })
}

/// `[AGENT] [-- TOOL ARGUMENT]`
fn permission_question(
    mut before: Vec<String>,
    plain: usize,
    missing: impl Fn(&'static str) -> VerbError,
) -> Result<Verb, UsageError> {
    let mut call = before.split_off(plain.min(before.len())).into_iter();
    let call = match (call.next(), call.next(), call.next()) {
        (None, ..) => None,
        (Some(_), None, _) => return Err(missing("ARGUMENT").into()),
        (Some(tool), Some(argument), None) => Some((tool, argument)),
        (.., Some(argument)) => return Err(VerbError::ExtraArgument { argument }.into()),
    };
    let mut agents = before.into_iter();
    let agent = agents.next().map(|name| agent_name(&name)).transpose()?;
    match agents.next() {
        Some(argument) => Err(VerbError::ExtraArgument { argument }.into()),
        None => Ok(Verb::PermissionsExplain(PermissionQuestion { agent, call })),
    }
}

/// `[ID] [PATH...]`: a first word that reads like an id is one; after `--` there are only paths.
fn undo_request(mut words: Vec<String>, plain: usize) -> UndoRequest {
    let session = words.first().filter(|_| plain > 0).and_then(|word| word.parse().ok());
    if session.is_some() {
        words.remove(0);
    }
    UndoRequest { session, paths: words }
}

fn session_beginning(text: String) -> Result<String, VerbError> {
    if is_session_beginning(&text) { Ok(text) } else { Err(VerbError::BadSession { given: text }) }
}

fn task(text: String) -> Result<Task, UsageError> {
    match text.trim() {
        "" => Err(UsageError::EmptyTask),
        "-" => Ok(Task::StandardInput),
        _ => Ok(Task::Text(text)),
    }
}
