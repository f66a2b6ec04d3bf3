//! Everything that is told in a line or two: beginnings and ends, reviews, questions, limits, notices, errors.

use better_llm::Notice;
use domain::{
    agent::AgentName,
    event::{Backend, EventBody, RoundResult, RunScope},
    message::Usage,
    outcome::Ending,
    permission::SandboxState,
    report::{ReportedFinding, Verdict},
    review::{ClosedAs, ClosedFinding},
    terminal::Sanitized,
};

use super::{coded, person};
use crate::{
    render::{report::place, screen::Screen, style::Role},
    words::{ErrorCode, Language},
};

/// What a run or a round took.
pub(super) struct Cost<'a> {
    pub(super) usage: &'a Usage,
    pub(super) cost_usd: Option<f64>,
    pub(super) elapsed_ms: u64,
}

impl Cost<'_> {
    fn in_words(&self, language: Language, turns: u32) -> String {
        let mut parts = vec![language.turns(turns), language.seconds(self.elapsed_ms)];
        if *self.usage != Usage::default() {
            parts.push(language.tokens(self.usage));
        }
        if let Some(cost) = self.cost_usd {
            parts.push(format!("${cost:.4}"));
        }
        parts.join(" · ")
    }
}

/// A run begins; it names its agent.
pub(super) fn run_started(
    screen: &mut Screen,
    language: Language,
    run: &RunScope,
    model: &str,
    backend: Backend,
) {
    let backend = match backend {
        Backend::Native => String::new(),
        Backend::External => format!(" · {}", language.external()),
    };
    let model = format!(" · {}{backend}", Sanitized::line(model));
    let name = screen.name(run);
    screen.line(Some(run), &[(Role::Name, &name), (Role::Faint, &model)]);
}

/// A run has ended.
pub(super) fn run_finished(
    screen: &mut Screen,
    language: Language,
    run: &RunScope,
    ending: Ending,
    turns: u32,
    cost: &Cost<'_>,
) {
    let (sign, role) = sign(ending);
    let end = format!("{sign} {}: {}", screen.name(run), language.ending(ending).short);
    let cost = format!(" · {}", cost.in_words(language, turns));
    screen.line(Some(run), &[(role, &end), (Role::Faint, &cost)]);
}

/// How a round ended.
pub(super) struct RoundEnd<'a> {
    pub(super) ending: Ending,
    pub(super) result: &'a RoundResult,
    pub(super) turns: u32,
    pub(super) agents: &'a [AgentName],
    pub(super) usage: &'a Usage,
    pub(super) cost_usd: Option<f64>,
    pub(super) elapsed_ms: u64,
    /// What the engine says of it beyond its ending, in English; may be empty.
    pub(super) detail: &'a str,
}

/// The round has ended: what happened, what the engine saw, what to do next.
pub(super) fn round_finished(screen: &mut Screen, language: Language, end: &RoundEnd<'_>) {
    let (sign, role) = sign(end.ending);
    let words = language.ending(end.ending);
    screen.line(None, &[(Role::Prose, "")]);
    screen.line(None, &[(role, &format!("{sign} {}", words.what))]);
    if !end.detail.is_empty() {
        let label = format!("  {}: ", language.in_detail());
        screen.line(None, &[(Role::Faint, &label), (Role::Prose, &language.detail(end.detail))]);
    }
    if end.ending != Ending::Answered {
        evidence(screen, language, end.result);
    }
    let agents: Vec<&str> = end.agents.iter().map(AgentName::as_str).collect();
    let cost = Cost { usage: end.usage, cost_usd: end.cost_usd, elapsed_ms: end.elapsed_ms };
    let agents = if agents.is_empty() { String::new() } else { format!(" · {}", agents.join(", ")) };
    screen.line(None, &[(Role::Faint, &format!("  {}{agents}", cost.in_words(language, end.turns)))]);
    if !words.next.is_empty() {
        screen.line(None, &[(Role::Name, &format!("  → {}", words.next))]);
    }
}

fn evidence(screen: &mut Screen, language: Language, result: &RoundResult) {
    let files = if result.files_changed.is_empty() {
        language.nothing_changed().to_owned()
    } else {
        format!("{}: {}", language.files_changed(), result.files_changed.join(", "))
    };
    screen.line(None, &[(Role::Prose, &format!("  {files}"))]);
    let tests = match result.tests_passed {
        Some(true) => Role::Good,
        Some(false) => Role::Bad,
        None => Role::Faint,
    };
    screen.line(None, &[(tests, &format!("  {}", language.tests_observed(result.tests_passed)))]);
    let verified = if result.verified { Role::Good } else { Role::Warning };
    screen.line(None, &[(verified, &format!("  {}", language.verified(result.verified)))]);
}

const fn sign(ending: Ending) -> (&'static str, Role) {
    match ending {
        Ending::Done | Ending::Answered => ("✓", Role::Good),
        Ending::Partial(_) | Ending::NeedsPerson(_) | Ending::Stopped | Ending::Cancelled(_) => {
            ("■", Role::Warning)
        }
        Ending::Failed(_) | Ending::Limit(_) | Ending::Interrupted => ("✗", Role::Bad),
    }
}

