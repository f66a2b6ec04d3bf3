//! A round that goes on after its program has died (ADR 23): the same round, with what it had counted, spent and seen.
//!
//! How far it was is decided in [`domain::past`].

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use domain::{
    agent::{AgentName, WorkerKind},
    context::{Conversation, INTERRUPTED},
    event::EventBody,
    evidence::plain_path,
    id::{CallId, RunId},
    outcome::{Ending, FailReason},
    past::{BrokenRound, Followed, Judged, PROTECTED_FILES_CHANGED, PastQuestion, PastRun, Touch},
    ports::JournalError,
    price::Price,
    review::Shown,
    run::{RunEnd, RunRole},
    tool::{CallTarget, ToolStatus},
    workflow::{ChainEffect, RoundEffect, RoundInput},
    workspace::Checkpoint,
};
use serde_json::Value;

use super::{
    RoundContext, RoundPorts, SessionMemory,
    chain::{WorkEnd, defect},
};
use crate::{
    agent_run::{RunContext, Worked},
    locking::lock,
    stop::StopSignal,
    team::{Member, Team, worker_kind},
};

/// What a round was when its program died.
pub(crate) struct RoundPast {
    broken: BrokenRound,
    /// What the person said in it and nobody read.
    unread: Vec<String>,
    /// What followed from the ends of workers' runs.
    followed: Mutex<BTreeMap<RunId, Vec<Followed>>>,
    /// Where the reviews stood when each worker's run began.
    shown: BTreeMap<RunId, Shown>,
    unjudged: Vec<RunId>,
    /// The run of a mentioned worker that had not ended was taken up.
    has_taken_mention: Mutex<bool>,
}

impl RoundContext {
    /// A round to go on with. `unread`: what the person said in it and nobody read.
    pub(crate) fn going_on(
        broken: BrokenRound,
        unread: Vec<String>,
        ports: Arc<RoundPorts>,
        team: Arc<Team>,
        memory: Arc<Mutex<SessionMemory>>,
        stop: StopSignal,
    ) -> Self {
        let kind_of = |agent: &AgentName| {
            team.worker(agent).map_or(WorkerKind::General, |worker| worker_kind(&worker.spec))
        };
        let Judged { machine, followed, shown, unjudged } = broken.judged(ports.limits.clone(), kind_of);
        let seen = broken.seen(|agent, tool, input| touch(team.member(agent), tool, input, &ports.cwd));
        let mut round = Self::new(broken.number, ports, Arc::clone(&team), memory, stop);
        round.go_on_at(broken.checkpoint.clone());
        {
            let mut state = round.state();
            state.machine = machine;
            state.ended = followed.values().flatten().find_map(|followed| match &followed.effect {
                RoundEffect::End { ending, summary } => Some((*ending, summary.clone())),
                _ => None,
            });
            state.agents_used = broken.agents_used();
            state.turns = broken.runs.iter().filter_map(|run| run.end.as_ref()).map(|end| end.turns).sum();
            state.has_new_reports = broken.has_new_reports();
            state.protection_failed = broken.has_error(PROTECTED_FILES_CHANGED);
            for run in &broken.runs {
                let price = price_of(&team, run);
                for (usage, answer) in run.taken() {
                    state.budget.recall(usage, answer, price.as_ref());
                }
            }
            (state.seen, state.edited) = (seen.observations, seen.edited);
            if seen.has_effects {
                state.machine.step(RoundInput::EffectSeen);
            }
        }
        for (agent, tool, input) in seen.denied {
            round.was_denied(agent.as_str(), &tool, &target(team.member(&agent), &tool, &input));
        }
        let (followed, has_taken_mention) = (Mutex::new(followed), Mutex::default());
        round.past = Some(RoundPast { broken, unread, followed, shown, unjudged, has_taken_mention });
        round
    }

    /// The run that answers a call, where it began before the program died.
    pub(crate) fn past_run(&self, call: &CallId) -> Option<&PastRun> {
        self.past.as_ref()?.broken.run_for(call)
    }

    /// Whether what a run reported was not judged before the program died.
    pub(crate) fn is_unjudged(&self, run: RunId) -> bool {
        self.past.as_ref().is_some_and(|past| past.unjudged.contains(&run))
    }

