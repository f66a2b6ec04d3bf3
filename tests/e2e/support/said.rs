//! What a run said as stream-json: events and deltas, held against everything that is true of every run.

use domain::{
    event::{Delta, Event, EventBody, RoundResult},
    evidence::Evidence,
    id::CallId,
    outcome::Ending,
    record::SessionRecord,
    tool::ToolStatus,
};
use serde_json::Value;

use super::World;

/// The lines of a run.
pub(crate) struct Said {
    /// Events, in order.
    pub(crate) events: Vec<Event>,
    /// Deltas, in order.
    pub(crate) deltas: Vec<Delta>,
    /// What was said of lines of standard input that were not carried out: number and text.
    pub(crate) refused: Vec<(u64, String)>,
}

/// How a call ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CallEnd {
    /// The tool, where the call was let in.
    pub(crate) tool: Option<String>,
    /// How.
    pub(crate) status: ToolStatus,
    /// What the model read.
    pub(crate) output: String,
}

impl Said {
    /// Reads the lines of a run that ended with `code`.
    pub(super) fn read(out: &str, code: i32, err: &str) -> Self {
        let (mut events, mut deltas, mut refused) = (Vec::new(), Vec::new(), Vec::new());
        for line in out.lines() {
            let value: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
            if let Some(number) = value["line"].as_u64() {
                let shape = (&value["v"], &value["type"], &value["code"], &value["seq"]);
                assert_eq!(shape, (&1.into(), &"error".into(), &"input".into(), &Value::Null), "{line}");
                refused.push((number, value["text"].as_str().expect("a text").to_owned()));
            } else if value["after_seq"].is_null() {
                let event: Event =
                    serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
                assert_eq!(serde_json::to_value(&event).expect("JSON"), value, "no field is lost");
                events.push(event);
            } else {
                let delta: Delta =
                    serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
                let seen = events.last().map_or(0, |event| event.seq);
                assert_eq!(delta.after_seq, seen, "it stands elsewhere than where it was said: {line}");
                deltas.push(delta);
            }
        }
        let numbers: Vec<u64> = events.iter().map(|event| event.seq).collect();
        // A session that is taken up again goes on counting.
        let first = numbers.first().copied().unwrap_or(1);
        assert_eq!(numbers, (first..).take(numbers.len()).collect::<Vec<_>>(), "no gaps");
        let ends = events.iter().filter(|event| event.body.ends_round()).count();
        let last: Value = serde_json::from_str(out.lines().last().unwrap_or_default()).unwrap_or_default();
        assert_eq!((ends, last["type"].as_str()), (1, Some("round_finished")), "{out}\n{err}");
        assert_eq!(last["exit_code"], code, "{err}");
        Self { events, deltas, refused }
    }

    /// How the round ended.
    pub(crate) fn ending(&self) -> Ending {
        self.finished().0
    }

    /// What the engine saw of the round.
    pub(crate) fn result(&self) -> &RoundResult {
        self.finished().1
    }

    fn finished(&self) -> (Ending, &RoundResult) {
        match self.events.last().map(|event| &event.body) {
            Some(EventBody::RoundFinished { ending, result, .. }) => (*ending, result),
            other => panic!("the last event is {other:?}"),
        }
    }

    /// The events of this type, as JSON.
    pub(crate) fn of_type(&self, name: &str) -> Vec<Value> {
        let values = self.events.iter().map(|event| serde_json::to_value(event).expect("JSON"));
        values.filter(|value| value["type"] == name).collect()
    }

    /// The one event of this type.
    pub(crate) fn the(&self, name: &str) -> Value {
        let mut found = self.of_type(name);
        assert_eq!(found.len(), 1, "{name}: {found:?}");
        found.remove(0)
    }

    /// How the calls of an agent's tools ended, in order.
    pub(crate) fn calls_of(&self, agent: &str) -> Vec<CallEnd> {
        let mut calls = Vec::new();
        for event in self.events.iter().filter(|event| is_by(event, agent)) {
            if let EventBody::ToolFinished { call_id, status, output, .. } = &event.body {
                let tool = self.tool_of(call_id);
                calls.push(CallEnd { tool, status: *status, output: output.clone() });
            }
        }
        calls
    }

    fn tool_of(&self, call: &CallId) -> Option<String> {
        self.events.iter().find_map(|event| match &event.body {
            EventBody::ToolStarted { call_id, tool, .. } if call_id == call => Some(tool.clone()),
            _ => None,
        })
    }

    /// The reports of an agent: evidence, claims refuted, claims unverified.
    pub(crate) fn reports_of(&self, agent: &str) -> Vec<(Evidence, Vec<String>, Vec<String>)> {
        let mut reports = Vec::new();
        for event in self.events.iter().filter(|event| is_by(event, agent)) {
            if let EventBody::Report { evidence, claims_refuted, claims_unverified, .. } = &event.body {
                reports.push((evidence.clone(), claims_refuted.clone(), claims_unverified.clone()));
            }
        }
        reports
    }

    /// The journal holds these very events, and the record is what they come to.
    pub(crate) async fn check_kept(&self, world: &World) {
        use domain::ports::JournalPort;
        let session = self.events[0].session_id;
        let journal = storage::SqliteJournal::new(world.journal());
        let kept = journal.read(session, 0).await.expect("the journal");
        let said: Vec<Event> = kept.iter().filter(|event| event.seq >= self.events[0].seq).cloned().collect();
        assert_eq!(said, self.events);
        check_recorded(world, &kept);
    }
}

/// The record of the session is what its events come to.
pub(crate) fn check_recorded(world: &World, events: &[Event]) {
    assert_eq!(Some(record(world, events[0].session_id)), SessionRecord::from_events(events));
}

/// The finished record of a session.
fn record(world: &World, session: domain::id::SessionId) -> SessionRecord {
    let file = world.own().join(format!("data/sessions/{session}.json"));
    let text = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    serde_json::from_str(&text).expect("a record")
}

fn is_by(event: &Event, agent: &str) -> bool {
    event.scope.run.as_ref().is_some_and(|run| run.agent.as_str() == agent)
}

/// Compares how a round ended with what it should have come to.
#[track_caller]
pub(crate) fn check_end(said: &Said, ending: Ending, tests_passed: Option<bool>, verified: bool) {
    let result = said.result();
    assert_eq!(
        (said.ending(), result.tests_passed, result.verified),
        (ending, tests_passed, verified),
        "{result:?}"
    );
}
