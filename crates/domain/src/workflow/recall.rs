//! A round whose program died, as its events tell of it: what was counted stays counted.
//!
//! Reviews are taken as they were judged ([`Ledger::recall`](crate::review::Ledger::recall)); what else decides is fed
//! to [`Round::step`] again by whoever reads the events ([`crate::past`]).

use super::{Lead, Round, RoundEffect};
use crate::{
    agent::{AgentName, WorkerKind},
    evidence::CheckedClaims,
    report::{ReportedFinding, Verdict},
    review::{ClosedFinding, FindingId, ReviewCycle},
};

/// A `review_cycle`, as its event says it.
#[derive(Debug, Clone, Copy)]
pub struct ToldReview<'e> {
    /// The workspace's folder, as reports may name it in front of a path.
    pub root: &'e str,
    /// Which review of its subject, and of how many.
    pub cycle: ReviewCycle,
    /// What counts as the verdict.
    pub verdict: Verdict,
    /// What is open.
    pub open_findings: &'e [ReportedFinding],
    /// What was settled.
    pub closed: &'e [ClosedFinding],
    /// Settled findings that were said again without new evidence.
    pub ignored: &'e [ReportedFinding],
    /// Settled findings whose file has changed since.
    pub reopenable: &'e [FindingId],
}

impl ToldReview<'_> {
    fn effect(&self) -> RoundEffect {
        RoundEffect::ReviewCycle {
            cycle: self.cycle,
            verdict: self.verdict,
            open_findings: self.open_findings.to_vec(),
            closed: self.closed.to_vec(),
            ignored: self.ignored.to_vec(),
        }
    }
}

impl Round {
    /// The manager called a worker of `kind`, and it ran.
    pub fn recall_worker(&mut self, kind: WorkerKind) {
        if kind == WorkerKind::Coder {
            self.limit_said = None;
        }
        self.workers_run += 1;
    }

    /// A limit was said to be reached.
    pub fn recall_limit(&mut self, limit: &str) {
        let known = ["max_coder_retries", "max_retry_cycles"].into_iter().find(|known| *known == limit);
        self.limit_said = known.or(self.limit_said);
    }

    /// A reviewer reported; what came of the review is told by [`Round::recall_review`].
    pub fn recall_reviewer(&mut self, agent: AgentName, claims: CheckedClaims) {
        self.model_failures_in_a_row = 0;
        self.latest_claims.retain(|(name, _)| *name != agent);
        self.latest_claims.push((agent, claims));
    }

    /// A review was judged. What followed from that when it was: the first effect stands in its event, the others may not
    /// have been performed.
    pub fn recall_review(&mut self, told: ToldReview<'_>) -> Vec<RoundEffect> {
        let mut effects = vec![told.effect()];
        effects.extend(self.reviews.recall(told, self.lead));
        effects
    }

    /// What decisions of the person settled is told of like a review; the findings stand as they are told.
    pub fn recall_settled(&mut self, told: ToldReview<'_>) {
        self.reviews.recall_ledger(told);
    }

    /// Whether the person calls the workers of the round by name.
    #[must_use]
    pub fn is_led_by_person(&self) -> bool {
        self.lead == Lead::Person
    }
}
