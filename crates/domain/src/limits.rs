//! The numbers that keep a round finite (`workflow_limits`, contract 3).

use std::{fmt, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{price::Cost, report::Severity};

/// Limits of a round. Every one of them is counted by the engine, never by a model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Limits {
    /// Reviews of one subject that may ask for changes, before the person is asked.
    pub max_review_iterations: u32,
    /// Rounds of failed test → fix → test.
    pub max_retry_cycles: u32,
    /// Failed coder runs in a row that may be tried again.
    pub max_coder_retries: u32,
    /// The manager's turns in a round.
    pub max_turns: u32,
    /// A worker's turns in a run.
    pub max_worker_turns: u32,
    /// Messages of one run's conversation before old ones are cut.
    pub max_messages: u32,
    /// Workers of one of the manager's turns that run at the same time.
    pub max_parallel_workers: u32,
    /// Tokens of all models, in and out; none: as many as it takes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<u64>,
    /// What all models together may cost; none: what it takes.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "usd")]
    pub max_cost_usd: Option<Cost>,
    /// How often the same call may give the same result before the agent is told, and once more so often before its run
    /// ends.
    pub loop_repeats: u32,
    /// The least severity of an open finding that forces another review (`review.force_on`).
    pub review_force_on: Severity,
    /// The whole round; none: as long as it takes.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "seconds")]
    pub timeout_seconds: Option<Duration>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_review_iterations: 3,
            max_retry_cycles: 3,
            max_coder_retries: 2,
            max_turns: 50,
            max_worker_turns: 100,
            max_messages: 50,
            max_parallel_workers: 4,
            max_tokens: None,
            max_cost_usd: None,
            loop_repeats: 4,
            review_force_on: Severity::Critical,
            timeout_seconds: None,
        }
    }
}

/// The value of a limit: a count, or an amount (seconds, US dollars) that need not be whole.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum LimitValue {
    /// So many.
    Count(u64),
    /// So much.
    Amount(f64),
}

impl From<u64> for LimitValue {
    fn from(count: u64) -> Self {
        Self::Count(count)
    }
}

impl From<u32> for LimitValue {
    fn from(count: u32) -> Self {
        Self::Count(count.into())
    }
}

impl From<Cost> for LimitValue {
    fn from(cost: Cost) -> Self {
        Self::Amount(cost.as_usd())
    }
}

impl From<Duration> for LimitValue {
    fn from(time: Duration) -> Self {
        if time.subsec_nanos() == 0 { Self::Count(time.as_secs()) } else { Self::Amount(time.as_secs_f64()) }
    }
}

impl fmt::Display for LimitValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count(count) => write!(f, "{count}"),
            Self::Amount(amount) => write!(f, "{amount}"),
        }
    }
}

/// Tool inputs in a row that did not fit their schema, before a run fails as `malformed_report` (contract 4).
pub const MALFORMED_IN_A_ROW: u32 = 3;

/// The most tool calls of one message (contract 10).
pub const MOST_CALLS_IN_A_MESSAGE: usize = 64;

mod seconds {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    #[expect(clippy::ref_option, reason = "serde's `with` hands over a reference")]
    pub(super) fn serialize<S: Serializer>(
        value: &Option<Duration>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match value {
            Some(duration) => serializer.serialize_f64(duration.as_secs_f64()),
            None => serializer.serialize_none(),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Duration>, D::Error> {
        let seconds = Option::<f64>::deserialize(deserializer)?;
        seconds
            .map(|seconds| Duration::try_from_secs_f64(seconds).map_err(serde::de::Error::custom))
            .transpose()
    }
}

mod usd {
    use serde::{Deserialize, Deserializer, Serializer};

    use crate::price::Cost;

    #[expect(clippy::ref_option, reason = "serde's `with` hands over a reference")]
    pub(super) fn serialize<S: Serializer>(value: &Option<Cost>, serializer: S) -> Result<S::Ok, S::Error> {
        match value {
            Some(cost) => serializer.serialize_f64(cost.as_usd()),
            None => serializer.serialize_none(),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Cost>, D::Error> {
        let no_cost = || serde::de::Error::custom("expected US dollars, from 0 to 1 billion");
        let usd = Option::<f64>::deserialize(deserializer)?;
        usd.map(|usd| Cost::from_usd(usd).ok_or_else(no_cost)).transpose()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// O-15: the numbers of `workflow_limits`.
    #[test]
    fn the_defaults_are_those_of_the_contract() {
        let expected = json!({
            "max_review_iterations": 3,
            "max_retry_cycles": 3,
            "max_coder_retries": 2,
            "max_turns": 50,
            "max_worker_turns": 100,
            "max_messages": 50,
            "max_parallel_workers": 4,
            "loop_repeats": 4,
            "review_force_on": "critical",
        });
        let json = serde_json::to_value(Limits::default()).expect("limits are an object");
        assert_eq!(json, expected);
        assert_eq!(serde_json::from_value::<Limits>(json).expect("they are limits"), Limits::default());
        assert_eq!((MALFORMED_IN_A_ROW, MOST_CALLS_IN_A_MESSAGE), (3, 64));
    }

    #[test]
    fn the_value_of_a_limit_is_one_number() {
        let check = |value: LimitValue, said: &str| {
            let json = serde_json::to_string(&value).expect("a number");
            assert_eq!((json.as_str(), value.to_string().as_str()), (said, said));
            assert_eq!(serde_json::from_str::<LimitValue>(&json).expect("a number"), value);
        };
        check(50_u32.into(), "50");
        check(Duration::from_secs(90).into(), "90");
        check(Duration::from_millis(1_500).into(), "1.5");
        check(Cost::from_billionths(250_000_000).into(), "0.25");
    }

    #[test]
    fn a_rounds_time_is_written_in_seconds() {
        let limits = Limits { timeout_seconds: Some(Duration::from_millis(1500)), ..Limits::default() };
        let json = serde_json::to_value(&limits).expect("limits are an object");
        assert_eq!(json["timeout_seconds"], json!(1.5));
        assert_eq!(serde_json::from_value::<Limits>(json).expect("they are limits"), limits);

        let mut negative = serde_json::to_value(Limits::default()).expect("limits are an object");
        negative["timeout_seconds"] = json!(-1);
        assert!(serde_json::from_value::<Limits>(negative).is_err());
    }
}
