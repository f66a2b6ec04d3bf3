//! What end-to-end tests share: a world of its own for each, the built program in it, and what it said.

mod marker;
mod program;
mod running;
mod said;
mod terminal;
pub(crate) mod turns;
mod world;

pub(crate) use marker::Marker;
pub(crate) use program::{Call, Ended, Wire};
pub(crate) use running::Running;
pub(crate) use said::{CallEnd, Said, check_end, check_recorded};
pub(crate) use terminal::AtTerminal;
pub(crate) use world::World;
