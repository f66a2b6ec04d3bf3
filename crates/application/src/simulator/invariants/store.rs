//! The journal and the record: what was told is there.

use domain::{
    event::{Event, EventBody, Scope},
    outcome::Ending,
    record::SessionRecord,
};

use super::super::{
    faults::Fault,
    trace::{LifeEnd, LifeSeen},
    world::World,
};

/// Law 1: whatever a listener was told stands in the journal by then, unless the store takes nothing any more; and what
/// was on disk by then is there at the very end, however often the program died since.
pub(super) fn acknowledged_events_survive(world: &World) -> Result<(), String> {
    let trace = world.trace();
    let at_last = trace.journal();
    for life in &trace.lives {
        for told in &life.acknowledged {
            if !told.in_journal && !life.store_failed && !is_cut_short(life, &told.event) {
                return Err(format!("told before it was in the journal: {:?}", told.event));
            }
            let survives = at_last.iter().any(|event| **event == *told.event);
            if told.on_disk && !survives && !trace.lost_rows() {
                return Err(format!("told, on disk, and gone: {:?}", told.event));
            }
        }
    }
    Ok(())
}

/// Contract 3: the person's message, permissions and terminal events are on disk before they are told.
pub(super) fn what_must_be_durable_is_on_disk_when_it_is_told(world: &World) -> Result<(), String> {
    let trace = world.trace();
    for life in trace.lives.iter().filter(|life| !life.store_failed) {
        for told in &life.acknowledged {
            let must_be_there = told.event.body.must_be_durable()
                && !is_cut_short(life, &told.event)
                && !is_hurried(world, &told.event);
            if must_be_there && !told.on_disk {
                return Err(format!("told before it was on disk: {:?}", told.event));
            }
        }
    }
    Ok(())
}

/// Whether an event is of a round that somebody ended while the disk was slow: it is told when their patience is over.
fn is_hurried(world: &World, event: &Event) -> bool {
    let came = world.weather.came();
    let is_asked_for = came.contains_key(&Fault::PersonCancels)
        || matches!(
            event.body,
            EventBody::RoundFinished { ending: Ending::Cancelled(_) | Ending::Stopped, .. }
        );
    is_asked_for && came.contains_key(&Fault::StoreDiskDawdles)
}

/// Whether an event is of a round that could not come to its own end: that end waits for no journal longer than a
/// moment, and is told in any case.
fn is_cut_short(life: &LifeSeen, event: &Event) -> bool {
    life.acknowledged.iter().any(|told| {
        let breaks_off = match &told.event.body {
            EventBody::Error { code, .. } => code == "internal",
            EventBody::Notice { code, .. } => code == "end_cut_short",
            _ => false,
        };
        let is_its = event.scope.round.is_none_or(|round| told.event.scope == Scope::round(round));
        breaks_off && is_its && told.event.scope.run.is_none()
    })
}

/// Contract 5: `seq` counts 1, 2, 3, ... in the journal, and in what each listener is told.
pub(super) fn numbers_have_no_gaps(world: &World) -> Result<(), String> {
    fn check<'e>(what: &str, events: impl Iterator<Item = &'e Event>) -> Result<(), String> {
        let numbers: Vec<u64> = events.map(|event| event.seq).collect();
        let gap = numbers.windows(2).find(|pair| pair[1] != pair[0] + 1);
        gap.map_or(Ok(()), |pair| Err(format!("{what}: {} follows {}", pair[1], pair[0])))
    }
    let trace = world.trace();
    for life in &trace.lives {
        check("told", life.acknowledged.iter().map(|told| &*told.event))?;
        check("journal", life.journal.iter().skip(life.before).map(|event| &**event))?;
    }
    match trace.lost_rows() {
        true => Ok(()),
        false => check("whole journal", trace.journal().iter().map(|event| &**event)),
    }
}

/// Contract 7: a record that was saved holds what the journal says, and what the journal did not take any more.
pub(super) fn the_record_is_the_fold_of_the_events(world: &World) -> Result<(), String> {
    let trace = world.trace();
    let Some(life) = trace.lives.last() else { return Ok(()) };
    // A life without a round has nothing to add, and saves nothing.
    let has_played = life.acknowledged.iter().any(|told| told.event.body.ends_round());
    if !has_played || life.disk_failed {
        return Ok(());
    }
    let LifeEnd::Closed { saved, .. } = &life.end else { return Ok(()) };
    let faults =
        [Fault::StoreLosesRecord, Fault::PersonHangsUp, Fault::StoreDiskDawdles, Fault::StoreDawdles];
    if let Err(error) = saved {
        let is_to_blame = |fault: &Fault| world.weather.came().contains_key(fault);
        return match faults.iter().any(is_to_blame) || life.store_failed {
            true => Ok(()),
            false => Err(format!("the session was not saved: {error}")),
        };
    }
    let events = trace.told_and_journaled();
    let fold = SessionRecord::from_events(events.iter().map(|event| &**event));
    let record = world.records.last();
    match record == fold {
        true => Ok(()),
        false => Err(format!("the record is {record:?}, the events fold to {fold:?}")),
    }
}
