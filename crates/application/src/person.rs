//! The person of a session: who is asked and waited for, and whose words are kept until they are read (law 5).
//!
//! What waits and what settles it is decided in [`domain::person`]; here it is waited for. What is asked and answered is
//! written down by whoever asks: `leave`, `question`, `intervention`, `hearing`.

use std::{
    sync::{Mutex, MutexGuard},
    time::Duration,
};

use domain::person::{Matter, PersonQueue, Presence, Settled};
use tokio::{
    sync::watch,
    time::{Instant, sleep, sleep_until},
};

use crate::{locking::lock, stop::StopSignal};

mod clock;
mod hearing;
mod intervention;
mod leave;
mod question;

use clock::StandingTime;
pub(crate) use leave::{Permissions, Permit, Wanting};
pub(crate) use question::{Answered, Question};

/// The person of a session.
pub(crate) struct Person {
    question_timeout: Duration,
    intervention: Duration,
    desk: Mutex<Desk>,
    /// Whoever waits looks at the desk again.
    changes: watch::Sender<()>,
}

struct Desk {
    queue: PersonQueue,
    standing: StandingTime,
}

impl Person {
    pub(crate) fn new(presence: Presence) -> Self {
        let (question_timeout, intervention) = match presence {
            Presence::Nobody => (Duration::ZERO, Duration::ZERO),
            Presence::Present { question_timeout, intervention } => (question_timeout, intervention),
        };
        let queue = PersonQueue::new(presence != Presence::Nobody);
        let desk = Mutex::new(Desk { queue, standing: StandingTime::default() });
        Self { question_timeout, intervention, desk, changes: watch::Sender::default() }
    }

    /// How long leave, a question and a paused window wait for an answer.
    pub(crate) const fn question_timeout(&self) -> Duration {
        self.question_timeout
    }

    /// How long the window after reports is open; zero: not at all.
    pub(crate) const fn intervention(&self) -> Duration {
        self.intervention
    }

    /// Whether somebody is there.
    pub(crate) fn is_attended(&self) -> bool {
        self.desk().queue.is_attended()
    }

    /// Does something to the queue, and lets everybody look who waits.
    pub(crate) fn change<T>(&self, change: impl FnOnce(&mut PersonQueue) -> T) -> T {
        let value = {
            let Desk { queue, standing } = &mut *self.desk();
            let value = change(queue);
            standing.note(queue.is_asking());
            value
        };
        self.changes.send_replace(());
        value
    }

    /// Waits until there is something to see. Safe to drop.
    pub(crate) async fn until<T>(&self, mut see: impl FnMut(&mut PersonQueue) -> Option<T>) -> T {
        let mut changes = self.changes.subscribe();
        loop {
            if let Some(seen) = see(&mut self.desk().queue) {
                return seen;
            }
            changed(&mut changes).await;
        }
    }

    /// Lets `matter` wait for the person. It can be answered from now on; none where nobody is there.
    pub(crate) fn ask<M: Matter>(&self, matter: M) -> Option<Waiting<'_, M>> {
        let is_attended = self.change(|queue| {
            queue.ask(matter.clone());
            queue.is_attended()
        });
        let waiting = Waiting { person: self, matter };
        is_attended.then_some(waiting)
    }

    /// Waits until somebody has worked for `time`: what they stood still for the person does not count. Safe to drop.
    pub(crate) async fn worked_for(&self, time: Duration) {
        let mut changes = self.changes.subscribe();
        let began = Instant::now();
        let stood_before = self.desk().standing.total();
        loop {
            let stood = {
                let standing = &self.desk().standing;
                (!standing.stands()).then(|| standing.total().saturating_sub(stood_before))
            };
            // A time so long that no clock can show its end never passes.
            match stood.and_then(|stood| began.checked_add(time.checked_add(stood)?)) {
                Some(due) => tokio::select! {
                    biased;
                    () = changed(&mut changes) => {}
                    () = sleep_until(due) => return,
                },
                None => changed(&mut changes).await,
            }
        }
    }

    /// Waits until the person has been seen doing nothing for `time`: who types has all of it again. Safe to drop.
    pub(crate) async fn quiet_for(&self, time: Duration) {
        let mut changes = self.changes.subscribe();
        let (mut typed, mut since) = (self.desk().queue.typed(), Instant::now());
        loop {
            tokio::select! {
                biased;
                () = changed(&mut changes) => {
                    let typed_by_now = self.desk().queue.typed();
                    if typed_by_now != typed {
                        (typed, since) = (typed_by_now, Instant::now());
                    }
                }
                () = sleep(time.saturating_sub(since.elapsed())) => return,
            }
        }
    }

    fn desk(&self) -> MutexGuard<'_, Desk> {
        lock(&self.desk)
    }
}

async fn changed(changes: &mut watch::Receiver<()>) {
    // The sender is the person's, who is borrowed for as long as somebody waits.
    if changes.changed().await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// Something that waits for the person. Dropped, it does not wait any more.
pub(crate) struct Waiting<'p, M: Matter> {
    person: &'p Person,
    matter: M,
}

impl<M: Matter> Waiting<'_, M> {
    /// Waits for the answer: until the deadline, which begins now and anew whenever the person types, a stop, or nobody is there any more.
    pub(crate) async fn settled(self, stop: &StopSignal) -> Settled<M::Answer> {
        let Self { person, matter } = &self;
        let late = async {
            person.quiet_for(person.question_timeout).await;
            person.change(|queue| queue.time_is_up(matter));
            // An answer of the same moment may have come first: the queue has decided.
            person.until(|queue| queue.fetch(matter)).await
        };
        tokio::select! {
            biased;
            _ = stop.stopped() => Settled::Stopped,
            settled = person.until(|queue| queue.fetch(matter)) => settled,
            settled = late => settled,
        }
    }
}

impl<M: Matter> Drop for Waiting<'_, M> {
    fn drop(&mut self) {
        self.person.change(|queue| queue.withdraw(&self.matter));
    }
}
