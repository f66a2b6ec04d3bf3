//! The rate gate of a provider's account: what one request learns of its limit, all of them heed.
//!
//! [`turnstile`] decides, this waits. A gate belongs to everybody who shares the account ([`Accounts`]): agents, workers
//! and sessions. It knows nothing of requests but their order, and sends none.

mod accounts;
mod budget;
mod turnstile;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use domain::model::ModelErrorKind;
use tokio::{
    sync::Notify,
    time::{Instant, sleep_until},
};

pub use self::accounts::{Account, Accounts};
use self::turnstile::{Lesson, Number, Standing, Turnstile};

/// Stands in front of an account.
#[derive(Debug, Default)]
pub struct Gate {
    line: Mutex<Line>,
}

/// Bounded by the requests that are under way: each has one entry, which goes with it.
#[derive(Debug, Default)]
struct Line {
    turnstile: Turnstile,
    /// Wakes those who wait.
    bells: HashMap<Number, Arc<Notify>>,
}

/// What a request comes to at the gate.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// It may send.
    Pass,
    /// It is held for this long, as far as is known. Said once.
    Held(Duration),
    /// It would be held for this long, which is longer than it has.
    TooLong(Duration),
}

/// A request's place at the gate. Dropping it frees the place.
#[derive(Debug)]
pub(crate) struct Place {
    gate: Arc<Gate>,
    number: Number,
    bell: Arc<Notify>,
    /// Until then it waits for a reason of its own.
    not_before: Instant,
    /// Until then it must be let in.
    gives_up_at: Instant,
    was_held: bool,
    has_answered: bool,
}

impl Gate {
    /// Takes the next place.
    pub(crate) fn arrive(self: &Arc<Self>, gives_up_at: Instant) -> Place {
        let now = Instant::now();
        let bell = Arc::new(Notify::new());
        let mut line = self.line();
        let number = line.turnstile.arrive(now);
        line.bells.insert(number, Arc::clone(&bell));
        drop(line);
        let gate = Arc::clone(self);
        Place { gate, number, bell, not_before: now, gives_up_at, was_held: false, has_answered: false }
    }

    /// Locked for lines that do not panic.
    fn line(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Line {
    /// Lets in who may pass now.
    fn move_on(&mut self, now: Instant) {
        for number in self.turnstile.let_in(now) {
            self.ring(number);
        }
    }

    fn ring(&self, number: Number) {
        if let Some(bell) = self.bells.get(&number) {
            bell.notify_one();
        }
    }
}

impl Place {
    /// Waits for this request's turn. May be dropped and called again.
    pub(crate) async fn turn(&mut self) -> Turn {
        loop {
            let now = Instant::now();
            let standing = {
                let mut line = self.gate.line();
                line.move_on(now);
                line.turnstile.standing(self.number, now)
            };
            let Standing::Waiting(until) = standing else { return Turn::Pass };
            let opens_in = until.map_or(Duration::ZERO, |until| until.saturating_duration_since(now));
            if now >= self.gives_up_at || now + opens_in > self.gives_up_at {
                return Turn::TooLong(opens_in);
            }
            if !self.was_held && now >= self.not_before {
                self.was_held = true;
                return Turn::Held(opens_in);
            }
            tokio::select! {
                () = self.bell.notified() => {}
                () = sleep_until(until.unwrap_or(self.gives_up_at)) => {}
            }
        }
    }

    /// The server took the request.
    pub(crate) fn taken(&self) {
        let mut line = self.gate.line();
        line.turnstile.taken(self.number);
        line.move_on(Instant::now());
    }

    /// Something of an answer came. Cheap after the first time.
    pub(crate) fn answered(&mut self) {
        if !self.has_answered {
            self.has_answered = true;
            self.gate.line().turnstile.answered();
        }
    }

    /// The attempt failed; the next one, if there is one, would wait for `wait`.
    pub(crate) fn failed(&self, kind: &ModelErrorKind, wait: Duration) {
        let now = Instant::now();
        let lesson = match kind {
            ModelErrorKind::RateLimited { .. } | ModelErrorKind::Unavailable { retry_after: Some(_) } => {
                Lesson::Limited(now + wait)
            }
            ModelErrorKind::Unavailable { retry_after: None } => Lesson::Overloaded,
            _ => Lesson::Nothing,
        };
        let mut line = self.gate.line();
        if line.turnstile.learn(lesson, now) {
            line.turnstile.waiting().for_each(|number| line.ring(number));
        }
    }

    /// Waits again, at the same place in the order, and not to pass before `wait` is over.
    pub(crate) fn come_again(&mut self, wait: Duration) {
        let now = Instant::now();
        self.not_before = now + wait;
        (self.was_held, self.has_answered) = (false, false);
        let mut line = self.gate.line();
        line.turnstile.come_again(self.number, self.not_before);
        line.move_on(now);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut line = self.gate.line();
        line.bells.remove(&self.number);
        line.turnstile.leave(self.number);
        line.move_on(Instant::now());
    }
}

#[cfg(test)]
mod tests;
