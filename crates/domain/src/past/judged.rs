//! How far a round that was broken off had come: its machine, and what had been decided and not yet done.

use std::collections::{BTreeMap, VecDeque};

use super::BrokenRound;
use crate::{
    agent::{AgentName, WorkerKind},
    event::{Decision, Event, EventBody},
    evidence::CheckedClaims,
    id::{QuestionId, RunId},
    limits::Limits,
    outcome::{Ending, FailReason},
    report::Report,
    review::{ChangedFiles, ReviewCycle, ReviewDecision, Shown},
    tool::ToolStatus,
    workflow::{Round, RoundEffect, RoundInput, ToldReview, WorkerEnd},
};

/// Who asks where the engine does; no agent has this name.
pub const ENGINE: &str = "engine";

/// What the refusal of a call says where nobody could be asked.
pub const NOBODY_THERE: &str = "nobody is there";

/// The code of the notice that another session is at work in the workspace.
pub const WORKSPACE_BUSY: &str = "workspace_busy";

/// The code of the notice that nobody can tell whether another session is.
pub const WORKSPACE_NOT_LOCKED: &str = "workspace_not_locked";

/// The code of the error that a command left protected files changed.
pub const PROTECTED_FILES_CHANGED: &str = "protected_files_changed";

/// How far a round had come.
#[derive(Debug)]
pub struct Judged {
    /// Its machine.
    pub machine: Round,
    /// What followed from the end of each worker's run that was counted, in order; of a review: how it was judged, and
    /// what was decided about it.
    pub followed: BTreeMap<RunId, Vec<Followed>>,
    /// Where the reviews stood when each worker's run began.
    pub shown: BTreeMap<RunId, Shown>,
    /// The reviews that were reported and not judged: their runs.
    pub unjudged: Vec<RunId>,
}

/// Something that followed from what happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Followed {
    /// What.
    pub effect: RoundEffect,
    /// Whether nothing is left to be done about it.
    pub is_done: bool,
    /// The question that asks the person about it, where it was put to them.
    pub question: Option<QuestionId>,
}

impl BrokenRound {
    /// How far the round had come, under the limits that hold by now; `kind_of` knows the workers.
    #[must_use]
    pub fn judged(&self, limits: Limits, kind_of: impl Fn(&AgentName) -> WorkerKind) -> Judged {
        let machine = Round::new(limits).reviewing(self.ledger.clone());
        let judged =
            Judged { machine, followed: BTreeMap::new(), shown: BTreeMap::new(), unjudged: Vec::new() };
        let mut fold = Fold { round: self, kind_of, judged, reported: VecDeque::new(), asked: None };
        for event in &self.events {
            fold.take(event);
        }
        fold.judged.unjudged = fold.reported.into();
        fold.judged
    }
}

struct Fold<'r, K> {
    round: &'r BrokenRound,
    kind_of: K,
    judged: Judged,
    /// Reviews that wait for being judged.
    reported: VecDeque<RunId>,
    /// The review about which a person is, or was, asked.
    asked: Option<RunId>,
}

