//! A simulated session from its first life to its last: what the program is given, and what it leaves.

use std::sync::Arc;

use domain::{
    agent::{AgentKind, AgentName, AgentSpec, WorkerKind},
    event::Event,
    id::SessionId,
    past::Past,
    permission::Policy,
    ports::{IdSource, ModelPort, ToolPort},
    secret::Redactor,
    session::Command,
};
use testkit::MemoryJournal;

use super::{
    faults::Fault,
    person::{Person, Witnessed},
    planted::Planted,
    ports::{
        SimulatedClaim, SimulatedClock, SimulatedJournal, SimulatedModel, SimulatedProcesses,
        SimulatedRecords, SimulatedServers, SimulatedTool, SimulatedWorkspace, TOOLS,
    },
    trace::{LifeEnd, LifeSeen},
    world::World,
};
use crate::{Recruit, SessionHandle, SessionParts, Team};

/// A session that is played.
pub(super) struct Simulation {
    pub(super) world: Arc<World>,
    pub(super) id: SessionId,
    model: Arc<SimulatedModel>,
    /// The requests that were not begun yet, the next one last.
    waiting: Vec<domain::session::Request>,
}

/// What a life finds.
struct Beginning {
    events: Vec<Event>,
    damaged: u64,
}

impl Simulation {
    /// Plays the session of a seed to its end.
    pub(super) fn play(seed: u64) -> Self {
        Self::play_with(seed, Planted::default())
    }

    /// The same with a mistake in the product.
    pub(super) fn play_with(seed: u64, planted: Planted) -> Self {
        let world = World::new(seed, planted);
        let id = SessionId::new(world.ids.next());
        let model = Arc::new(SimulatedModel::new(&world));
        let waiting = world.plan.requests.iter().rev().cloned().collect();
        let mut simulation = Self { world, id, model, waiting };
        simulation.play_all();
        simulation
    }

    fn play_all(&mut self) {
        let mut deaths = self.world.plan.deaths.clone();
        while self.live(self.survivors(), deaths.pop()) {}
        let violations = self.model.take_violations();
        self.world.trace().refused.extend(violations);
    }

    /// One life, on a runtime of its own: nothing of it goes on after it. Whether the program died in it.
    fn live(&mut self, beginning: Beginning, dies_at: Option<u64>) -> bool {
        let Beginning { events, damaged } = beginning;
        let before = events.len();
        let journal = Arc::new(MemoryJournal::with_what_is_left(events.iter().cloned()));
        self.world.begin_life(Arc::clone(&journal), dies_at);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        let runtime = runtime.expect("a runtime needs nothing");
        let world = Arc::clone(&self.world);
        let end = runtime.block_on(async {
            tokio::select! {
                biased;
                () = world.died() => LifeEnd::Died,
                end = self.session(Arc::clone(&journal), &events, damaged) => end,
            }
        });
        let mut trace = world.trace();
        trace.broken.extend(journal.take_violations());
        let acknowledged = std::mem::take(&mut trace.acknowledged);
        let has_died = end == LifeEnd::Died;
        trace.lives.push(LifeSeen {
            before,
            damaged,
            acknowledged,
            journal: world.readable(),
            on_disk: journal.events_on_disk().len(),
            store_failed: world.store_failed(),
            disk_failed: world.disk_failed(),
            end,
        });
        drop(trace);
        drop(runtime);
        has_died && !world.is_stuck()
    }

    /// Takes the session up, goes on with what was broken off or leaves it, and plays what is left to do.
    async fn session(&mut self, journal: Arc<MemoryJournal>, events: &[Event], damaged: u64) -> LifeEnd {
        let past = Past::of(events);
        let rounds = past.rounds;
        let session = match events {
            [] => SessionHandle::start(self.parts(journal)),
            _ => SessionHandle::resume(self.parts(journal), past, damaged),
        };
        let broken = session.broken_round();
        let goes_on = broken.is_some() && (self.waiting.is_empty() || self.world.dice.percent(75));
        self.world.round_begins(if goes_on { rounds.saturating_sub(1) } else { rounds });
        let mut commands = goes_on.then_some(Command::GoOn);
        let mut person = Person::before(&self.world, session);
        while let Some(command) = commands.take().or_else(|| self.waiting.pop().map(Command::Start)) {
            self.world.round_begins(self.world.round() + 1);
            match person.play(command).await {
                Witnessed::Ended => {}
                Witnessed::Refused => {
                    self.world.trace().broken.push("a round was refused".to_owned());
                    break;
                }
                Witnessed::HungUp => break,
                Witnessed::Hung => return LifeEnd::Hung,
            }
        }
        let saved = person.leave().await;
        LifeEnd::Closed { left: self.left(), saved }
    }

