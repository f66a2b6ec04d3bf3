//! Points in time as the journal writes them. Nothing here reads a clock: [`crate::ports::Clock`] does.

use std::{
    fmt,
    str::FromStr,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A moment in UTC, to the microsecond. Its text is RFC 3339 with six decimals and `Z`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp {
    micros: u64,
}

impl Timestamp {
    /// Microseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn from_micros(micros: u64) -> Self {
        Self { micros }
    }

    /// Microseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn as_micros(self) -> u64 {
        self.micros
    }

    /// The time passed since `earlier`; zero where the clock went backwards.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.micros.saturating_sub(earlier.micros))
    }

    /// This moment plus `duration`, at most the largest representable one.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        Self { micros: self.micros.saturating_add(micros) }
    }
}

impl From<SystemTime> for Timestamp {
    /// Times before 1970 become 1970.
    fn from(time: SystemTime) -> Self {
        let micros = time.duration_since(UNIX_EPOCH).map_or(0, |passed| passed.as_micros());
        Self { micros: u64::try_from(micros).unwrap_or(u64::MAX) }
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Year 9999 is the last that RFC 3339 can write.
        const LAST: u64 = 253_402_300_799_999_999;
        let time = UNIX_EPOCH + Duration::from_micros(self.micros.min(LAST));
        humantime::format_rfc3339_micros(time).fmt(f)
    }
}

/// A text that is not an RFC 3339 time in UTC.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a time like 2026-01-31T09:30:00.000000Z")]
pub struct InvalidTimestamp(String);

impl FromStr for Timestamp {
    type Err = InvalidTimestamp;

    fn from_str(text: &str) -> Result<Self, InvalidTimestamp> {
        humantime::parse_rfc3339(text).map(Self::from).map_err(|_| InvalidTimestamp(text.to_owned()))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The last microsecond of the year 9999.
    const LAST: u64 = 253_402_300_799_999_999;

    proptest! {
        #![proptest_config(crate::properties::cases())]

        #[test]
        fn a_moment_survives_its_text_and_its_json_and_sorts_like_them(one in 0..=LAST, other in 0..=LAST) {
            let (one, other) = (Timestamp::from_micros(one), Timestamp::from_micros(other));
            let text = one.to_string();
            prop_assert!(text.len() == 27 && text.ends_with('Z'), "{}", text);
            prop_assert_eq!(text.parse::<Timestamp>(), Ok(one));
            let json = serde_json::to_value(one).expect("a moment is a string");
            prop_assert_eq!(&json, &serde_json::Value::from(text.as_str()));
            prop_assert_eq!(serde_json::from_value::<Timestamp>(json).expect("it is a moment"), one);
            prop_assert_eq!(one.cmp(&other), text.cmp(&other.to_string()));
        }

        #[test]
        fn no_arithmetic_overflows(one in any::<u64>(), other in any::<u64>()) {
            let (early, late) = (Timestamp::from_micros(one.min(other)), Timestamp::from_micros(one.max(other)));
            prop_assert_eq!(early.plus(late.since(early)), late);
            prop_assert_eq!(early.since(late), Duration::ZERO);
            prop_assert_eq!(early.plus(Duration::MAX), Timestamp::from_micros(u64::MAX));
            prop_assert_eq!(late.to_string().len(), 27);
        }
    }

    #[test]
    fn a_moment_is_written_in_utc_to_the_microsecond() {
        let moment = Timestamp::from_micros(1_769_851_800_000_042);
        assert_eq!(moment.to_string(), "2026-01-31T09:30:00.000042Z");
        assert_eq!(Timestamp::from_micros(u64::MAX).to_string(), "9999-12-31T23:59:59.999999Z");
        assert_eq!(Timestamp::from(UNIX_EPOCH - Duration::from_secs(1)), Timestamp::from_micros(0));
    }

    #[test]
    fn other_texts_are_no_moments() {
        for text in ["", "어제", "2026-01-31", "2026-01-31T09:30:00+09:00", "2026-02-30T00:00:00Z"] {
            let error = text.parse::<Timestamp>().expect_err(text);
            assert_eq!(error.to_string(), format!("`{text}` is not a time like 2026-01-31T09:30:00.000000Z"));
        }
        assert_eq!("1970-01-01T00:00:01Z".parse::<Timestamp>(), Ok(Timestamp::from_micros(1_000_000)));
    }
}
