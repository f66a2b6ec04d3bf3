//! Runs of a round that goes on after its program has died (ADR 23): what they had done stays done, what they had begun is
//! not begun again, and what they were about to do is done now.
//!
//! What that is is decided in [`domain::run`] and [`domain::past`].

use std::{collections::BTreeSet, sync::Mutex};

use domain::{
    agent::WorkerKind,
    context::{Conversation, INTERRUPTED},
    id::{CallId, RequestId},
    message::Message,
    past::PastRun,
    ports::JournalError,
    review::ChangedFiles,
    run::{AgentRun, CallResult, Pending, RunEnd},
    tool::{Access, CallTarget, ToolStatus},
    workflow::{ReviewResult, RoundInput, WorkerEnd, WorkerResult},
};
use serde_json::Value;

use super::{RunContext, Start, reviewing::UnderReview, worker::Worked};
use crate::{
    locking::lock,
    round::RoundContext,
    team::{Member, worker_kind},
};

impl<'a> RunContext<'a> {
    /// A run of the past, to go on with.
    pub(crate) fn recalled(
        round: &'a RoundContext,
        member: &'a Member,
        past: &PastRun,
        parent: Option<&RunContext<'_>>,
    ) -> Self {
        let mut run = Self::with_scope(round, member, past.scope.clone(), parent);
        run.call.clone_from(&past.call);
        run.writes = past.brief.writes.clone().map(Into::into);
        if let Some(base) = &past.base {
            run.base = base.clone().into();
        }
        run.account.recall(past.spent(member.model_facts().price.as_ref()));
        let begun = past.open_calls().into_iter().filter(|call| call.has_begun);
        run.begun = Mutex::new(begun.map(|call| call.id).collect());
        run
    }

    /// Its machine, and how it is taken up; `first`: what it begins with, where it had only been said that it begins.
    pub(crate) fn taken_up(
        &self,
        past: &PastRun,
        conversation: Conversation,
        first: impl FnOnce() -> Message,
    ) -> (AgentRun, Start) {
        let (machine, pending) = past.recall(self.member.role(), self.limits(), conversation);
        let machine = machine.within(self.member.model_facts().context_window);
        let start = if pending.is_beginning() { Start::Begin(first()) } else { self.going_on(past, pending) };
        (machine, start)
    }

    fn going_on(&self, past: &PastRun, pending: Pending) -> Start {
        let request = past.request.unwrap_or_else(|| RequestId::new(self.round.ports.ids.next()));
        Start::GoOn(pending, request)
    }

    /// The same, as long as nobody was told.
    pub(super) fn has_begun(&self, call: &CallId) -> bool {
        lock(&self.begun).contains(call)
    }

    /// Whether a call had begun when the program died; said once.
    pub(crate) fn had_begun(&self, call: &CallId) -> bool {
        lock(&self.begun).remove(call)
    }

    /// Answers a call that had begun when the program died: nobody knows what it did, so it counts as having changed
    /// whatever it may change. A commit changes no file.
    pub(crate) async fn interrupted(
        &self,
        call: CallId,
        tool: &str,
        input: &Value,
    ) -> Result<CallResult, JournalError> {
        let may_change = self.member.tool(tool).is_none_or(|tool| {
            let is_commit = || tool.prepare(input).is_ok_and(|call| call.target() == CallTarget::None);
            match tool.spec().access {
                Access::Edit => !is_commit(),
                access => access.has_effects(),
            }
        });
        let result = CallResult { changed: may_change, ..CallResult::error(INTERRUPTED) };
        if may_change {
            self.round.observe(RoundInput::FilesChanged);
        }
        self.call_finished(call, ToolStatus::Interrupted, &result).await?;
        Ok(result)
    }

    /// Goes on with a worker's run, to the result that its caller reads. `data` went along with its brief.
    pub(crate) async fn work_on(self, past: &PastRun, data: &str) -> Result<Worked, JournalError> {
        let kind = worker_kind(&self.member.spec);
        if let Some(end) = past.ended(self.member.role()) {
            return self.worked_before(past, kind, end).await;
        }
        let review = self.review_again(kind, past).await?;
        let first = || Message::user(format!("{}{data}", past.brief.to_text()));
        let (mut machine, start) = self.taken_up(past, Conversation::default(), first);
        let end = self.drive_in_time(&mut machine, start).await?;
        self.end_work(end, machine.turns(), review, past.report.as_ref()).await
    }

    /// What a run came to that had ended; what follows from it is done as far as it was not.
    async fn worked_before(
        &self,
        past: &PastRun,
        kind: WorkerKind,
        end: RunEnd,
    ) -> Result<Worked, JournalError> {
        let mut result = WorkerResult::without_report(self.agent().as_str(), "failed");
        let effects = match (&end, &past.report) {
            (RunEnd::Reported(report), Some(told)) => {
                result.tell(told);
                match self.round.is_unjudged(self.id) {
                    true => {
                        let review = self.review_again(kind, past).await?;
                        let (report, claims) = (report.clone(), told.claims.clone());
                        let (about, changed) = self.about(review);
                        self.worker_ended(WorkerEnd::Reported { report, claims, changed }, about).await?
                    }
                    false => self.round.followed(self.id).await?,
                }
            }
            _ => {
                self.tell_failure(&end, &mut result);
                self.round.followed(self.id).await?
            }
        };
        result.review = ReviewResult::of(&effects);
        Ok(Worked::new(end, &result))
    }

    /// The review of a run that had begun before the program died: it is about the files as they were then.
    async fn review_again(
        &self,
        kind: WorkerKind,
        past: &PastRun,
    ) -> Result<Option<UnderReview>, JournalError> {
        if kind != WorkerKind::Reviewer {
            return Ok(None);
        }
        let before = self.round.reviewed_before(self.id);
        let ledger = self.round.state().machine.ledger().clone();
        let changed = self.stop.bound(self.changed_since(before.as_ref(), &ledger)).await;
        let state = match &past.under_review {
            Some(state) => Some(state.clone()),
            None => self.round.keep_files(&self.stop, None).await.ok(),
        };
        let changed = changed.unwrap_or_else(|_| ChangedFiles::unknown(&self.round.ports.cwd));
        let changed = changed.and_shown(self.round.shown_before(self.id));
        Ok(Some(UnderReview { state, changed }))
    }
}

/// The calls of a run that had begun when the program died.
pub(crate) type BegunCalls = Mutex<BTreeSet<CallId>>;
