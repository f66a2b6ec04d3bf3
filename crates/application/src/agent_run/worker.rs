//! What the manager's own tools do: a worker's run, brief in and checked report out; and a question to the person.

use domain::{
    brief::Brief,
    context::Conversation,
    event::EventBody,
    id::CallId,
    message::Message,
    outcome::{Ending, FailReason, LimitReason},
    ports::JournalError,
    review::ChangedFiles,
    run::{AgentRun, CallResult, RunEnd, RunFailure},
    tool::ToolStatus,
    workflow::{CheckedReport, ReviewResult, RoundEffect, RoundInput, WorkerEnd, WorkerResult},
    workspace::Checkpoint,
};
use serde_json::Value;
use tokio::time::Instant;

use super::{RunContext, Start, reviewing::UnderReview};
use crate::{
    coordination::CoordinationCall,
    team::{Member, worker_kind},
    telling::millis,
};

/// What came of a worker's run.
pub(crate) struct Worked {
    /// How it ended.
    pub(crate) end: RunEnd,
    pub(crate) status: ToolStatus,
    /// What who called it reads, as JSON.
    pub(crate) content: String,
}

impl Worked {
    pub(super) fn new(end: RunEnd, result: &WorkerResult<'_>) -> Self {
        let status = if result.report.is_some() { ToolStatus::Ok } else { ToolStatus::Error };
        let content = serde_json::to_string(result).unwrap_or_else(|error| error.to_string());
        Self { end, status, content }
    }
}

