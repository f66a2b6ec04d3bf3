//! Drives one agent: performs the effects of its [`AgentRun`] in order and feeds back what came of them.

use std::{collections::VecDeque, sync::Arc};

use domain::{
    agent::AgentName,
    brief::Brief,
    context::{Conversation, Cut},
    event::{Backend, EventBody, RunScope, Scope},
    id::{CallId, RequestId, RunId},
    limits::Limits,
    message::{Message, SealedMessage, Usage},
    model::{ModelErrorKind, ModelRequest},
    outcome::{Ending, FailReason},
    ports::JournalError,
    price::Cost,
    run::{
        AgentRun, AnswerFacts, Pending, RunEffect, RunEnd, RunFailure, RunInput, RunLimits, RunRole, Standing,
    },
    tool::ToolStatus,
    workspace::Checkpoint,
};
use tokio::{sync::OnceCell, time::Instant};

use crate::{
    round::RoundContext,
    stop::StopSignal,
    team::{Member, Prefix},
    telling::{causes, millis, with_causes},
};

mod effects;
mod going_on;
mod open_request;
mod reporting;
mod reviewing;
mod side_by_side;
mod spending;
mod tool_runner;
mod worker;

use going_on::BegunCalls;
use open_request::{OpenRequest, RequestEnd};
use side_by_side::{MessagePace, ModelCall};
use spending::RunAccount;
pub(crate) use worker::Worked;

/// How a run is taken up.
pub(crate) enum Start {
    /// It begins with this message.
    Begin(Message),
    /// It goes on with this, after the program had died. Its last request was this one.
    GoOn(Pending, RequestId),
}

/// One run under way: whose it is, where its events stand, what may end it.
pub(crate) struct RunContext<'a> {
    pub(crate) round: &'a RoundContext,
    pub(crate) member: &'a Member,
    pub(crate) id: RunId,
    pub(crate) scope: Scope,
    pub(crate) stop: StopSignal,
    /// The manager's call that the run answers; none: nobody called it, or the person did.
    pub(crate) call: Option<CallId>,
    /// The globs that the brief allows to write; none: the whole workspace.
    pub(crate) writes: Option<Arc<[String]>>,
    /// Whether its commands are held to them, too: it began beside other runs.
    pub(crate) holds_commands: bool,
    /// The workspace before the run's first effect.
    pub(crate) base: OnceCell<Checkpoint>,
    pub(crate) account: RunAccount,
    /// Calls that had begun when the program died, and wait for a result.
    begun: BegunCalls,
    began: Instant,
}

impl<'a> RunContext<'a> {
    pub(crate) fn new(round: &'a RoundContext, member: &'a Member, parent: Option<&RunContext<'_>>) -> Self {
        let run_id = RunId::new(round.ports.ids.next());
        let agent = member.spec.name.clone();
        let run = RunScope { run_id, agent, parent_run_id: parent.map(|parent| parent.id) };
        #[cfg(test)]
        let run = round.ports.planted.called_by(run);
        Self::with_scope(round, member, run, parent)
    }

    fn with_scope(
        round: &'a RoundContext,
        member: &'a Member,
        run: RunScope,
        parent: Option<&RunContext<'_>>,
    ) -> Self {
        let id = run.run_id;
        let stop = parent.map_or_else(|| round.stop.child(), |parent| parent.stop.child());
        let scope = Scope::run(round.number, run);
        Self {
            round,
            member,
            id,
            scope,
            stop,
            call: None,
            writes: None,
            holds_commands: round.state().side_by_side,
            base: OnceCell::new(),
            account: RunAccount::default(),
            begun: BegunCalls::default(),
            began: Instant::now(),
        }
    }

    pub(crate) const fn agent(&self) -> &AgentName {
        &self.member.spec.name
    }

    pub(crate) fn is_manager(&self) -> bool {
        self.member.role() == RunRole::Manager
    }

    pub(crate) async fn append(&self, body: EventBody) -> Result<(), JournalError> {
        self.round.ports.log.append(&self.scope, body).await
    }

    /// Says that the run begins.
    pub(crate) async fn begin(&mut self, brief: Brief) -> Result<(), JournalError> {
        self.began = Instant::now();
        self.round.state().seen.run_began(self.id, self.agent());
        let model = self.member.model_name();
        self.append(EventBody::RunStarted {
            model,
            backend: Backend::Native,
            brief,
            call_id: self.call.clone(),
        })
        .await
    }

