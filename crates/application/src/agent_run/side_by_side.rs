//! The calls of one message, answered: at the same time where they cannot meet, else one after the other (spec O-24).
//!
//! Which of both is decided in [`domain::workflow::Pace`]. They run within the run's own task, and what came of them is
//! handed back when all have ended: while one is waited for, nothing else may be, or the others would stand still.

use std::{collections::VecDeque, iter};

use domain::{
    id::{CallId, RequestId},
    ports::JournalError,
    run::{RunEffect, RunInput},
    tool::Access,
    workflow::{Hands, Pace, Reach},
};
use futures_util::{StreamExt, TryStreamExt, stream};
use serde_json::Value;

use super::RunContext;
use crate::coordination::CoordinationCall;

/// A call that a model has made.
pub(super) struct ModelCall {
    pub(super) id: CallId,
    pub(super) tool: String,
    pub(super) input: Value,
}

/// How the calls of the message run whose calls are being answered; none until that is known.
#[derive(Default)]
pub(super) struct MessagePace(Option<Pace>);

impl RunContext<'_> {
    /// Answers the first call that waits, or all of them where they run side by side; those are taken out of `waiting`.
    pub(super) async fn answer_calls(
        &self,
        request: RequestId,
        first: ModelCall,
        MessagePace(pace): &mut MessagePace,
        waiting: &mut VecDeque<RunEffect>,
    ) -> Result<Vec<RunInput>, JournalError> {
        let pace = match *pace {
            Some(pace) => pace,
            None => *pace.insert(self.pace(&first, waiting).await),
        };
        match pace {
            Pace::OneAfterTheOther => Ok(vec![self.answer_call(request, first).await?]),
            Pace::SideBySide { share_files } => {
                let calls = iter::once(first).chain(take_calls(waiting));
                self.are_side_by_side(true, share_files);
                let ended = self.answer_side_by_side(request, calls).await;
                self.are_side_by_side(false, false);
                ended
            }
        }
    }

    fn are_side_by_side(&self, side_by_side: bool, share_files: bool) {
        let mut state = self.round.state();
        (state.side_by_side, state.share_files) = (side_by_side, share_files);
    }

    /// Answers calls at the same time, in their order as far as there are places. A stop ends them all; those that had
    /// not begun then are not answered.
    async fn answer_side_by_side(
        &self,
        request: RequestId,
        calls: impl Iterator<Item = ModelCall>,
    ) -> Result<Vec<RunInput>, JournalError> {
        let answering = calls.map(|call| async move {
            match self.stop.ending() {
                Some(ending) if !self.has_begun(&call.id) => Ok(RunInput::Stop(ending)),
                _ => self.answer_call(request, call).await,
            }
        });
        // Boxed, because a run holds the runs that it calls.
        let answering: Vec<_> = answering.map(Box::pin).collect();
        let places = usize::try_from(self.round.ports.limits.max_parallel_workers).unwrap_or(usize::MAX);
        let ended = stream::iter(answering).buffer_unordered(places.max(1)).try_collect::<Vec<_>>().await?;
        let (stops, mut answered): (Vec<_>, Vec<_>) =
            ended.into_iter().partition(|input| matches!(input, RunInput::Stop(_)));
        answered.extend(stops.into_iter().next());
        Ok(answered)
    }

    /// The run was stopped before these calls were answered. Those that had begun before the program died come to their end
    /// nevertheless, with the runs that they had called; the others are dropped.
    pub(super) async fn end_begun_calls(
        &self,
        request: Option<RequestId>,
        first: ModelCall,
        waiting: &mut VecDeque<RunEffect>,
    ) -> Result<Vec<RunInput>, JournalError> {
        let Some(request) = request else { return Ok(Vec::new()) };
        let mut ended = Vec::new();
        for call in iter::once(first).chain(take_calls(waiting)).filter(|call| self.has_begun(&call.id)) {
            ended.push(Box::pin(self.answer_call(request, call)).await?);
        }
        Ok(ended)
    }

    async fn answer_call(&self, request: RequestId, call: ModelCall) -> Result<RunInput, JournalError> {
        let ModelCall { id, tool, input } = call;
        let mut result = self.call(request, id.clone(), &tool, input).await?;
        // The first net: no result that a model reads holds a secret (law 10).
        self.round.ports.log.redactor().redact_in(&mut result.content);
        Ok(RunInput::CallEnded { call: id, result, standing: self.standing() })
    }

    /// How the calls of a message run: only a manager's run side by side (contract 4).
    async fn pace(&self, first: &ModelCall, waiting: &VecDeque<RunEffect>) -> Pace {
        if !self.is_manager() {
            return Pace::OneAfterTheOther;
        }
        let mut reaches = vec![self.reach(&first.tool, &first.input).await];
        for effect in waiting {
            if let RunEffect::Call { tool, input, .. } = effect {
                reaches.push(self.reach(tool, input).await);
            }
        }
        #[cfg(test)]
        if self.round.ports.planted.is(crate::simulator::Bug::PathsMeet) {
            return Pace::SideBySide { share_files: true };
        }
        Pace::of(&reaches)
    }

    /// What a call of the manager's may do to the workspace. One that will be refused does nothing.
    async fn reach(&self, tool: &str, input: &Value) -> Reach {
        match CoordinationCall::parse(tool, input, self.round.team.worker_specs()) {
            Some(Ok(CoordinationCall::AskUser(_))) => Reach::Alone,
            Some(Ok(CoordinationCall::Worker(name, brief))) => {
                let Some(worker) = self.round.team.worker(&name) else { return Reach::Reads };
                let hands = Hands::of(worker.tools.iter().map(|tool| tool.spec()));
                let are_held = match &brief.writes {
                    Some(writes) if hands.have_to_be_held() => self.holds_to(writes).await,
                    _ => false,
                };
                hands.reach(brief.writes.as_deref(), are_held)
            }
            Some(Err(_)) => Reach::Reads,
            None => match self.member.tool(tool).map(|tool| tool.spec().access) {
                None | Some(Access::Read) => Reach::Reads,
                Some(Access::Edit | Access::Command | Access::Coordinate) => Reach::Alone,
            },
        }
    }

    /// Whether commands can be kept from writing anything else; not where the run stops before that is known.
    async fn holds_to(&self, writes: &[String]) -> bool {
        tokio::select! {
            biased;
            _ = self.stop.stopped() => false,
            are_held = self.round.ports.processes.holds_to(writes) => are_held,
        }
    }
}

/// Takes the calls out of what waits to be done; the rest stays, in order.
fn take_calls(waiting: &mut VecDeque<RunEffect>) -> Vec<ModelCall> {
    let (calls, rest): (VecDeque<_>, VecDeque<_>) =
        std::mem::take(waiting).into_iter().partition(|effect| matches!(effect, RunEffect::Call { .. }));
    *waiting = rest;
    let call = |effect| match effect {
        RunEffect::Call { call, tool, input } => Some(ModelCall { id: call, tool, input }),
        _ => None,
    };
    calls.into_iter().filter_map(call).collect()
}
