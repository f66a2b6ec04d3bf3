//! What is true of every journal and every place, however often the program died.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    time::Instant,
};

use domain::{
    event::{Event, EventBody},
    message::Part,
};
use testkit::wait::BOUND;

use super::place::Place;
use crate::support::check_recorded;

/// Holds a journal whose last round has ended against the rules.
pub(super) fn check_journal(events: &[Event]) {
    let numbers: Vec<u64> = events.iter().map(|event| event.seq).collect();
    assert_eq!(numbers, (1..=events.len() as u64).collect::<Vec<_>>(), "no gaps");
    check_calls(events);
    let run = |event: &Event| event.scope.run.as_ref().map(|run| run.run_id.to_string());
    check_ends(
        "run",
        events.iter().filter(|event| matches!(event.body, EventBody::RunStarted { .. })).map(run),
        events.iter().filter(|event| matches!(event.body, EventBody::RunFinished { .. })).map(run),
    );
    let round = |event: &Event| event.scope.round.map(|round| round.to_string());
    check_ends(
        "round",
        events.iter().filter(|event| matches!(event.body, EventBody::RoundStarted { .. })).map(round),
        events.iter().filter(|event| event.body.ends_round()).map(round),
    );
}

/// What began has one end, and nothing else has any.
fn check_ends(
    what: &str,
    began: impl Iterator<Item = Option<String>>,
    ended: impl Iterator<Item = Option<String>>,
) {
    let (mut began, mut ended): (Vec<_>, Vec<_>) = (began.collect(), ended.collect());
    began.sort();
    ended.sort();
    assert_eq!(began, ended, "every {what} begins once and ends once");
    assert!(began.windows(2).all(|two| two[0] != two[1]), "a {what} began twice: {began:?}");
}

/// Every call that a model made began at most once and has one result, after everything else that happened to it. The one
/// that closed its run has none: the run's end is its answer.
fn check_calls(events: &[Event]) {
    let (mut made, mut closing) = (BTreeSet::new(), BTreeMap::new());
    let (mut started, mut finished) = (BTreeMap::new(), BTreeMap::new());
    for event in events {
        let Some(run) = &event.scope.run else { continue };
        let of = |call: &dyn ToString| (run.run_id.to_string(), call.to_string());
        match &event.body {
            EventBody::Message { message, .. } => {
                for part in &message.parts {
                    let Part::ToolUse { id, name, .. } = part else { continue };
                    made.insert(of(id));
                    if ["report", "finish"].contains(&&**name) {
                        closing.insert(run.run_id.to_string(), of(id));
                    }
                }
            }
            EventBody::ToolStarted { call_id, .. } => {
                let call = of(call_id);
                assert!(made.contains(&call), "{call:?} began without having been made");
                assert!(!finished.contains_key(&call), "{call:?} began after its end");
                assert_eq!(started.insert(call.clone(), event.seq), None, "{call:?} began twice");
            }
            EventBody::ToolFinished { call_id, .. } => {
                let call = of(call_id);
                assert!(made.contains(&call), "{call:?} ended without having been made");
                assert_eq!(finished.insert(call.clone(), event.seq), None, "{call:?} ended twice");
            }
            _ => {}
        }
    }
    let open: Vec<_> = made
        .iter()
        .filter(|call| !finished.contains_key(*call) && closing.get(&call.0) != Some(call))
        .collect();
    assert_eq!(open, Vec::<&(String, String)>::new(), "calls without an end");
}

/// Nothing of the place's programs is left that could be in somebody's way: processes, notes of them, locks, files that
/// were half written.
pub(super) fn check_place(place: &Place, events: &[Event]) {
    // Who dies between the end and the record leaves none.
    let record = format!("data/sessions/{}.json", events[0].session_id);
    if place.world.own().join(record).exists() {
        check_recorded(&place.world, events);
    }
    let deadline = Instant::now() + BOUND;
    while let Some(left) = process_left(place).or_else(|| note_left(place)) {
        assert!(Instant::now() < deadline, "still there: {left}");
        std::thread::yield_now();
    }
    let git = place.world.repository.join(".git");
    let locks: Vec<PathBuf> = files_below(&git)
        .into_iter()
        .filter(|file| file.extension().is_some_and(|end| end == "lock"))
        .collect();
    assert_eq!(locks, Vec::<PathBuf>::new(), "git is locked");
}

/// The command line of a process that has to do with the place.
fn process_left(place: &Place) -> Option<String> {
    let outside = place.world.outside();
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    processes.map(|process| process.path()).find_map(|process| {
        let line = fs::read(process.join("cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line).replace('\0', " ");
        let is_inside = fs::read_link(process.join("cwd")).is_ok_and(|cwd| cwd.starts_with(&outside));
        (is_inside || line.contains(&*outside.to_string_lossy())).then_some(line)
    })
}

/// What `state/run` and the folders for temporary files of commands hold.
fn note_left(place: &Place) -> Option<String> {
    let own = place.world.own();
    let chains = fs::read_dir(own.join("cache/toolchains")).into_iter().flatten().flatten();
    let folders = chains.map(|chain| chain.path().join("tmp")).chain([own.join("state/run")]);
    folders
        .flat_map(|folder| fs::read_dir(folder).into_iter().flatten().flatten())
        .map(|entry| entry.path().display().to_string())
        .next()
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    entries.flat_map(|path| if path.is_dir() { files_below(&path) } else { vec![path] }).collect()
}
