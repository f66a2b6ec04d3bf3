//! What the manager reads of a worker's run.

use serde::{Deserialize, Serialize};

use super::RoundEffect;
use crate::{
    agent::WorkerKind,
    evidence::{CheckedClaims, Evidence},
    report::{ReportedFinding, Verdict},
    review::ClosedFinding,
};

/// A report beside what the engine saw.
#[derive(Debug, Clone)]
pub struct CheckedReport {
    /// Of which kind of worker.
    pub kind: WorkerKind,
    /// As it was handed in.
    pub report: serde_json::Value,
    /// What the engine saw.
    pub evidence: Evidence,
    /// How its claims stand beside that.
    pub claims: CheckedClaims,
}

/// What the manager reads of a worker's run: the result of its call, as JSON.
#[derive(Debug, Serialize, Deserialize)]
pub struct WorkerResult<'a> {
    /// The worker.
    pub agent: &'a str,
    /// `reported`, or why there is no report.
    pub status: &'a str,
    /// The report, as it was handed in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report: Option<serde_json::Value>,
    /// What the engine saw.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Evidence>,
    /// Claims that are not so.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub claims_refuted: Vec<String>,
    /// Claims that could not be checked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub claims_unverified: Vec<String>,
    /// Of a review: which one, of how many, and what is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub review: Option<ReviewResult>,
    /// What happened, where there is no report.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

impl<'a> WorkerResult<'a> {
    /// A result that says only how the run of `agent` ended.
    #[must_use]
    pub const fn without_report(agent: &'a str, status: &'a str) -> Self {
        Self {
            agent,
            status,
            report: None,
            evidence: None,
            claims_refuted: Vec::new(),
            claims_unverified: Vec::new(),
            review: None,
            text: None,
        }
    }

    /// Tells of a report, beside what the engine saw.
    pub fn tell(&mut self, checked: &CheckedReport) {
        self.status = "reported";
        self.report = Some(checked.report.clone());
        self.evidence = Some(checked.evidence.clone());
        self.claims_refuted.clone_from(&checked.claims.refuted);
        self.claims_unverified.clone_from(&checked.claims.unverified);
    }
}

/// What the manager reads of a review beside its report: what it came to in the ledger.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReviewResult {
    /// Which review of the subject, from 1.
    pub cycle: u32,
    /// How many there may be.
    pub limit: u32,
    /// What it counts as.
    pub verdict: Verdict,
    /// What is open now.
    pub open: Vec<ReportedFinding>,
    /// What was settled, and how.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub closed: Vec<ClosedFinding>,
    /// What was said again for nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ignored: Vec<ReportedFinding>,
    /// Why, where something was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why_ignored: Option<String>,
    /// What was decided where reviews do not end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<String>,
}

impl ReviewResult {
    /// The review that these effects tell of; none where they tell of none. The last word about it counts.
    #[must_use]
    pub fn of(effects: &[RoundEffect]) -> Option<Self> {
        const WHY_IGNORED: &str =
            "these were settled, and their files have not changed since; nothing is to be done";
        let mut told: Option<Self> = None;
        for effect in effects {
            match effect {
                RoundEffect::ReviewCycle { cycle, verdict, open_findings, closed, ignored } => {
                    told = Some(Self {
                        cycle: cycle.number(),
                        limit: cycle.limit(),
                        verdict: *verdict,
                        open: open_findings.clone(),
                        closed: closed.clone(),
                        ignored: ignored.clone(),
                        why_ignored: (!ignored.is_empty()).then(|| WHY_IGNORED.to_owned()),
                        decision: None,
                    });
                }
                RoundEffect::ReviewsSettled { text } => {
                    if let Some(review) = &mut told {
                        review.decision = Some(text.clone());
                    }
                }
                _ => {}
            }
        }
        told
    }
}
