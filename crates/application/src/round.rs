//! One round: the manager's run, verification, the judgement, the one terminal event.

use std::time::Duration;

use domain::{
    brief::Brief,
    context::Conversation,
    event::{Backend, EventBody, RoundResult},
    message::Message,
    outcome::{Ending, FailReason, LimitReason},
    ports::JournalError,
    run::{AgentRun, FinishStatus, RunEnd, RunLimits, RunRole},
    session::Request,
    workflow::RoundInput,
};
use tokio::time::Instant;

use crate::{
    agent_run::RunContext,
    round_context::RoundContext,
    telling::{millis, with_causes},
};

impl RoundContext {
    /// Runs the round to its end. The terminal event is the last thing appended.
    pub(crate) async fn run(
        &self,
        request: &Request,
        conversation: &mut Conversation,
    ) -> Result<(), JournalError> {
        let began = Instant::now();
        self.append(EventBody::RoundStarted {
            text: request.text.clone(),
            context: request.context.iter().map(|item| item.name.clone()).collect(),
            mentions: Vec::new(),
        })
        .await?;
        let end = self.run_manager_in_time(request, conversation).await?;
        if matches!(&end, RunEnd::Finished(finish) if finish.status == FinishStatus::Done) {
            self.verify().await?;
        }
        let tests_passed = self.tests_passed();
        self.finish(end, tests_passed, began.elapsed()).await
    }

    /// The manager's run, at most for the round's timeout.
    async fn run_manager_in_time(
        &self,
        request: &Request,
        conversation: &mut Conversation,
    ) -> Result<RunEnd, JournalError> {
        let running = self.run_manager(request, conversation);
        tokio::pin!(running);
        let Some(timeout) = self.ports.limits.timeout_seconds else { return running.await };
        tokio::select! {
            biased;
            end = &mut running => end,
            () = tokio::time::sleep(timeout) => {
                let limit = "timeout_seconds".to_owned();
                self.append(EventBody::LimitReached { limit, value: timeout.as_secs() }).await?;
                self.stop.trigger(Ending::Limit(LimitReason::Time));
                running.await
            }
        }
    }

    async fn run_manager(
        &self,
        request: &Request,
        conversation: &mut Conversation,
    ) -> Result<RunEnd, JournalError> {
        let began = Instant::now();
        let manager = &self.team.manager;
        let run = RunContext::new(self, manager, None);
        let brief = Brief {
            task_description: request.text.clone(),
            context: None,
            done_when: Vec::new(),
            writes: None,
        };
        run.append(EventBody::RunStarted { model: manager.model_name(), backend: Backend::Native, brief })
            .await?;
        let limits = RunLimits {
            max_turns: self.ports.limits.max_turns,
            max_messages: self.ports.limits.max_messages,
        };
        let mut machine = AgentRun::new(RunRole::Manager, limits, std::mem::take(conversation))
            .within(manager.context_window());
        let end = run.drive(&mut machine, Message::user(request.to_text())).await?;
        let (turns, usage) = (machine.turns(), machine.usage());
        self.spent(turns, usage);
        if matches!(end, RunEnd::OutOfTurns) {
            let value = u64::from(self.ports.limits.max_turns);
            self.append(EventBody::LimitReached { limit: "max_turns".to_owned(), value }).await?;
        }
        run.append(EventBody::RunFinished {
            ending: end.ending(),
            turns,
            usage,
            cost_usd: None,
            elapsed_ms: millis(began.elapsed()),
        })
        .await?;
        *conversation = machine.into_conversation();
        Ok(end)
    }

    /// Judges the round and says how it ended, durably, once.
    async fn finish(
        &self,
        end: RunEnd,
        tests_passed: Option<bool>,
        elapsed: Duration,
    ) -> Result<(), JournalError> {
        self.observe(RoundInput::ManagerEnded { end, tests_passed });
        let files_changed = self.files_changed().await?;
        let body = {
            let state = self.state();
            let (ending, summary) =
                state.ended.clone().unwrap_or((Ending::Failed(FailReason::Internal), String::new()));
            EventBody::RoundFinished {
                ending,
                exit_code: ending.exit_code(),
                summary,
                result: RoundResult {
                    status: ending.record_status().to_owned(),
                    tests_passed,
                    verified: state.machine.verified(),
                    files_changed,
                },
                total_turns: state.turns,
                agents_used: state.agents_used.clone(),
                usage: state.usage,
                cost_usd: None,
                elapsed_ms: millis(elapsed),
            }
        };
        self.append(body).await
    }

    async fn files_changed(&self) -> Result<Vec<String>, JournalError> {
        let Some(base) = self.bases().round else { return Ok(Vec::new()) };
        match self.ports.workspace.changes_since(&base).await {
            Ok(changes) => {
                if let Some(why) = &changes.partial {
                    let text = format!("the list of changed files may be incomplete: {why}");
                    self.append(EventBody::Notice { code: "evidence_partial".to_owned(), text }).await?;
                }
                Ok(changes.paths())
            }
            Err(error) => {
                let text = with_causes(&error);
                self.append(EventBody::Notice { code: "evidence_missing".to_owned(), text }).await?;
                Ok(Vec::new())
            }
        }
    }
}
