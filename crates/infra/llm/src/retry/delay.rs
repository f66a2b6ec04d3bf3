//! How long to wait before the next attempt.

use std::time::Duration;

use domain::model::RetrySettings;

/// The longest wait that is counted with. A server that wants to be left alone for longer is not asked again anyway.
const A_DAY: Duration = Duration::from_secs(86_400);

/// The wait after so many failed attempts (from 1): the server's own waiting time at least, else the next of the
/// settings' delays, give or take chance. `chance` is a number from 0 up to 1.
pub(super) fn delay(
    settings: &RetrySettings,
    failures: u32,
    retry_after: Option<Duration>,
    chance: f64,
) -> Duration {
    let doublings = if settings.exponential { failures.saturating_sub(1).min(31) } else { 0 };
    let step = settings.base_delay.saturating_mul(1 << doublings).min(settings.max_delay);
    let (jitter, chance) = (settings.jitter.clamp(0.0, 1.0), chance.clamp(0.0, 1.0));
    let own = step.mul_f64(jitter.mul_add(2.0 * chance - 1.0, 1.0));
    // A server's waiting time is a minimum: chance only adds to it, so that others who were told the same do not come
    // at the same moment.
    let asked = retry_after.map_or(Duration::ZERO, |least| least.min(A_DAY) + step.mul_f64(jitter * chance));
    own.max(asked)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(settings: &RetrySettings, given: (u32, Option<u64>, f64), expected: u64) {
        let (failures, retry_after, chance) = given;
        let wait = delay(settings, failures, retry_after.map(Duration::from_millis), chance);
        assert_eq!(wait, Duration::from_millis(expected), "{given:?}");
    }

    /// O-23: base delay 1 s, doubled up to 30 s, a tenth up or down.
    #[test]
    fn waits_double_up_to_the_longest_give_or_take_chance() {
        let settings = RetrySettings::default();
        for (failures, expected) in
            [(1, 1_000), (2, 2_000), (3, 4_000), (5, 16_000), (6, 30_000), (u32::MAX, 30_000)]
        {
            check(&settings, (failures, None, 0.5), expected);
        }
        check(&settings, (1, None, 0.0), 900);
        check(&settings, (1, None, 1.0), 1_100);
        check(&RetrySettings { exponential: false, ..settings }, (5, None, 0.5), 1_000);
        check(&RetrySettings { jitter: 0.0, ..settings }, (2, None, 0.9), 2_000);
        check(&RetrySettings { base_delay: Duration::ZERO, ..settings }, (9, None, 0.9), 0);
    }

    /// P33: Retry-After is a minimum.
    #[test]
    fn nobody_comes_before_the_server_wants() {
        let settings = RetrySettings::default();
        check(&settings, (1, Some(3_000), 0.0), 3_000);
        check(&settings, (1, Some(3_000), 0.5), 3_050);
        check(&settings, (1, Some(45_000), 1.0), 45_100);
        check(&settings, (2, Some(100), 0.5), 2_000);
        check(&settings, (1, Some(u64::MAX), 0.0), 86_400_000);
    }
}
