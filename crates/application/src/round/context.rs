//! What the runs of a round share: the ports, the round's state, and what outlives the round.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, MutexGuard},
};

use domain::{
    agent::AgentName,
    budget::Budget,
    event::{EventBody, Scope},
    evidence::Observations,
    id::RunId,
    limits::Limits,
    message::{Message, Part, Role},
    model::{CallIds, ModelAnswer},
    outcome::Ending,
    past::Accounts,
    permission::SandboxState,
    ports::{ClaimPort, Clock, IdSource, JournalError, Processes, Servers, WorkspacePort},
    review::Ledger,
    workflow::{Round, RoundEffect, RoundInput},
    workspace::{Bases, Checkpoint},
};
use tokio::{
    sync::{Notify, OnceCell},
    time::Instant,
};

use super::{denials::Denials, going_on::RoundPast};
use crate::{
    event_log::EventLog,
    locking::lock,
    person::{Permissions, Person},
    stop::StopSignal,
    team::Team,
};

/// What every round of a session works with.
pub(crate) struct RoundPorts {
    pub(crate) log: Arc<EventLog>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) ids: Arc<dyn IdSource>,
    pub(crate) workspace: Arc<dyn WorkspacePort>,
    pub(crate) claim: Arc<dyn ClaimPort>,
    pub(crate) processes: Arc<dyn Processes>,
    pub(crate) servers: Arc<dyn Servers>,
    /// The workspace's folder.
    pub(crate) cwd: String,
    pub(crate) sandbox: SandboxState,
    pub(crate) permissions: Permissions,
    pub(crate) person: Person,
    pub(crate) limits: Limits,
    /// Test commands that the engine runs itself before a round may end as done.
    pub(crate) verify: Vec<String>,
    #[cfg(test)]
    pub(crate) planted: crate::simulator::Planted,
}

/// What outlives a round.
#[derive(Debug)]
pub(crate) struct SessionMemory {
    bases: Bases,
    ledger: Ledger,
    call_ids: CallIds,
    accounts: Accounts,
}

impl SessionMemory {
    /// What a session begins with, or goes on from.
    pub(crate) const fn new(bases: Bases, ledger: Ledger, call_ids: CallIds, accounts: Accounts) -> Self {
        Self { bases, ledger, call_ids, accounts }
    }
}

/// A round under way. Every run of it looks at the same state.
pub(crate) struct RoundContext {
    pub(crate) number: u32,
    pub(crate) ports: Arc<RoundPorts>,
    pub(crate) team: Arc<Team>,
    pub(crate) stop: StopSignal,
    /// When the round began.
    pub(crate) began: Instant,
    /// The journal holds the state that the round began at.
    pub(crate) base_said: OnceCell<()>,
    /// What it was when the program died that had begun it; none: this one did.
    pub(super) past: Option<RoundPast>,
    /// Rings when a request has given back room of the budget.
    pub(crate) room_settled: Notify,
    memory: Arc<Mutex<SessionMemory>>,
    state: Mutex<RoundState>,
}

/// What a round has come to so far.
pub(crate) struct RoundState {
    pub(crate) machine: Round,
    pub(crate) seen: Observations,
    pub(crate) denials: Denials,
    pub(crate) ended: Option<(Ending, String)>,
    pub(crate) agents_used: Vec<AgentName>,
    /// Runs under way.
    pub(crate) open_runs: BTreeSet<RunId>,
    pub(crate) turns: u32,
    pub(crate) budget: Budget,
    /// The budget leaves no room for another request, and that was said.
    pub(crate) is_out_of_room: bool,
    /// Workers have ended since the manager was asked last.
    pub(crate) has_new_reports: bool,
    /// The state that the round began at, where its journal does not hold it yet.
    pub(crate) unsaid_base: Option<Checkpoint>,
    /// Runs that begin now work side by side with others.
    pub(crate) side_by_side: bool,
    /// Runs that may write are at work side by side: what changes around a command has to be told apart.
    pub(crate) share_files: bool,
    /// Words of the person that the manager's run was given, as long as it is under way.
    pub(crate) handed_over: Vec<String>,
    /// Words of the person that waited for the manager before the round, which leaves them to the next one.
    pub(crate) unread_before: usize,
    /// Words of the person that stand in the manager's conversation and that no request showed it.
    pub(crate) unread_in_conversation: usize,
    /// Something protected stays as a command changed it, and that was said.
    pub(crate) protection_failed: bool,
    /// Files that file tools changed: what is known of changes where the workspace can be seen no more.
    pub(crate) edited: BTreeSet<String>,
}

