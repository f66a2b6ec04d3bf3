//! What a round may take, kept before it is taken (`--max-tokens`, `--max-cost-usd`; O-14).
//!
//! Before each request of any run its input (estimated) and its longest answer are reserved; a request that does not
//! fit gets a shorter answer, down to [`SHORTEST_ANSWER`], and else does not go out. Afterwards the reservation is
//! settled with the provider's own count. Open reservations count as taken, so however many runs race, a round goes
//! past its limit only by what a provider counts beyond what was reserved. Where they alone stand in the way of another
//! request, that one waits until they are settled ([`NoRoom::Others`]).
//!
//! It asks no model and knows no prices: they come with each request. Turns and time are limits of others.

mod gauge;
#[cfg(test)]
mod tests;

pub use gauge::{InputGauge, bytes_of, message_bytes_of, prefix_bytes, tokens_of};

use crate::{
    limits::{LimitValue, Limits},
    message::{Message, Usage},
    outcome::LimitReason,
    price::{Cost, Price, Spending},
};

/// The fewest tokens of an answer that is worth asking for; what leaves room for fewer is used up.
pub const SHORTEST_ANSWER: u64 = 1_024;

/// A shorter answer than this is not asked for because of what other requests have reserved: it is waited for them.
pub const UNHURRIED_ANSWER: u64 = 8_000;

/// The longest answer of a model that does not say how much it gives.
pub const USUAL_ANSWER: u64 = 32_000;

/// What a round has taken, has reserved, and may take.
#[derive(Debug, Default)]
pub struct Budget {
    tokens: Option<u64>,
    cost: Option<Cost>,
    spent: Spending,
    /// Tokens of answered requests that their provider did not count, and all that was reserved for those of which
    /// nobody knows what they took.
    uncounted: Amount,
    open: Amount,
}

/// Tokens and what they cost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Amount {
    tokens: u64,
    cost: Cost,
}

/// What a request may take at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Need {
    /// Tokens of its input, estimated ([`InputGauge`]).
    pub input: u64,
    /// The most tokens of its answer; none where the model does not say: [`USUAL_ANSWER`].
    pub output: Option<u64>,
    /// What the model's tokens cost, where that is known.
    pub price: Option<Price>,
}

/// Room for one request. Dropped without being settled it stays open, and others wait for it.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "a reservation that is not settled stays open"]
pub struct Reservation {
    input: u64,
    output: u64,
    is_lowered: bool,
    price: Option<Price>,
    amount: Amount,
}

impl Reservation {
    /// The most tokens of the answer, where they are fewer than the model may give.
    #[must_use]
    pub fn max_tokens(&self) -> Option<u64> {
        self.is_lowered.then_some(self.output)
    }

    /// What the model's tokens cost, where that is known.
    #[must_use]
    pub const fn price(&self) -> Option<&Price> {
        self.price.as_ref()
    }
}

/// Why there is no room for a request now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoRoom {
    /// A limit is reached, whatever becomes of other requests.
    Reached(Trip),
    /// Other requests have reserved it: there may be room when one of them is settled. Never said where none is open.
    Others,
}

/// A limit that leaves no room for another request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trip {
    /// [`Limits::max_tokens`].
    Tokens(u64),
    /// [`Limits::max_cost_usd`].
    Cost(Cost),
}

impl Trip {
    /// The limit's name in the configuration.
    #[must_use]
    pub const fn limit(self) -> &'static str {
        match self {
            Self::Tokens(_) => "max_tokens",
            Self::Cost(_) => "max_cost_usd",
        }
    }

    /// The limit's value.
    #[must_use]
    pub fn value(self) -> LimitValue {
        match self {
            Self::Tokens(tokens) => tokens.into(),
            Self::Cost(cost) => cost.into(),
        }
    }

    /// The reason with which the round ends.
    #[must_use]
    pub const fn reason(self) -> LimitReason {
        match self {
            Self::Tokens(_) => LimitReason::Tokens,
            Self::Cost(_) => LimitReason::Cost,
        }
    }
}

impl Budget {
    /// A round's budget, with nothing spent.
    #[must_use]
    pub fn new(limits: &Limits) -> Self {
        Self { tokens: limits.max_tokens, cost: limits.max_cost_usd, ..Self::default() }
    }

    /// What the round has taken so far, by its providers' count.
    #[must_use]
    pub const fn spent(&self) -> &Spending {
        &self.spent
    }

    /// Takes what a request took before the program died that counted it: an answer, or a failed attempt without one.
    /// Where its provider counted nothing, the answer counts against the limits as estimated.
    pub fn recall(&mut self, usage: Usage, answer: Option<&Message>, price: Option<&Price>) {
        if let Some(answer) = answer.filter(|_| usage.total() == 0) {
            let tokens = tokens_of(answer);
            let cost = price.map(|price| price.at_most(0, tokens)).unwrap_or_default();
            self.uncounted = self.uncounted.plus(Amount { tokens, cost });
        }
        self.spent.add(usage, price);
    }

