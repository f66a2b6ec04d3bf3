//! What the providers' wires over HTTP have in common: reading an answer's head, reading a stream of events within
//! deadlines, telling where something went wrong. What an event means is each wire's own business.

mod head;
mod legible;
mod place;
mod prefix;
mod reply;
mod retry_after;
mod tool_input;

pub(crate) use head::{Head, open};
pub(crate) use legible::legible;
pub(crate) use place::Place;
#[cfg(test)]
pub(crate) use place::SHOWN;
pub(crate) use prefix::PrefixCache;
pub(crate) use reply::{Fold, Reply};
pub(crate) use retry_after::retry_after;
pub(crate) use tool_input::{LARGEST_TOOL_INPUT, read_input};

/// The most blocks or calls of one message: far above what any answer has, and a bound on the work per event.
pub(crate) const MOST_BLOCKS: usize = 4_096;
