//! The journal and the records of a simulated session.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use domain::{
    event::Event,
    id::SessionId,
    ports::{JournalError, JournalPort, RecordError, RecordPort},
    record::SessionRecord,
};
use testkit::MemoryJournal;

use super::super::{faults::Fault, world::World};

/// A journal that is slow, full or broken at times. Everything on disk outlives the program.
pub(in crate::simulator) struct SimulatedJournal {
    pub(in crate::simulator) world: Arc<World>,
    pub(in crate::simulator) memory: Arc<MemoryJournal>,
}

#[async_trait]
impl JournalPort for SimulatedJournal {
    async fn append(&self, event: Arc<Event>) -> Result<(), JournalError> {
        let world = &self.world;
        world.step().await;
        world.may_dawdle(Fault::StoreDawdles, Duration::from_secs(8)).await;
        if world.brings(Fault::StoreFillsUp) {
            world.store_fails();
            self.memory.fail_from(0);
        }
        // Nothing is awaited after this: whoever is dropped while they wait has not been taken from.
        self.memory.append(event).await
    }

    async fn durable(&self) -> Result<(), JournalError> {
        let world = &self.world;
        world.step().await;
        world.may_dawdle(Fault::StoreDiskDawdles, Duration::from_secs(8)).await;
        if world.brings(Fault::StoreDiskFails) {
            world.disk_fails();
            self.memory.fail_durable_from(0);
        }
        let on_disk = self.memory.durable().await;
        world.step().await;
        on_disk
    }

    async fn read(&self, session: SessionId, after: u64) -> Result<Vec<Event>, JournalError> {
        self.world.step().await;
        let events = self.memory.read(session, after).await?;
        let last = self.world.readable().last().map_or(0, |event| event.seq);
        Ok(events.into_iter().filter(|event| event.seq <= last).collect())
    }
}

/// Records that cannot be written at times.
pub(in crate::simulator) struct SimulatedRecords(pub(in crate::simulator) Arc<World>);

#[async_trait]
impl RecordPort for SimulatedRecords {
    async fn save(&self, record: &SessionRecord) -> Result<String, RecordError> {
        self.0.step().await;
        if self.0.brings(Fault::StoreLosesRecord) {
            let place = "simulated".to_owned();
            return Err(RecordError { place, source: "no space left (a simulated fault)".into() });
        }
        self.0.records.save(record).await
    }
}
