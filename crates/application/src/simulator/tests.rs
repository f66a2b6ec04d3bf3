//! The simulator's own tests: many seeds, each of them again, and one of them told.

use std::collections::BTreeMap;

use super::{faults::Fault, invariants, lives::Simulation};

/// Seeds that the gate plays.
const SEEDS: u64 = 2_000;

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
    let mut came: BTreeMap<Fault, u64> = BTreeMap::new();
    let mut wrong = Vec::new();
    for seed in first..first + seeds {
        let simulation = Simulation::play(seed);
        for (fault, times) in simulation.world.weather.came() {
            *came.entry(fault).or_default() += times;
        }
        let broken = invariants::broken(&simulation.world);
        if !broken.is_empty() {
            wrong.push((seed, broken));
        }
    }
    println!("{seeds} seeds, faults: {came:?}");
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