    /// What still runs after the session's end.
    fn left(&self) -> Vec<String> {
        let tasks = tokio::runtime::Handle::current().metrics().num_alive_tasks();
        let servers = self.world.servers().running();
        let counts = [
            ("tools and commands", self.world.running.get()),
            ("answers", self.world.streams.get()),
            ("servers", servers),
            ("tasks", tasks),
        ];
        let left = counts.into_iter().filter(|(_, count)| *count > 0);
        left.map(|(what, count)| format!("{count} {what}")).collect()
    }

    fn parts(&self, journal: Arc<MemoryJournal>) -> SessionParts {
        let world = &self.world;
        let processes = Arc::new(SimulatedProcesses::new(world));
        SessionParts {
            id: self.id,
            team: self.team(&processes),
            cwd: "/w".to_owned(),
            version: "0".to_owned(),
            policy: Policy::of(world.plan.mode),
            presence: world.plan.presence,
            grants: None,
            sandbox: world.plan.sandbox.clone(),
            limits: world.plan.limits.clone(),
            verify: world.plan.verify.clone(),
            notices: Vec::new(),
            redactor: Arc::new(Redactor::new(Vec::new())),
            clock: Arc::new(SimulatedClock::new(world)),
            ids: Arc::clone(&world.ids) as _,
            journal: Arc::new(SimulatedJournal { world: Arc::clone(world), memory: journal }),
            records: Arc::new(SimulatedRecords(Arc::clone(world))),
            workspace: Arc::new(SimulatedWorkspace(Arc::clone(world))),
            claim: Arc::new(SimulatedClaim(Arc::clone(world))),
            processes,
            servers: Arc::new(SimulatedServers(Arc::clone(world))),
            planted: world.planted,
        }
    }

    fn team(&self, processes: &Arc<SimulatedProcesses>) -> Team {
        let recruit = |name: AgentName, kind: AgentKind, tools: &[&str]| {
            let model: Arc<dyn ModelPort> = Arc::clone(&self.model) as _;
            let known = TOOLS.into_iter().filter(|(tool, _)| tools.contains(tool));
            let tools: Vec<Arc<dyn ToolPort>> = known
                .map(|(tool, access)| SimulatedTool::port(tool, access, &self.world, processes))
                .collect();
            let timeout = self.world.plan.worker_timeout;
            let spec = AgentSpec {
                role: format!("the {name}"),
                name,
                kind,
                prompt: "Do it.".into(),
                prompt_source: "simulated".to_owned(),
                tools: Vec::new(),
                model: None,
                thinking: None,
                timeout,
                description: None,
            };
            Recruit { spec, model, tools }
        };
        let worker = |name: &str, tools: &[&str]| {
            let name = AgentName::parse(name).expect("it is a name");
            let kind = WorkerKind::implied_by(&name);
            recruit(name, AgentKind::Worker(kind), tools)
        };
        let workers = vec![
            worker("planner", &["read"]),
            worker("coder", &["read", "write", "bash"]),
            worker("reviewer", &["read"]),
            worker("tester", &["read", "bash", "process"]),
            worker("committer", &["read", "commit"]),
            worker("helper", &["read", "write"]),
        ];
        Team::new(recruit(AgentName::manager(), AgentKind::Manager, &["read"]), workers, None, "/w")
    }

    /// What is left when the program has died: what was on disk, some of what was not, less what was damaged.
    fn survivors(&self) -> Beginning {
        let (world, trace) = (&self.world, self.world.trace());
        let Some(life) = trace.lives.last() else { return Beginning { events: Vec::new(), damaged: 0 } };
        let more = world.dice.index(life.journal.len() - life.on_disk + 1);
        let left = life.journal.iter().take(life.on_disk + more);
        let mut events: Vec<Event> = left.map(|event| Event::clone(event)).collect();
        let mut damaged = 0;
        if !events.is_empty() && world.brings(Fault::StoreLosesRow) {
            events.remove(world.dice.index(events.len()));
            damaged = 1;
        }
        Beginning { events, damaged }
    }
}
