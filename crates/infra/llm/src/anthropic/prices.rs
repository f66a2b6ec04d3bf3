//! What the tokens of the Messages API's models cost: list prices of 2026-11-20.
//!
//! Every figure comes from the vendor's own client (version 2.1.327), which computes costs from such a list: it was run
//! against scripted token counts on that day, and its `costUSD` read (`costBasis: "list"`). All but those of
//! `claude-sonnet-4-6` and the two `-5-2` models stand in the vendor's documents, too; those of `claude-mythos-5-1` and
//! `claude-mythos-5` stand only there. Cache writes are those of five minutes, the only ones we ask for.
//!
//! Prices change, one did within a model's life (`claude-sonnet-5-5` read at 0.20 until 2026-10-07): `prices` in
//! system_config.json stands before this table. A model that is not listed has no price, not the price of another.

use domain::price::{LongPrompt, Price};

/// US dollars for a million tokens of input, output, cache read and cache write, in thousandths.
const PRICES: &[(&[&str], Price)] = &[
    (&["claude-fable-5-2", "claude-mythos-5-2"], Price::new(8_000, 40_000, 200, 10_000)),
    (&["claude-fable-5-1", "claude-mythos-5-1"], Price::new(10_000, 50_000, 250, 12_500)),
    (&["claude-fable-5", "claude-mythos-5"], Price::new(10_000, 50_000, 1_000, 12_500)),
    (&["claude-opus-5-5"], Price::new(4_000, 20_000, 200, 5_000)),
    (
        &["claude-opus-5", "claude-opus-4-8", "claude-opus-4-7", "claude-opus-4-6", "claude-opus-4-5"],
        Price::new(5_000, 25_000, 500, 6_250),
    ),
    (&["claude-sonnet-5-5"], Price::new(2_000, 10_000, 100, 2_500)),
    (&["claude-sonnet-5"], Price::new(2_000, 10_000, 200, 2_500)),
    (&["claude-sonnet-4-6", "claude-sonnet-4-5"], Price::new(3_000, 15_000, 300, 3_750)),
    (&["claude-haiku-5-5"], HAIKU_5_5),
    (&["claude-haiku-4-5"], Price::new(1_000, 5_000, 100, 1_250)),
];

/// Prompts above 100,000 tokens have prices of their own (seen at 150,000). What they pay for cache writes was not
/// seen: it is 1.25 times the input, as in every other row.
const HAIKU_5_5: Price = Price {
    long_prompt: Some(LongPrompt {
        above: 100_000,
        input: 500,
        output: 2_500,
        cache_read: 50,
        cache_write: 625,
    }),
    ..Price::new(100, 500, 10, 125)
};

/// The price of a model by its name on the wire without a date; none where it is not known.
pub(super) fn price_of(model: &str) -> Option<Price> {
    PRICES.iter().find(|(models, _)| models.contains(&model)).map(|(_, price)| *price)
}

#[cfg(test)]
mod tests {
    use domain::message::Usage;

    use super::*;

    #[test]
    fn cache_writes_cost_a_quarter_more_than_input_in_every_row() {
        for (models, price) in PRICES {
            assert_eq!(price.cache_write * 4, price.input * 5, "{models:?}");
            assert!(price.cache_read < price.input && price.input < price.output, "{models:?}");
        }
    }

    #[test]
    fn a_million_tokens_of_each_kind_cost_what_the_list_says() {
        let check = |model: &str, usage: Usage, usd: f64| {
            assert_eq!(price_of(model).unwrap().of(usage).as_usd(), usd, "{model}");
        };
        let usage = Usage::default();
        check("claude-opus-5-5", Usage { input_tokens: 1_000_000, ..usage }, 4.0);
        check("claude-opus-5-5", Usage { output_tokens: 1_000_000, ..usage }, 20.0);
        check("claude-sonnet-5-5", Usage { cache_read_tokens: 1_000_000, ..usage }, 0.1);
        check("claude-fable-5-1", Usage { cache_write_tokens: 1_000_000, ..usage }, 12.5);
        check("claude-haiku-5-5", Usage { input_tokens: 100_000, ..usage }, 0.01);
        check("claude-haiku-5-5", Usage { input_tokens: 200_000, ..usage }, 0.1);
    }

    #[test]
    fn a_model_that_is_not_listed_has_no_price() {
        for model in ["claude-opus-9", "my-model", "claude-opus", ""] {
            assert_eq!(price_of(model), None, "{model}");
        }
    }
}
