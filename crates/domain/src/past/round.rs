//! A round that was broken off, as its events tell of it.

use super::{PastRun, run::ends, words};
use crate::{
    agent::{AgentName, WorkerKind},
    context::Conversation,
    event::{
        CheckpointAt, Event, EventBody,
        InterventionAction::{Continued, Message},
    },
    id::{CallId, RunId},
    mention::{self, Addressee},
    review::Ledger,
    run::{RunEnd, RunRole},
    workflow::{Chain, ChainEffect, ChainInput},
    workspace::Checkpoint,
};

/// A round without an end: the program died in it.
#[derive(Debug, Default)]
pub struct BrokenRound {
    /// Its number, from 1.
    pub number: u32,
    /// What the person said.
    pub text: String,
    /// The data that went along, as agents read it.
    pub data: String,
    /// The workers that the person called by name, each as often as they did; none: the manager leads.
    pub mentions: Vec<AgentName>,
    /// Its runs, in the order in which they began.
    pub runs: Vec<PastRun>,
    /// The workspace before its first effect; none: it had none.
    pub checkpoint: Option<Checkpoint>,
    /// How many of the [unread](super::Past::unread) words were said in it.
    pub own_unread: usize,
    /// The manager's conversation before it.
    pub conversation: Conversation,
    /// The findings before it.
    pub ledger: Ledger,
    /// The state that the last review before it was about.
    pub last_review: Option<Checkpoint>,
    /// The workspace's folder.
    pub(super) root: String,
    /// All that happened in it.
    pub(super) events: Vec<Event>,
}

impl BrokenRound {
    /// Reads a round from its events, of which the first is its beginning.
    pub(super) fn of(number: u32, root: &str, events: &[&Event]) -> Self {
        let mut round = Self { number, root: root.to_owned(), ..Self::default() };
        for event in events {
            round.take(event);
        }
        round.events = events.iter().copied().cloned().collect();
        // The first run with an effect began with the round's own state.
        let (first, state) = (round.run_of_checkpoint(), round.checkpoint.clone());
        if let Some(run) = first.and_then(|first| round.run_mut(first)).filter(|run| run.base.is_none()) {
            run.base = state;
        }
        round
    }

    fn take(&mut self, event: &Event) {
        match (&event.scope.run, &event.body) {
            (None, EventBody::RoundStarted { text, mentions, data, .. }) => {
                (self.text, self.data) = (text.clone(), data.clone());
                self.mentions.clone_from(mentions);
            }
            (None, EventBody::Checkpoint { id, at: CheckpointAt::Begin }) => {
                self.checkpoint = Some(Checkpoint::new(id));
            }
            (Some(scope), EventBody::RunStarted { brief, call_id, .. }) => {
                self.runs.push(PastRun::new(scope.clone(), call_id.clone(), brief.clone(), event.ts));
            }
            (Some(scope), _) => {
                if let Some(run) = self.runs.iter_mut().find(|run| run.scope.run_id == scope.run_id) {
                    run.take(event);
                }
            }
            (None, _) => {}
        }
    }

    /// The manager's run; none where it had not begun, or the person called workers by name.
    #[must_use]
    pub fn manager(&self) -> Option<&PastRun> {
        let is_led = self.mentions.is_empty();
        self.runs.iter().find(|run| is_led && run.scope.parent_run_id.is_none())
    }

    /// The run that answers a call.
    #[must_use]
    pub fn run_for(&self, call: &CallId) -> Option<&PastRun> {
        self.runs.iter().find(|run| run.call.as_ref() == Some(call))
    }

    /// The chain of the workers that the person called by name, and what it wants done next; none where there is none.
    /// `result`: what a manager would read of a run that ended so.
    pub fn chain(
        &self,
        result: impl Fn(&PastRun) -> Option<(RunEnd, String)>,
    ) -> Option<(Chain, ChainEffect)> {
        let Ok(Addressee::Workers(mentions)) = mention::addressee(&self.text, &self.mentions) else {
            return None;
        };
        let mut chain = Chain::new(mentions);
        let mut next = chain.step(ChainInput::Begin)?;
        let mut said = words::between_runs(&self.events).into_iter();
        let mut runs = self.runs.iter().filter(|run| run.scope.parent_run_id.is_none()).peekable();
        while let Some(run) = runs.next() {
            let Some((end, result)) = result(run) else { break };
            next = chain.step(ChainInput::Ended { end, result })?;
            if runs.peek().is_none() || !matches!(next, ChainEffect::LetStepIn { .. }) {
                break;
            }
            next = chain.step(ChainInput::GoOn(said.next().unwrap_or_default()))?;
        }
        Some((chain, next))
    }

