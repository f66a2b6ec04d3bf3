//! One round: the manager's run, what the engine verifies itself, the judgement, the one terminal event.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use domain::{
    agent::{AgentName, WorkerKind},
    brief::Brief,
    command::{CommandEnd, CommandRequest, CommandStatus},
    context::Conversation,
    event::{Backend, EventBody, RoundResult, Scope},
    evidence::Observations,
    id::CallId,
    limits::Limits,
    message::{Message, Part, Usage},
    model::ModelAnswer,
    outcome::{Ending, LimitReason},
    permission::{PermissionMode, SandboxState},
    ports::{Clock, IdSource, JournalError, OutputSink, Processes, WorkspacePort},
    run::{AgentRun, FinishStatus, RunEnd, RunLimits, RunRole},
    session::Request,
    text,
    tool::{ToolOutcome, ToolStatus},
    workflow::{Round, RoundEffect, RoundInput},
    workspace::{Bases, Checkpoint},
};
use serde_json::json;
use tokio::time::Instant;

use crate::{
    agent_run::{RunContext, ending_of, with_causes},
    event_log::EventLog,
    stop::StopSignal,
    team::Team,
};

/// What every round of a session works with.
pub(crate) struct RoundPorts {
    pub(crate) log: Arc<EventLog>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) ids: Arc<dyn IdSource>,
    pub(crate) workspace: Arc<dyn WorkspacePort>,
    pub(crate) processes: Arc<dyn Processes>,
    /// The workspace's folder.
    pub(crate) cwd: String,
    pub(crate) sandbox: SandboxState,
    pub(crate) mode: PermissionMode,
    pub(crate) limits: Limits,
    /// Test commands that the engine runs itself before a round may end as done.
    pub(crate) verify: Vec<String>,
}

/// What outlives a round.
#[derive(Debug, Default)]
pub(crate) struct SessionMemory {
    bases: Bases,
    call_ids: HashSet<CallId>,
}

/// A round under way. Every run of it looks at the same state.
pub(crate) struct RoundContext {
    pub(crate) number: u32,
    pub(crate) ports: Arc<RoundPorts>,
    pub(crate) team: Arc<Team>,
    pub(crate) stop: StopSignal,
    memory: Arc<Mutex<SessionMemory>>,
    state: Mutex<RoundState>,
}

/// What a round has come to so far.
pub(crate) struct RoundState {
    machine: Round,
    pub(crate) seen: Observations,
    ended: Option<(Ending, String)>,
    agents_used: Vec<AgentName>,
    turns: u32,
    usage: Usage,
}

impl RoundContext {
    pub(crate) fn new(
        number: u32,
        ports: Arc<RoundPorts>,
        team: Arc<Team>,
        memory: Arc<Mutex<SessionMemory>>,
        stop: StopSignal,
    ) -> Self {
        let state = RoundState {
            machine: Round::new(ports.limits.clone()),
            seen: Observations::default(),
            ended: None,
            agents_used: Vec::new(),
            turns: 0,
            usage: Usage::default(),
        };
        lock(&memory).bases.round = None;
        Self { number, ports, team, stop, memory, state: Mutex::new(state) }
    }

