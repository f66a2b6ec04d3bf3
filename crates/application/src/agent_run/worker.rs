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
    workflow::{ReviewResult, RoundEffect, RoundInput, WorkerEnd, WorkerResult},
};
use serde_json::Value;
use tokio::time::Instant;

use super::{RunContext, reviewing::UnderReview};
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

impl RunContext<'_> {
    /// Answers a call of the manager that the engine performs itself.
    pub(crate) async fn coordinate(
        &self,
        call: CallId,
        tool: &str,
        input: Value,
        coordination: CoordinationCall,
    ) -> Result<CallResult, JournalError> {
        self.append(EventBody::ToolStarted { call_id: call.clone(), tool: tool.to_owned(), input }).await?;
        let began = Instant::now();
        let (status, content) = match coordination {
            CoordinationCall::AskUser(question) => self.ask_person(question).await?,
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
        let kind = worker_kind(&worker.spec);
        let agent = worker.spec.name.clone();
        let called = RoundInput::WorkerCalled { call: call.clone(), agent, kind };
        for effect in self.round.apply(called).await? {
            if let RoundEffect::Refuse { text, .. } = effect {
                return Ok((ToolStatus::Denied, text));
            }
        }
        let mut run = RunContext::new(self.round, worker, Some(self));
        run.call = Some(call.clone());
        let worked = run.work(brief, "").await?;
        self.round.state().has_new_reports = true;
        Ok((worked.status, worked.content))
    }

    /// Runs this worker on `brief`, with `data` that goes along.
    pub(crate) async fn work(mut self, mut brief: Brief, data: &str) -> Result<Worked, JournalError> {
        let kind = worker_kind(&self.member.spec);
        let review = self.begin_review(kind, &mut brief).await?;
        self.writes = brief.writes.clone().map(Into::into);
        self.round.used(self.agent());
        let first = Message::user(format!("{}{data}", brief.to_text()));
        self.begin(brief).await?;
        let mut machine = self.machine(Conversation::default());
        let end = self.drive_in_time(&mut machine, first).await?;
        let mut result = WorkerResult::without_report(self.agent().as_str(), "failed");
        let worker_end = self.take_end(&end, review, &mut result).await?;
        self.end(&end, machine.turns()).await?;
        let agent = self.agent().clone();
        let ended = self.round.apply(RoundInput::WorkerEnded { agent, kind, end: worker_end }).await?;
        result.review = ReviewResult::of(&ended);
        let status = if result.report.is_some() { ToolStatus::Ok } else { ToolStatus::Error };
        let content = serde_json::to_string(&result).unwrap_or_else(|error| error.to_string());
        Ok(Worked { end, status, content })
    }

    /// Drives the run, at most for the worker's timeout (spec O-14). It does not work while the person is asked.
    async fn drive_in_time(&self, machine: &mut AgentRun, first: Message) -> Result<RunEnd, JournalError> {
        let timeout = self.member.spec.timeout;
        let text = format!("{} was stopped after {} s", self.agent(), timeout.as_secs_f64());
        let say = self.append(EventBody::Notice { code: "worker_timeout".to_owned(), text });
        let worked = self.round.ports.person.worked_for(timeout);
        self.stop.in_time(self.drive(machine, first), worked, say).await
    }

    /// What a run came to, for the round; `result` is what its caller reads of it.
    async fn take_end(
        &self,
        end: &RunEnd,
        review: Option<UnderReview>,
        result: &mut WorkerResult<'_>,
    ) -> Result<WorkerEnd, JournalError> {
        let RunEnd::Reported(report) = end else {
            let (status, text) = self.failure(end);
            (result.status, result.text) = (status, Some(text));
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
        let changed = match review {
            Some(UnderReview { state, changed }) => {
                self.round.reviewed(state);
                changed
            }
            None => ChangedFiles::unknown(&self.round.ports.cwd),
        };
        self.take_report(report, changed, result).await
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
