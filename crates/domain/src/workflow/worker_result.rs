//! What the manager reads of a worker's run.

use serde::{Deserialize, Serialize};

use crate::evidence::Evidence;

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
    pub review: Option<serde_json::Value>,
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
}
