//! `config trust`: what a folder's configuration would change, and the person's trust in it.

use better_llm::{Engine, Trust, TrustError, TrustState};
use serde_json::{Value, json};

use super::{
    Done, Terminal,
    confirm::{CALLED_OFF, is_wanted},
    data::NOT_FOUND,
};
use crate::{
    args::Options,
    render::{start::StartFailure, style::Role, trust::shown},
    words::Said,
};

/// Exit code of a configuration that is wrong (contract 2).
const CONFIGURATION: u8 = 3;

/// Shows what would be trusted, asks where somebody is there to be asked, and keeps the trust.
pub(super) async fn trust(
    engine: &Engine,
    options: &Options,
    printer: &mut Terminal,
) -> Result<Done, StartFailure> {
    let trust = engine.settings().trust();
    if *trust.state() == TrustState::Nothing {
        return Err(failure(&TrustError::Nothing));
    }
    let is_new = *trust.state() != TrustState::Trusted;
    if !options.json {
        let text = shown(trust, printer.language());
        if let Err(error) = printer.answer(&text.into()) {
            // Nobody has seen what they would agree to.
            return Ok(Done { said: Err(error), exit_code: CALLED_OFF });
        }
    }
    if is_new && trust.refused().is_empty() {
        let question = printer.language().trust_question();
        if !is_wanted(question, options, printer).await {
            printer.aside(Role::Warning, printer.language().not_trusted());
            return Ok(Done { said: Ok(()), exit_code: CALLED_OFF });
        }
    }
    if is_new {
        trust.grant().map_err(|error| failure(&error))?;
    }
    let place = trust.kept_in().display().to_string();
    let said = if options.json {
        printer.data(&data(trust, &place))
    } else {
        if is_new {
            printer.aside(Role::Good, &printer.language().trusted(&place));
        }
        Ok(())
    };
    Ok(Done { said, exit_code: 0 })
}

fn data(trust: &Trust, place: &str) -> Value {
    let files = trust.items().iter().map(|item| json!({ "path": item.path, "digest": item.digest }));
    let (changes, effects) = match trust.state() {
        TrustState::Nothing | TrustState::Trusted => (&[][..], &[][..]),
        TrustState::Untrusted { would_widen } => (&[][..], would_widen.as_slice()),
        TrustState::Changed { changes, would_widen } => (changes.as_slice(), would_widen.as_slice()),
    };
    let effects =
        effects.iter().map(|effect| json!({ "key": effect.key, "before": effect.now, "after": effect.then }));
    json!({
        "trusted": true,
        "was_trusted": *trust.state() == TrustState::Trusted,
        "files": files.collect::<Vec<_>>(),
        "changes": changes.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "effects": effects.collect::<Vec<_>>(),
        "kept_in": place,
    })
}

fn failure(error: &TrustError) -> StartFailure {
    let (code, exit_code) = match error {
        TrustError::Nothing => ("not_found", NOT_FOUND),
        TrustError::Refused { .. } | TrustError::Invalid { .. } | TrustError::Store(_) => {
            ("trust", CONFIGURATION)
        }
    };
    let words = Said::by(|language| language.trust_error(error));
    let chain = match error {
        TrustError::Store(error) => crate::render::start::causes(error),
        TrustError::Nothing | TrustError::Refused { .. } | TrustError::Invalid { .. } => Vec::new(),
    };
    StartFailure::new(code, exit_code, words, Said::by(|language| language.trust_hint(error).to_owned()))
        .because(chain)
}
