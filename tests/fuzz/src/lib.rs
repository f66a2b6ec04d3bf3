//! What fuzzing holds, each target written once: a function that takes any bytes and panics where a rule is broken.
//!
//! `fuzz/` hands the targets to libFuzzer, for as long as one likes (`scripts/full.sh fuzz`). The gate runs each over its
//! seeds (`fuzz/seeds/<name>/`) and a fixed number of mutations of them: the same ones every time.

mod answer;
#[cfg(test)]
mod brief;
mod configuration;
mod path;
mod redaction;
mod rule;
mod terminal;
#[cfg(test)]
mod tests;

#[cfg(test)]
use brief::run_briefly;

/// One thing that reads what others wrote.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// The name of its libFuzzer program and of the folder of its seeds.
    pub name: &'static str,
    /// Panics where a rule is broken.
    pub check: fn(&[u8]),
    /// How many mutations the gate tries; as many as a second or two allow.
    pub mutations: u32,
}

/// Every target.
pub const TARGETS: [Target; 7] = [
    Target { name: "answer", check: answer::check, mutations: 20_000 },
    Target { name: "chat_answer", check: answer::check_chat, mutations: 20_000 },
    Target { name: "configuration", check: configuration::check, mutations: 2_000 },
    Target { name: "path", check: path::check, mutations: 200 },
    Target { name: "redaction", check: redaction::check, mutations: 5_000 },
    Target { name: "rule", check: rule::check, mutations: 5_000 },
    Target { name: "terminal", check: terminal::check, mutations: 5_000 },
];

/// Calls the target of that name.
///
/// # Panics
/// Where it does, or where there is none.
pub fn check(name: &str, bytes: &[u8]) {
    let target = TARGETS.iter().find(|target| target.name == name).expect("a target of that name");
    (target.check)(bytes);
}
