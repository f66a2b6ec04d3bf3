//! One honest fake per port, with faults on request, and the mock model server.
//!
//! The fakes keep the promises that `domain::ports` writes down and check what the other side promised: a request
//! that a real endpoint would refuse, or an event out of order, fails the test loudly (see [`violations`]). They
//! run on tokio's timers, so they work under paused time. Nothing here sleeps to make something likely: tests
//! wait for states (see [`wait`]).
//!
//! Not here: mocks that count calls (mockall does that where a test needs it), and stories, which belong to the
//! tests that tell them.

pub mod artifacts;
pub mod claim;
pub mod clock;
pub mod grants;
pub mod journal;
pub mod mock_server;
pub mod model;
pub mod output;
pub mod pairing;
pub mod processes;
pub mod records;
pub mod requirement;
pub mod servers;
pub mod tool;
pub mod violations;
pub mod wait;
pub mod workspace;

pub use artifacts::MemoryArtifacts;
pub use claim::FakeClaim;
pub use clock::{FakeClock, SequentialIds};
pub use grants::MemoryGrants;
pub use journal::MemoryJournal;
pub use mock_server::{MockServer, Script, Turn};
pub use model::{Answer, Fault, ScriptedModel};
pub use output::MemoryOutput;
pub use processes::{FakeCommand, FakeProcesses};
pub use records::MemoryRecords;
pub use servers::FakeServers;
pub use tool::FakeTool;
pub use workspace::FakeWorkspace;