    /// The machine of the run, with the conversation that it goes on from.
    pub(crate) fn machine(&self, conversation: Conversation) -> AgentRun {
        AgentRun::new(self.member.role(), self.limits(), conversation)
            .within(self.member.model_facts().context_window)
    }

    fn limits(&self) -> RunLimits {
        let Limits { max_messages, loop_repeats, .. } = self.round.ports.limits;
        let (_, max_turns) = self.most_turns();
        RunLimits { max_turns, max_messages, loop_repeats }
    }

    /// Says how the run has ended, and what it took.
    pub(crate) async fn end(&self, end: &RunEnd, turns: u32) -> Result<(), JournalError> {
        let spent = self.account.spent();
        self.append(EventBody::RunFinished {
            ending: end.ending(),
            turns,
            usage: spent.usage(),
            cost_usd: spent.cost().map(Cost::as_usd),
            elapsed_ms: millis(self.began.elapsed()),
            summary: match end {
                RunEnd::Reported(_) => String::new(),
                end => end.clone().into_last_words(),
            },
        })
        .await
    }

    /// How many turns it may take: the limit's name in the configuration, and its value.
    pub(crate) fn most_turns(&self) -> (&'static str, u32) {
        let limits = &self.round.ports.limits;
        match self.member.role() {
            RunRole::Manager => ("max_turns", limits.max_turns),
            RunRole::Worker(_) => ("max_worker_turns", limits.max_worker_turns),
        }
    }

    /// Runs the agent until its machine says that it has ended, and ends what it left in the background.
    pub(crate) async fn drive(&self, machine: &mut AgentRun, start: Start) -> Result<RunEnd, JournalError> {
        self.round.state().open_runs.insert(self.id);
        let end = self.take_turns(machine, start).await;
        self.round.end_background(&self.stop, self.id).await;
        self.round.state().open_runs.remove(&self.id);
        self.round.heed_protected_files().await?;
        self.round.took_turns(machine.turns());
        if matches!(end, Ok(RunEnd::OutOfTurns)) {
            let (limit, value) = self.most_turns();
            self.append(EventBody::LimitReached { limit: limit.to_owned(), value: value.into() }).await?;
        }
        end
    }

    /// Takes turns until the machine says that it has ended. A stop is heeded at every wait.
    async fn take_turns(&self, machine: &mut AgentRun, start: Start) -> Result<RunEnd, JournalError> {
        let mut effects = VecDeque::from(self.hand_over(machine).await);
        let (mut request, mut pace) = (None, MessagePace::default());
        match start {
            Start::Begin(first) => effects.extend(machine.step(RunInput::Begin(first))),
            Start::GoOn(pending, before) => {
                request = Some(before);
                effects.extend(machine.go_on(pending, self.standing()));
            }
        }
        while let Some(effect) = effects.pop_front() {
            let input = match effect {
                RunEffect::Joined(sealed, facts) => {
                    self.joined(&sealed, facts).await?;
                    None
                }
                RunEffect::Cut(Cut { dropped, kept }) => {
                    self.append(EventBody::ContextCut { dropped, kept }).await?;
                    None
                }
                RunEffect::LoopWarning { pattern, count } => {
                    self.append(EventBody::LoopWarning { pattern, count }).await?;
                    None
                }
                RunEffect::Notice { code, text } => {
                    self.append(EventBody::Notice { code: code.to_owned(), text }).await?;
                    None
                }
                RunEffect::Rejected { call, result, .. } => {
                    self.call_finished(call, ToolStatus::Error, &result).await?;
                    None
                }
                RunEffect::Request => {
                    self.intervene().await?;
                    let told = self.hand_over(machine).await;
                    if told.is_empty() {
                        let id = RequestId::new(self.round.ports.ids.next());
                        (request, pace) = (Some(id), MessagePace::default());
                        Some(self.request(id, machine).await?)
                    } else {
                        effects.push_front(RunEffect::Request);
                        told.into_iter().rev().for_each(|told| effects.push_front(told));
                        None
                    }
                }
                RunEffect::Call { call, tool, input } => match (self.stop.ending(), request) {
                    (None, Some(request)) => {
                        let first = ModelCall { id: call, tool, input };
                        for input in self.answer_calls(request, first, &mut pace, &mut effects).await? {
                            self.feed(machine, input, &mut effects).await;
                        }
                        None
                    }
                    (ending, request) => {
                        let first = ModelCall { id: call, tool, input };
                        for input in self.end_begun_calls(request, first, &mut effects).await? {
                            self.feed(machine, input, &mut effects).await;
                        }
                        Some(RunInput::Stop(ending.unwrap_or(Ending::Interrupted)))
                    }
                },
                RunEffect::End(end) => return Ok(end),
            };
            if let Some(input) = input {
                self.feed(machine, input, &mut effects).await;
            }
        }
        // Every path of the machine goes through `End`; a run without one is our own fault, and said so.
        let text = "the run stopped without an end".to_owned();
        Ok(RunEnd::Failed(RunFailure { reason: FailReason::Internal, text }))
    }