impl<K: Fn(&AgentName) -> WorkerKind> Fold<'_, K> {
    fn take(&mut self, event: &Event) {
        let run = event.scope.run.as_ref();
        match (&event.body, run) {
            (EventBody::RunStarted { .. }, Some(run)) if run.parent_run_id.is_some() => {
                self.judged.shown.insert(run.run_id, self.judged.machine.shown_to_reviewers());
                let kind = (self.kind_of)(&run.agent);
                self.judged.machine.recall_worker(kind);
            }
            (EventBody::RunStarted { .. }, Some(_)) if !self.round.mentions.is_empty() => {
                self.step(RoundInput::WorkerMentioned);
            }
            (EventBody::RunFinished { .. }, Some(run)) => self.run_ended(run.run_id, &run.agent),
            (EventBody::ToolFinished { status, changed, output, .. }, _) => {
                if *changed {
                    self.step(RoundInput::FilesChanged);
                }
                if *status == ToolStatus::Denied && output.contains(NOBODY_THERE) {
                    self.step(RoundInput::DeniedUnasked);
                }
            }
            (EventBody::PermissionAnswered { decision: Decision::Deny, by, .. }, _) if by == "deadline" => {
                self.step(RoundInput::DeniedUnasked);
            }
            (EventBody::Notice { code, .. }, _)
                if [WORKSPACE_BUSY, WORKSPACE_NOT_LOCKED].contains(&&**code) =>
            {
                self.step(RoundInput::DeniedUnasked);
            }
            (EventBody::LimitReached { limit, .. }, None) => self.limit_said(limit),
            (EventBody::ReviewCycle { .. }, _) => self.reviewed(&event.body),
            (EventBody::Question { question_id, asker, .. }, None) if asker == ENGINE => {
                if let Some(waiting) = self.waiting_for_an_answer() {
                    waiting.question = Some(*question_id);
                }
            }
            (EventBody::Answer { text, by, .. }, None) => self.answered(text, by),
            _ => {}
        }
    }

    fn step(&mut self, input: RoundInput) -> Vec<RoundEffect> {
        self.judged.machine.step(input)
    }

    fn run_ended(&mut self, id: RunId, agent: &AgentName) {
        if self.round.manager().is_some_and(|manager| manager.scope.run_id == id) {
            return;
        }
        let kind = (self.kind_of)(agent);
        let Some(end) = self.worker_end(id, kind) else { return };
        if let WorkerEnd::Reported { report: Report::Reviewer(_), claims, .. } = end {
            self.reported.push_back(id);
            return self.judged.machine.recall_reviewer(agent.clone(), claims);
        }
        let effects = self.step(RoundInput::WorkerEnded { agent: agent.clone(), kind, end });
        self.follow(id, effects);
    }

    fn worker_end(&self, id: RunId, kind: WorkerKind) -> Option<WorkerEnd> {
        let run = self.round.runs.iter().find(|run| run.scope.run_id == id)?;
        let end = run.end.as_ref()?;
        let claims = || run.report.as_ref().map(|report| report.claims.clone()).unwrap_or_default();
        Some(match (end.ending, run.parsed_report(kind)) {
            (Ending::Done, Some(report)) => {
                let changed = ChangedFiles::unknown(&self.round.root);
                WorkerEnd::Reported { report, claims: CheckedClaims { ..claims() }, changed }
            }
            (Ending::Failed(FailReason::Credentials), _) => WorkerEnd::CredentialsRefused,
            (Ending::Failed(FailReason::Provider), _) => WorkerEnd::ModelFailed { text: end.summary.clone() },
            _ => WorkerEnd::Failed,
        })
    }

    /// Notes what followed from something. What has an event of its own, or is done by others, waits.
    fn follow(&mut self, id: RunId, effects: Vec<RoundEffect>) {
        let followed = effects.into_iter().map(|effect| Followed {
            is_done: !has_to_be_done(&effect),
            effect,
            question: None,
        });
        self.judged.followed.entry(id).or_default().extend(followed);
    }

    fn reviewed(&mut self, event: &EventBody) {
        let Some(told) = told(event, &self.round.root) else { return };
        match self.reported.pop_front() {
            Some(run) => {
                let effects = self.judged.machine.recall_review(told);
                if effects.iter().any(|effect| matches!(effect, RoundEffect::AskAboutReviews { .. })) {
                    self.asked = Some(run);
                }
                self.follow(run, effects);
                self.done(run, |effect| matches!(effect, RoundEffect::ReviewCycle { .. }));
            }
            // What the person settled is told of like a review.
            None => {
                self.judged.machine.recall_settled(told);
                if let Some(run) = self.asked {
                    self.done(run, |effect| matches!(effect, RoundEffect::ReviewCycle { .. }));
                }
            }
        }
    }

    fn limit_said(&mut self, limit: &str) {
        self.judged.machine.recall_limit(limit);
        if let Some(run) = self.asked {
            self.done(
                run,
                |effect| matches!(effect, RoundEffect::LimitReached { limit: said, .. } if *said == limit),
            );
        }
    }

    /// The engine's question was answered. One that nobody was there for any more is put anew.
    fn answered(&mut self, text: &str, by: &str) {
        let Some(waiting) = self.waiting_for_an_answer() else { return };
        let decision = match by {
            "person" => ReviewDecision::read(text),
            "deadline" if !text.is_empty() => ReviewDecision::Unanswered,
            "deadline" => ReviewDecision::NobodyThere,
            _ => {
                waiting.question = None;
                return;
            }
        };
        if let Some(run) = self.asked {
            self.done(run, asks);
            let effects = self.step(RoundInput::ReviewsDecided(decision));
            self.follow(run, effects);
        }
    }

    fn waiting_for_an_answer(&mut self) -> Option<&mut Followed> {
        let followed = self.judged.followed.get_mut(&self.asked?)?;
        followed.iter_mut().find(|followed| !followed.is_done && asks(&followed.effect))
    }

    fn done(&mut self, run: RunId, is_it: impl Fn(&RoundEffect) -> bool) {
        let followed = self.judged.followed.get_mut(&run);
        let found = followed.and_then(|followed| {
            followed.iter_mut().find(|followed| !followed.is_done && is_it(&followed.effect))
        });
        if let Some(found) = found {
            found.is_done = true;
        }
    }
}

const fn asks(effect: &RoundEffect) -> bool {
    matches!(effect, RoundEffect::AskAboutReviews { .. } | RoundEffect::AskForGuidance)
}

const fn has_to_be_done(effect: &RoundEffect) -> bool {
    !matches!(
        effect,
        RoundEffect::ReviewsSettled { .. } | RoundEffect::RunWorker { .. } | RoundEffect::Refuse { .. }
    )
}

/// A `review_cycle` as the ledger and the round take it.
pub(super) fn told<'e>(event: &'e EventBody, root: &'e str) -> Option<ToldReview<'e>> {
    let EventBody::ReviewCycle { cycle, limit, verdict, open_findings, closed, ignored, reopenable } = event
    else {
        return None;
    };
    let cycle = ReviewCycle::told(*cycle, *limit);
    Some(ToldReview { root, cycle, verdict: *verdict, open_findings, closed, ignored, reopenable })
}
