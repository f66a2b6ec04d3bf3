//! The simulator's own tests: many seeds, each of them again, and one of them told.

use std::{collections::BTreeMap, num::NonZero, ops::Range};

use super::{
    faults::Fault,
    invariants,
    lives::Simulation,
    planted::{Bug, Planted},
};

/// Seeds that the gate plays.
const SEEDS: u64 = 2_000;
/// Seeds within which a mistake is found.
const SEEDS_TO_FIND: u64 = 400;

fn number(variable: &str) -> Option<u64> {
    let value = std::env::var(variable).ok()?;
    Some(value.parse().unwrap_or_else(|_| panic!("{variable} is a number, not `{value}`")))
}

/// What is wrong with a seed's session, in words.
fn wrong_with(seed: u64) -> Option<String> {
    let simulation = Simulation::play(seed);
    let broken = invariants::broken(&simulation.world);
    let words = broken.iter().map(|(name, wrong)| format!("\n  {name}: {wrong}")).collect::<String>();
    (!broken.is_empty()).then(|| format!("seed {seed} (SIMULATOR_SEED={seed} plays it again):{words}"))
}

#[test]
fn every_invariant_holds_whatever_goes_wrong() {
    if let Some(seed) = number("SIMULATOR_SEED") {
        return tell(seed);
    }
    let seeds = number("SIMULATOR_SEEDS").unwrap_or(SEEDS);
    let first = number("SIMULATOR_FIRST").unwrap_or(0);
    let Played { came, wrong } = play_all(first..first + seeds);
    println!("{seeds} seeds, {} faults of {} kinds: {came:?}", came.values().sum::<u64>(), came.len());
    let mut kinds: BTreeMap<&str, Vec<(u64, &str)>> = BTreeMap::new();
    for (seed, broken) in &wrong {
        broken.iter().for_each(|(name, what)| kinds.entry(name).or_default().push((*seed, what)));
    }
    let example = |(name, seeds): (&str, Vec<(u64, &str)>)| {
        let (seed, what) = seeds[0];
        format!("{name}: {} seeds, the first is SIMULATOR_SEED={seed}: {what}\n", seeds.len())
    };
    let examples: String = kinds.into_iter().map(example).collect();
    assert!(wrong.is_empty(), "{} of {seeds} seeds are wrong\n{examples}", wrong.len());
    let missing: Vec<Fault> = Fault::ALL.into_iter().filter(|fault| !came.contains_key(fault)).collect();
    assert_eq!(missing, [], "these never came up");
}

