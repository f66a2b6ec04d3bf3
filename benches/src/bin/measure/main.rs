//! Runs product and limit in turns (A B A B ...) against a model server of zero latency, and prints their figures.
//!
//! ```text
//! measure BETTER_LLM_CLI LIMIT SESSIONS MOCK_MESSAGES [--runs N] [CASE ...]
//! ```
//!
//! Figures are of whole processes, children included, by the kernel's own accounting (`wait4`). Quote ratios: machines
//! differ, and both sides of a ratio ran in the same minute on the same one. Nothing is asserted.
#![expect(clippy::print_stdout, reason = "a program")]

mod bench;
mod cases;
mod figures;
mod table;

use std::{error::Error, path::PathBuf};

use crate::{bench::Bench, cases::cases};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const USAGE: &str = "usage: measure CLI LIMIT SESSIONS MOCK [--runs N] [CASE ...]";

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let mut program = || -> Result<PathBuf> { Ok(std::fs::canonicalize(arguments.next().ok_or(USAGE)?)?) };
    let (product, limit, sessions, server) = (program()?, program()?, program()?, program()?);
    let (mut runs, mut wanted) = (9, Vec::new());
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--runs" => runs = arguments.next().ok_or("--runs needs a number")?.parse()?,
            case => wanted.push(case.to_owned()),
        }
    }
    let mut cases = cases();
    if let Some(unknown) = wanted.iter().find(|name| cases.iter().all(|case| case.name != **name)) {
        let names = cases.iter().map(|case| case.name).collect::<Vec<_>>().join(", ");
        return Err(format!("no case `{unknown}`; there are {names}").into());
    }
    cases.retain(|case| wanted.is_empty() || wanted.iter().any(|name| case.name == name));
    let bench = Bench { product, limit, sessions, server, runs };
    table::head(runs);
    let mut measured = Vec::new();
    for case in cases {
        let pairs = bench.pairs(&case)?;
        table::row(&case, &pairs);
        measured.push((case, pairs));
    }
    table::per_turn(&measured);
    table::per_session(&measured);
    Ok(())
}
