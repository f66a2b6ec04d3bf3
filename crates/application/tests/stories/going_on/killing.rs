//! Killing a program at an event, and taking its session up again. A program is a runtime: dropped, nothing of it runs on.

use std::{future::Future, sync::Arc};

use better_llm_application::{Published, SessionHandle, SessionParts};
use domain::{
    event::Event,
    past::Past,
    session::{Command, Request},
};
use testkit::{MemoryJournal, SequentialIds};

use super::stories::Story;
use crate::stage::Stage;

/// Which events are there after the program died.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Survivors {
    /// All that were appended.
    All,
    /// Those that had been waited for on disk.
    OnDisk,
}

/// A session whose program was killed.
pub(super) struct Killed {
    pub(super) stage: Stage,
    events: Vec<Event>,
    /// What can be read of them, where that is not all.
    readable: Option<Vec<Event>>,
    /// What a listener of the program saw that took the session up.
    pub(super) seen: Vec<Event>,
    deaths: u64,
}

fn in_a_program<T>(work: impl Future<Output = T>) -> T {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    runtime.block_on(work)
}

/// Plays a story up to the moment before its `nth` event is appended; none where there is nothing to go on with then.
pub(super) fn kill_at(story: &Story, nth: usize, survivors: Survivors) -> Option<Killed> {
    let stage = story.stage();
    stage.journal.hold_from(nth);
    in_a_program(async {
        let session = SessionHandle::start(stage.parts());
        tokio::select! {
            () = stage.journal.wait_until_held() => {}
            () = story.play(&stage, &session, Command::Start(story.request())) => {}
        }
    });
    let events = match survivors {
        Survivors::All => stage.journal.events(),
        Survivors::OnDisk => stage.journal.events_on_disk(),
    };
    let events: Vec<Event> = events.iter().map(|event| Event::clone(event)).collect();
    let is_broken = Past::of(&events).broken.is_some();
    is_broken.then_some(Killed { stage, events, readable: None, seen: Vec::new(), deaths: 1 })
}

impl Killed {
    /// A session with this journal, of which only a part can be read.
    pub(super) fn damaged(stage: &Stage, events: Vec<Event>, readable: Vec<Event>) -> Self {
        let (stage, readable) = (stage.clone(), Some(readable));
        Self { stage, events, readable, seen: Vec::new(), deaths: 1 }
    }

    /// Goes on with the round to its end; all events of the session.
    pub(super) fn go_on(&mut self, story: &Story) -> Vec<Event> {
        self.take_up(story, Command::GoOn)
    }

    /// Begins another round; all events of the session.
    pub(super) fn begin_anew(&mut self, story: &Story) -> Vec<Event> {
        self.take_up(story, Command::Start(Request::new("something else")))
    }

    /// Goes on, and is killed again when so many events more were appended.
    pub(super) fn kill_again(mut self, story: &Story, after: usize) -> Option<Self> {
        let parts = self.parts();
        self.stage.journal.hold_from(after + 1);
        let past = Past::of(&self.events);
        in_a_program(async {
            let session = SessionHandle::resume(parts, past, 0);
            tokio::select! {
                () = self.stage.journal.wait_until_held() => {}
                () = story.play(&self.stage, &session, Command::GoOn) => {}
            }
        });
        self.events = self.stage.journal.events().iter().map(|event| Event::clone(event)).collect();
        self.deaths += 1;
        Past::of(&self.events).broken.is_some().then_some(self)
    }

    fn take_up(&mut self, story: &Story, command: Command) -> Vec<Event> {
        let parts = self.parts();
        let past = self.past();
        let stage = self.stage.clone();
        self.seen = in_a_program(async move {
            let session = SessionHandle::resume(parts, past, 0);
            assert!(session.broken_round().is_some());
            let mut stream = session.subscribe();
            story.play(&stage, &session, command).await;
            session.close().await.unwrap();
            let mut seen = Vec::new();
            while let Some(published) = stream.next().await {
                if let Published::Event(event) = published.unwrap() {
                    seen.push(Event::clone(&event));
                }
            }
            seen
        });
        self.stage.played().events
    }

    /// What a session knows of its past. The number of the last row is known, whatever can be read.
    fn past(&self) -> Past {
        let past = Past::of(self.readable.as_ref().unwrap_or(&self.events));
        Past { last_seq: self.events.len() as u64, ..past }
    }

    /// The same stage, with the journal that is left and a program of its own.
    fn parts(&mut self) -> SessionParts {
        self.stage.journal = Arc::new(MemoryJournal::holding(self.events.iter().cloned()));
        let session = self.events.iter().map(|event| event.session_id).next().unwrap();
        SessionParts {
            id: session,
            ids: Arc::new(SequentialIds::after(1_000 * self.deaths)),
            ..self.stage.parts()
        }
    }
}
