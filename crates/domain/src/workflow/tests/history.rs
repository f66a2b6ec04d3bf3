//! The rules of a round once more, the simple way: everything is counted anew from the whole history each time.

use std::collections::BTreeMap;

use super::{
    told::{Claims, ManagerEnd, Told},
    *,
};

/// Everything a round was told before its end: the counters of the round, counted anew each time.
#[derive(Default)]
pub(super) struct History(pub(super) Vec<Told>);

impl History {
    pub(super) fn claims_by_kind(&self) -> BTreeMap<&'static str, Claims> {
        let reported = self.0.iter().filter_map(|told| match told {
            Told::Reviewed { claims, .. } => Some((WorkerKind::Reviewer, *claims)),
            Told::Tested { claims, .. } => Some((WorkerKind::Tester, *claims)),
            Told::Reported(kind, claims) => Some((*kind, *claims)),
            _ => None,
        });
        reported.map(|(kind, claims)| (kind.as_str(), claims)).collect()
    }

    /// The limit that stands in the way of a coder.
    pub(super) fn limit_for_coders(&self, limits: &Limits) -> Option<&'static str> {
        let mut failed_in_a_row = 0;
        // P: tests pass, F: tests fail, C: a coder's run ended.
        let mut work = String::new();
        for told in &self.0 {
            match told {
                Told::Reported(WorkerKind::Coder, _) => {
                    failed_in_a_row = 0;
                    work.push('C');
                }
                Told::Failed(WorkerKind::Coder) | Told::ModelFailed(WorkerKind::Coder) => {
                    failed_in_a_row += 1;
                    work.push('C');
                }
                Told::Tested { passed, claims } => {
                    work.push(if *passed && *claims != Claims::Refuted { 'P' } else { 'F' });
                }
                _ => {}
            }
        }
        let since_fine = work.rsplit('P').next().unwrap_or_default().trim_start_matches('C');
        let between: Vec<&str> = since_fine.split('F').collect();
        let inner = between.get(1..between.len().saturating_sub(1)).unwrap_or_default();
        let fixes = inner.iter().filter(|coders| !coders.is_empty()).count();
        if failed_in_a_row > limits.max_coder_retries {
            Some("max_coder_retries")
        } else if since_fine.ends_with('F') && fixes >= limits.max_retry_cycles as usize {
            Some("max_retry_cycles")
        } else {
            None
        }
    }

    /// Runs in a row, up to now, that ended because of their model.
    pub(super) fn model_failures(&self) -> usize {
        let ends = self.0.iter().rev().filter(|told| {
            matches!(
                told,
                Told::Reviewed { .. }
                    | Told::Tested { .. }
                    | Told::Reported(..)
                    | Told::Failed(_)
                    | Told::ModelFailed(_)
            )
        });
        ends.take_while(|told| matches!(told, Told::ModelFailed(_))).count()
    }

    /// What the reviews came to. A review that counts as an approval is told as one.
    pub(super) fn subject(&self, limits: &Limits) -> Subject {
        let begin = Subject { limit: limits.max_review_iterations.max(1), ..Subject::default() };
        self.0.iter().fold(begin, |now, told| match told {
            Told::Reviewed { approves: true, .. } => begin,
            Told::Reviewed { .. } if now.is_asked => now,
            Told::Reviewed { .. } => {
                Subject { reviews: now.reviews + 1, is_asked: now.reviews + 1 == now.limit, ..now }
            }
            Told::Decided(_) if !now.is_asked => now,
            Told::Decided(ReviewDecision::Chosen(ReviewOption::Accept)) => begin,
            Told::Decided(ReviewDecision::Chosen(ReviewOption::OneMore) | ReviewDecision::Guided(_)) => {
                Subject { limit: now.limit + 1, is_asked: false, ..now }
            }
            Told::Decided(ReviewDecision::Unanswered) => {
                Subject { limit: now.limit + 1, is_asked: false, was_unanswered: true, ..now }
            }
            _ => now,
        })
    }

    /// The end that contract 2 gives a round whose manager ended like this.
    pub(super) fn ending(&self, end: ManagerEnd, tests_passed: Option<bool>) -> Ending {
        let is_refuted = self.claims_by_kind().values().any(|claims| *claims == Claims::Refuted)
            || self.0.iter().any(|told| matches!(told, Told::EvidenceLost));
        let ending = match end {
            ManagerEnd::Done if is_refuted || tests_passed == Some(false) => {
                Ending::Failed(FailReason::Verification)
            }
            ManagerEnd::Done if self.was_told_of_effects() => return Ending::Done,
            ManagerEnd::Done => Ending::Done,
            ManagerEnd::Partial => Ending::Partial(PartialReason::ManagerPartial),
            ManagerEnd::GivenUp => Ending::Failed(FailReason::ManagerFailed),
            ManagerEnd::Answered => Ending::Answered,
            ManagerEnd::InProse => Ending::Partial(PartialReason::EndedInProse),
            ManagerEnd::Malformed => return Ending::Failed(FailReason::MalformedReport),
            ManagerEnd::Provider => return Ending::Failed(FailReason::Provider),
            ManagerEnd::OutOfTurns => return Ending::Limit(LimitReason::Turns),
            ManagerEnd::Stopped => return Ending::Stopped,
        };
        let was_denied = self.0.iter().any(|told| matches!(told, Told::DeniedUnasked));
        if was_denied { Ending::NeedsPerson(NeedReason::Permission) } else { ending }
    }

    fn was_told_of_effects(&self) -> bool {
        self.0.iter().any(|told| matches!(told, Told::FilesChanged | Told::EffectSeen))
    }
}

/// The reviews of what nobody has approved yet.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Subject {
    /// Those that asked for changes.
    pub(super) reviews: u32,
    /// How many there may be.
    pub(super) limit: u32,
    /// The person is being asked.
    pub(super) is_asked: bool,
    /// One was allowed because nobody answered.
    pub(super) was_unanswered: bool,
}
