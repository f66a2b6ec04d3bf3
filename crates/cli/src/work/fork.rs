//! `session fork`: a new session that shares another one up to now (O-22).

use better_llm::Engine;
use serde_json::json;

use super::{Done, Terminal, data};
use crate::{args::Options, render::start::StartFailure};
use domain::terminal::Sanitized;

/// Forks the session whose id is `beginning` or begins with it, and prints the new one's id. Exit code 16 where there is
/// none.
pub(super) async fn fork(
    engine: &Engine,
    beginning: &str,
    options: &Options,
    printer: &mut Terminal,
) -> Result<Done, StartFailure> {
    let failed = |error| StartFailure::session(&error);
    let session = engine.find_session(beginning).await.map_err(failed)?;
    let fork = engine.fork(session).await.map_err(failed)?;
    let data = || json!({ "session_id": fork.session, "forked_from": fork.forked_from, "seq": fork.seq });
    let text = || Sanitized::lines(&format!("{}\n", fork.session));
    let done = data::say(printer, options, text, data);
    if !options.json {
        let said =
            printer.language().forked(&fork.session.to_string(), &fork.forked_from.to_string(), fork.seq);
        printer.aside(crate::render::style::Role::Good, &said);
    }
    Ok(done)
}
