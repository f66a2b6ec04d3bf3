use super::*;
use crate::{
    report::{ReportedFinding, ReviewerReport, Severity, Verdict},
    workspace::{ChangeKind, Changes, FileChange},
};

mod properties;
mod rules;

const ROOT: &str = "/project";

fn changed(paths: &[&str]) -> ChangedFiles {
    let change = |path: &&str| FileChange { path: (*path).to_owned(), kind: ChangeKind::Modified };
    ChangedFiles::seen(ROOT, &Changes { files: paths.iter().map(change).collect(), partial: None })
}

fn report(verdict: Verdict, findings: Vec<ReportedFinding>) -> ReviewerReport {
    ReviewerReport { summary: String::new(), verdict, findings }
}

/// A finding of a report: `id` may be empty, and so may `file`.
fn said(id: &str, severity: Severity, file: &str, message: &str) -> ReportedFinding {
    let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    ReportedFinding { id: given(id), severity, file: given(file), line: None, message: message.to_owned() }
}
