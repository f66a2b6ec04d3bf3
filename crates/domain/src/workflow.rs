//! A round, from the person's message to its one outcome, as a state machine.
//!
//! The manager decides what comes next; this decides what the manager may decide. It counts reviews, test and fix
//! cycles and failures of coders from typed reports, refuses what is past a limit, stops where only a person can go
//! on, and judges the end.

use crate::{
    agent::{AgentName, WorkerKind},
    evidence::CheckedClaims,
    id::CallId,
    limits::Limits,
    outcome::{Ending, FailReason, NeedReason},
    report::Report,
    review::{Ledger, Shown},
};

mod chain;
mod effect;
mod input;
mod recall;
mod reviews;
mod side_by_side;
mod summary;
#[cfg(test)]
mod tests;
mod worker_result;

use reviews::Reviews;

pub use chain::{Chain, ChainEffect, ChainInput};
pub use effect::RoundEffect;
pub use input::{RoundInput, WorkerEnd};
pub use recall::ToldReview;
pub use side_by_side::{Hands, Pace, Reach, are_disjoint};
pub use summary::NOTHING_SAID;
pub use worker_result::{CheckedReport, ReviewResult, WorkerResult};

/// A round under way.
#[derive(Debug)]
pub struct Round {
    limits: Limits,
    reviews: Reviews,
    tests: TestState,
    test_fix_cycles: u32,
    coder_failures_in_a_row: u32,
    /// Runs in a row that ended because of their model.
    model_failures_in_a_row: u32,
    /// The limit that refuses coders, where that was said and none ran since.
    limit_said: Option<&'static str>,
    workers_run: u32,
    lead: Lead,
    files_changed: bool,
    /// A command ran, or a commit was made.
    effect_seen: bool,
    denied_unasked: bool,
    evidence_lost: bool,
    latest_claims: Vec<(AgentName, CheckedClaims)>,
    named_tests: Vec<String>,
    ended: bool,
}

/// Who calls the workers, and says when it is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lead {
    /// The manager.
    Manager,
    /// The person, by name: they read each report, and nobody says when it is done.
    Person,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TestState {
    /// No test failed, or what failed was mended.
    Fine,
    /// The last tester saw failures.
    Failed,
    /// A coder has been at work since.
    BeingMended,
}

