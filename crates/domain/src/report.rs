//! What a worker hands in. A report ends its run; free text never does (law 3).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{agent::WorkerKind, schema::schema_of, text, tool::RejectedInput};

/// A planner's report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PlannerReport {
    /// The plan in a few sentences.
    pub summary: String,
    /// What to do, in order.
    pub steps: Vec<PlanStep>,
}

/// One step of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PlanStep {
    /// A few words.
    pub title: String,
    /// What exactly, and why.
    pub detail: String,
    /// The files it concerns, relative to the workspace.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<String>,
}

/// A coder's report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CoderReport {
    /// What was done and what was not.
    pub summary: String,
    /// Every file created, changed or deleted, relative to the workspace.
    pub files_changed: Vec<String>,
    /// The commands that were run, word for word.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub commands_run: Vec<String>,
}

/// A reviewer's report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReviewerReport {
    /// The judgement in a few sentences.
    pub summary: String,
    /// Whether the changes may stay as they are.
    pub verdict: Verdict,
    /// What was found. To keep an earlier finding open, repeat it with its id.
    pub findings: Vec<ReportedFinding>,
}

/// A reviewer's judgement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The changes may stay.
    Approve,
    /// The findings must be dealt with first.
    RequestChanges,
}

/// A finding as the reviewer writes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReportedFinding {
    /// The id of an earlier finding that is still open. Leave out for a new one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// How bad it is.
    pub severity: Severity,
    /// Where: the file, relative to the workspace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// Where: the line, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// What is wrong and what would be right.
    pub message: String,
}

impl ReportedFinding {
    /// Id, severity, place and message, as models read a finding in a list.
    #[must_use]
    pub fn in_a_line(&self) -> String {
        let severity = match self.severity {
            Severity::Info => " [info]",
            Severity::Warning => " [warning]",
            Severity::Critical => " [critical]",
        };
        self.line_with(severity)
    }

    /// Id, place and message, in no language but the reviewer's.
    #[must_use]
    pub fn in_its_own_words(&self) -> String {
        self.line_with("")
    }

    fn line_with(&self, severity: &str) -> String {
        const MOST: usize = 1_000;
        let id = self.id.as_deref().unwrap_or_default();
        let place = match (&self.file, self.line) {
            (Some(file), Some(line)) => format!(" ({file}:{line})"),
            (Some(file), None) => format!(" ({file})"),
            (None, _) => String::new(),
        };
        let message = self.message.split_whitespace().collect::<Vec<_>>().join(" ");
        let shown = text::head(&message, MOST);
        let cut = if shown.len() < message.len() { "…" } else { "" };
        format!("{id}{severity}{place}: {shown}{cut}").trim_start().to_owned()
    }
}

/// Findings as a list in these words, each on a line of its own that begins after a line break; more than `most` are
/// counted.
#[must_use]
pub fn listed(findings: &[ReportedFinding], most: usize, words: fn(&ReportedFinding) -> String) -> String {
    let shown = findings.iter().take(most).map(words);
    let more = findings.len().saturating_sub(most);
    let count = (more > 0).then(|| format!("… (+{more})"));
    shown.chain(count).map(|line| format!("\n- {line}")).collect()
}

/// How bad a finding is; later is worse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// Should be mended.
    Warning,
    /// Must be mended.
    Critical,
}

/// A tester's report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TesterReport {
    /// What was tested and what came out.
    pub summary: String,
    /// Whether every test command passed.
    pub passed: bool,
    /// The test commands that were run, word for word.
    pub commands: Vec<String>,
    /// The tests that failed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failures: Vec<TestFailure>,
}

/// A test that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TestFailure {
    /// The test's name.
    pub name: String,
    /// What it said.
    pub message: String,
}

/// A committer's report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CommitterReport {
    /// What was committed, or why nothing was.
    pub summary: String,
    /// The id that the commit tool gave. Leave out where nothing was committed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
}

/// The report of every other worker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GeneralReport {
    /// What was done and what was not.
    pub summary: String,
    /// Whether the task is done.
    pub status: GeneralStatus,
}

/// How far a general worker came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum GeneralStatus {
    /// Done.
    Success,
    /// Partly done.
    Partial,
    /// Not done.
    Failure,
}

/// A report of any kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Report {
    /// From a planner.
    Planner(PlannerReport),
    /// From a coder.
    Coder(CoderReport),
    /// From a reviewer.
    Reviewer(ReviewerReport),
    /// From a tester.
    Tester(TesterReport),
    /// From a committer.
    Committer(CommitterReport),
    /// From any other worker.
    General(GeneralReport),
}

impl Report {
    /// Reads the report that a worker of `kind` handed in.
    ///
    /// # Errors
    /// [`RejectedInput`] where a field is missing, unknown or of another type; its text names it.
    pub fn parse(kind: WorkerKind, input: &Value) -> Result<Self, RejectedInput> {
        fn read<T: serde::de::DeserializeOwned>(input: &Value) -> Result<T, RejectedInput> {
            T::deserialize(input).map_err(|error| RejectedInput(error.to_string()))
        }
        Ok(match kind {
            WorkerKind::Planner => Self::Planner(read(input)?),
            WorkerKind::Coder => Self::Coder(read(input)?),
            WorkerKind::Reviewer => Self::Reviewer(read(input)?),
            WorkerKind::Tester => Self::Tester(read(input)?),
            WorkerKind::Committer => Self::Committer(read(input)?),
            WorkerKind::General => Self::General(read(input)?),
        })
    }

    /// The schema of the report that a worker of `kind` hands in.
    #[must_use]
    pub fn schema(kind: WorkerKind) -> Value {
        match kind {
            WorkerKind::Planner => schema_of::<PlannerReport>(),
            WorkerKind::Coder => schema_of::<CoderReport>(),
            WorkerKind::Reviewer => schema_of::<ReviewerReport>(),
            WorkerKind::Tester => schema_of::<TesterReport>(),
            WorkerKind::Committer => schema_of::<CommitterReport>(),
            WorkerKind::General => schema_of::<GeneralReport>(),
        }
    }

    /// The summary that every report has.
    #[must_use]
    pub fn summary(&self) -> &str {
        match self {
            Self::Planner(report) => &report.summary,
            Self::Coder(report) => &report.summary,
            Self::Reviewer(report) => &report.summary,
            Self::Tester(report) => &report.summary,
            Self::Committer(report) => &report.summary,
            Self::General(report) => &report.summary,
        }
    }
}