    /// What followed from the end of a run; what of it was not done is done now.
    pub(crate) async fn followed(&self, run: RunId) -> Result<Vec<RoundEffect>, JournalError> {
        let followed = self.past.as_ref().and_then(|past| lock(&past.followed).remove(&run));
        let mut effects = Vec::new();
        for Followed { effect, is_done, question } in followed.unwrap_or_default() {
            match is_done {
                true => effects.push(effect),
                false => effects.extend(self.perform([(effect, question)]).await?),
            }
        }
        Ok(effects)
    }

    /// How many of the engine's own tests had begun.
    pub(super) fn verified_before(&self) -> usize {
        self.past.as_ref().map_or(0, |past| past.broken.verifications())
    }

    /// The last question that a run had put to the person.
    pub(crate) fn past_question(&self, run: RunId) -> Option<PastQuestion> {
        let runs = &self.past.as_ref()?.broken.runs;
        runs.iter().find(|past| past.scope.run_id == run)?.question.clone()
    }

    /// Where the reviews stood when a run began.
    pub(crate) fn shown_before(&self, run: RunId) -> Shown {
        let shown = self.past.as_ref().and_then(|past| past.shown.get(&run).cloned());
        shown.unwrap_or_else(|| self.state().machine.shown_to_reviewers())
    }

    /// The files that the review before that of `run` saw.
    pub(crate) fn reviewed_before(&self, run: RunId) -> Option<Checkpoint> {
        self.past.as_ref()?.broken.reviewed_before(run)
    }

    /// Ends a round that was broken off and that nobody goes on with, before this one begins, and keeps what happened for
    /// the manager. `unread`: what the person said in it and nobody read.
    pub(crate) async fn close(&self, broken: &BrokenRound, unread: &[String]) -> Result<(), JournalError> {
        let files_changed = match &broken.checkpoint {
            Some(base) => match self.stop.bound(self.ports.workspace.changes_since(base)).await {
                Ok(changes) => changes.paths(),
                Err(_) => self.edited_in(broken),
            },
            None => Vec::new(),
        };
        let events = broken.closing(|run| price_of(&self.team, run), files_changed);
        self.ports.log.append_to_the_past(events).await?;
        self.keep_account(broken.account());
        self.ports.person.change(|queue| unread.iter().for_each(|text| queue.hand_over(text.clone())));
        Ok(())
    }

    /// What file tools changed in a round: all that is known where the workspace cannot be seen.
    fn edited_in(&self, broken: &BrokenRound) -> Vec<String> {
        let (team, root) = (&self.team, &self.ports.cwd);
        let seen = broken.seen(|agent, tool, input| touch(team.member(agent), tool, input, root));
        seen.edited.into_iter().collect()
    }

    /// Goes on with what was broken off. The terminal event is the last thing appended.
    pub(crate) async fn go_on(&self, conversation: &mut Conversation) -> Result<(), JournalError> {
        self.to_its_end(async {
            match &self.past {
                Some(past) => self.work_on(past, conversation).await,
                None => Ok(WorkEnd::Manager(defect("there is no round to go on with".to_owned()))),
            }
        })
        .await
    }

    async fn work_on(
        &self,
        past: &RoundPast,
        conversation: &mut Conversation,
    ) -> Result<WorkEnd, JournalError> {
        self.end_verifications(&past.broken).await?;
        // What had decided the end had no time to stop what was under way.
        let ended = self.state().ended.as_ref().map(|(ending, _)| *ending);
        let broke_protection = self.state().protection_failed.then_some(Ending::Failed(FailReason::Internal));
        if let Some(ending) = ended.or(broke_protection) {
            self.stop.trigger(ending);
        }
        if past.broken.mentions.is_empty() {
            self.hear_again(past);
            return Ok(WorkEnd::Manager(self.manager_on(&past.broken, conversation).await?));
        }
        self.chain_on(past).await
    }

    /// Gives the calls of the engine's own tests their ends that had begun: they are run anew.
    async fn end_verifications(&self, broken: &BrokenRound) -> Result<(), JournalError> {
        for call in broken.open_verifications() {
            let ended = interrupted(call.clone());
            self.append(ended).await?;
        }
        Ok(())
    }

    /// What the person said in the round and nobody read is said again.
    fn hear_again(&self, past: &RoundPast) {
        self.ports.person.change(|queue| past.unread.iter().for_each(|text| queue.hand_over(text.clone())));
    }

