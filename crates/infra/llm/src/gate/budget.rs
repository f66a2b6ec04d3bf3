//! How many attempts may be repeats: ten a minute, and one for every ten requests (a token bucket over time, exact).

use std::time::Duration;

use tokio::time::Instant;

/// What a repeat costs: ten of them are a minute.
const REPEAT: Duration = Duration::from_secs(6);

/// What a request earns: a tenth of a repeat.
const REQUEST: Duration = Duration::from_millis(600);

/// The most that is saved up.
const MOST: Duration = Duration::from_secs(60);

/// What is left for repeats. Begins full.
#[derive(Debug)]
pub(super) struct RetryBudget {
    left: Duration,
    counted: Option<Instant>,
}

impl Default for RetryBudget {
    fn default() -> Self {
        Self { left: MOST, counted: None }
    }
}

impl RetryBudget {
    /// A request goes out for the first time.
    pub(super) fn earn(&mut self) {
        self.left = (self.left + REQUEST).min(MOST);
    }

    /// When a repeat may go out: now, or later.
    pub(super) fn next(&mut self, now: Instant) -> Instant {
        self.count(now);
        now + REPEAT.saturating_sub(self.left)
    }

    /// Lets a repeat go out if there is enough for it.
    pub(super) fn spend(&mut self, now: Instant) -> bool {
        self.count(now);
        match self.left.checked_sub(REPEAT) {
            Some(left) => {
                self.left = left;
                true
            }
            None => false,
        }
    }

    fn count(&mut self, now: Instant) {
        let passed = self.counted.map_or(Duration::ZERO, |before| now.saturating_duration_since(before));
        self.left = (self.left + passed).min(MOST);
        self.counted = Some(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spends(budget: &mut RetryBudget, now: Instant) -> usize {
        std::iter::repeat_with(|| budget.spend(now)).take_while(|spent| *spent).count()
    }

    /// Reliability 1.4.
    #[test]
    fn ten_a_minute_and_one_for_ten_requests() {
        let began = Instant::now();
        let mut budget = RetryBudget::default();
        assert_eq!(spends(&mut budget, began), 10);
        assert_eq!(budget.next(began), began + REPEAT);
        assert_eq!(spends(&mut budget, began + Duration::from_secs(30)), 5);
        for _ in 0..9 {
            budget.earn();
        }
        let later = began + Duration::from_secs(30);
        assert_eq!(spends(&mut budget, later), 0);
        budget.earn();
        assert_eq!(spends(&mut budget, later), 1);
        assert_eq!(spends(&mut budget, later + Duration::from_secs(86_400)), 10, "no more is saved up");
    }
}
