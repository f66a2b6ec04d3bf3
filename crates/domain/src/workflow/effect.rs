//! What a round wants done.

use crate::{
    id::CallId,
    outcome::Ending,
    report::{ReportedFinding, Verdict},
    review::{ClosedFinding, ReviewCycle, ReviewOption},
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
        /// What was settled.
        closed: Vec<ClosedFinding>,
        /// Settled findings that were said again without new evidence.
        ignored: Vec<ReportedFinding>,
    },
    /// Tell everybody that a limit was reached.
    LimitReached {
        /// Its name in the configuration.
        limit: &'static str,
        /// Its value.
        value: u64,
    },
    /// Ask the person how to go on, now: [`ReviewOption::ALL`]. The answer comes back as
    /// [`RoundInput::ReviewsDecided`](super::RoundInput::ReviewsDecided).
    AskAboutReviews {
        /// What was found and is still open.
        open_findings: Vec<ReportedFinding>,
        /// What is taken where nobody answers in time; none: that ends the round.
        default: Option<ReviewOption>,
    },
    /// Ask the person for the words of their guidance. The answer comes back in the same way.
    AskForGuidance,
    /// It was decided how the reviews go on.
    ReviewsSettled {
        /// What the manager reads beside the review.
        text: String,
    },
    /// The round is over. The last effect of a round.
    End {
        /// How.
        ending: Ending,
        /// The last words of whoever led it; where a limit ended it, which one, and what raises it.
        summary: String,
    },
}