    /// The round's state. Held for lines, never across an await.
    pub(crate) fn state(&self) -> MutexGuard<'_, RoundState> {
        lock(&self.state)
    }

    /// Tells the round's machine what happened. An end is kept; the caller performs the other effects.
    pub(crate) fn observe(&self, input: RoundInput) -> Vec<RoundEffect> {
        let mut state = self.state();
        let effects = state.machine.step(input);
        for effect in &effects {
            if let RoundEffect::End { ending, summary } = effect {
                state.ended = Some((*ending, summary.clone()));
            }
        }
        effects
    }

    pub(crate) fn work_done(&self) -> bool {
        self.state().machine.work_done()
    }

    /// A worker of this name has a run.
    pub(crate) fn used(&self, agent: &AgentName) {
        let mut state = self.state();
        if !state.agents_used.contains(agent) {
            state.agents_used.push(agent.clone());
        }
    }

    /// A run has ended; this is what it took.
    pub(crate) fn spent(&self, turns: u32, usage: Usage) {
        let mut state = self.state();
        state.turns += turns;
        state.usage += usage;
    }

    pub(crate) fn bases(&self) -> Bases {
        lock(&self.memory).bases.clone()
    }

    /// The workspace before a run's first effect: the round's and the session's, too, if it is the first of them.
    pub(crate) fn take_base(&self, checkpoint: &Checkpoint) {
        let bases = &mut lock(&self.memory).bases;
        bases.session.get_or_insert_with(|| checkpoint.clone());
        bases.round.get_or_insert_with(|| checkpoint.clone());
    }

    /// A review has ended that saw the workspace at `checkpoint`.
    pub(crate) fn reviewed(&self, checkpoint: Option<Checkpoint>) {
        if checkpoint.is_some() {
            lock(&self.memory).bases.last_review = checkpoint;
        }
    }

    /// Makes the call ids of an answer unique in the session, so that a result can only mean one call.
    pub(crate) fn admit_calls(&self, answer: &mut ModelAnswer) {
        let mut memory = lock(&self.memory);
        for part in &mut answer.message.parts {
            let Part::ToolUse { id, .. } = part else { continue };
            if memory.call_ids.insert(id.clone()) {
                continue;
            }
            let given = id.clone();
            let free = (2_u64..)
                .map(|n| CallId::new(&format!("{given}-{n}")))
                .find(|id| !memory.call_ids.contains(id));
            if let Some(free) = free {
                if let Some(invalid) = answer.invalid_inputs.iter_mut().rfind(|invalid| invalid.call == given)
                {
                    invalid.call = free.clone();
                }
                memory.call_ids.insert(free.clone());
                *id = free;
            }
        }
    }

    /// A reviewer sees what earlier reviews left open, with the engine's ids.
    pub(crate) fn tell_open_findings(&self, kind: WorkerKind, brief: &mut Brief) {
        if kind != WorkerKind::Reviewer {
            return;
        }
        let open = self.state().machine.open_findings().to_vec();
        if open.is_empty() {
            return;
        }
        let mut text = brief.context.take().unwrap_or_default();
        text.push_str("\n\nStill open from the last review (repeat the id of what is not mended):");
        for finding in open {
            let place = match (&finding.file, finding.line) {
                (Some(file), Some(line)) => format!(" ({file}:{line})"),
                (Some(file), None) => format!(" ({file})"),
                _ => String::new(),
            };
            let id = finding.id.unwrap_or_default();
            text.push_str(&format!("\n- {id}{place}: {}", finding.message));
        }
        brief.context = Some(text.trim().to_owned());
    }

    async fn append(&self, body: EventBody) -> Result<(), JournalError> {
        self.ports.log.append(&Scope::round(self.number), body).await
    }

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
        let mut machine = AgentRun::new(RunRole::Manager, limits, std::mem::take(conversation)).within(manager.context_window());
        let end = run.drive(&mut machine, Message::user(request.to_text())).await?;
        let (turns, usage) = (machine.turns(), machine.usage());
        self.spent(turns, usage);
        if matches!(end, RunEnd::OutOfTurns) {
            let value = u64::from(self.ports.limits.max_turns);
            self.append(EventBody::LimitReached { limit: "max_turns".to_owned(), value }).await?;
        }
        run.append(EventBody::RunFinished {
            ending: ending_of(&end),
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
            let (ending, summary) = state
                .ended
                .clone()
                .unwrap_or((Ending::Failed(domain::outcome::FailReason::Internal), String::new()));
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

    /// Runs the test commands that were given to the engine, one after the other, all of them.
    async fn verify(&self) -> Result<(), JournalError> {
        for (index, command) in self.ports.verify.iter().enumerate() {
            if self.stop.ending().is_some() {
                break;
            }
            self.verify_with(&CallId::new(&format!("verify-{}-{}", self.number, index + 1)), command).await?;
        }
        Ok(())
    }

    async fn verify_with(&self, call: &CallId, command: &str) -> Result<(), JournalError> {
        let input = json!({ "command": command });
        self.append(EventBody::ToolStarted { call_id: call.clone(), tool: "verify".to_owned(), input })
            .await?;
        self.ports.log.durable().await?;
        let ticket = self.state().seen.command_started(None, command);
        let began = Instant::now();
        let request =
            CommandRequest { command: command.to_owned(), timeout: CommandRequest::LONGEST_TIMEOUT };
        let ended = self.ports.processes.run(request, Arc::new(NoOutput), self.stop.cancelled()).await;
        // What cannot be seen counts as changed: then no earlier run of a test says anything.
        let changed = self.ports.workspace.touched().await.unwrap_or(true);
        let outcome = ended.map_or_else(|error| ToolOutcome::error(with_causes(&error)), verified);
        self.state().seen.command_ended(ticket, outcome.exit_code, changed);
        self.append(EventBody::ToolFinished {
            call_id: call.clone(),
            status: outcome.status,
            output: text::bounded(&outcome.output, ToolOutcome::LONGEST),
            omitted_bytes: outcome.omitted_bytes,
            exit_code: outcome.exit_code,
            elapsed_ms: millis(began.elapsed()),
            changed,
        })
        .await
    }

    /// Whether the test commands that count passed, in the state of the files now.
    fn tests_passed(&self) -> Option<bool> {
        let state = self.state();
        if self.ports.verify.is_empty() {
            state.seen.tests_passed(state.machine.named_tests())
        } else {
            state.seen.tests_passed(&self.ports.verify)
        }
    }
}

/// A verification command's end as a tool's outcome.
fn verified(end: CommandEnd) -> ToolOutcome {
    let (status, exit_code) = match end.status {
        CommandStatus::Exited(code) => (ToolStatus::Ok, Some(code)),
        CommandStatus::Signalled(_) => (ToolStatus::Error, None),
        CommandStatus::TimedOut => (ToolStatus::Timeout, None),
        CommandStatus::Cancelled => (ToolStatus::Cancelled, None),
        CommandStatus::Refused => (ToolStatus::Denied, None),
    };
    let output = if end.output.tail.is_empty() {
        end.output.head
    } else {
        format!("{}\n[{} bytes left out]\n{}", end.output.head, end.output.omitted_bytes, end.output.tail)
    };
    ToolOutcome { status, output, omitted_bytes: end.output.omitted_bytes, exit_code, commit: None }
}

/// Verification shows its output when it is done.
struct NoOutput;

impl OutputSink for NoOutput {
    fn chunk(&self, _text: &str) {}
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Locks are held for lines that do not panic; a poisoned one still holds whole values.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