/// Tells an event that needs nothing but itself.
///
/// `notices` are those of the configuration, which may come as events.
pub(super) fn tell(
    screen: &mut Screen,
    language: Language,
    run: Option<&RunScope>,
    body: &EventBody,
    notices: &[Notice],
) {
    match body {
        EventBody::SessionStarted { cwd, provider, sandbox, version, .. }
        | EventBody::SessionResumed { cwd, provider, sandbox, version, .. } => {
            session(screen, language, [version, provider, cwd], sandbox);
        }
        EventBody::RoundStarted { text, context, mentions, data: _ } => {
            round_started(screen, language, text, context, mentions);
        }
        EventBody::ReviewCycle { cycle, limit, verdict, open_findings, closed, ignored, reopenable: _ } => {
            let role = match verdict {
                Verdict::Approve => Role::Good,
                Verdict::RequestChanges => Role::Warning,
            };
            screen.line(run, &[(role, &language.review_cycle(*cycle, *limit, *verdict))]);
            open(screen, language, run, open_findings);
            settled(screen, language, run, closed, ignored);
        }
        EventBody::Retry { attempt, max_attempts, wait_ms, reason, code, usage: _ } => {
            let known = ErrorCode::parse(code).and_then(|code| language.error_words(&code).what);
            let wait = language.seconds(*wait_ms);
            let text = language.retry(*attempt, *max_attempts, &wait, known.unwrap_or(reason));
            screen.line(run, &[(Role::Warning, &format!("↻ {text}"))]);
            if known.is_some() {
                let label = format!("  {}: ", language.in_detail());
                screen.line(run, &[(Role::Faint, &label), (Role::Prose, reason)]);
            }
        }
        EventBody::Notice { code, text } => {
            let known = notices.iter().find(|notice| notice.code() == code && notice.to_string() == *text);
            coded::notice(screen, language, run, code, text, known);
        }
        EventBody::Error { code, text, chain } => coded::error(screen, language, run, code, text, chain),
        body @ (EventBody::PermissionAsked { .. }
        | EventBody::PermissionAnswered { .. }
        | EventBody::Intervention { .. }
        | EventBody::Question { .. }
        | EventBody::Answer { .. }
        | EventBody::MessageQueued { .. }) => person::tell(screen, language, run, body),
        EventBody::SettingChanged { key, value } => {
            screen.line(run, &[(Role::Faint, &language.setting(key, &value.to_string()))]);
        }
        EventBody::ContextCut { dropped, kept } => {
            screen.line(run, &[(Role::Faint, &language.context_cut(*dropped, *kept))]);
        }
        EventBody::LoopWarning { pattern, count } => {
            screen.line(run, &[(Role::Warning, &format!("! {}", language.looping(pattern, *count)))]);
        }
        EventBody::Checkpoint { id, .. } => {
            screen.line(run, &[(Role::Faint, &format!("{} {id}", language.checkpoint()))]);
        }
        EventBody::Undone { paths, .. } => {
            screen.line(run, &[(Role::Prose, &format!("{} {}", language.undone(), paths.join(", ")))]);
        }
        EventBody::LimitReached { limit, value } => {
            let reached = format!("! {}", language.limit_reached(limit, *value));
            let meaning = language.limit_words(limit).map(|words| format!(" ({words})")).unwrap_or_default();
            screen.line(run, &[(Role::Bad, &reached), (Role::Faint, &meaning)]);
        }
        // The teller keeps these to itself: they need what came before.
        EventBody::RunStarted { .. }
        | EventBody::RequestStarted { .. }
        | EventBody::Message { .. }
        | EventBody::TextReplaced { .. }
        | EventBody::ToolStarted { .. }
        | EventBody::ToolFinished { .. }
        | EventBody::Report { .. }
        | EventBody::RunFinished { .. }
        | EventBody::RoundFinished { .. } => {}
    }
}

fn session(
    screen: &mut Screen,
    language: Language,
    [version, provider, cwd]: [&str; 3],
    sandbox: &SandboxState,
) {
    let facts = format!(" {version} · {provider} · {} · {cwd}", language.sandbox(sandbox));
    screen.line(None, &[(Role::Name, "better-llm"), (Role::Faint, &facts)]);
}

fn round_started(
    screen: &mut Screen,
    language: Language,
    text: &str,
    context: &[String],
    mentions: &[AgentName],
) {
    let text = Sanitized::line(text).within(screen.room(None).saturating_mul(2));
    screen.line(None, &[(Role::Name, &format!("{}: ", language.task())), (Role::Prose, text.as_str())]);
    if !context.is_empty() {
        screen.line(None, &[(Role::Faint, &format!("  {}: {}", language.context(), context.join(", ")))]);
    }
    if !mentions.is_empty() {
        let mentions: Vec<&str> = mentions.iter().map(AgentName::as_str).collect();
        screen.line(None, &[(Role::Faint, &format!("  {}: {}", language.mentions(), mentions.join(", ")))]);
    }
}

/// The findings that are open, by id and place; what they say stands in the report.
fn open(screen: &mut Screen, language: Language, run: Option<&RunScope>, findings: &[ReportedFinding]) {
    for finding in findings {
        let id = finding.id.as_deref().unwrap_or("•");
        let text = format!("  {} {id}{}", language.open_finding(finding.severity), place(finding));
        screen.line(run, &[(Role::Warning, &text)]);
    }
}

/// What a review settled, by how, and what it said again for nothing: a line each.
fn settled(
    screen: &mut Screen,
    language: Language,
    run: Option<&RunScope>,
    closed: &[ClosedFinding],
    ignored: &[ReportedFinding],
) {
    for how in [ClosedAs::Fixed, ClosedAs::Accepted, ClosedAs::Withdrawn] {
        let ids: Vec<String> = closed
            .iter()
            .filter(|finding| finding.state == how)
            .map(|finding| finding.id.to_string())
            .collect();
        if !ids.is_empty() {
            screen.line(run, &[(Role::Faint, &format!("  {}: {}", language.closed_as(how), ids.join(", ")))]);
        }
    }
    let ids: Vec<&str> = ignored.iter().filter_map(|finding| finding.id.as_deref()).collect();
    if !ids.is_empty() {
        screen.line(run, &[(Role::Faint, &format!("  {}: {}", language.ignored_findings(), ids.join(", ")))]);
    }
}
