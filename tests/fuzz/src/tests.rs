//! The short form of the targets. The long form is `scripts/full.sh fuzz`.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::*;

fn fuzz_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz")
}

/// Whatever others wrote, reading it breaks no rule.
#[test]
fn no_input_breaks_what_reads_it() {
    std::thread::scope(|scope| {
        for target in TARGETS {
            scope.spawn(move || run_briefly(target, &fuzz_folder().join("seeds").join(target.name)));
        }
    });
}

/// Each target has its libFuzzer program.
#[test]
fn every_target_has_a_program() {
    let programs = fs::read_to_string(fuzz_folder().join("Cargo.toml")).expect("fuzz/Cargo.toml");
    for target in TARGETS {
        assert!(programs.contains(&format!("name = \"{}\"", target.name)), "{}", target.name);
        let program = fuzz_folder().join(format!("fuzz_targets/{}.rs", target.name));
        let program = fs::read_to_string(&program).expect("a program");
        assert!(program.contains(&format!("\"{}\"", target.name)), "{program}");
    }
    assert_eq!(programs.matches("[[bin]]").count(), TARGETS.len());
}
