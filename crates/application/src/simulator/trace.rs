//! What was seen of a simulated session, for the invariants to look at afterwards.

use std::{collections::BTreeMap, sync::Arc};

use domain::{
    agent::AgentName,
    event::{Delta, DeltaBody, Event, EventBody},
    id::{CallId, RequestId, RunId},
    message::{Message, Part, Role},
};

/// Everything that was seen.
#[derive(Debug, Default)]
pub(super) struct Trace {
    pub(super) lives: Vec<LifeSeen>,
    pub(super) requests: Vec<RequestSeen>,
    pub(super) effects: Vec<EffectSeen>,
    /// What the listener was shown of answers that are not whole yet.
    pub(super) shown: Pieces,
    /// Answers that are not what was shown of them.
    pub(super) doubled: Vec<String>,
    /// What the listener of the present life was told so far.
    pub(super) acknowledged: Vec<Acknowledged>,
    /// Requests that no provider takes.
    pub(super) refused: Vec<String>,
    /// What was wrong at the moment it happened.
    pub(super) broken: Vec<String>,
}

/// What was seen of one life of the program.
#[derive(Debug)]
pub(super) struct LifeSeen {
    /// How many events the journal held at its beginning.
    pub(super) before: usize,
    /// Rows that were lost before it.
    pub(super) damaged: u64,
    /// What the listener was told, in order.
    pub(super) acknowledged: Vec<Acknowledged>,
    /// The journal at its end.
    pub(super) journal: Vec<Arc<Event>>,
    /// How many of those were on disk.
    pub(super) on_disk: usize,
    /// The journal takes nothing any more.
    pub(super) store_failed: bool,
    /// The disk failed, and what was not on it was lost, told or not.
    pub(super) disk_failed: bool,
    pub(super) end: LifeEnd,
}

/// How a life ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum LifeEnd {
    /// The program died.
    Died,
    /// A round did not end in the time that rounds have.
    Hung,
    /// The session was closed; what was left running, and whether everything was saved.
    Closed { left: Vec<String>, saved: Result<(), String> },
}

/// An event that a listener was told.
#[derive(Debug)]
pub(super) struct Acknowledged {
    pub(super) event: Arc<Event>,
    /// Whether the journal held it by then.
    pub(super) in_journal: bool,
    /// Whether it was on disk by then.
    pub(super) on_disk: bool,
}

/// A request as a model got it.
#[derive(Debug)]
pub(super) struct RequestSeen {
    pub(super) agent: AgentName,
    pub(super) messages: Vec<Arc<Message>>,
    /// What it showed that the journal did not hold.
    pub(super) unjournaled: Vec<String>,
}

/// A call of a tool with effects, from its beginning.
#[derive(Debug)]
pub(super) struct EffectSeen {
    pub(super) call: CallId,
    pub(super) run: RunId,
    pub(super) tool: String,
    pub(super) target: String,
    /// The globs it was held to.
    pub(super) writes: Option<Vec<String>>,
    /// Whether its `tool_started` was on disk by then.
    pub(super) start_on_disk: bool,
    /// The life it belongs to.
    pub(super) life: usize,
    /// Calls of other runs with effects that were under way when it began.
    pub(super) beside: Vec<usize>,
    /// It is under way.
    pub(super) runs: bool,
}

/// Texts and thoughts of answers that are not whole yet, piece by piece.
#[derive(Debug, Default)]
pub(super) struct Pieces {
    /// What each run asks now.
    asked: BTreeMap<RunId, RequestId>,
    /// By request, whether it is thought, and part.
    texts: BTreeMap<(RequestId, bool, u32), String>,
}

impl Pieces {
    /// A piece is shown.
    pub(super) fn piece(&mut self, delta: &Delta) {
        let (request, is_thought) = match delta.body {
            DeltaBody::TextDelta { request_id } => (request_id, false),
            DeltaBody::ThinkingDelta { request_id } => (request_id, true),
            DeltaBody::ToolOutput { .. } => return,
        };
        self.texts.entry((request, is_thought, delta.index)).or_default().push_str(&delta.text);
    }

    /// An event is told: what is wrong with the answer that it may be, which is what its pieces add up to.
    pub(super) fn told(&mut self, event: &Event) -> Option<String> {
        let run = event.scope.run.as_ref()?.run_id;
        match &event.body {
            EventBody::RequestStarted { request_id, .. } => {
                self.asked.insert(run, *request_id);
                None
            }
            EventBody::TextReplaced { request_id } => {
                self.texts.retain(|(request, ..), _| request != request_id);
                None
            }
            EventBody::Message { message, .. } if message.role == Role::Assistant => {
                let request = self.asked.remove(&run)?;
                let shown = [false, true].map(|is_thought| self.take(request, is_thought));
                let parts = |is_thought: bool| {
                    let of_kind = message.parts.iter().filter_map(move |part| match part {
                        Part::Text { text } if !is_thought => Some(text.as_str()),
                        Part::Thinking { text, .. } if is_thought => Some(text.as_str()),
                        _ => None,
                    });
                    of_kind.collect::<String>()
                };
                let whole = [false, true].map(parts);
                (shown != whole).then(|| format!("shown {shown:?}, and said {whole:?}"))
            }
            _ => None,
        }
    }

    /// What was shown of an answer, blank parts left out as in conversations.
    fn take(&mut self, request: RequestId, is_thought: bool) -> String {
        let is_of_it = |(of, thought, _): &(RequestId, bool, u32)| *of == request && *thought == is_thought;
        let texts = self.texts.iter().filter(|(key, _)| is_of_it(key)).map(|(_, text)| text.as_str());
        let shown = texts.filter(|text| !text.trim().is_empty()).collect();
        self.texts.retain(|key, _| !is_of_it(key));
        shown
    }
}

impl Trace {
    /// The journal as it was left at last.
    pub(super) fn journal(&self) -> &[Arc<Event>] {
        self.lives.last().map(|life| life.journal.as_slice()).unwrap_or_default()
    }

    /// The events of the journal with their places.
    pub(super) fn bodies(&self) -> impl Iterator<Item = (&Event, &EventBody)> {
        self.journal().iter().map(|event| (&**event, &event.body))
    }

    /// The journal as it was left at last, and what its last life told that the journal had no time for.
    pub(super) fn told_and_journaled(&self) -> Vec<Arc<Event>> {
        let untaken = self.lives.last().into_iter().flat_map(|life| {
            let is_untaken = |told: &&Acknowledged| life.disk_failed || !told.in_journal;
            let untaken = life.acknowledged.iter().filter(is_untaken).map(|told| &told.event);
            untaken.filter(|told| !life.journal.contains(told))
        });
        self.journal().iter().chain(untaken).cloned().collect()
    }

    /// Whether every life's store took what it was given.
    pub(super) fn store_held(&self) -> bool {
        self.lives.iter().all(|life| !life.store_failed)
    }

    /// Whether rows were lost.
    pub(super) fn lost_rows(&self) -> bool {
        self.lives.iter().any(|life| life.damaged > 0)
    }
}
