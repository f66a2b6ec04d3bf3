use proptest::prelude::*;

use super::{
    history::History,
    told::{Claims, Told, input, limits, manager_end, review, told},
    *,
};
use crate::{report::Verdict, review::Reviewed};

/// A round beside its history.
struct Watched {
    round: Round,
    limits: Limits,
    history: History,
    workers_run: u32,
    /// The limit that refuses coders and was told of since the last one ran.
    limit_said: Option<&'static str>,
    /// What the reports come to; its rules have tests of their own.
    ledger: Ledger,
    ended: Option<Ending>,
}

impl Watched {
    fn new(limits: Limits) -> Self {
        Self {
            round: Round::new(limits.clone()),
            limits,
            history: History::default(),
            workers_run: 0,
            limit_said: None,
            ledger: Ledger::default(),
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
        let mut told = told.clone();
        match &mut told {
            Told::Called(kind) => self.check_call(*kind, &effects)?,
            Told::Reviewed { .. } => self.check_review(&mut told, &effects)?,
            Told::Decided(decision) => self.check_decision(decision, &effects)?,
            _ => prop_assert!(others.is_empty(), "{told:?} gives {others:?}"),
        }
        let expected = self.expected_ending(&told);
        self.ended = ending.first().and_then(|effect| match effect {
            RoundEffect::End { ending, .. } => Some(*ending),
            _ => None,
        });
        prop_assert_eq!(self.ended, expected);
        self.history.0.push(told);
        let subject = self.history.subject(&self.limits);
        prop_assert_eq!(self.round.holds_back().is_some(), subject.reviews > 0);
        prop_assert_eq!(self.round.ledger(), &self.ledger);
        let claims = self.history.claims_by_kind();
        prop_assert_eq!(self.round.verified(), claims.values().all(|claims| *claims == Claims::Held));
        let has_changed = self.history.0.iter().any(|told| matches!(told, Told::FilesChanged));
        prop_assert_eq!(self.round.work_done(), self.workers_run > 0 || has_changed);
        Ok(())
    }

    fn check_call(&mut self, kind: WorkerKind, effects: &[RoundEffect]) -> Result<(), TestCaseError> {
        let limit = self.history.limit_for_coders(&self.limits).filter(|_| kind == WorkerKind::Coder);
        match (limit, effects) {
            (None, [RoundEffect::RunWorker { .. }]) => {
                self.workers_run += 1;
                self.limit_said = self.limit_said.filter(|_| kind != WorkerKind::Coder);
            }
            (Some(name), [told @ .., RoundEffect::Refuse { text, .. }]) => {
                let names = told.iter().map(|effect| match effect {
                    RoundEffect::LimitReached { limit, .. } => *limit,
                    _ => "another effect",
                });
                let is_new = self.limit_said.replace(name) != Some(name);
                prop_assert_eq!(
                    names.collect::<Vec<_>>(),
                    is_new.then_some(name).into_iter().collect::<Vec<_>>()
                );
                prop_assert!(text.contains(name), "{text}");
            }
            other => prop_assert!(false, "a call of a {kind:?} gives {other:?}"),
        }
        Ok(())
    }

    /// A review is what the ledger makes of it, one more of its subject, and the last one asks the person.
    fn check_review(&mut self, told: &mut Told, effects: &[RoundEffect]) -> Result<(), TestCaseError> {
        let (report, changed) = review(told);
        let reviewed = self.ledger.take(&report, &changed, self.limits.review_force_on);
        if let Told::Reviewed { approves, .. } = told {
            *approves = reviewed.verdict == Verdict::Approve;
        }
        let before = self.history.subject(&self.limits);
        self.history.0.push(told.clone());
        let after = self.history.subject(&self.limits);
        self.history.0.pop();
        let number = if before.is_asked { before.reviews } else { before.reviews + 1 };
        prop_assert!(number <= before.limit, "review {number} of {}", before.limit);
        let Some(RoundEffect::ReviewCycle { cycle, verdict, open_findings, closed, ignored }) =
            effects.first()
        else {
            return Err(TestCaseError::fail(format!("a review gives {effects:?}")));
        };
        prop_assert_eq!((cycle.number(), cycle.limit()), (number, before.limit));
        prop_assert_eq!(open_findings, &self.ledger.open());
        let shown = Reviewed { verdict: *verdict, closed: closed.clone(), ignored: ignored.clone() };
        prop_assert_eq!(shown, reviewed);
        let asked = effects.iter().find_map(|effect| match effect {
            RoundEffect::AskAboutReviews { default, .. } => Some(*default),
            _ => None,
        });
        prop_assert_eq!(asked.is_some(), after.is_asked && !before.is_asked);
        let default = (!before.was_unanswered).then_some(ReviewOption::OneMore);
        prop_assert!(asked.is_none_or(|asked| asked == default));
        Ok(())
    }

    fn check_decision(
        &mut self,
        decision: &ReviewDecision,
        effects: &[RoundEffect],
    ) -> Result<(), TestCaseError> {
        if !self.history.subject(&self.limits).is_asked {
            prop_assert!(effects.is_empty(), "nobody asked, and {decision:?} gives {effects:?}");
            return Ok(());
        }
        if *decision == ReviewDecision::Chosen(ReviewOption::Accept) {
            self.ledger.accept();
            prop_assert_eq!(self.round.ledger().open(), Vec::new());
        }
        Ok(())
    }

    fn expected_ending(&self, told: &Told) -> Option<Ending> {
        match told {
            Told::ModelFailed(_) => {
                let runs = self.history.model_failures() + 1;
                (runs > self.limits.max_coder_retries as usize)
                    .then_some(Ending::Failed(FailReason::Provider))
            }
            Told::CredentialsRefused(_) => Some(Ending::Failed(FailReason::Credentials)),
            Told::QuestionUnanswered => Some(Ending::NeedsPerson(NeedReason::Question)),
            Told::ManagerEnded(end, tests_passed) => Some(self.history.ending(*end, *tests_passed)),
            Told::Decided(decision) => {
                let subject = self.history.subject(&self.limits);
                match decision {
                    _ if !subject.is_asked => None,
                    ReviewDecision::Chosen(ReviewOption::Stop) => Some(Ending::Stopped),
                    ReviewDecision::Unanswered if !subject.was_unanswered => None,
                    ReviewDecision::Unanswered | ReviewDecision::NobodyThere => {
                        Some(Ending::NeedsPerson(NeedReason::ReviewLimit))
                    }
                    _ => None,
                }
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
