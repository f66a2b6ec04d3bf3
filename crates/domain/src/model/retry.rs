//! How failed requests to models are tried again: the numbers. Who tries again, and when, is an adapter's business.

use std::time::Duration;

/// How requests are tried again (contract 3, `performance.worker_retry_*`).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RetrySettings {
    /// Whether at all.
    pub enabled: bool,
    /// Attempts of one request, the first included; from 1 to 100.
    pub max_attempts: u32,
    /// The wait after the first failure; at most a day.
    pub base_delay: Duration,
    /// The longest wait, where the server does not ask for a longer one; at most a day.
    pub max_delay: Duration,
    /// The part of a wait by which chance may shorten or lengthen it; from 0 to 1.
    pub jitter: f64,
    /// Whether each wait is twice the one before; otherwise all are [`RetrySettings::base_delay`].
    pub exponential: bool,
}

impl Default for RetrySettings {
    fn default() -> Self {
        Self {
            enabled: true,
            max_attempts: 3,
            base_delay: Duration::from_secs(1),
            max_delay: Duration::from_secs(30),
            jitter: 0.1,
            exponential: true,
        }
    }
}