impl Round {
    /// A round that begins.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self {
            reviews: Reviews::new(&limits),
            limits,
            tests: TestState::Fine,
            test_fix_cycles: 0,
            coder_failures_in_a_row: 0,
            model_failures_in_a_row: 0,
            limit_said: None,
            workers_run: 0,
            lead: Lead::Manager,
            files_changed: false,
            effect_seen: false,
            denied_unasked: false,
            evidence_lost: false,
            latest_claims: Vec::new(),
            named_tests: Vec::new(),
            ended: false,
        }
    }

    /// Goes on with the findings that earlier rounds left. Reviews are counted anew: the person has spoken since.
    #[must_use]
    pub fn reviewing(mut self, ledger: Ledger) -> Self {
        self.reviews.go_on_with(ledger);
        self
    }

    /// Whether there is work that an ending has to account for: a worker ran, or a file changed.
    #[must_use]
    pub const fn work_done(&self) -> bool {
        self.workers_run > 0 || self.files_changed
    }

    /// Every finding so far and how it stands, for the next reviewer and the next round.
    #[must_use]
    pub const fn ledger(&self) -> &Ledger {
        self.reviews.ledger()
    }

    /// Where the reviews stand, for a reviewer who is about to begin.
    #[must_use]
    pub fn shown_to_reviewers(&self) -> Shown {
        self.reviews.shown()
    }

    /// Why the round cannot end as done now, for the manager: the last review asked for changes. Tests that fail are
    /// no such reason; they are judged at the end.
    #[must_use]
    pub fn holds_back(&self) -> Option<String> {
        self.reviews.hold_back()
    }

    /// The test commands that the last tester's report names.
    #[must_use]
    pub fn named_tests(&self) -> &[String] {
        &self.named_tests
    }

    /// Whether every claim of the agents' latest reports was checked and held.
    #[must_use]
    pub fn verified(&self) -> bool {
        self.latest_claims.iter().all(|(_, claims)| claims.all_held())
    }

    /// The word for where it stands, as `docs/architecture.md` draws it. Decides nothing.
    #[must_use]
    pub const fn phase(&self) -> &'static str {
        if self.ended { "Ended" } else { self.reviews.phase() }
    }

    /// The word for how the tests stand. Decides nothing.
    #[must_use]
    pub const fn test_phase(&self) -> &'static str {
        match self.tests {
            TestState::Fine => "Fine",
            TestState::Failed => "Failed",
            TestState::BeingMended => "BeingMended",
        }
    }

    /// Takes what happened, says what to do next. After the end nothing changes any more.
    pub fn step(&mut self, input: RoundInput) -> Vec<RoundEffect> {
        if self.ended {
            return match input {
                RoundInput::WorkerCalled { call, .. } => {
                    vec![RoundEffect::Refuse { call, text: "the round has ended".to_owned() }]
                }
                _ => Vec::new(),
            };
        }
        match input {
            RoundInput::WorkerCalled { call, kind, .. } => self.worker_called(call, kind),
            RoundInput::WorkerMentioned => {
                self.workers_run += 1;
                self.lead = Lead::Person;
                self.reviews.called_by_person();
                Vec::new()
            }
            RoundInput::WorkerEnded { agent, kind, end } => self.worker_ended(agent, kind, end),
            RoundInput::FilesChanged => {
                self.files_changed = true;
                Vec::new()
            }
            RoundInput::EffectSeen => {
                self.effect_seen = true;
                Vec::new()
            }
            RoundInput::EvidenceLost => {
                self.evidence_lost = true;
                Vec::new()
            }
            RoundInput::DeniedUnasked => {
                self.denied_unasked = true;
                Vec::new()
            }
            RoundInput::ReviewsDecided(decision) => {
                let (mut effects, ending) = self.reviews.decided(decision);
                effects.extend(ending.map(|ending| self.end(ending, String::new())));
                effects
            }
            RoundInput::QuestionUnanswered => {
                vec![self.end(Ending::NeedsPerson(NeedReason::Question), String::new())]
            }
            RoundInput::ManagerEnded { end, tests_passed } => {
                let ending = self.judge(end.ending(), tests_passed);
                vec![self.end(ending, end.into_last_words())]
            }
            RoundInput::ChainEnded { ending, summary, tests_passed } => {
                let ending = self.judge(ending, tests_passed);
                vec![self.end(ending, summary)]
            }
        }
    }

    fn worker_called(&mut self, call: CallId, kind: WorkerKind) -> Vec<RoundEffect> {
        match self.refusal(kind) {
            Some((limit, value, text)) => {
                let reached = RoundEffect::LimitReached { limit, value: u64::from(value) };
                let is_new = self.limit_said.replace(limit) != Some(limit);
                is_new.then_some(reached).into_iter().chain([RoundEffect::Refuse { call, text }]).collect()
            }
            None => {
                if kind == WorkerKind::Coder {
                    self.limit_said = None;
                }
                self.workers_run += 1;
                vec![RoundEffect::RunWorker { call }]
            }
        }
    }

    /// A limit that stands in the way of running a worker of `kind`: its name, its value, what the manager reads.
    fn refusal(&self, kind: WorkerKind) -> Option<(&'static str, u32, String)> {
        if kind != WorkerKind::Coder {
            return None;
        }
        const WAYS_OUT: &str = "Call `finish` with what there is, or `ask_user`.";
        let Limits { max_coder_retries, max_retry_cycles, .. } = self.limits;
        if self.coder_failures_in_a_row > max_coder_retries {
            let text = format!(
                "refused: the coder failed {} times in a row (workflow_limits.max_coder_retries is \
                 {max_coder_retries}). {WAYS_OUT}",
                self.coder_failures_in_a_row
            );
            return Some(("max_coder_retries", max_coder_retries, text));
        }
        if self.tests == TestState::Failed && self.test_fix_cycles >= max_retry_cycles {
            let text = format!(
                "refused: tests failed again after {} fixes (workflow_limits.max_retry_cycles is \
                 {max_retry_cycles}). {WAYS_OUT}",
                self.test_fix_cycles
            );
            return Some(("max_retry_cycles", max_retry_cycles, text));
        }
        None
    }

    fn worker_ended(&mut self, agent: AgentName, kind: WorkerKind, end: WorkerEnd) -> Vec<RoundEffect> {
        if kind == WorkerKind::Coder {
            self.coder_ended(&end);
        }
        if !matches!(end, WorkerEnd::ModelFailed { .. }) {
            self.model_failures_in_a_row = 0;
        }
        match end {
            WorkerEnd::Failed => Vec::new(),
            WorkerEnd::ModelFailed { text } => self.model_failed(&agent, &text),
            WorkerEnd::CredentialsRefused => {
                let summary = format!("the endpoint does not accept the credentials of {agent}'s model");
                vec![self.end(Ending::Failed(FailReason::Credentials), summary)]
            }
            WorkerEnd::Reported { report, claims, changed } => {
                let effects = match &report {
                    Report::Reviewer(review) => self.reviews.reviewed(review, &changed, self.lead),
                    Report::Tester(tester) => {
                        self.named_tests.clone_from(&tester.commands);
                        self.tested(tester.passed && claims.refuted.is_empty());
                        Vec::new()
                    }
                    _ => Vec::new(),
                };
                self.latest_claims.retain(|(name, _)| *name != agent);
                self.latest_claims.push((agent, claims));
                effects
            }
        }
    }

    /// A model that fails run after run is tried again as often as a coder, then the round fails as it would where its own
    /// manager's model fails.
    fn model_failed(&mut self, agent: &AgentName, text: &str) -> Vec<RoundEffect> {
        self.model_failures_in_a_row += 1;
        let runs = self.model_failures_in_a_row;
        if runs <= self.limits.max_coder_retries {
            return Vec::new();
        }
        let summary = format!(
            "{runs} runs of workers in a row failed because of their model (workflow_limits.max_coder_retries is {}). \
             The last was {agent}'s: {text}",
            self.limits.max_coder_retries
        );
        vec![self.end(Ending::Failed(FailReason::Provider), summary)]
    }

    fn coder_ended(&mut self, end: &WorkerEnd) {
        if matches!(end, WorkerEnd::Reported { .. }) {
            self.coder_failures_in_a_row = 0;
        } else {
            self.coder_failures_in_a_row += 1;
        }
        if self.tests == TestState::Failed {
            self.tests = TestState::BeingMended;
        }
    }

    fn tested(&mut self, passed: bool) {
        if self.tests == TestState::BeingMended {
            self.test_fix_cycles += 1;
        }
        if passed {
            self.tests = TestState::Fine;
            self.test_fix_cycles = 0;
        } else {
            self.tests = TestState::Failed;
        }
    }

    /// The end of a round whose work has ended (contract 2).
    fn judge(&self, ending: Ending, tests_passed: Option<bool>) -> Ending {
        let ending = match ending {
            Ending::Done if self.evidence_lost || self.is_refuted(tests_passed) => {
                Ending::Failed(FailReason::Verification)
            }
            ending => ending,
        };
        let is_short_of_done = match ending {
            // A manager may say that it is done in spite of a denial, where there is anything that it can have been done
            // with; of workers that a person called nobody says so.
            Ending::Done => self.lead == Lead::Person || !(self.files_changed || self.effect_seen),
            Ending::Answered
            | Ending::Partial(_)
            | Ending::Failed(
                FailReason::ManagerFailed | FailReason::WorkerFailed | FailReason::Verification,
            ) => true,
            _ => false,
        };
        if self.denied_unasked && is_short_of_done {
            Ending::NeedsPerson(NeedReason::Permission)
        } else {
            ending
        }
    }

    fn is_refuted(&self, tests_passed: Option<bool>) -> bool {
        // Where no manager has read a tester's report, what it says counts by itself.
        let nobody_read_it = self.lead == Lead::Person && self.tests == TestState::Failed;
        tests_passed == Some(false)
            || nobody_read_it
            || self.latest_claims.iter().any(|(_, claims)| !claims.refuted.is_empty())
    }

    fn end(&mut self, ending: Ending, summary: String) -> RoundEffect {
        self.ended = true;
        let summary = self.summary(ending, summary);
        RoundEffect::End { ending, summary }
    }
}
