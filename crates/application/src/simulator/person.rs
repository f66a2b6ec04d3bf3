//! The person of a simulated session: listens, answers in time or not, and speaks, stops and leaves as chance will
//! have it.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use domain::{
    event::{Decision, Event, EventBody, InterventionAction},
    outcome::Signal,
    person::Presence,
    session::Command,
};
use tokio::time::{Instant, sleep_until};

use super::{faults::Fault, trace::Acknowledged, world::World};
use crate::{EventStream, Published, SessionHandle};

/// The longest that a round may take, in the runtime's time. Everything in a simulation that waits has a deadline of
/// minutes, and there are some hundreds of waits at most.
const LONGEST_ROUND: Duration = Duration::from_secs(24 * 3600);

/// Who sits before the session.
pub(super) struct Person {
    world: Arc<World>,
    session: Option<SessionHandle>,
    events: EventStream,
    /// What they are about to do, by when.
    agenda: BTreeMap<(Instant, usize), Act>,
    planned: usize,
}

#[derive(Debug)]
enum Act {
    Tell(Command),
    /// The front end goes away without a word.
    HangUp,
}

/// How a round went, seen from here.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Witnessed {
    /// Its end was told.
    Ended,
    /// The session was dropped meanwhile; its end is told to nobody.
    HungUp,
    /// It took longer than any round does.
    Hung,
    /// It was not begun.
    Refused,
}

impl Person {
    pub(super) fn before(world: &Arc<World>, session: SessionHandle) -> Self {
        let events = session.subscribe();
        Self { world: Arc::clone(world), session: Some(session), events, agenda: BTreeMap::new(), planned: 0 }
    }

    /// Ends the session, whether or not it was dropped: whether everything was saved, as far as they were told.
    pub(super) async fn leave(mut self) -> Result<(), String> {
        if let Some(session) = self.session {
            return session.close().await;
        }
        // Nobody told them of the end; when nothing can be told any more, it has come.
        while self.events.next().await.is_some() {}
        Err("nobody was told".to_owned())
    }

    /// Begins a round with `command` and listens until it has ended.
    pub(super) async fn play(&mut self, command: Command) -> Witnessed {
        let began = Instant::now();
        let Some(session) = &self.session else { return Witnessed::HungUp };
        if session.send(command).await.is_err() {
            return Witnessed::Refused;
        }
        self.make_plans();
        loop {
            let due = self.agenda.keys().next().map_or(began + LONGEST_ROUND, |(due, _)| *due);
            tokio::select! {
                biased;
                told = self.events.next() => match told {
                    Some(Ok(Published::Event(event))) => {
                        self.is_told(&event);
                        if event.body.ends_round() {
                            self.agenda.clear();
                            return Witnessed::Ended;
                        }
                    }
                    Some(Ok(Published::Delta(delta))) => self.world.trace().shown.piece(&delta),
                    // A listener that lagged behind a journal that cannot be read any more.
                    Some(Err(_)) => {}
                    None => return Witnessed::HungUp,
                },
                () = sleep_until(due) => match self.agenda.pop_first() {
                    Some((_, act)) => self.does(act).await,
                    None => return Witnessed::Hung,
                },
            }
        }
    }

    /// What they will do in this round, whatever happens.
    fn make_plans(&mut self) {
        let world = Arc::clone(&self.world);
        let dice = &world.dice;
        if world.plan.presence != Presence::Nobody {
            for _ in 0..dice.below(3) {
                let command = match dice.below(5) {
                    0 => Command::Pause,
                    1 => Command::Continue,
                    2 => Command::Typing,
                    _ => Command::Message("잠깐, 이것도!".to_owned()),
                };
                self.plans(dice.millis(0, 120_000), Act::Tell(command));
            }
            if world.brings(Fault::PersonLeaves) {
                self.plans(dice.millis(0, 120_000), Act::Tell(Command::Unattended));
            }
        }
        if world.brings(Fault::PersonCancels) {
            let signals = [Signal::Interrupt, Signal::Terminate, Signal::HangUp];
            let after = dice.millis(0, *dice.pick(&[50, 2_000, 120_000]));
            self.plans(after, Act::Tell(Command::Cancel(*dice.pick(&signals))));
            if dice.percent(40) {
                self.plans(after + dice.millis(0, 3_000), Act::Tell(Command::Cancel(*dice.pick(&signals))));
            }
            if dice.percent(30) {
                self.plans(after, Act::Tell(Command::Stop));
            }
        }
        if world.brings(Fault::PersonHangsUp) {
            self.plans(dice.millis(0, 120_000), Act::HangUp);
        }
    }

    fn plans(&mut self, after: Duration, act: Act) {
        self.planned += 1;
        self.agenda.insert((Instant::now() + after, self.planned), act);
    }

    async fn does(&mut self, act: Act) {
        match (act, &self.session) {
            // What comes at the wrong moment changes nothing.
            (Act::Tell(command), Some(session)) => drop(session.send(command).await),
            _ => self.session = None,
        }
    }

    fn is_told(&mut self, event: &Arc<Event>) {
        let (in_journal, on_disk) = self.world.journal().look(|events, on_disk| {
            let place = events.iter().rposition(|other| other.seq == event.seq && **other == **event);
            (place.is_some(), place.is_some_and(|place| place < on_disk))
        });
        let told = Acknowledged { event: Arc::clone(event), in_journal, on_disk };
        {
            let mut trace = self.world.trace();
            trace.acknowledged.push(told);
            let wrong = trace.shown.told(event);
            trace.doubled.extend(wrong);
        }
        self.reacts(&event.body);
    }

    /// Answers what waits for them, in time or not.
    fn reacts(&mut self, body: &EventBody) {
        let Presence::Present { question_timeout, .. } = self.world.plan.presence else { return };
        let world = Arc::clone(&self.world);
        let dice = &world.dice;
        let command = match body {
            EventBody::PermissionAsked { call_id, options, .. } => {
                let decision = if dice.percent(75) { *dice.pick(options) } else { Decision::Deny };
                Command::Permission { call: call_id.clone(), decision, note: None }
            }
            EventBody::Question { question_id, options, .. } => {
                let text = options.first().filter(|_| dice.percent(60)).cloned();
                Command::Answer {
                    question: *question_id,
                    text: text.unwrap_or_else(|| "마음대로".to_owned()),
                }
            }
            EventBody::Intervention { action: InterventionAction::Opened, .. } => match dice.below(5) {
                0 => Command::Message("하나 더".to_owned()),
                1 => Command::Pause,
                2 => Command::Continue,
                3 => Command::Stop,
                _ => return,
            },
            EventBody::Intervention { action: InterventionAction::Paused, .. } => Command::Continue,
            _ => return,
        };
        if command == Command::Stop && !dice.percent(10) {
            return;
        }
        if world.brings(Fault::PersonSilent) {
            return;
        }
        let patience = u64::try_from(question_timeout.as_millis()).unwrap_or(u64::MAX);
        let after = match world.brings(Fault::PersonLate) {
            true => question_timeout + dice.millis(0, 1_000),
            false => dice.millis(0, patience / 2),
        };
        self.plans(after, Act::Tell(command));
    }
}
