//! How long a server wants to be left alone, as its answer's head says it.
//!
//! Reads; whether and when to ask again is decided elsewhere.

use std::time::Duration;

use domain::time::Timestamp;
use reqwest::header::{DATE, HeaderMap, HeaderName, RETRY_AFTER};

/// Milliseconds, before `retry-after` where both are there.
const RETRY_AFTER_MS: HeaderName = HeaderName::from_static("retry-after-ms");

/// The server's waiting time: `retry-after-ms`, else `retry-after` in seconds or as a date. A date is read against the
/// answer's own `date`, so that our clock does not matter, and where it has none against `now`. A number that no
/// [`Duration`] holds is [`Duration::MAX`]; what is no time is none.
pub(crate) fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let number =
        |name, unit| text(headers, name)?.parse::<f64>().ok().and_then(|number| at_most(number / unit));
    let until_date = || {
        let until = date(headers, RETRY_AFTER)?;
        Some(until.since(date(headers, DATE).unwrap_or(now)))
    };
    number(RETRY_AFTER_MS, 1_000.0).or_else(|| number(RETRY_AFTER, 1.0)).or_else(until_date)
}

/// A number of seconds from 0 up, however large it is.
fn at_most(seconds: f64) -> Option<Duration> {
    (seconds >= 0.0).then(|| Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX))
}

fn date(headers: &HeaderMap, name: HeaderName) -> Option<Timestamp> {
    httpdate::parse_http_date(text(headers, name)?).ok().map(Timestamp::from)
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: &str = "2026-11-20T10:00:00Z";

    fn check(pairs: &[(&'static str, &'static str)], expected: Option<Duration>) {
        let headers =
            pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
        assert_eq!(retry_after(&headers, NOW.parse().unwrap()), expected, "{pairs:?}");
    }

    fn millis(millis: u64) -> Option<Duration> {
        Some(Duration::from_millis(millis))
    }

    #[test]
    fn numbers_are_seconds_or_milliseconds() {
        check(&[("retry-after", "3")], millis(3_000));
        check(&[("retry-after", " 0.5 ")], millis(500));
        check(&[("retry-after", "-0")], millis(0));
        check(&[("retry-after", "9"), ("retry-after-ms", "1200")], millis(1_200));
        check(&[("retry-after", "9"), ("retry-after-ms", "soon")], millis(9_000));
    }

    #[test]
    fn a_date_is_read_against_the_servers_clock_and_else_against_ours() {
        let server = ("date", "Fri, 20 Nov 2026 11:00:00 GMT");
        check(&[server, ("retry-after", "Fri, 20 Nov 2026 11:00:07 GMT")], millis(7_000));
        check(&[server, ("retry-after", "Fri, 20 Nov 2026 10:00:07 GMT")], millis(0));
        check(&[("retry-after", "Fri, 20 Nov 2026 10:00:07 GMT")], millis(7_000));
        check(&[("date", "today"), ("retry-after", "Fri, 20 Nov 2026 10:00:07 GMT")], millis(7_000));
        check(&[("retry-after", "Wed, 21 Oct 2015 07:28:00 GMT")], millis(0));
        check(&[("retry-after", "Sat, 20 Nov 2027 10:00:00 GMT")], millis(365 * 86_400_000));
    }

    #[test]
    fn a_number_too_large_to_count_with_is_as_long_as_can_be() {
        for number in ["1e99", "inf", "99999999999999999999999999999"] {
            check(&[("retry-after", number)], Some(Duration::MAX));
            check(&[("retry-after-ms", number)], Some(Duration::MAX));
        }
    }

    #[test]
    fn what_is_no_time_is_none() {
        for words in ["-1", "nan", "soon", "", "내일", "Fri, 32 Nov 2026 10:00:07 GMT"] {
            check(&[("retry-after", words)], None);
            check(&[("retry-after-ms", words)], None);
        }
        check(&[], None);
    }
}