    /// Tells the machine what happened. What it wanted done before a stop is not done any more.
    async fn feed(&self, machine: &mut AgentRun, input: RunInput, effects: &mut VecDeque<RunEffect>) {
        if matches!(input, RunInput::Stop(_)) {
            effects.retain(|effect| !matches!(effect, RunEffect::Call { .. } | RunEffect::Request));
        }
        effects.extend(self.hand_over(machine).await);
        effects.extend(machine.step(input));
    }

    /// Says that a message joined the conversation.
    async fn joined(&self, sealed: &SealedMessage, facts: Option<AnswerFacts>) -> Result<(), JournalError> {
        let message = Arc::clone(&sealed.message);
        let (stop_reason, usage, model, invalid_inputs) = match facts {
            Some(AnswerFacts { stop_reason, usage, model, invalid_inputs }) => {
                (Some(stop_reason), Some(usage), Some(model), invalid_inputs)
            }
            None => (None, None, None, Vec::new()),
        };
        self.append(EventBody::Message { message, stop_reason, usage, model, cached: None, invalid_inputs })
            .await
    }

    /// Asks the model for one answer, publishing it piece by piece.
    async fn request(&self, id: RequestId, machine: &mut AgentRun) -> Result<RunInput, JournalError> {
        if let Some(ending) = self.stop.ending() {
            return Ok(RunInput::Stop(ending));
        }
        let Prefix { system, tools, digest } = self.member.prefix().clone();
        let mut request = ModelRequest {
            agent: self.agent().clone(),
            model: self.member.spec.model.as_deref().map(Into::into),
            system,
            tools,
            messages: machine.conversation().messages().to_vec(),
            thinking: self.member.spec.thinking,
            effort: self.member.effort,
            max_tokens: None,
        };
        let mut room = match self.make_room(&mut request).await? {
            Ok(room) => room,
            Err(ending) => return Ok(RunInput::Stop(ending)),
        };
        // From here on it goes out; where there was no room for it, nothing was shown to anybody.
        request.messages = machine.show();
        #[cfg(test)]
        self.round.ports.planted.spoil(&mut request.messages);
        let began = Instant::now();
        let end = OpenRequest::new(self, id, digest, &mut room).answer(request).await?;
        self.settle(room, &end);
        let elapsed_ms = millis(began.elapsed());
        match end {
            RequestEnd::Stopped(ending) => Ok(RunInput::Stop(ending)),
            RequestEnd::Answered(mut answer) => {
                let Usage { input_tokens, output_tokens, cache_read_tokens, .. } = answer.usage;
                tracing::debug!(
                    request = %id,
                    input_tokens,
                    output_tokens,
                    cache_read_tokens,
                    elapsed_ms,
                    "request answered"
                );
                self.round.admit_calls(&mut answer);
                Ok(RunInput::Answered { answer, standing: self.standing() })
            }
            RequestEnd::Failed(error) => {
                tracing::debug!(request = %id, code = error.kind.code(), elapsed_ms, "request failed");
                let failure = RunFailure { reason: fail_reason(&error.kind), text: with_causes(&error) };
                let is_too_long = error.kind == ModelErrorKind::TooLong;
                if !(is_too_long && machine.can_be_shortened()) {
                    let chain = causes(&error);
                    let code = error.kind.code().to_owned();
                    self.append(EventBody::Error { code, text: error.to_string(), chain }).await?;
                }
                Ok(match is_too_long {
                    true => RunInput::TooLong(failure),
                    false => RunInput::RequestFailed(failure),
                })
            }
        }
    }

    /// What the round has come to, as far as it decides how this run may end.
    fn standing(&self) -> Standing {
        if !self.is_manager() {
            return Standing { work_done: true, holds_back: None };
        }
        let state = self.round.state();
        Standing { work_done: state.machine.work_done(), holds_back: state.machine.holds_back() }
    }
}

const fn fail_reason(kind: &ModelErrorKind) -> FailReason {
    match kind {
        ModelErrorKind::Credentials => FailReason::Credentials,
        _ => FailReason::Provider,
    }
}
