//! Notices and errors: the engine's sentence, or the person's for its code, then the causes and the way out.

use better_llm::Notice;
use domain::event::RunScope;

use crate::{
    render::{screen::Screen, style::Role},
    words::{CodeWords, ErrorCode, Language, NoticeCode},
};

/// A notice; `known` is it as the configuration's reader gave it, where it came from there.
pub(super) fn notice(
    screen: &mut Screen,
    language: Language,
    run: Option<&RunScope>,
    code: &str,
    text: &str,
    known: Option<&Notice>,
) {
    let label = format!("{} ({code}): ", language.notice());
    let words = NoticeCode::parse(code).map(|code| language.notice_words(code));
    let own = known.map(|notice| language.config_notice(notice));
    sentence(screen, language, run, (Role::Warning, &label), text, own, words);
    next(screen, run, words);
}

/// An error with its causes, outermost first.
pub(super) fn error(
    screen: &mut Screen,
    language: Language,
    run: Option<&RunScope>,
    code: &str,
    text: &str,
    chain: &[String],
) {
    let label = format!("✗ {} ({code}): ", language.error());
    let words = ErrorCode::parse(code).map(|code| language.error_words(&code));
    sentence(screen, language, run, (Role::Bad, &label), text, None, words);
    for cause in chain {
        screen.line(run, &[(Role::Faint, &format!("  {}: ", language.because())), (Role::Prose, cause)]);
    }
    next(screen, run, words);
}

/// What happened: `own` if it is there, else the engine's text if this language has words for it, else the code's
/// meaning with the engine's text below it.
fn sentence(
    screen: &mut Screen,
    language: Language,
    run: Option<&RunScope>,
    (role, label): (Role, &str),
    text: &str,
    own: Option<String>,
    words: Option<CodeWords>,
) {
    let own = own.or_else(|| language.known_detail(text));
    let what = words.and_then(|words| words.what);
    let said = own.as_deref().or(what).unwrap_or(text);
    screen.line(run, &[(role, label), (Role::Prose, said)]);
    if own.is_none() && what.is_some() {
        screen.line(run, &[(Role::Faint, &format!("  {}: ", language.in_detail())), (Role::Prose, text)]);
    }
}

fn next(screen: &mut Screen, run: Option<&RunScope>, words: Option<CodeWords>) {
    if let Some(words) = words.filter(|words| !words.next.is_empty()) {
        screen.line(run, &[(Role::Name, &format!("  → {}", words.next))]);
    }
}
