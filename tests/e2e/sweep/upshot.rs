//! What a session came to: everything by which two sessions of one story are compared.

use std::{collections::BTreeMap, os::unix::fs::PermissionsExt, path::Path};

use domain::{
    event::{Event, EventBody, RoundResult},
    outcome::Ending,
    tool::ToolStatus,
};
use serde_json::Value;

use super::place::{Place, told};
use crate::support::World;

/// What two sessions have in common that are the same to the person.
#[derive(Debug)]
pub(super) struct Upshot {
    /// Every file outside of git's folder: path, mode, content.
    tree: Vec<(String, u32, String)>,
    /// Tree, author and message of each commit, newest first.
    commits: String,
    /// What git has to say of the work tree.
    status: String,
    /// The reviews: cycle, verdict, findings.
    ledger: Vec<Value>,
    /// How the last round ended.
    end: End,
    /// How often each call came to an end: agent, tool and input. Of one that was interrupted it is not known whether it did;
    /// that counts where nothing else tells. Reading costs nothing and is not counted.
    calls: BTreeMap<(String, String, String), usize>,
}

/// How a round ended.
#[derive(Debug, PartialEq)]
pub(super) struct End {
    pub(super) ending: Ending,
    exit_code: u8,
    summary: String,
    result: RoundResult,
    agents_used: Vec<String>,
}

impl Upshot {
    pub(super) fn of(place: &Place, events: &[Event]) -> Self {
        let world = &place.world;
        Self {
            tree: tree(&world.repository),
            commits: world.git(&["log", "--format=%T %an <%ae>%n%B"]),
            status: world.git(&["status", "--porcelain"]),
            ledger: of_type(events, "review_cycle"),
            end: End::of(events),
            calls: settled(events),
        }
    }

    /// Holds it against what it should have come to, the most telling difference first.
    pub(super) fn check_same(&self, other: &Self) {
        self.check_same_work(other);
        assert_eq!(self.end, other.end, "the end differs");
        assert_eq!(self.ledger, other.ledger, "the reviews differ");
        assert_eq!(self.calls, other.calls, "what was done differs");
    }

    /// What is the same even where the story was told in two rounds: reviews and calls may differ then.
    pub(super) fn check_same_work(&self, other: &Self) {
        let differing: Vec<_> = self.tree.iter().filter(|file| !other.tree.contains(file)).collect();
        assert_eq!((differing, self.tree.len()), (Vec::new(), other.tree.len()), "the files differ");
        assert_eq!(self.commits, other.commits, "the commits differ");
        assert_eq!(self.status, other.status, "what is not committed differs");
    }
}

impl End {
    /// Of the last round.
    pub(super) fn of(events: &[Event]) -> Self {
        match events.last().map(|event| &event.body) {
            Some(EventBody::RoundFinished { ending, exit_code, summary, result, agents_used, .. }) => Self {
                ending: *ending,
                exit_code: *exit_code,
                summary: summary.clone(),
                result: result.clone(),
                agents_used: agents_used.iter().map(ToString::to_string).collect(),
            },
            other => panic!("the last event is {other:?}"),
        }
    }
}

fn tree(repository: &Path) -> Vec<(String, u32, String)> {
    let files = World::snapshot(repository).into_iter().filter_map(|(path, content)| {
        let mode = path.symlink_metadata().expect("a file").permissions().mode();
        let path = path.strip_prefix(repository).expect("below it").to_str().expect("text").to_owned();
        (!path.starts_with(".git/")).then(|| (path, mode, String::from_utf8(content).expect("text")))
    });
    files.collect()
}

fn of_type(events: &[Event], name: &str) -> Vec<Value> {
    events.iter().map(told).filter(|event| event["type"] == name).collect()
}

fn settled(events: &[Event]) -> BTreeMap<(String, String, String), usize> {
    let mut settled: BTreeMap<_, usize> = BTreeMap::new();
    for event in events {
        let Some(run) = &event.scope.run else { continue };
        let EventBody::ToolFinished { call_id, status, .. } = &event.body else { continue };
        let started = events.iter().find_map(|other| match &other.body {
            EventBody::ToolStarted { call_id: started, tool, input }
                if started == call_id && other.scope.run.as_ref() == Some(run) =>
            {
                Some((tool.clone(), input.to_string()))
            }
            _ => None,
        });
        let (tool, input) = started.unwrap_or_default();
        if tool != "read" {
            let ends = settled.entry((run.agent.to_string(), tool, input)).or_default();
            *ends += usize::from(*status != ToolStatus::Interrupted);
        }
    }
    settled.values_mut().for_each(|ends| *ends = (*ends).max(1));
    settled
}
