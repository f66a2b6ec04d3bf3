//! Whole sessions in which everything goes wrong ([ADR 27](../../../docs/adr/0027-simulator.md)).
//!
//! A seed decides everything: what the person asks for and does, what models say, what tools do, how long each step
//! takes, what fails and when, and where the program dies. A session is played on tokio's paused time, on one thread, to
//! its end, over as many lives as its program has; then every invariant is held against what was seen. The same seed
//! plays the same session, byte for byte.
//!
//! Not here: real files, processes and networks (the tests of the built programs), and what a single machine of `domain`
//! decides (its properties).

mod brain;
mod dice;
mod faults;
mod invariants;
mod lives;
mod person;
mod plan;
mod planted;
mod ports;
mod tests;
mod trace;
mod world;

pub(crate) use planted::{Bug, Planted};