    /// What workers came to whom the person called by name, as the manager is told of it.
    pub(super) fn account_of_chain(&self) -> String {
        let kind = |run: &PastRun| run.report.as_ref().map_or(WorkerKind::General, |report| report.kind);
        let ended = |run: &PastRun| Some((run.ended(RunRole::Worker(kind(run)))?, String::new()));
        self.chain(ended).map_or_else(|| self.account(), |(chain, _)| chain.account())
    }

    /// Whether the person's moment to step in has passed since the last run ended.
    #[must_use]
    pub fn has_let_step_in(&self) -> bool {
        let last = self.events.iter().rev().find_map(|event| match &event.body {
            EventBody::Intervention { action, .. } => Some(matches!(action, Continued | Message)),
            EventBody::RunFinished { .. } => Some(false),
            _ => None,
        });
        last == Some(true)
    }

    /// Whether the manager was not asked again since the last worker ended, and the person had no moment to step in.
    #[must_use]
    pub fn has_new_reports(&self) -> bool {
        let Some(manager) = self.manager().map(|run| run.scope.run_id) else { return false };
        let last = self.events.iter().rev().find_map(|event| match (&event.body, &event.scope.run) {
            (EventBody::Intervention { action: Continued | Message, .. }, _) => Some(false),
            (EventBody::RequestStarted { .. }, Some(run)) if run.run_id == manager => Some(false),
            (EventBody::RunFinished { .. }, Some(run)) if run.parent_run_id == Some(manager) => Some(true),
            _ => None,
        });
        last == Some(true)
    }

    /// The state that the last review was about before that of `run` was reported.
    #[must_use]
    pub fn reviewed_before(&self, run: RunId) -> Option<Checkpoint> {
        let mut last = self.last_review.clone();
        for event in &self.events {
            if let (EventBody::Report { kind: WorkerKind::Reviewer, .. }, Some(scope)) =
                (&event.body, &event.scope.run)
            {
                if scope.run_id == run {
                    break;
                }
                let past = self.runs.iter().find(|past| past.scope.run_id == scope.run_id);
                last = past.and_then(|past| past.under_review.clone());
            }
        }
        last
    }

    /// The calls of the engine's own tests that had begun and came to no end.
    pub fn open_verifications(&self) -> impl Iterator<Item = &CallId> {
        self.own_calls().filter(|call| !self.has_ended(call))
    }

    /// The workers that had a run, in the order of their first.
    #[must_use]
    pub fn agents_used(&self) -> Vec<AgentName> {
        let manager = self.manager().map(|run| run.scope.run_id);
        let mut used: Vec<AgentName> = Vec::new();
        for run in self.runs.iter().filter(|run| Some(run.scope.run_id) != manager) {
            if !used.contains(&run.scope.agent) {
                used.push(run.scope.agent.clone());
            }
        }
        used
    }

    /// An error of this code was said.
    #[must_use]
    pub fn has_error(&self, wanted: &str) -> bool {
        self.events.iter().any(|event| matches!(&event.body, EventBody::Error { code, .. } if code == wanted))
    }

    /// How often the engine's own tests were begun.
    #[must_use]
    pub fn verifications(&self) -> usize {
        self.own_calls().count()
    }

    /// The calls of the round itself: the engine's own tests.
    pub(super) fn own_calls(&self) -> impl Iterator<Item = &CallId> {
        self.events.iter().filter_map(|event| match (&event.scope.run, &event.body) {
            (None, EventBody::ToolStarted { call_id, .. }) => Some(call_id),
            _ => None,
        })
    }

    pub(super) fn has_ended(&self, call: &CallId) -> bool {
        self.events.iter().any(|event| ends(&event.body, call))
    }

    /// The run whose first effect the round's checkpoint was taken for: that of the next call that began.
    fn run_of_checkpoint(&self) -> Option<RunId> {
        let is_checkpoint = |event: &Event| {
            event.scope.run.is_none()
                && matches!(event.body, EventBody::Checkpoint { at: CheckpointAt::Begin, .. })
        };
        let after = self.events.iter().skip_while(|event| !is_checkpoint(event));
        after.skip(1).find_map(|event| match (&event.body, &event.scope.run) {
            (EventBody::ToolStarted { .. }, Some(run)) => Some(run.run_id),
            _ => None,
        })
    }

    fn run_mut(&mut self, id: RunId) -> Option<&mut PastRun> {
        self.runs.iter_mut().find(|run| run.scope.run_id == id)
    }
}