    /// Goes on with the manager's run, or begins it.
    async fn manager_on(
        &self,
        broken: &BrokenRound,
        conversation: &mut Conversation,
    ) -> Result<RunEnd, JournalError> {
        let words = || self.first_words(format!("{}{}", broken.text.trim(), broken.data));
        let Some(past) = broken.manager() else {
            return self.run_manager(&broken.text, words(), conversation).await;
        };
        let run = RunContext::recalled(self, &self.team.manager, past, None);
        let (machine, start) = run.taken_up(past, conversation.clone(), words);
        if let Some(end) = past.ended(RunRole::Manager) {
            *conversation = machine.into_conversation();
            return Ok(end);
        }
        self.lead(&run, machine, start, conversation).await
    }

    /// Goes on with the workers that the person called by name.
    async fn chain_on(&self, past: &RoundPast) -> Result<WorkEnd, JournalError> {
        let broken = &past.broken;
        self.set_words_aside().await;
        self.hear_again(past);
        let mut results = BTreeMap::new();
        for run in broken.runs.iter().filter(|run| run.end.is_some()) {
            if let Some(worked) = self.mentioned_on(run, &broken.data).await? {
                results.insert(run.scope.run_id, (worked.end, worked.content));
            }
        }
        let chain = broken.chain(|run| results.get(&run.scope.run_id).cloned());
        let Some((mut chain, next)) = chain else {
            return Ok(WorkEnd::Manager(defect("the round called nobody".to_owned())));
        };
        let next = match next {
            ChainEffect::LetStepIn { .. } if broken.has_let_step_in() => chain.step(self.stepped_in().await),
            next => Some(next),
        };
        self.take_chain(chain, next, &broken.data).await
    }

    /// The run of a worker that the person called, and that had begun.
    pub(super) async fn mentioned_on(
        &self,
        past: &PastRun,
        data: &str,
    ) -> Result<Option<Worked>, JournalError> {
        let Some(worker) = self.team.worker(&past.scope.agent) else { return Ok(None) };
        let run = RunContext::recalled(self, worker, past, None);
        let mut worked = Box::pin(run.work_on(past, data)).await?;
        // The first net: no result that a model reads holds a secret (law 10).
        self.ports.log.redactor().redact_in(&mut worked.content);
        Ok(Some(worked))
    }

    /// The run of a mentioned worker that has no end; said once.
    pub(super) fn open_mention(&self) -> Option<&PastRun> {
        let past = self.past.as_ref()?;
        let open =
            past.broken.runs.iter().find(|run| run.end.is_none() && run.scope.parent_run_id.is_none())?;
        (!std::mem::replace(&mut *lock(&past.has_taken_mention), true)).then_some(open)
    }
}

/// The end of a call that had begun when the program died.
fn interrupted(call_id: CallId) -> EventBody {
    EventBody::ToolFinished {
        call_id,
        status: ToolStatus::Interrupted,
        output: INTERRUPTED.to_owned(),
        omitted_bytes: 0,
        exit_code: None,
        elapsed_ms: 0,
        changed: true,
        artifact: None,
        malformed: false,
        commit: None,
    }
}

/// What the model of a run costs.
pub(crate) fn price_of(team: &Team, run: &PastRun) -> Option<Price> {
    team.member(&run.scope.agent)?.model_facts().price
}

/// What a call touches, as the tool runner sees it.
fn touch(member: Option<&Member>, tool: &str, input: &Value, root: &str) -> Touch {
    let Some(port) = member.and_then(|member| member.tool(tool)) else { return Touch::Nothing };
    match port.prepare(input) {
        Ok(call) if port.spec().access.has_effects() => match call.target() {
            CallTarget::Command(command) => Touch::Command(command),
            CallTarget::Path(path) => Touch::Edit(plain_path(&path, root)),
            CallTarget::None => Touch::Commit,
        },
        _ => Touch::Nothing,
    }
}

/// What a call was about, in words.
fn target(member: Option<&Member>, tool: &str, input: &Value) -> String {
    let call = member.and_then(|member| member.tool(tool)).and_then(|port| port.prepare(input).ok());
    match call.map(|call| call.target()) {
        Some(CallTarget::Path(target) | CallTarget::Command(target)) => target,
        Some(CallTarget::None) | None => String::new(),
    }
}