impl RoundContext {
    pub(crate) fn new(
        number: u32,
        ports: Arc<RoundPorts>,
        team: Arc<Team>,
        memory: Arc<Mutex<SessionMemory>>,
        stop: StopSignal,
    ) -> Self {
        let ledger = lock(&memory).ledger.clone();
        let state = RoundState {
            machine: Round::new(ports.limits.clone()).reviewing(ledger),
            seen: Observations::default(),
            denials: Denials::default(),
            ended: None,
            agents_used: Vec::new(),
            open_runs: BTreeSet::new(),
            turns: 0,
            budget: Budget::new(&ports.limits),
            is_out_of_room: false,
            has_new_reports: false,
            unsaid_base: None,
            side_by_side: false,
            share_files: false,
            handed_over: Vec::new(),
            unread_before: 0,
            unread_in_conversation: 0,
            protection_failed: false,
            edited: BTreeSet::new(),
        };
        lock(&memory).bases.round = None;
        let (base_said, room_settled) = (OnceCell::new(), Notify::new());
        Self {
            number,
            ports,
            team,
            stop,
            began: Instant::now(),
            base_said,
            past: None,
            room_settled,
            memory,
            state: Mutex::new(state),
        }
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
            match effect {
                RoundEffect::End { ending, summary } => state.ended = Some((*ending, summary.clone())),
                RoundEffect::ReviewCycle { .. } => {
                    lock(&self.memory).ledger = state.machine.ledger().clone();
                }
                _ => {}
            }
        }
        effects
    }

    /// A worker of this name has a run.
    pub(crate) fn used(&self, agent: &AgentName) {
        let mut state = self.state();
        if !state.agents_used.contains(agent) {
            state.agents_used.push(agent.clone());
        }
    }

    /// A run has ended after so many turns.
    pub(crate) fn took_turns(&self, turns: u32) {
        self.state().turns += turns;
    }

    pub(crate) fn bases(&self) -> Bases {
        lock(&self.memory).bases.clone()
    }

    /// The workspace before a run's first effect: the round's and the session's, too, if it is the first of them. The
    /// round's is to be said then. Whether it is the round's.
    pub(crate) fn take_base(&self, checkpoint: &Checkpoint) -> bool {
        let is_first = {
            let bases = &mut lock(&self.memory).bases;
            bases.session.get_or_insert_with(|| checkpoint.clone());
            let is_first = bases.round.is_none();
            bases.round.get_or_insert_with(|| checkpoint.clone());
            is_first
        };
        if is_first {
            self.state().unsaid_base = Some(checkpoint.clone());
        }
        is_first
    }

    /// A review has ended that saw the workspace at `checkpoint`; none: that state could not be kept.
    pub(crate) fn reviewed(&self, checkpoint: Option<Checkpoint>) {
        lock(&self.memory).bases.last_review = checkpoint;
    }

    /// Makes the call ids of an answer unique in the session.
    pub(crate) fn admit_calls(&self, answer: &mut ModelAnswer) {
        lock(&self.memory).call_ids.admit(answer);
    }

    /// Keeps what happened without the manager, until it is at work again.
    pub(crate) fn keep_account(&self, account: String) {
        lock(&self.memory).accounts.keep(account);
    }

    /// The round began at this state, which the journal holds.
    pub(super) fn go_on_at(&self, base: Option<Checkpoint>) {
        lock(&self.memory).bases.round = base;
    }

    /// The message that the manager's run begins with: what happened without it, then the `request`.
    pub(crate) fn first_words(&self, request: String) -> Message {
        let accounts = lock(&self.memory).accounts.take();
        let texts = accounts.into_iter().chain([request]);
        Message { role: Role::User, parts: texts.map(|text| Part::Text { text }).collect() }
    }

    /// Says something of the round itself.
    pub(crate) async fn append(&self, body: EventBody) -> Result<(), JournalError> {
        self.ports.log.append(&Scope::round(self.number), body).await
    }
}
