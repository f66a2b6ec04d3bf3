//! The short form of the fuzz targets: seeds and a fixed number of mutations. The long form is `scripts/full.sh fuzz`.

use better_llm_tests::root;
use fuzz_targets::{TARGETS, run_briefly};

/// Whatever others wrote, reading it breaks no rule.
#[test]
fn no_input_breaks_what_reads_it() {
    std::thread::scope(|scope| {
        for target in TARGETS {
            scope.spawn(move || run_briefly(target, &root().join("fuzz/seeds").join(target.name)));
        }
    });
}

/// Each target has its libFuzzer program.
#[test]
fn every_target_has_a_program_and_seeds() {
    let programs = std::fs::read_to_string(root().join("fuzz/Cargo.toml")).expect("fuzz/Cargo.toml");
    for target in TARGETS {
        assert!(programs.contains(&format!("name = \"{}\"", target.name)), "{}", target.name);
    }
    assert_eq!(programs.matches("[[bin]]").count(), TARGETS.len());
}
