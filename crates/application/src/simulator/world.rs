//! What the ports of a simulated session share: its dice, its weather, its life, and what was seen.

use std::{
    collections::BTreeMap,
    future::pending,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use domain::{event::Event, id::CallId, message::Usage};
use testkit::{FakeServers, FakeWorkspace, MemoryJournal, MemoryRecords, SequentialIds, wait::Level};
use tokio_util::sync::CancellationToken;

use super::{
    dice::Dice,
    faults::{Fault, Weather},
    plan::Plan,
    planted::Planted,
    trace::Trace,
};
use crate::locking::lock;

/// A world in which one session is played, over all lives of its program.
pub(super) struct World {
    pub(super) dice: Dice,
    pub(super) weather: Weather,
    pub(super) plan: Plan,
    pub(super) files: FakeWorkspace,
    /// Of the present life: they die with the program.
    servers: Mutex<Arc<FakeServers>>,
    pub(super) records: Arc<MemoryRecords>,
    pub(super) ids: Arc<SequentialIds>,
    /// Tools and commands that run now.
    pub(super) running: Level,
    /// Answers that stream now.
    pub(super) streams: Level,
    /// What is wrong on purpose.
    pub(super) planted: Planted,
    life: Mutex<Life>,
    trace: Mutex<Trace>,
    /// What models said they took, by round.
    reported: Mutex<BTreeMap<u32, Usage>>,
}

/// A life of the program.
struct Life {
    /// Steps taken in it.
    steps: u64,
    /// The step at which it ends.
    dies_at: Option<u64>,
    death: CancellationToken,
    journal: Arc<MemoryJournal>,
    round: u32,
    store_failed: bool,
    disk_failed: bool,
}

/// A session that takes more steps than this does not come to its end.
const MOST_STEPS: u64 = 30_000;

impl World {
    pub(super) fn new(seed: u64, planted: Planted) -> Arc<Self> {
        let dice = Dice::new(seed);
        let (plan, weather) = (Plan::of(&dice), Weather::of(&dice));
        let files =
            FakeWorkspace::with_files([("README.md", "계산기\n"), ("a/sum.sh", "1\n"), ("b/sum.sh", "2\n")]);
        Arc::new(Self {
            weather,
            files,
            servers: Mutex::default(),
            records: Arc::default(),
            ids: Arc::default(),
            running: Level::default(),
            streams: Level::default(),
            life: Mutex::new(Life {
                steps: 0,
                dies_at: None,
                death: CancellationToken::new(),
                journal: Arc::new(MemoryJournal::new()),
                round: 0,
                store_failed: false,
                disk_failed: false,
            }),
            trace: Mutex::default(),
            planted,
            reported: Mutex::default(),
            plan,
            dice,
        })
    }

    /// Begins a life with what is left of the journal.
    pub(super) fn begin_life(&self, journal: Arc<MemoryJournal>, dies_at: Option<u64>) {
        let mut life = lock(&self.life);
        let round = life.round;
        *lock(&self.servers) = Arc::default();
        let death = CancellationToken::new();
        let (store_failed, disk_failed) = (false, false);
        *life = Life { steps: 0, dies_at, death, journal, round, store_failed, disk_failed };
    }

    /// Something happens at a port: time may pass, others may come first, and the program may die here.
    pub(super) async fn step(&self) {
        if self.is_last_step() {
            pending::<()>().await;
        }
        match self.dice.below(10) {
            0 => tokio::task::yield_now().await,
            1 => tokio::time::sleep(self.dice.millis(1, 60)).await,
            _ => {}
        }
        if self.is_dead() {
            pending::<()>().await;
        }
    }

    fn is_last_step(&self) -> bool {
        let mut life = lock(&self.life);
        life.steps += 1;
        if life.steps > MOST_STEPS && !life.death.is_cancelled() {
            self.trace().broken.push(format!("the session took {MOST_STEPS} steps and did not end"));
            life.death.cancel();
        }
        if life.dies_at.is_some_and(|last| life.steps >= last) && !life.death.is_cancelled() {
            self.weather.count(Fault::ProgramDies);
            life.death.cancel();
        }
        life.death.is_cancelled()
    }

    /// Whether the session was ended because it did not end by itself.
    pub(super) fn is_stuck(&self) -> bool {
        lock(&self.life).steps > MOST_STEPS
    }

    pub(super) fn servers(&self) -> Arc<FakeServers> {
        Arc::clone(&lock(&self.servers))
    }

    pub(super) fn is_dead(&self) -> bool {
        lock(&self.life).death.is_cancelled()
    }

    /// Waits until the program dies.
    pub(super) async fn died(&self) {
        let death = lock(&self.life).death.clone();
        death.cancelled().await;
    }

    /// Whether `fault` comes up now.
    pub(super) fn brings(&self, fault: Fault) -> bool {
        self.weather.brings(&self.dice, fault)
    }

    /// Lets a time pass where `fault` comes up.
    pub(super) async fn may_dawdle(&self, fault: Fault, longest: Duration) {
        if self.brings(fault) {
            let longest = u64::try_from(longest.as_millis()).unwrap_or(u64::MAX);
            tokio::time::sleep(self.dice.millis(1, longest)).await;
        }
    }

    /// What was seen. Held for lines.
    pub(super) fn trace(&self) -> MutexGuard<'_, Trace> {
        lock(&self.trace)
    }

    pub(super) fn journal(&self) -> Arc<MemoryJournal> {
        Arc::clone(&lock(&self.life).journal)
    }

    pub(super) fn store_failed(&self) -> bool {
        lock(&self.life).store_failed
    }

    pub(super) fn disk_failed(&self) -> bool {
        lock(&self.life).disk_failed
    }

    pub(super) fn store_fails(&self) {
        lock(&self.life).store_failed = true;
    }

    /// What was not on disk is lost, and nothing comes there any more.
    pub(super) fn disk_fails(&self) {
        let mut life = lock(&self.life);
        (life.store_failed, life.disk_failed) = (true, true);
    }

    /// The journal as whoever reads it finds it.
    pub(super) fn readable(&self) -> Vec<Arc<Event>> {
        let life = lock(&self.life);
        if life.disk_failed { life.journal.events_on_disk() } else { life.journal.events() }
    }

    /// The round that was begun last.
    pub(super) fn round(&self) -> u32 {
        lock(&self.life).round
    }

    pub(super) fn round_begins(&self, round: u32) {
        lock(&self.life).round = round;
    }

    /// A model says what an answer or an attempt took.
    pub(super) fn reports(&self, usage: Usage) {
        *lock(&self.reported).entry(self.round()).or_default() += usage;
    }

    pub(super) fn reported(&self) -> BTreeMap<u32, Usage> {
        lock(&self.reported).clone()
    }

    /// Whether a call's `tool_started` is on disk.
    pub(super) fn start_is_on_disk(&self, call: &CallId) -> bool {
        use domain::event::EventBody::ToolStarted;
        let is_it =
            |event: &Arc<Event>| matches!(&event.body, ToolStarted { call_id, .. } if call_id == call);
        self.journal().look(|events, on_disk| events.iter().take(on_disk).any(is_it))
    }
}
