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
    /// What a request with a long prompt costs instead, where that is another price.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub long_prompt: Option<LongPrompt>,
}

/// What each token of a request costs whose prompt is long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LongPrompt {
    /// The most tokens of input, cached or not, of a prompt that is not long.
    pub above: u64,
    /// As [`Price::input`].
    pub input: u64,
    /// As [`Price::output`].
    pub output: u64,
    /// As [`Price::cache_read`].
    pub cache_read: u64,
    /// As [`Price::cache_write`].
    pub cache_write: u64,
}

impl Price {
    /// A price that is the same for prompts of every length.
    #[must_use]
    pub const fn new(input: u64, output: u64, cache_read: u64, cache_write: u64) -> Self {
        Self { input, output, cache_read, cache_write, long_prompt: None }
    }

    /// What one request costs that took so many tokens.
    #[must_use]
    pub const fn of(&self, usage: Usage) -> Cost {
        let prompt = usage.total().saturating_sub(usage.output_tokens);
        let price = self.for_prompt(prompt);
        let input = usage.input_tokens.saturating_mul(price.input);
        let output = usage.output_tokens.saturating_mul(price.output);
        let read = usage.cache_read_tokens.saturating_mul(price.cache_read);
        let written = usage.cache_write_tokens.saturating_mul(price.cache_write);
        Cost(input.saturating_add(output).saturating_add(read).saturating_add(written))
    }

    /// The most that a request with a prompt of `input` tokens and an answer of `output` tokens costs, whatever a cache
    /// knows of it.
    #[must_use]
    pub const fn at_most(&self, input: u64, output: u64) -> Cost {
        let price = self.for_prompt(input);
        let prompt = input.saturating_mul(price.dearest_input());
        Cost(prompt.saturating_add(output.saturating_mul(price.output)))
    }

    /// The longest answer to a prompt of `input` tokens that costs at most `cost` together with it; none where the
    /// prompt alone costs more.
    #[must_use]
    pub const fn most_output(&self, input: u64, cost: Cost) -> Option<u64> {
        let Some(left) = cost.0.checked_sub(self.at_most(input, 0).0) else { return None };
        match left.checked_div(self.for_prompt(input).output) {
            Some(tokens) => Some(tokens),
            None => Some(u64::MAX),
        }
    }

    /// What a token of a prompt costs at most.
    const fn dearest_input(&self) -> u64 {
        let mut dearest = self.input;
        if self.cache_read > dearest {
            dearest = self.cache_read;
        }
        if self.cache_write > dearest {
            dearest = self.cache_write;
        }
        dearest
    }

    const fn for_prompt(&self, tokens: u64) -> Self {
        match self.long_prompt {
            Some(LongPrompt { above, input, output, cache_read, cache_write }) if tokens > above => {
                Self::new(input, output, cache_read, cache_write)
            }
            _ => *self,
        }
    }
}

/// What requests took, in tokens and money.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Spending {
    usage: Usage,
    cost: Cost,
    is_priced: bool,
    is_unpriced: bool,
}

impl Spending {
    /// Takes one request's tokens, and their price where it is known.
    pub fn add(&mut self, usage: Usage, price: Option<&Price>) {
        self.usage += usage;
        match price {
            Some(price) => {
                self.is_priced = true;
                self.cost = self.cost.plus(price.of(usage));
            }
            None => self.is_unpriced = true,
        }
    }

    /// The tokens.
    #[must_use]
    pub const fn usage(&self) -> Usage {
        self.usage
    }

    /// The money; none where a model that was asked has no price, or none was asked.
    #[must_use]
    pub fn cost(&self) -> Option<Cost> {
        (self.is_priced && !self.is_unpriced).then_some(self.cost)
    }

    /// The money of those models that have a price.
    #[must_use]
    pub const fn known_cost(&self) -> Cost {
        self.cost
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FLAT: Price = Price::new(4_000, 20_000, 200, 5_000);
    const BANDED: Price = Price {
        long_prompt: Some(LongPrompt {
            above: 100_000,
            input: 500,
            output: 2_500,
            cache_read: 50,
            cache_write: 625,
        }),
        ..Price::new(100, 500, 10, 125)
    };

    const fn usage(input: u64, output: u64, read: u64, written: u64) -> Usage {
        Usage {
            input_tokens: input,
            output_tokens: output,
            cache_read_tokens: read,
            cache_write_tokens: written,
        }
    }

    #[test]
    fn every_kind_of_token_has_its_price() {
        let check = |price: Price, usage, usd: f64| assert_eq!(price.of(usage).as_usd(), usd, "{usage:?}");
        check(FLAT, usage(1_000_000, 0, 0, 0), 4.0);
        check(FLAT, usage(0, 1_000_000, 0, 0), 20.0);
        check(FLAT, usage(0, 0, 1_000_000, 0), 0.2);
        check(FLAT, usage(10, 20, 1_000, 100), 0.000_04 + 0.000_4 + 0.000_2 + 0.000_5);
    }

    #[test]
    fn a_long_prompt_has_its_own_price_however_much_of_it_is_cached() {
        let check = |usage, billionths| assert_eq!(BANDED.of(usage), Cost(billionths), "{usage:?}");
        check(usage(100_000, 10, 0, 0), 10_000_000 + 5_000);
        check(usage(100_001, 10, 0, 0), 50_000_500 + 25_000);
        check(usage(1, 10, 89_999, 10_000), 100 + 5_000 + 899_990 + 1_250_000);
        check(usage(1, 10, 90_000, 10_000), 500 + 25_000 + 4_500_000 + 6_250_000);
    }

    #[test]
    fn the_longest_answer_for_some_money_costs_no_more_than_that() {
        for price in [FLAT, BANDED] {
            for (input, usd) in [(1_000, 0.02), (100_000, 1.0), (100_001, 1.0)] {
                let cost = Cost::from_usd(usd).unwrap();
                let output = price.most_output(input, cost).unwrap();
                assert!(price.at_most(input, output) <= cost, "{price:?} {input}");
                assert!(price.at_most(input, output + 1) > cost, "{price:?} {input}");
            }
            assert_eq!(price.most_output(1_000_000_000, Cost::from_usd(1.0).unwrap()), None);
        }
        assert_eq!(Price::new(0, 0, 0, 0).most_output(9, Cost::default()), Some(u64::MAX));
    }

    #[test]
    fn a_sum_is_known_only_where_every_model_has_a_price() {
        let mut spending = Spending::default();
        assert_eq!(spending.cost(), None);
        spending.add(usage(1, 1, 0, 0), Some(&FLAT));
        assert_eq!(spending.cost(), Some(Cost(24_000)));
        spending.add(usage(1, 1, 0, 0), None);
        assert_eq!(
            (spending.cost(), spending.known_cost(), spending.usage()),
            (None, Cost(24_000), usage(2, 2, 0, 0))
        );
    }
}
