//! Room for requests: made before each one goes out, settled when it has come to an end. A limit that leaves none ends
//! the round with all its runs; room that other runs of the round have taken for theirs is waited for.
//!
//! What fits is decided in [`domain::budget`]; nothing is counted here.

use std::sync::{Mutex, MutexGuard};

use domain::{
    budget::{InputGauge, Need, NoRoom, Reservation, Trip, message_bytes_of, prefix_bytes, tokens_of},
    event::EventBody,
    message::Usage,
    model::{ModelFacts, ModelRequest},
    outcome::Ending,
    ports::JournalError,
    price::{Price, Spending},
};

use super::{RunContext, open_request::RequestEnd};
use crate::{locking::lock, round::RoundContext};

/// What a run has taken so far, and how long its next input is.
#[derive(Debug, Default)]
pub(crate) struct RunAccount(Mutex<Account>);

#[derive(Debug, Default)]
struct Account {
    gauge: InputGauge,
    /// The bytes that every request of the run begins with; none before the first.
    prefix: Option<u64>,
    spent: Spending,
}

impl RunAccount {
    /// What the run has taken, failed attempts included.
    pub(crate) fn spent(&self) -> Spending {
        self.lock().spent
    }

    /// Takes what the run had taken before the program died.
    pub(crate) fn recall(&self, spent: Spending) {
        self.lock().spent = spent;
    }

    fn lock(&self) -> MutexGuard<'_, Account> {
        lock(&self.0)
    }
}

impl Account {
    /// The bytes of a request, and the tokens of its input as far as they can be told before.
    fn measure(&mut self, request: &ModelRequest) -> (u64, u64) {
        let prefix = *self.prefix.get_or_insert_with(|| prefix_bytes(request));
        let bytes = prefix.saturating_add(message_bytes_of(request));
        (bytes, self.gauge.estimate(bytes))
    }
}

/// Room that a request has. Dropped without being settled all of it counts as taken, because nobody knows better.
pub(crate) struct Room<'r> {
    round: &'r RoundContext,
    /// None when it was settled.
    reservation: Option<Reservation>,
    bytes: u64,
}

impl Drop for Room<'_> {
    fn drop(&mut self) {
        if let Some(reservation) = self.reservation.take() {
            self.round.state().budget.settle_unknown(reservation);
        }
        self.round.room_settled.notify_waiters();
    }
}

impl Room<'_> {
    fn price(&self) -> Option<&Price> {
        self.reservation.as_ref().and_then(Reservation::price)
    }
}

impl<'r> RunContext<'r> {
    /// Makes room for a request, and lowers its answer to what is left. Where there is none, the round ends; where only
    /// other requests stand in the way, this waits until there is, at most as long as the run has.
    pub(crate) async fn make_room(
        &self,
        request: &mut ModelRequest,
    ) -> Result<Result<Room<'r>, Ending>, JournalError> {
        let facts = self.member.model_facts();
        let (bytes, input) = self.account.lock().measure(request);
        let need = Need { input, output: facts.max_output_tokens, price: facts.price };
        let round = self.round;
        loop {
            // Before the try, so that nothing that is settled meanwhile is missed.
            let settled = round.room_settled.notified();
            let reserved = round.state().budget.reserve(need);
            match reserved {
                Ok(reservation) => {
                    request.max_tokens = reservation.max_tokens();
                    return Ok(Ok(Room { round, reservation: Some(reservation), bytes }));
                }
                Err(NoRoom::Reached(trip)) => return round.out_of_room(trip).await.map(Err),
                Err(NoRoom::Others) => {
                    tracing::debug!(agent = self.agent().as_str(), "a request waits for room in the budget");
                    tokio::select! {
                        biased;
                        ending = self.stop.stopped() => return Ok(Err(ending)),
                        () = settled => {}
                    }
                }
            }
        }
    }

    /// An attempt failed and took this, and another one follows where there is still room for it.
    pub(crate) fn attempt_failed(&self, room: &Room<'_>, usage: Usage) -> Result<(), Trip> {
        self.account.lock().spent.add(usage, room.price());
        let Some(reservation) = &room.reservation else { return Ok(()) };
        self.round.state().budget.attempt_failed(reservation, usage)
    }

    /// Another model answers than the one that the room was made for.
    pub(crate) fn answered_by(&self, room: &mut Room<'_>, facts: ModelFacts) -> Result<(), Trip> {
        let Some(reservation) = &mut room.reservation else { return Ok(()) };
        self.round.state().budget.reprice(reservation, facts.price)
    }

    /// The request has come to this. What a stopped one took nobody knows: its room stays taken.
    pub(crate) fn settle(&self, mut room: Room<'_>, end: &RequestEnd) {
        let usage = match end {
            RequestEnd::Answered(answer) => answer.usage,
            RequestEnd::Failed(error) => error.usage,
            RequestEnd::Stopped(_) => return,
        };
        #[cfg(test)]
        let usage = self.round.ports.planted.counted(usage);
        let Some(reservation) = room.reservation.take() else { return };
        let mut account = self.account.lock();
        account.gauge.counted(room.bytes, usage);
        account.spent.add(usage, reservation.price());
        let budget = &mut self.round.state().budget;
        match end {
            RequestEnd::Answered(answer) if usage.total() == 0 => {
                budget.settle_uncounted(reservation, tokens_of(&answer.message));
            }
            _ => budget.settle(reservation, usage),
        }
    }
}

impl RoundContext {
    /// Ends the round at a limit of its budget. It is said once, however many runs come upon it.
    pub(crate) async fn out_of_room(&self, trip: Trip) -> Result<Ending, JournalError> {
        // What ends already reaches no limit any more.
        if let Some(ending) = self.stop.ending() {
            return Ok(ending);
        }
        let ending = Ending::Limit(trip.reason());
        if !std::mem::replace(&mut self.state().is_out_of_room, true) {
            let (limit, value) = (trip.limit().to_owned(), trip.value());
            self.append(EventBody::LimitReached { limit, value }).await?;
            self.stop.trigger(ending);
        }
        Ok(self.stop.ending().unwrap_or(ending))
    }
}
