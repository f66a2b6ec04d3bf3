//! The ports of a simulated session: fakes that keep their promises, with time, chance and faults in between.

mod clock;
mod files;
mod model;
mod processes;
mod store;
mod tool;

pub(super) use clock::SimulatedClock;
pub(super) use files::{SimulatedClaim, SimulatedWorkspace};
pub(super) use model::{SimulatedModel, usage};
pub(super) use processes::{SimulatedProcesses, SimulatedServers};
pub(super) use store::{SimulatedJournal, SimulatedRecords};
pub(super) use tool::{SimulatedTool, TOOLS};
