use std::collections::BTreeSet;

use proptest::prelude::*;

use super::{
    history::{History, asks_for_changes},
    told::{Claims, Told, input, limits, manager_end, told},
    *,
};
use crate::report::Severity;

/// A round beside its history.
struct Watched {
    round: Round,
    limits: Limits,
    history: History,
    workers_run: u32,
    known_ids: BTreeSet<String>,
    ended: Option<Ending>,
}

impl Watched {
    fn new(limits: Limits) -> Self {
        Self {
            round: Round::new(limits.clone()),
            limits,
            history: History::default(),
            workers_run: 0,
            known_ids: BTreeSet::new(),
            ended: None,
        }
    }

    fn tell(&mut self, told: &Told) -> Result<(), TestCaseError> {
        let effects = self.round.step(input(told));
        if self.ended.is_some() {
            let is_quiet = match told {
                Told::Called(_) => matches!(effects[..], [RoundEffect::Refuse { .. }]),
                _ => effects.is_empty(),
            };
            prop_assert!(is_quiet, "after the end, {told:?} gives {effects:?}");
            return Ok(());
        }
        let (ending, others): (Vec<_>, Vec<_>) =
            effects.iter().partition(|effect| matches!(effect, RoundEffect::End { .. }));
        prop_assert!(ending.is_empty() || effects.last() == ending.first().copied(), "{effects:?}");
        match told {
            Told::Called(kind) => self.check_call(*kind, &effects)?,
            Told::Reviewed { approves, findings, .. } => self.check_review(*approves, findings, &effects)?,
            _ => prop_assert!(others.is_empty(), "{told:?} gives {others:?}"),
        }
        let expected = self.expected_ending(told);
        self.ended = ending.first().and_then(|effect| match effect {
            RoundEffect::End { ending, .. } => Some(*ending),
            _ => None,
        });
        prop_assert_eq!(self.ended, expected);
        self.history.0.push(told.clone());
        let claims = self.history.claims_by_kind();
        prop_assert_eq!(self.round.verified(), claims.values().all(|claims| *claims == Claims::Held));
        let has_changed = self.history.0.iter().any(|told| matches!(told, Told::FilesChanged));
        prop_assert_eq!(self.round.work_done(), self.workers_run > 0 || has_changed);
        Ok(())
    }

    fn check_call(&mut self, kind: WorkerKind, effects: &[RoundEffect]) -> Result<(), TestCaseError> {
        let limit = self.history.limit_for_coders(&self.limits).filter(|_| kind == WorkerKind::Coder);
        match (limit, effects) {
            (None, [RoundEffect::RunWorker { .. }]) => self.workers_run += 1,
            (Some(name), [RoundEffect::LimitReached { limit, .. }, RoundEffect::Refuse { text, .. }]) => {
                prop_assert_eq!(name, *limit);
                prop_assert!(text.contains(name), "{text}");
            }
            other => prop_assert!(false, "a call of a {kind:?} gives {other:?}"),
        }
        Ok(())
    }

    fn check_review(
        &mut self,
        approves: bool,
        findings: &[(Option<u32>, Severity)],
        effects: &[RoundEffect],
    ) -> Result<(), TestCaseError> {
        let Some(RoundEffect::ReviewCycle { cycle, verdict, open_findings }) = effects.first() else {
            return Err(TestCaseError::fail(format!("a review gives {effects:?}")));
        };
        let limit = self.limits.max_review_iterations.max(1);
        let number = self.history.reviews_of_this_subject() + 1;
        prop_assert_eq!((cycle.number(), cycle.limit()), (number, limit));
        prop_assert!(number <= limit, "review {number} of {limit}");
        let asks = asks_for_changes(approves, findings);
        prop_assert_eq!(*verdict == Verdict::RequestChanges, asks);
        let was_asked = effects.iter().any(|effect| matches!(effect, RoundEffect::AskAboutReviews { .. }));
        prop_assert_eq!(was_asked, asks && number == limit);
        prop_assert_eq!(open_findings.len(), if asks { findings.len() } else { 0 });
        self.check_ids(findings, open_findings)
    }

    /// Every open finding has an id of its own; a known one that the report repeats stays.
    fn check_ids(
        &mut self,
        findings: &[(Option<u32>, Severity)],
        open: &[ReportedFinding],
    ) -> Result<(), TestCaseError> {
        let mut here = BTreeSet::new();
        for ((repeated, _), open) in findings.iter().zip(open) {
            let id = open.id.clone().unwrap_or_default();
            let repeated = repeated.map(|id| format!("F{id}"));
            let stays = repeated.is_some_and(|repeated| {
                self.known_ids.contains(&repeated) && !here.contains(&repeated) && repeated == id
            });
            prop_assert!(stays || !self.known_ids.contains(&id), "{id} names another finding already");
            prop_assert!(here.insert(id.clone()), "{id} names two findings");
        }
        self.known_ids.append(&mut here);
        Ok(())
    }

    fn expected_ending(&self, told: &Told) -> Option<Ending> {
        match told {
            Told::CredentialsRefused(_) => Some(Ending::Failed(FailReason::Credentials)),
            Told::QuestionUnanswered => Some(Ending::NeedsPerson(NeedReason::Question)),
            Told::ManagerEnded(end, tests_passed) => Some(self.history.ending(*end, *tests_passed)),
            Told::Reviewed { approves, findings, .. } if asks_for_changes(*approves, findings) => {
                let is_last =
                    self.history.reviews_of_this_subject() + 1 >= self.limits.max_review_iterations.max(1);
                is_last.then_some(Ending::NeedsPerson(NeedReason::ReviewLimit))
            }
            _ => None,
        }
    }
}

proptest! {
    #![proptest_config(crate::properties::cases())]

    /// O-15: reviews, fixes and failures of coders are counted by the engine, and their limits hold in any order
    /// of events. O-10: nothing else stands in the way of the manager's choice.
    #[test]
    fn whatever_a_round_is_told_its_limits_hold_and_it_ends_once_as_its_history_says(
        limits in limits(),
        story in prop::collection::vec(told(), 0..50),
        last in manager_end(),
        after in prop::collection::vec(told(), 0..4),
    ) {
        let mut watched = Watched::new(limits);
        for told in story.iter().chain([&last]) {
            watched.tell(told)?;
        }
        prop_assert!(watched.ended.is_some());
        for told in &after {
            watched.tell(told)?;
        }
    }
}
