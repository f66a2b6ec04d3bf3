//! Ends: of rounds, of runs, of whatever was started.

use std::collections::{BTreeMap, BTreeSet};

use domain::{event::EventBody, id::RunId};

use super::super::{
    trace::{LifeEnd, LifeSeen, Trace},
    world::World,
};

/// Law 4: each round that began has one end, and nothing of it comes after that; a listener is told one end for each
/// round that a life began or went on with and did not die in.
pub(super) fn each_round_has_one_end(world: &World) -> Result<(), String> {
    let trace = world.trace();
    let mut ended = BTreeMap::new();
    let events = trace.told_and_journaled();
    for event in &events {
        let Some(round) = event.scope.round else { continue };
        if ended.contains_key(&round) {
            return Err(format!("round {round} had ended, and this came after: {event:?}"));
        }
        if event.body.ends_round() {
            ended.insert(round, event.seq);
        }
    }
    let is_closed = |life: &LifeSeen| matches!(life.end, LifeEnd::Closed { .. }) && !life.store_failed;
    let is_closed = trace.lives.last().is_some_and(is_closed);
    let starts = events.iter().filter(|event| matches!(event.body, EventBody::RoundStarted { .. }));
    let began: BTreeSet<u32> = starts.filter_map(|event| event.scope.round).collect();
    if let Some(round) = ended.keys().find(|round| !began.contains(round) && !trace.lost_rows()) {
        return Err(format!("round {round} has an end and no beginning"));
    }
    let open = began.into_iter().find(|round| !ended.contains_key(round));
    if let Some(round) = open.filter(|_| is_closed && !trace.lost_rows()) {
        return Err(format!("round {round} has no end"));
    }
    for life in &trace.lives {
        let told = life.acknowledged.iter().map(|told| &told.event);
        let ends = |round| {
            told.clone().filter(|event| event.body.ends_round() && event.scope.round == round).count()
        };
        let rounds = told.clone().filter_map(|event| event.scope.round).collect::<BTreeSet<_>>();
        for round in rounds {
            let expected = usize::from(matches!(life.end, LifeEnd::Closed { .. }));
            if ends(Some(round)) > 1 || ends(Some(round)) < expected {
                return Err(format!("{} ends of round {round} were told", ends(Some(round))));
            }
        }
    }
    Ok(())
}

/// Law 4: a run ends at most once, and exactly once in a round that came to its own end; its callers end after it.
pub(super) fn each_run_has_one_end(world: &World) -> Result<(), String> {
    let trace = world.trace();
    let mut open: BTreeMap<RunId, Option<RunId>> = BTreeMap::new();
    let mut ended = BTreeMap::new();
    for (event, body) in trace.bodies() {
        let Some(run) = &event.scope.run else {
            if let (true, Some(round)) = (body.ends_round(), event.scope.round)
                && !open.is_empty()
                && is_whole(&trace, round)
            {
                return Err(format!("round {round} ended before {open:?} did"));
            }
            if body.ends_round() {
                open.clear();
            }
            continue;
        };
        let id = run.run_id;
        if ended.contains_key(&id) {
            return Err(format!("run {id} had ended, and this came after: {event:?}"));
        }
        match body {
            EventBody::RunStarted { .. } => {
                let began = open.insert(id, run.parent_run_id);
                began.map_or(Ok(()), |_| Err(format!("run {id} began twice")))?;
            }
            EventBody::RunFinished { .. } => {
                if !trace.lost_rows() && open.values().any(|parent| *parent == Some(id)) {
                    return Err(format!("run {id} ended before a run that it had called"));
                }
                open.remove(&id);
                ended.insert(id, event.seq);
            }
            _ => {}
        }
    }
    Ok(())
}

/// Every event of a run comes after its beginning, and the run that called it was under way then (a child without a
/// parent in the journal: reliability 1.3).
pub(super) fn parents_exist(world: &World) -> Result<(), String> {
    let trace = world.trace();
    if trace.lost_rows() {
        return Ok(());
    }
    let mut begun = BTreeMap::new();
    for (event, body) in trace.bodies() {
        let Some(run) = &event.scope.run else { continue };
        if matches!(body, EventBody::RunStarted { .. }) {
            begun.insert(run.run_id, run.agent.clone());
        }
        if begun.get(&run.run_id) != Some(&run.agent) {
            return Err(format!("its run has not begun: {event:?}"));
        }
        let parent = run.parent_run_id;
        if parent.is_some_and(|parent| parent == run.run_id || !begun.contains_key(&parent)) {
            return Err(format!("nobody called its run: {event:?}"));
        }
    }
    Ok(())
}

/// Law 5: every wait has a deadline, so every round ends in the time that the sum of them takes.
pub(super) fn rounds_end_in_time(world: &World) -> Result<(), String> {
    let trace = world.trace();
    let hung = trace.lives.iter().any(|life| life.end == LifeEnd::Hung);
    if hung { Err("a round did not end".to_owned()) } else { Ok(()) }
}

/// Law 5: what was started by a session has ended with it: tools, commands, servers, answers, tasks.
pub(super) fn nothing_is_left_running(world: &World) -> Result<(), String> {
    let trace = world.trace();
    let mut lives = trace.lives.iter();
    let left = lives.find_map(|life| match &life.end {
        LifeEnd::Closed { left, .. } if !left.is_empty() => Some(left.join(", ")),
        _ => None,
    });
    left.map_or(Ok(()), |left| Err(format!("still there: {left}")))
}

/// Whether a round came to its own end: it was not broken off by a defect, a store that failed, or its time being up.
pub(super) fn is_whole(trace: &Trace, round: u32) -> bool {
    let mut of_round = trace.bodies().filter(|(event, _)| event.scope.round == Some(round));
    trace.store_held()
        && !trace.lost_rows()
        && !of_round.any(|(event, body)| match body {
            EventBody::Error { code, .. } => code == "internal",
            EventBody::Notice { code, .. } => code == "end_cut_short" && event.scope.run.is_none(),
            _ => false,
        })
}