impl RunContext<'_> {
    /// Answers a call of the manager that the engine performs itself.
    pub(crate) async fn coordinate(
        &self,
        call: CallId,
        tool: &str,
        input: Value,
        coordination: CoordinationCall,
    ) -> Result<CallResult, JournalError> {
        let had_begun = self.had_begun(&call);
        if !had_begun {
            let started = EventBody::ToolStarted { call_id: call.clone(), tool: tool.to_owned(), input };
            self.append(started).await?;
        }
        let began = Instant::now();
        let (status, content) = match coordination {
            CoordinationCall::AskUser(question) => {
                let before = if had_begun { self.round.past_question(self.id) } else { None };
                self.ask_person(question, before).await?
            }
            CoordinationCall::Worker(name, brief) => match self.round.team.worker(&name) {
                // The future of a run contains the futures of the runs it calls, so it has to be boxed once.
                Some(worker) => Box::pin(self.call_worker(&call, worker, brief)).await?,
                None => (ToolStatus::Error, format!("there is no worker `{name}`")),
            },
        };
        self.append(EventBody::ToolFinished {
            call_id: call,
            status,
            output: content.clone(),
            omitted_bytes: 0,
            exit_code: None,
            elapsed_ms: millis(began.elapsed()),
            changed: false,
            artifact: None,
            malformed: false,
            commit: None,
        })
        .await?;
        Ok(CallResult { content, is_error: status != ToolStatus::Ok, is_malformed: false, changed: false })
    }

    async fn call_worker(
        &self,
        call: &CallId,
        worker: &Member,
        brief: Brief,
    ) -> Result<(ToolStatus, String), JournalError> {
        let worked = match self.round.past_run(call) {
            Some(past) => {
                RunContext::recalled(self.round, worker, past, Some(self)).work_on(past, "").await?
            }
            None => match self.begin_worker(call, worker, brief).await? {
                Ok(worked) => worked,
                Err(refusal) => return Ok((ToolStatus::Denied, refusal)),
            },
        };
        self.round.state().has_new_reports = true;
        Ok((worked.status, worked.content))
    }

    /// Runs a worker, where the round allows that; else why not.
    async fn begin_worker(
        &self,
        call: &CallId,
        worker: &Member,
        brief: Brief,
    ) -> Result<Result<Worked, String>, JournalError> {
        let kind = worker_kind(&worker.spec);
        let agent = worker.spec.name.clone();
        let called = RoundInput::WorkerCalled { call: call.clone(), agent, kind };
        for effect in self.round.apply(called).await? {
            if let RoundEffect::Refuse { text, .. } = effect {
                return Ok(Err(text));
            }
        }
        let mut run = RunContext::new(self.round, worker, Some(self));
        run.call = Some(call.clone());
        run.work(brief, "").await.map(Ok)
    }

    /// Runs this worker on `brief`, with `data` that goes along.
    pub(crate) async fn work(mut self, mut brief: Brief, data: &str) -> Result<Worked, JournalError> {
        let kind = worker_kind(&self.member.spec);
        let review = self.begin_review(kind, &mut brief).await?;
        self.writes = brief.writes.clone().map(Into::into);
        self.round.used(self.agent());
        let first = Message::user(format!("{}{data}", brief.to_text()));
        self.begin(brief).await?;
        self.say_review(review.as_ref()).await?;
        let mut machine = self.machine(Conversation::default());
        let end = self.drive_in_time(&mut machine, Start::Begin(first)).await?;
        self.end_work(end, machine.turns(), review, None).await
    }

    /// The run has ended: what it came to, for the round and for whoever called it. `told`: its report, where that was told
    /// of before the program died.
    pub(super) async fn end_work(
        &self,
        end: RunEnd,
        turns: u32,
        review: Option<UnderReview>,
        told: Option<&CheckedReport>,
    ) -> Result<Worked, JournalError> {
        let mut result = WorkerResult::without_report(self.agent().as_str(), "failed");
        let (about, changed) = self.about(review);
        let worker_end = self.take_end(&end, changed, told, &mut result).await?;
        self.end(&end, turns).await?;
        result.review = ReviewResult::of(&self.worker_ended(worker_end, about).await?);
        Ok(Worked::new(end, &result))
    }

    /// Tells the round how the run ended, and does what follows. `about`: the files as a review saw them. Where the round
    /// takes it, the next one compares with that; a report that comes after the round's end counts for nothing.
    pub(super) async fn worker_ended(
        &self,
        end: WorkerEnd,
        about: Option<Checkpoint>,
    ) -> Result<Vec<RoundEffect>, JournalError> {
        let (agent, kind) = (self.agent().clone(), worker_kind(&self.member.spec));
        let effects = self.round.observe(RoundInput::WorkerEnded { agent, kind, end });
        if effects.iter().any(|effect| matches!(effect, RoundEffect::ReviewCycle { .. })) {
            self.round.reviewed(about);
        }
        self.round.perform(effects.into_iter().map(|effect| (effect, None))).await
    }

    /// Drives the run, at most for the worker's timeout (spec O-14). It does not work while the person is asked.
    pub(super) async fn drive_in_time(
        &self,
        machine: &mut AgentRun,
        start: Start,
    ) -> Result<RunEnd, JournalError> {
        let timeout = self.member.spec.timeout;
        let text = format!("{} was stopped after {} s", self.agent(), timeout.as_secs_f64());
        let say = self.append(EventBody::Notice { code: "worker_timeout".to_owned(), text });
        let worked = self.round.ports.person.worked_for(timeout);
        self.stop.in_time(self.drive(machine, start), worked, say).await
    }

    /// What a run came to, for the round; `result` is what its caller reads of it.
    async fn take_end(
        &self,
        end: &RunEnd,
        changed: ChangedFiles,
        told: Option<&CheckedReport>,
        result: &mut WorkerResult<'_>,
    ) -> Result<WorkerEnd, JournalError> {
        let RunEnd::Reported(report) = end else {
            self.tell_failure(end, result);
            return Ok(match end {
                RunEnd::Failed(RunFailure { reason: FailReason::Credentials, .. }) => {
                    WorkerEnd::CredentialsRefused
                }
                RunEnd::Failed(RunFailure { reason: FailReason::Provider, text }) => {
                    WorkerEnd::ModelFailed { text: text.clone() }
                }
                _ => WorkerEnd::Failed,
            });
        };
        let checked = match told {
            Some(told) => told.clone(),
            None => self.take_report(report).await?,
        };
        result.tell(&checked);
        Ok(WorkerEnd::Reported { report: report.clone(), claims: checked.claims, changed })
    }

    /// Tells whoever called the run why there is no report.
    pub(super) fn tell_failure(&self, end: &RunEnd, result: &mut WorkerResult<'_>) {
        let (status, text) = self.failure(end);
        (result.status, result.text) = (status, Some(text));
    }

    /// Why there is no report: a word for programs, a sentence for the manager.
    fn failure(&self, end: &RunEnd) -> (&'static str, String) {
        match end {
            RunEnd::Malformed(text) => {
                ("malformed_report", format!("the worker handed in no report. Its last words: {text}"))
            }
            RunEnd::Failed(RunFailure { reason: FailReason::Loop, text }) => ("loop", text.clone()),
            RunEnd::Failed(failure) => ("failed", failure.text.clone()),
            RunEnd::OutOfTurns => {
                let (limit, turns) = self.most_turns();
                ("limit", format!("the worker used up its {turns} turns (workflow_limits.{limit})"))
            }
            RunEnd::Stopped(Ending::Limit(LimitReason::Time)) => {
                let seconds = self.member.spec.timeout.as_secs_f64();
                (
                    "timeout",
                    format!("the worker did not finish within {seconds} s; what it had changed stays"),
                )
            }
            RunEnd::Stopped(ending) => ("cancelled", format!("the worker was stopped: {}", ending.outcome())),
            RunEnd::Reported(_) | RunEnd::Finished(_) | RunEnd::Answered(_) | RunEnd::EndedInProse(_) => {
                ("failed", "the worker ended in a way that workers have not".to_owned())
            }
        }
    }
}
