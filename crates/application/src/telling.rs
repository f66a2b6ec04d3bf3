//! How errors and durations read in events.

use std::{error::Error, time::Duration};

/// The messages of an error's causes, outermost first, without the error's own.
pub(crate) fn causes(error: &dyn Error) -> Vec<String> {
    let sources = std::iter::successors(error.source(), |cause: &&dyn Error| (*cause).source());
    sources.map(ToString::to_string).collect()
}

/// An error with its causes, in one line.
pub(crate) fn with_causes(error: &dyn Error) -> String {
    std::iter::once(error.to_string()).chain(causes(error)).collect::<Vec<_>>().join(": ")
}

/// Whole milliseconds.
pub(crate) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
