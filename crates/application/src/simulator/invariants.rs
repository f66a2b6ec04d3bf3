//! What holds of every session, whatever goes wrong around it (reliability 1.6). One function each.

use super::world::World;

mod calls;
mod ends;
mod models;
mod store;

/// Whether something holds; the error says where it does not.
type Invariant = fn(&World) -> Result<(), String>;

/// Every invariant, by name.
const ALL: [(&str, Invariant); 21] = [
    ("nothing_is_wrong_at_the_moment_it_happens", nothing_is_wrong_at_the_moment_it_happens),
    ("acknowledged_events_survive", store::acknowledged_events_survive),
    (
        "what_must_be_durable_is_on_disk_when_it_is_told",
        store::what_must_be_durable_is_on_disk_when_it_is_told,
    ),
    ("numbers_have_no_gaps", store::numbers_have_no_gaps),
    ("the_record_is_the_fold_of_the_events", store::the_record_is_the_fold_of_the_events),
    ("each_round_has_one_end", ends::each_round_has_one_end),
    ("each_run_has_one_end", ends::each_run_has_one_end),
    ("parents_exist", ends::parents_exist),
    ("rounds_end_in_time", ends::rounds_end_in_time),
    ("nothing_is_left_running", ends::nothing_is_left_running),
    ("each_call_has_one_result", calls::each_call_has_one_result),
    ("effects_happen_at_most_once", calls::effects_happen_at_most_once),
    ("effects_come_after_their_durable_start", calls::effects_come_after_their_durable_start),
    ("effects_have_leave", calls::effects_have_leave),
    ("effects_side_by_side_do_not_meet", calls::effects_side_by_side_do_not_meet),
    ("effects_keep_to_their_brief", calls::effects_keep_to_their_brief),
    ("requests_keep_the_pairing_rules", models::requests_keep_the_pairing_rules),
    ("results_stand_in_the_order_of_their_calls", models::results_stand_in_the_order_of_their_calls),
    ("models_see_what_the_journal_holds", models::models_see_what_the_journal_holds),
    ("answers_are_what_was_shown_of_them", models::answers_are_what_was_shown_of_them),
    ("usage_is_what_models_reported", models::usage_is_what_models_reported),
];

/// The invariants that do not hold, each with where.
pub(super) fn broken(world: &World) -> Vec<(&'static str, String)> {
    let broken = ALL.into_iter().filter_map(|(name, holds)| Some((name, holds(world).err()?)));
    broken.collect()
}

/// Their names, but for what has none of its own.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    ALL.into_iter().map(|(name, _)| name).filter(|name| !name.starts_with("nothing_is_wrong"))
}

/// What fakes saw at the moment it happened: events out of order, requests that never end.
fn nothing_is_wrong_at_the_moment_it_happens(world: &World) -> Result<(), String> {
    world.trace().broken.first().map_or(Ok(()), |broken| Err(broken.clone()))
}
