//! What passes between the team and the person: leave, questions, answers, interventions.

use std::borrow::Cow;

use domain::event::{EventBody, InterventionAction, RunScope};

use super::asked::{Asked, asked};
use crate::{
    render::{screen::Screen, style::Role},
    words::Language,
};

/// Who asks where the engine does; no agent has this name.
const ENGINE: &str = "engine";

/// Tells an event of this kind; every other one tells itself elsewhere.
pub(super) fn tell(screen: &mut Screen, language: Language, run: Option<&RunScope>, body: &EventBody) {
    match body {
        EventBody::PermissionAsked { tool, input, rule, diff, .. } => {
            asked(screen, language, run, &Asked { tool, input, diff: diff.as_deref(), rule });
        }
        EventBody::PermissionAnswered { decision, note, by, .. } => {
            let note = note.as_deref().map(|note| format!(": {note}")).unwrap_or_default();
            let text = format!("  {}{note}", language.permission_answered(*decision, by));
            screen.line(run, &[(Role::Faint, &text)]);
        }
        EventBody::Intervention { action, text, next, .. } => {
            intervention(screen, language, *action, text.as_deref(), next.as_deref());
        }
        EventBody::Question { asker, text, options, .. } => {
            question(screen, language, run, asker, text, options);
        }
        EventBody::Answer { text, by, .. } => {
            screen.line(run, &[(Role::Name, &format!("{}: ", language.answered(by))), (Role::Prose, text)]);
        }
        EventBody::MessageQueued { text } => {
            screen.line(run, &[(Role::Name, &format!("{}: ", language.queued())), (Role::Prose, text)]);
        }
        _ => {}
    }
}

/// A question. What the engine itself asks begins with a line of its own, and has options of its own.
fn question(
    screen: &mut Screen,
    language: Language,
    run: Option<&RunScope>,
    asker: &str,
    text: &str,
    options: &[String],
) {
    let is_ours = asker == ENGINE;
    let said = |text| if is_ours { language.detail(text) } else { Cow::Borrowed(text) };
    let (first, rest) = text.split_once('\n').unwrap_or((text, ""));
    let asks = if is_ours { language.engine_asks().to_owned() } else { language.asks(asker) };
    screen.line(run, &[(Role::Warning, &format!("? {asks}: ")), (Role::Prose, &said(first))]);
    if !rest.is_empty() {
        screen.line(run, &[(Role::Prose, rest)]);
    }
    for (number, text) in options.iter().enumerate() {
        let option = language.option(asker, text);
        screen.line(run, &[(Role::Prose, &format!("  {}. {option}", number + 1))]);
    }
}

fn intervention(
    screen: &mut Screen,
    language: Language,
    action: InterventionAction,
    text: Option<&str>,
    next: Option<&str>,
) {
    let text = text.map(|text| format!(": {text}")).unwrap_or_default();
    let next = next.map(|next| format!(" ({}: {next})", language.next())).unwrap_or_default();
    let line = format!("‖ {}{text}{next}", language.intervention(action));
    screen.line(None, &[(Role::Warning, &line)]);
}
