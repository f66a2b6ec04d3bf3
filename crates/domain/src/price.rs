//! Money: what tokens cost.
//!
//! Counted in whole billionths of a US dollar, so that sums are exact and only grow.

use serde::{Deserialize, Serialize};

use crate::message::Usage;

/// An amount of money, in billionths of a US dollar.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cost(u64);

impl Cost {
    const PER_DOLLAR: f64 = 1e9;

    /// So many billionths of a US dollar.
    #[must_use]
    pub const fn from_billionths(billionths: u64) -> Self {
        Self(billionths)
    }

    /// So many US dollars, rounded to a billionth; none for an amount below 0, above 1 billion, or none at all.
    #[must_use]
    pub fn from_usd(usd: f64) -> Option<Self> {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "the range was looked at, and a billionth is all that is kept"
        )]
        (0.0..=1e9).contains(&usd).then(|| Self((usd * Self::PER_DOLLAR).round() as u64))
    }

    /// The same in US dollars, as events and reports write it.
    #[must_use]
    #[expect(
        clippy::cast_precision_loss,
        reason = "9 million dollars are exact to the billionth, and no round costs more"
    )]
    pub fn as_usd(self) -> f64 {
        self.0 as f64 / Self::PER_DOLLAR
    }

    /// The same in billionths of a US dollar.
    #[must_use]
    pub const fn billionths(self) -> u64 {
        self.0
    }

    /// The sum, at most the largest amount there is.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// What is left of this when `other` is gone.
    #[must_use]
    pub const fn minus(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

/// What one token of each kind costs, in billionths of a US dollar (thousandths of a dollar for a million of them).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Price {
    /// A token of input that no cache knew.
    pub input: u64,
    /// A token of output, thinking included.
    pub output: u64,
    /// A token of input read from the provider's cache.
    pub cache_read: u64,
    /// A token of input written to the provider's cache.
    pub cache_write: u64,
}

impl Price {
    /// What so many tokens cost.
    #[must_use]
    pub const fn of(&self, usage: Usage) -> Cost {
        let input = usage.input_tokens.saturating_mul(self.input);
        let output = usage.output_tokens.saturating_mul(self.output);
        let read = usage.cache_read_tokens.saturating_mul(self.cache_read);
        let written = usage.cache_write_tokens.saturating_mul(self.cache_write);
        Cost(input.saturating_add(output).saturating_add(read).saturating_add(written))
    }
}
