//! How model calls are waited for, tried again, and what they cost.

use std::{collections::BTreeMap, time::Duration};

use domain::{model::RetrySettings, price::Price};

use crate::{
    picker::{Key, Picker},
    system_file::{Performance, PriceEntry},
    trust::{Widening, is_smaller, never},
};

/// How long an answer may be silent in its middle, and how long it may take to begin.
pub(crate) fn waits(picker: &mut Picker<'_>) -> (Duration, Duration) {
    let mut wait = |path, get: fn(&Performance) -> Option<f64>, default| {
        let seconds = picker.pick(Key {
            path,
            get: &|file| get(&file.performance),
            default,
            narrows: is_smaller,
            widening: Widening::Limit,
            above: None,
        });
        Duration::from_secs_f64(seconds)
    };
    (
        wait("performance.idle_timeout_seconds", |performance| performance.idle_timeout_seconds, 90.0),
        wait(
            "performance.first_byte_timeout_seconds",
            |performance| performance.first_byte_timeout_seconds,
            120.0,
        ),
    )
}

/// How failed model calls are tried again.
pub(crate) fn retry(picker: &mut Picker<'_>) -> RetrySettings {
    let default = RetrySettings::default();
    let enabled = picker.pick(Key {
        path: "performance.worker_retry_enabled",
        get: &|file| file.performance.worker_retry_enabled,
        default: default.enabled,
        narrows: is_smaller,
        widening: Widening::Retries,
        above: None,
    });
    let max_attempts = picker.pick(Key {
        path: "performance.worker_retry_max_attempts",
        get: &|file| file.performance.worker_retry_max_attempts,
        default: default.max_attempts,
        narrows: is_smaller,
        widening: Widening::Retries,
        above: None,
    });
    let mut number = |path, get: fn(&Performance) -> Option<f64>, default| {
        picker.pick(Key {
            path,
            get: &|file| get(&file.performance),
            default,
            narrows: never,
            widening: Widening::Retries,
            above: None,
        })
    };
    let base_delay = number(
        "performance.worker_retry_base_delay",
        |performance| performance.worker_retry_base_delay,
        default.base_delay.as_secs_f64(),
    );
    let max_delay = number(
        "performance.worker_retry_max_delay",
        |performance| performance.worker_retry_max_delay,
        default.max_delay.as_secs_f64(),
    );
    let jitter = number(
        "performance.worker_retry_jitter",
        |performance| performance.worker_retry_jitter,
        default.jitter,
    );
    let exponential = picker.pick(Key {
        path: "performance.worker_retry_exponential",
        get: &|file| file.performance.worker_retry_exponential,
        default: default.exponential,
        narrows: never,
        widening: Widening::Retries,
        above: None,
    });
    RetrySettings {
        enabled,
        max_attempts,
        base_delay: Duration::from_secs_f64(base_delay),
        max_delay: Duration::from_secs_f64(max_delay),
        jitter,
        exponential,
    }
}

/// What tokens cost, by the name of the model.
pub(crate) fn prices(picker: &mut Picker<'_>) -> BTreeMap<String, Price> {
    let entries = picker.pick(Key {
        path: "prices",
        get: &|file| file.prices.clone(),
        default: BTreeMap::new(),
        narrows: never,
        widening: Widening::Prices,
        above: None,
    });
    entries.into_iter().map(|(model, entry)| (model, price(entry))).collect()
}

fn price(entry: PriceEntry) -> Price {
    /// Billionths of a dollar for a token are thousandths of a dollar for a million of them.
    const PER_MILLION: f64 = 1e3;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the schema keeps prices from 0 to 1 million dollars"
    )]
    // Upwards: a limit of costs is kept by it.
    let of_token = |usd: f64| (usd * PER_MILLION - 1e-6).ceil().max(0.0) as u64;
    Price::new(
        of_token(entry.input),
        of_token(entry.output),
        of_token(entry.cache_read.unwrap_or(entry.input)),
        // What the dearest provider known to us asks for it.
        of_token(entry.cache_write.unwrap_or(entry.input * 1.25)),
    )
}
