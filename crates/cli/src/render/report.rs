//! A worker's report beside what the engine saw.

use domain::{
    agent::WorkerKind,
    event::RunScope,
    evidence::Evidence,
    report::{GeneralStatus, Report, ReportedFinding, Severity, Verdict},
};
use serde_json::Value;

use super::{screen::Screen, style::Role};
use crate::words::Language;

/// What a `report` event holds.
pub(super) struct ReportEvent<'a> {
    pub(super) kind: WorkerKind,
    pub(super) report: &'a Value,
    pub(super) evidence: &'a Evidence,
    pub(super) refuted: &'a [String],
    pub(super) unverified: &'a [String],
}

/// Writes a report, its evidence, and loudly what does not hold.
pub(super) fn report(
    screen: &mut Screen,
    language: Language,
    run: Option<&RunScope>,
    event: &ReportEvent<'_>,
) {
    match Report::parse(event.kind, event.report) {
        Ok(report) => {
            let label = format!("{}: ", language.report());
            screen.line(run, &[(Role::Name, &label), (Role::Prose, report.summary())]);
            details(screen, language, run, &report);
        }
        // A journal of another version may hold fields that this one does not know.
        Err(_) => screen
            .line(run, &[(Role::Name, language.report()), (Role::Prose, &format!(": {}", event.report))]),
    }
    evidence(screen, language, run, event.evidence);
    for claim in event.refuted {
        screen.line(run, &[(Role::Alarm, &format!("✗ {}", language.refuted(claim)))]);
    }
    for claim in event.unverified {
        screen.line(run, &[(Role::Warning, &format!("? {}", language.unverified(claim)))]);
    }
}

fn details(screen: &mut Screen, language: Language, run: Option<&RunScope>, report: &Report) {
    match report {
        Report::Planner(report) => {
            for (number, step) in report.steps.iter().enumerate() {
                let title = format!("  {}. {}", number + 1, step.title);
                let files = if step.files.is_empty() {
                    String::new()
                } else {
                    format!(" ({})", step.files.join(", "))
                };
                screen.line(run, &[(Role::Prose, &title), (Role::Faint, &files)]);
            }
        }
        // What a coder lists stands in the evidence, as far as it is true.
        Report::Coder(_) => {}
        Report::Reviewer(report) => {
            let role = match report.verdict {
                Verdict::Approve => Role::Good,
                Verdict::RequestChanges => Role::Warning,
            };
            screen.line(run, &[(role, &format!("  {}", language.verdict(report.verdict)))]);
            findings(screen, language, run, &report.findings);
        }
        Report::Tester(report) => {
            let role = if report.passed { Role::Good } else { Role::Bad };
            screen.line(run, &[(role, &format!("  {}", language.tests_claimed(report.passed)))]);
            for failure in &report.failures {
                screen.line(
                    run,
                    &[
                        (Role::Bad, &format!("  ✗ {}", failure.name)),
                        (Role::Prose, &format!(": {}", failure.message)),
                    ],
                );
            }
        }
        Report::Committer(report) => {
            if let Some(commit) = &report.commit {
                screen.line(run, &[(Role::Faint, &format!("  {} {commit}", language.commit()))]);
            }
        }
        Report::General(report) => {
            let role = match report.status {
                GeneralStatus::Success => Role::Good,
                GeneralStatus::Partial => Role::Warning,
                GeneralStatus::Failure => Role::Bad,
            };
            screen.line(run, &[(role, &format!("  {}", language.general_status(report.status)))]);
        }
    }
}

/// Where a finding is, after a space; nothing where it names no file.
pub(super) fn place(finding: &ReportedFinding) -> String {
    match (&finding.file, finding.line) {
        (Some(file), Some(line)) => format!(" {file}:{line}"),
        (Some(file), None) => format!(" {file}"),
        (None, _) => String::new(),
    }
}

fn findings(screen: &mut Screen, language: Language, run: Option<&RunScope>, findings: &[ReportedFinding]) {
    for finding in findings {
        let role = match finding.severity {
            Severity::Critical => Role::Bad,
            Severity::Warning => Role::Warning,
            Severity::Info => Role::Faint,
        };
        let id = finding.id.as_deref().map(|id| format!("{id} ")).unwrap_or_default();
        let severity = format!("  • {id}{}", language.severity(finding.severity));
        screen.line(
            run,
            &[
                (role, &severity),
                (Role::Name, &place(finding)),
                (Role::Prose, &format!(": {}", finding.message)),
            ],
        );
    }
}

fn evidence(screen: &mut Screen, language: Language, run: Option<&RunScope>, evidence: &Evidence) {
    if !evidence.files_changed.is_empty() {
        let files = format!("  {}: {}", language.files_changed(), evidence.files_changed.join(", "));
        screen.line(run, &[(Role::Faint, &files)]);
    }
    for command in &evidence.commands {
        let ran = format!("  {}: {} ", language.command_ran(), command.command);
        let (role, end) = match command.exit_code {
            Some(0) => (Role::Good, language.exit_code(0)),
            Some(code) => (Role::Bad, language.exit_code(code)),
            None => (Role::Warning, language.no_exit_code().to_owned()),
        };
        screen.line(run, &[(Role::Faint, &ran), (role, &format!("({end})"))]);
    }
    if let Some(why) = &evidence.partial {
        screen.line(run, &[(Role::Warning, &format!("  {}", language.partial_evidence(why)))]);
    }
}
