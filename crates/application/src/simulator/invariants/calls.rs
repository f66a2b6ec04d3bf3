//! Calls and their effects.

use std::collections::{BTreeMap, BTreeSet};

use domain::{
    event::{Decision, EventBody},
    id::CallId,
    message::Part,
    permission::{self, Leave},
    tool::Access,
};

use super::{
    super::{
        ports::TOOLS,
        trace::{EffectSeen, Trace},
        world::World,
    },
    ends::is_whole,
};

/// A call that ran or was answered has one result: one `tool_finished`, one part in one message.
pub(super) fn each_call_has_one_result(world: &World) -> Result<(), String> {
    let trace = world.trace();
    let (mut finished, mut answered) = (BTreeSet::new(), BTreeSet::new());
    let mut open: BTreeMap<&CallId, u32> = BTreeMap::new();
    for (event, body) in trace.bodies() {
        match body {
            EventBody::ToolStarted { call_id, .. } => {
                let began = open.insert(call_id, event.scope.round.unwrap_or_default());
                began.map_or(Ok(()), |_| Err(format!("call {call_id} began twice")))?;
            }
            EventBody::ToolFinished { call_id, .. } => {
                open.remove(call_id);
                if !finished.insert(call_id) {
                    return Err(format!("call {call_id} ended twice"));
                }
            }
            EventBody::Message { message, .. } => {
                let again = message.tool_results().find(|call| !answered.insert((*call).clone()));
                if let Some(call) = again {
                    return Err(format!("call {call} was answered twice"));
                }
            }
            EventBody::RoundFinished { .. } => {
                let round = event.scope.round.unwrap_or_default();
                let left = open.iter().find(|(_, of)| **of == round);
                if let Some((call, _)) = left.filter(|_| is_whole(&trace, round)) {
                    return Err(format!("call {call} began and has no end"));
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// What changes the world happens at most once for each call, however often the program dies.
pub(super) fn effects_happen_at_most_once(world: &World) -> Result<(), String> {
    let trace = world.trace();
    let mut seen = BTreeSet::new();
    let again = trace.effects.iter().find(|effect| !seen.insert(&effect.call));
    again.map_or(Ok(()), |effect| Err(format!("twice: {effect:?}")))
}

/// Contract 3: that a call with effects begins is on disk before it does.
pub(super) fn effects_come_after_their_durable_start(world: &World) -> Result<(), String> {
    let trace = world.trace();
    let early = trace.effects.iter().find(|effect| !effect.start_on_disk);
    early.map_or(Ok(()), |effect| Err(format!("its start was not on disk: {effect:?}")))
}

/// Law 6: what the mode forbids does not happen, and what it asks about happens only after the person's yes.
pub(super) fn effects_have_leave(world: &World) -> Result<(), String> {
    let trace = world.trace();
    for effect in &trace.effects {
        let known = TOOLS.into_iter().find(|(tool, _)| *tool == effect.tool);
        let access = known.map_or(Access::Command, |(_, access)| access);
        let may = match permission::leave(world.plan.mode, access, &world.plan.sandbox) {
            Leave::Granted => true,
            Leave::Denied(_) => false,
            Leave::Ask(_) => trace.lost_rows() || said_yes(&trace, effect),
        };
        if !may {
            return Err(format!("nobody allowed it: {effect:?}"));
        }
    }
    Ok(())
}

/// Whether the person allowed an effect: by its call, or for all calls like it.
fn said_yes(trace: &Trace, effect: &EffectSeen) -> bool {
    let mut asked: BTreeMap<&CallId, (&str, Option<&str>)> = BTreeMap::new();
    for (_, body) in trace.bodies() {
        match body {
            EventBody::PermissionAsked { call_id, tool, input, .. } => {
                let subject =
                    ["path", "command", "message"].iter().find_map(|field| input.get(field)?.as_str());
                asked.insert(call_id, (tool, subject));
            }
            EventBody::PermissionAnswered { call_id, decision, .. } => {
                let is_it = *call_id == effect.call;
                let is_like_it = asked.get(call_id).is_some_and(|(tool, subject)| {
                    *tool == effect.tool && (*subject == Some(&effect.target) || effect.tool == "commit")
                });
                match decision {
                    Decision::Once if is_it => return true,
                    Decision::Session | Decision::Always if is_it || is_like_it => return true,
                    _ => {}
                }
            }
            _ => {}
        }
    }
    false
}

/// Contract 4: two effects of different runs are under way at the same time only where each was given paths, and no
/// path of the one is one of the other.
pub(super) fn effects_side_by_side_do_not_meet(world: &World) -> Result<(), String> {
    let trace = world.trace();
    for effect in &trace.effects {
        for other in effect.beside.iter().map(|place| &trace.effects[*place]) {
            if may_meet(effect.writes.as_deref(), other.writes.as_deref()) {
                return Err(format!("{effect:?} while {other:?}"));
            }
        }
    }
    Ok(())
}

/// Whether globs of the kinds that simulated briefs name can cover the same path.
fn may_meet(one: Option<&[String]>, other: Option<&[String]>) -> bool {
    let (Some(one), Some(other)) = (one, other) else { return true };
    let meets = |one: &String, other: &String| match (one.strip_suffix("**"), other.strip_suffix("**")) {
        (Some(one), Some(other)) => one.starts_with(other) || other.starts_with(one),
        (Some(folder), None) => other.starts_with(folder),
        (None, Some(folder)) => one.starts_with(folder),
        (None, None) => one == other,
    };
    one.iter().any(|one| other.iter().any(|other| meets(one, other)))
}

/// Contract 4: `writes` of the brief is the grant that the run's tools are held to.
pub(super) fn effects_keep_to_their_brief(world: &World) -> Result<(), String> {
    let trace = world.trace();
    let mut briefs = BTreeMap::new();
    for (event, body) in trace.bodies() {
        if let (EventBody::RunStarted { brief, .. }, Some(run)) = (body, &event.scope.run) {
            briefs.insert(run.run_id, brief.writes.clone());
        }
    }
    let strays =
        |effect: &&EffectSeen| briefs.get(&effect.run).is_some_and(|writes| *writes != effect.writes);
    let stray = trace.effects.iter().find(strays);
    stray
        .map_or(Ok(()), |effect| Err(format!("{effect:?}, and its brief says {:?}", briefs.get(&effect.run))))
}

/// The parts of a message that are results.
pub(super) fn result_of(part: &Part) -> Option<&CallId> {
    match part {
        Part::ToolResult { id, .. } => Some(id),
        _ => None,
    }
}