/// What came of many seeds.
#[derive(Default)]
struct Played {
    came: BTreeMap<Fault, u64>,
    /// What is wrong, by seed.
    wrong: BTreeMap<u64, Vec<(&'static str, String)>>,
}

/// Plays seeds on all processors: each session has a world of its own.
fn play_all(seeds: Range<u64>) -> Played {
    let threads = std::thread::available_parallelism().map_or(1, NonZero::get);
    let played = std::thread::scope(|scope| {
        let play = |thread: usize| {
            let own = seeds.clone().skip(thread).step_by(threads);
            scope.spawn(move || play_each(own))
        };
        let playing: Vec<_> = (0..threads).map(play).collect();
        playing
            .into_iter()
            .map(|thread| thread.join().expect("a simulation does not panic"))
            .collect::<Vec<_>>()
    });
    played.into_iter().fold(Played::default(), |mut all, Played { came, wrong }| {
        came.into_iter().for_each(|(fault, times)| *all.came.entry(fault).or_default() += times);
        all.wrong.extend(wrong);
        all
    })
}

fn play_each(seeds: impl Iterator<Item = u64>) -> Played {
    let mut played = Played::default();
    for seed in seeds {
        let simulation = Simulation::play(seed);
        for (fault, times) in simulation.world.weather.came() {
            *played.came.entry(fault).or_default() += times;
        }
        let broken = invariants::broken(&simulation.world);
        if !broken.is_empty() {
            played.wrong.insert(seed, broken);
        }
    }
    played
}

/// Plays one seed and tells everything.
fn tell(seed: u64) {
    let simulation = Simulation::play(seed);
    let world = &simulation.world;
    println!("{:#?}", world.plan);
    for life in &world.trace().lives {
        println!("--- a life: {:?}, {} of {} events on disk", life.end, life.on_disk, life.journal.len());
        for event in life.journal.iter().skip(life.before) {
            println!("{}", serde_json::to_string(&**event).expect("an event is an object"));
        }
    }
    println!("faults: {:?}", world.weather.came());
    assert_eq!(wrong_with(seed), None);
}

/// Every mistake, and the invariant that finds it.
const FOUND_BY: [(Bug, &str); Bug::ALL.len()] = [
    (Bug::ToldBeforeAppended, "acknowledged_events_survive"),
    (Bug::DiskNotAwaited, "what_must_be_durable_is_on_disk_when_it_is_told"),
    (Bug::NumberSkipped, "numbers_have_no_gaps"),
    (Bug::RecordShort, "the_record_is_the_fold_of_the_events"),
    (Bug::RoundEndsTwice, "each_round_has_one_end"),
    (Bug::RoundEndForgotten, "rounds_end_in_time"),
    (Bug::RunEndForgotten, "each_run_has_one_end"),
    (Bug::ParentInvented, "parents_exist"),
    (Bug::NoDeadline, "rounds_end_in_time"),
    (Bug::ServersForgotten, "nothing_is_left_running"),
    (Bug::ResultTwice, "each_call_has_one_result"),
    (Bug::StartedCallRunAgain, "effects_happen_at_most_once"),
    (Bug::StartNotAwaited, "effects_come_after_their_durable_start"),
    (Bug::LeaveForgotten, "effects_have_leave"),
    (Bug::GrantForgotten, "effects_keep_to_their_brief"),
    (Bug::ResultForgotten, "requests_keep_the_pairing_rules"),
    (Bug::ResultsReversed, "results_stand_in_the_order_of_their_calls"),
    (Bug::ResultsUnjournaled, "models_see_what_the_journal_holds"),
    (Bug::VoidForgotten, "answers_are_what_was_shown_of_them"),
    (Bug::UsageForgotten, "usage_is_what_models_reported"),
    (Bug::PathsMeet, "effects_side_by_side_do_not_meet"),
];

/// A simulator that finds nothing shows nothing: each invariant finds what was planted for it, and the seed that found
/// it finds it again.
#[test]
fn every_planted_mistake_is_found_by_its_invariant() {
    let found_in = |seed: u64, bug: Bug, by: &str| {
        let simulation = Simulation::play_with(seed, Planted::with(bug));
        let broken = invariants::broken(&simulation.world);
        broken.into_iter().find(|(name, _)| *name == by).map(|(_, what)| what)
    };
    for (bug, by) in FOUND_BY {
        let found = (0..SEEDS_TO_FIND).find_map(|seed| Some((seed, found_in(seed, bug, by)?)));
        let Some((seed, what)) = found else { panic!("{by} does not find {bug:?} in {SEEDS_TO_FIND} seeds") };
        println!("{bug:?}: seed {seed}, {by}");
        assert_eq!(found_in(seed, bug, by), Some(what), "{bug:?} again with seed {seed}");
    }
    for bug in Bug::ALL {
        assert!(FOUND_BY.iter().any(|(planted, _)| *planted == bug), "nobody looks for {bug:?}");
    }
    for name in invariants::names() {
        assert!(FOUND_BY.iter().any(|(_, by)| *by == name), "nothing is planted for {name}");
    }
}

/// A seed is worth something only where it plays the same session again, byte for byte.
#[test]
fn the_same_seed_plays_the_same_session() {
    let told = |seed: u64| {
        let simulation = Simulation::play(seed);
        let trace = simulation.world.trace();
        let journal = trace.lives.iter().flat_map(|life| &life.journal);
        let lines: Vec<String> =
            journal.map(|event| serde_json::to_string(&**event).expect("an event is an object")).collect();
        (lines, format!("{:?}", trace.effects), simulation.world.weather.came())
    };
    for seed in 0..60 {
        let (first, second) = (told(seed), told(seed));
        assert_eq!(first, second, "seed {seed}");
    }
}