    /// Makes room for a request, with as long an answer as there is room for.
    ///
    /// # Errors
    /// [`NoRoom`] where there is none: nothing was reserved then. Under a limit of costs there is none for a model
    /// without a price.
    pub fn reserve(&mut self, need: Need) -> Result<Reservation, NoRoom> {
        let wanted = need.output.unwrap_or(USUAL_ANSWER);
        let alone = self.longest_answer(need, self.settled()).map_err(NoRoom::Reached)?;
        let output = self.longest_answer(need, self.taken()).map_err(|_| NoRoom::Others)?;
        if output < alone.min(UNHURRIED_ANSWER) {
            return Err(NoRoom::Others);
        }
        let amount = Amount {
            tokens: need.input.saturating_add(output),
            cost: need.price.map(|price| price.at_most(need.input, output)).unwrap_or_default(),
        };
        self.open = self.open.plus(amount);
        let is_lowered = output < wanted;
        Ok(Reservation { input: need.input, output, is_lowered, price: need.price, amount })
    }

    /// The longest answer that fits beside what is `taken`.
    fn longest_answer(&self, need: Need, taken: Amount) -> Result<u64, Trip> {
        let wanted = need.output.unwrap_or(USUAL_ANSWER);
        let least = wanted.min(SHORTEST_ANSWER);
        let mut output = wanted;
        if let Some(limit) = self.tokens {
            let left = limit.saturating_sub(taken.tokens);
            output = left.checked_sub(need.input).ok_or(Trip::Tokens(limit))?.min(output);
            if output < least {
                return Err(Trip::Tokens(limit));
            }
        }
        if let Some(limit) = self.cost {
            let price = need.price.ok_or(Trip::Cost(limit))?;
            let left = limit.minus(taken.cost);
            output = price.most_output(need.input, left).ok_or(Trip::Cost(limit))?.min(output);
            if output < least {
                return Err(Trip::Cost(limit));
            }
        }
        Ok(output)
    }

    /// Takes the provider's count of the request that the room was for.
    pub fn settle(&mut self, reservation: Reservation, usage: Usage) {
        self.open = self.open.minus(reservation.amount);
        self.spent.add(usage, reservation.price.as_ref());
    }

    /// The request was answered and its provider counted nothing: against the limits the input counts as estimated, the
    /// answer with `output` tokens, at most as many as were reserved.
    pub fn settle_uncounted(&mut self, reservation: Reservation, output: u64) {
        let Reservation { input, output: most, price, amount, .. } = reservation;
        let output = output.min(most);
        let cost = price.map(|price| price.at_most(input, output)).unwrap_or_default();
        self.open = self.open.minus(amount);
        self.uncounted = self.uncounted.plus(Amount { tokens: input.saturating_add(output), cost });
        self.spent.add(Usage::default(), price.as_ref());
    }

    /// Nobody knows what became of the request but its provider: all that was reserved counts as taken.
    pub fn settle_unknown(&mut self, reservation: Reservation) {
        self.open = self.open.minus(reservation.amount);
        self.uncounted = self.uncounted.plus(reservation.amount);
    }

    /// An attempt of the request failed and took this; the room is kept for the next one.
    ///
    /// # Errors
    /// [`Trip`] where there is no room for the next one any more.
    pub fn attempt_failed(&mut self, reservation: &Reservation, usage: Usage) -> Result<(), Trip> {
        self.spent.add(usage, reservation.price.as_ref());
        let taken = self.taken();
        match (self.tokens, self.cost) {
            (Some(limit), _) if taken.tokens > limit => Err(Trip::Tokens(limit)),
            (_, Some(limit)) if taken.cost > limit => Err(Trip::Cost(limit)),
            _ => Ok(()),
        }
    }

    /// Another model answers than the one that the room was made for. The tokens stay as they are, their price is `price`.
    ///
    /// # Errors
    /// [`Trip`] where they cost more than there is at that price, or there is none under a limit of costs.
    pub fn reprice(&mut self, reservation: &mut Reservation, price: Option<Price>) -> Result<(), Trip> {
        let Reservation { input, output, amount, .. } = *reservation;
        let cost = price.map(|price| price.at_most(input, output)).unwrap_or_default();
        self.open = self.open.minus(amount).plus(Amount { cost, ..amount });
        (reservation.price, reservation.amount.cost) = (price, cost);
        match self.cost {
            Some(limit) if price.is_none() || self.taken().cost > limit => Err(Trip::Cost(limit)),
            _ => Ok(()),
        }
    }

    /// What is not there any more: spent, or reserved.
    fn taken(&self) -> Amount {
        self.settled().plus(self.open)
    }

    /// What no request gives back any more.
    fn settled(&self) -> Amount {
        let spent = Amount { tokens: self.spent.usage().total(), cost: self.spent.known_cost() };
        spent.plus(self.uncounted)
    }
}

impl Amount {
    fn plus(self, other: Self) -> Self {
        Self { tokens: self.tokens.saturating_add(other.tokens), cost: self.cost.plus(other.cost) }
    }

    fn minus(self, other: Self) -> Self {
        Self { tokens: self.tokens.saturating_sub(other.tokens), cost: self.cost.minus(other.cost) }
    }
}
