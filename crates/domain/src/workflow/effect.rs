//! What a round wants done.

use crate::{
    id::CallId,
    outcome::Ending,
    report::{ReportedFinding, Verdict},
    review::ReviewCycle,
};

/// What to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RoundEffect {
    /// Run the worker.
    RunWorker {
        /// The manager's call.
        call: CallId,
    },
    /// Answer the manager's call with a refusal.
    Refuse {
        /// The manager's call.
        call: CallId,
        /// What the manager reads.
        text: String,
    },
    /// Tell everybody about a review.
    ReviewCycle {
        /// Which review of this subject, and of how many.
        cycle: ReviewCycle,
        /// What counts as the verdict.
        verdict: Verdict,
        /// What is open, with the engine's ids.
        open_findings: Vec<ReportedFinding>,
    },
    /// Tell everybody that a limit was reached.
    LimitReached {
        /// Its name in the configuration.
        limit: &'static str,
        /// Its value.
        value: u64,
    },
    /// Ask the person how to go on, now.
    AskAboutReviews {
        /// What was found and is still open.
        open_findings: Vec<ReportedFinding>,
    },
    /// The round is over. The last effect of a round.
    End {
        /// How.
        ending: Ending,
        /// The manager's last words, where there are some.
        summary: String,
    },
}
