//! The reviews of a round: counted, held against the ledger, and stopped where only a person can go on (spec O-15).

use std::collections::BTreeSet;

use super::{Lead, RoundEffect, ToldReview};
use crate::{
    limits::Limits,
    outcome::{Ending, NeedReason},
    report::{self, ReportedFinding, ReviewerReport, Severity, Verdict},
    review::{Beside, ChangedFiles, FindingId, Ledger, ReviewCycle, ReviewDecision, ReviewOption, Shown},
};

/// What the reviews of a round have come to. The ledger outlives the round; the count does not, because with a new
/// round the person has spoken.
#[derive(Debug)]
pub(super) struct Reviews {
    ledger: Ledger,
    limit: u32,
    force_on: Severity,
    /// What each review of the round said that has ended, in that order.
    said: Vec<Said>,
    /// Of the last review in this round, where it asked for changes.
    objection: Option<Objection>,
}

/// What a review said.
#[derive(Debug)]
struct Said {
    findings: BTreeSet<FindingId>,
    verdict: Verdict,
}

/// A review that asked for changes.
#[derive(Debug, Clone, Copy)]
struct Objection {
    cycle: ReviewCycle,
    /// A person is being asked how to go on.
    is_asked: bool,
    /// One more review was allowed because nobody answered; that happens once for a subject.
    went_unanswered: bool,
}

/// What a review leaves behind that counts as this verdict.
fn objection(
    cycle: ReviewCycle,
    verdict: Verdict,
    before: Option<Objection>,
    lead: Lead,
) -> Option<Objection> {
    match verdict {
        Verdict::Approve => None,
        Verdict::RequestChanges => Some(Objection {
            cycle,
            is_asked: cycle.is_last() && lead == Lead::Manager,
            went_unanswered: before.is_some_and(|before| before.went_unanswered),
        }),
    }
}

