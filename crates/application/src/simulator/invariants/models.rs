//! What models are shown, and what they take.

use std::collections::BTreeMap;

use domain::{
    event::EventBody,
    id::CallId,
    message::{Role, Usage},
    price::Price,
};
use testkit::pairing;

use super::{super::world::World, calls::result_of, ends::is_whole};

/// A conversation keeps the rules of the strictest provider: each call has its result in the next message, once, and
/// thoughts go back as they were signed.
pub(super) fn requests_keep_the_pairing_rules(world: &World) -> Result<(), String> {
    let trace = world.trace();
    if let Some(refused) = trace.refused.first() {
        return Err(refused.clone());
    }
    for request in &trace.requests {
        pairing::check_history(request.messages.iter().map(|message| &**message))
            .map_err(|rule| format!("{}: {rule}", request.agent))?;
    }
    Ok(())
}

/// The results of a message's calls come in the order of the calls, however the calls ended.
pub(super) fn results_stand_in_the_order_of_their_calls(world: &World) -> Result<(), String> {
    let trace = world.trace();
    for request in &trace.requests {
        let mut called: Vec<&CallId> = Vec::new();
        for message in &request.messages {
            match message.role {
                Role::Assistant => called.extend(message.tool_uses().map(|(id, _, _)| id)),
                Role::User => {
                    let results: Vec<&CallId> = message.parts.iter().filter_map(result_of).collect();
                    if !results.is_empty() && results != called {
                        return Err(format!("{}: called {called:?}, answered {results:?}", request.agent));
                    }
                    called.clear();
                }
            }
        }
    }
    Ok(())
}

/// Law 1: whatever a model is about to see stands in the journal before it is sent.
pub(super) fn models_see_what_the_journal_holds(world: &World) -> Result<(), String> {
    let trace = world.trace();
    if trace.lost_rows() {
        return Ok(());
    }
    let unknown = trace.requests.iter().find(|request| !request.unjournaled.is_empty());
    unknown.map_or(Ok(()), |request| Err(format!("{} was shown {:?}", request.agent, request.unjournaled)))
}

/// Pieces are not journaled; what they add up to is. What a failed attempt had shown does not count (case P26).
pub(super) fn answers_are_what_was_shown_of_them(world: &World) -> Result<(), String> {
    let trace = world.trace();
    trace.doubled.first().map_or(Ok(()), |doubled| Err(doubled.clone()))
}

/// A round has taken what its models reported, no more and no less; its runs have taken that together; its price is
/// that of the tokens. Where it was broken off, or its program died, some of it may be unknown: what stands in messages
/// is the least that counts.
pub(super) fn usage_is_what_models_reported(world: &World) -> Result<(), String> {
    let trace = world.trace();
    let reported = world.reported();
    let (mut of_runs, mut of_messages): (BTreeMap<u32, Usage>, BTreeMap<u32, Usage>) = Default::default();
    for (event, body) in trace.bodies() {
        let round = event.scope.round.unwrap_or_default();
        match body {
            EventBody::Message { usage: Some(usage), .. } => *of_messages.entry(round).or_default() += *usage,
            EventBody::RunFinished { usage, .. } => *of_runs.entry(round).or_default() += *usage,
            EventBody::RoundFinished { usage, cost_usd, .. } => {
                let count = |of: &BTreeMap<u32, Usage>| of.get(&round).copied().unwrap_or_default();
                let is_whole = is_whole(&trace, round);
                if is_whole && trace.lives.len() == 1 && *usage != count(&reported) {
                    return Err(format!("round {round} says {usage:?}, models {:?}", count(&reported)));
                }
                if is_whole && *usage != count(&of_runs) {
                    return Err(format!("round {round} says {usage:?}, its runs {:?}", count(&of_runs)));
                }
                let is_less = usage.total() < count(&of_messages).total() && !trace.lost_rows();
                if is_less || usage.total() > count(&reported).total() {
                    let least = count(&of_messages);
                    return Err(format!("round {round} says {usage:?}, its messages {least:?}"));
                }
                let price = world.plan.facts.price;
                let cost = price.as_ref().map(|price: &Price| price.of(*usage).as_usd());
                if cost != *cost_usd && usage.total() > 0 {
                    return Err(format!("round {round} says {cost_usd:?} USD, its tokens cost {cost:?}"));
                }
            }
            _ => {}
        }
    }
    Ok(())
}
