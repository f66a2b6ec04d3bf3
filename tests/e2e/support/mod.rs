//! What end-to-end tests share: a world of its own for each, the built program in it, and what it said.

mod marker;
mod program;
mod running;
mod said;
pub(crate) mod turns;
mod world;

pub(crate) use marker::Marker;
pub(crate) use program::Ended;
pub(crate) use running::Running;
pub(crate) use said::{CallEnd, Said, check_end};
pub(crate) use world::World;

use std::io::Write;

/// Says past the test harness, which hides what passing tests print, that a test was not run.
pub(crate) fn skipped(why: &str) {
    let test = std::thread::current().name().unwrap_or_default().to_owned();
    writeln!(std::io::stderr(), "SKIPPED {test}: {why}").expect("standard error");
}