impl Reviews {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            ledger: Ledger::default(),
            limit: limits.max_review_iterations,
            force_on: limits.review_force_on,
            said: Vec::new(),
            objection: None,
        }
    }

    /// The person calls a worker by name. Each review is a subject of its own: they read it, and decide what follows.
    pub(super) fn called_by_person(&mut self) {
        self.objection = None;
    }

    /// Goes on with what earlier rounds left.
    pub(super) fn go_on_with(&mut self, ledger: Ledger) {
        self.ledger = ledger;
    }

    pub(super) const fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Where they stand, for a reviewer who is told of it.
    pub(super) fn shown(&self) -> Shown {
        self.ledger.shown_after(self.said.len())
    }

    /// The word for where the reviews stand.
    pub(super) const fn phase(&self) -> &'static str {
        match self.objection {
            None => "Working",
            Some(Objection { is_asked: false, .. }) => "HeldBack",
            Some(Objection { is_asked: true, .. }) => "AskingPerson",
        }
    }

    /// A reviewer has reported. `changed` since the last review. A person who leads reads that, and is asked nothing.
    pub(super) fn reviewed(
        &mut self,
        report: &ReviewerReport,
        changed: &ChangedFiles,
        lead: Lead,
    ) -> Vec<RoundEffect> {
        let before = self.objection;
        // Others that have ended since this one began looked at the same work.
        let beside = changed.reviews_shown().and_then(|shown| self.said.get(shown..)).unwrap_or_default();
        let cycle = match before {
            None => ReviewCycle::first(self.limit),
            Some(objection) if !beside.is_empty() => objection.cycle,
            // A review that ends while the person is asked about the last one belongs to it.
            Some(objection) => objection.cycle.next().unwrap_or(objection.cycle),
        };
        let mut others = Beside::default();
        for Said { findings, verdict } in beside {
            others.said.extend(findings);
            others.demanded.extend(findings.iter().filter(|_| *verdict == Verdict::RequestChanges));
        }
        let (reviewed, findings) = self.ledger.take_beside(report, changed, self.force_on, &others);
        self.said.push(Said { findings, verdict: report.verdict });
        let open_findings = self.ledger.open();
        let mut effects = vec![RoundEffect::ReviewCycle {
            cycle,
            verdict: reviewed.verdict,
            open_findings: open_findings.clone(),
            closed: reviewed.closed,
            ignored: reviewed.ignored,
        }];
        self.objection = objection(cycle, reviewed.verdict, before, lead);
        effects.extend(self.at_the_limit(before, open_findings));
        effects
    }

    /// Where the last review came to the limit: that is said, and the person asked.
    fn at_the_limit(
        &self,
        before: Option<Objection>,
        open_findings: Vec<ReportedFinding>,
    ) -> Vec<RoundEffect> {
        let was_asked = before.is_some_and(|before| before.is_asked);
        let Some(objection) = self.objection.filter(|objection| objection.is_asked && !was_asked) else {
            return Vec::new();
        };
        let value = u64::from(objection.cycle.limit());
        let default = (!objection.went_unanswered).then_some(ReviewOption::OneMore);
        vec![
            RoundEffect::LimitReached { limit: "max_review_iterations", value },
            RoundEffect::AskAboutReviews { open_findings, default },
        ]
    }

    /// A review was judged like this. What followed from it beside its own event.
    pub(super) fn recall(&mut self, told: ToldReview<'_>, lead: Lead) -> Vec<RoundEffect> {
        let before = self.objection;
        self.recall_ledger(told);
        self.said.push(Said { findings: self.ledger.shown_after(0).open, verdict: told.verdict });
        self.objection = objection(told.cycle, told.verdict, before, lead);
        self.at_the_limit(before, told.open_findings.to_vec())
    }

    /// Findings stand like this.
    pub(super) fn recall_ledger(&mut self, told: ToldReview<'_>) {
        self.ledger.recall(told);
    }

    /// What follows from the answer: what to do, and how the round ends where it does. An answer that nobody waits for
    /// changes nothing.
    pub(super) fn decided(&mut self, decision: ReviewDecision) -> (Vec<RoundEffect>, Option<Ending>) {
        let Some(objection) = self.objection.filter(|objection| objection.is_asked) else {
            return (Vec::new(), None);
        };
        match decision {
            ReviewDecision::Chosen(ReviewOption::OneMore) => {
                (self.allow_one_more(objection, "The person allows one more review"), None)
            }
            ReviewDecision::Chosen(ReviewOption::Guidance) => (vec![RoundEffect::AskForGuidance], None),
            ReviewDecision::Guided(words) => {
                let why = format!("The person says: {}\nOne more review is allowed", words.trim());
                (self.allow_one_more(objection, &why), None)
            }
            ReviewDecision::Chosen(ReviewOption::Accept) => (self.accept(objection), None),
            ReviewDecision::Chosen(ReviewOption::Stop) => (Vec::new(), Some(Ending::Stopped)),
            ReviewDecision::Unanswered if !objection.went_unanswered => {
                let objection = Objection { went_unanswered: true, ..objection };
                let why = "Nobody answered in time, so one more review is allowed, this once";
                (self.allow_one_more(objection, why), None)
            }
            ReviewDecision::Unanswered | ReviewDecision::NobodyThere => {
                (Vec::new(), Some(Ending::NeedsPerson(NeedReason::ReviewLimit)))
            }
        }
    }

    fn allow_one_more(&mut self, objection: Objection, why: &str) -> Vec<RoundEffect> {
        let cycle = objection.cycle.with_one_more();
        self.objection = Some(Objection { cycle, is_asked: false, ..objection });
        let text = format!(
            "{why} (the limit is {} now). Give the open findings to a coder, then let a reviewer look again.",
            cycle.limit()
        );
        vec![RoundEffect::ReviewsSettled { text }]
    }

    fn accept(&mut self, objection: Objection) -> Vec<RoundEffect> {
        self.objection = None;
        let closed = self.ledger.accept();
        let text = "The person accepts the changes as they are: nothing is open any more, and it counts as approved. \
                    Go on without changing them further."
            .to_owned();
        let told = RoundEffect::ReviewCycle {
            cycle: objection.cycle,
            verdict: Verdict::Approve,
            open_findings: Vec::new(),
            closed,
            ignored: Vec::new(),
        };
        vec![told, RoundEffect::ReviewsSettled { text }]
    }

    /// Why the round cannot end as done: the last review in it asked for changes, and nobody has looked since.
    ///
    /// What an earlier round left open holds nothing back before somebody reviews in this one.
    pub(super) fn hold_back(&self) -> Option<String> {
        const MOST_NAMED: usize = 20;
        self.objection?;
        let findings: Vec<ReportedFinding> = self.ledger.forcing(self.force_on).collect();
        let mut text = "the last review asked for changes, and these findings are open:".to_owned();
        text.push_str(&report::listed(&findings, MOST_NAMED, ReportedFinding::in_a_line));
        text.push_str(
            "\nGive them to a coder by their ids, then call a reviewer, whose report closes what is mended. If they \
             cannot be mended now, finish as `partial` and say which are left.",
        );
        Some(text)
    }
}
