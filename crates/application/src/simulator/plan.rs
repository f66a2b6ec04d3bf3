//! What a simulated session is like, decided before it begins: limits, leave, people, what the person asks for.

use std::time::Duration;

use domain::{
    limits::Limits,
    model::ModelFacts,
    permission::{PermissionMode, SandboxLevel, SandboxState},
    person::Presence,
    price::{Cost, Price},
    session::{ContextItem, Request},
};

use super::dice::Dice;

/// A session that is about to be played.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) limits: Limits,
    pub(super) mode: PermissionMode,
    pub(super) sandbox: SandboxState,
    pub(super) presence: Presence,
    pub(super) verify: Vec<String>,
    pub(super) facts: ModelFacts,
    /// How long a worker may work.
    pub(super) worker_timeout: Duration,
    /// What the person asks for, round by round.
    pub(super) requests: Vec<Request>,
    /// After how many steps of a life the program dies; the last life lives on.
    pub(super) deaths: Vec<u64>,
}

impl Plan {
    pub(super) fn of(dice: &Dice) -> Self {
        let limits = limits(dice);
        let presence = match dice.percent(60) {
            true => Presence::Present {
                question_timeout: dice.millis(5_000, 90_000),
                intervention: if dice.percent(60) { dice.millis(500, 8_000) } else { Duration::ZERO },
            },
            false => Presence::Nobody,
        };
        let level = *dice.pick(&[SandboxLevel::Strict, SandboxLevel::Kernel, SandboxLevel::None]);
        let usable = level != SandboxLevel::None || dice.percent(60);
        let price = Price::new(3_000, 15_000, 300, 3_750);
        let facts = ModelFacts {
            context_window: dice.percent(30).then(|| dice.between(4_000, 30_000)),
            max_output_tokens: dice.percent(50).then(|| dice.between(1_024, 8_000)),
            price: (limits.max_cost_usd.is_some() || dice.percent(50)).then_some(price),
        };
        let verify = (0..dice.below(3)).map(|n| format!("make check-{n}"));
        let deaths = match dice.below(10) {
            0..5 => 0,
            5..8 => 1,
            _ => 3,
        };
        Self {
            mode: *dice.pick(&[
                PermissionMode::Plan,
                PermissionMode::Ask,
                PermissionMode::AutoEdit,
                PermissionMode::AutoEdit,
                PermissionMode::Full,
            ]),
            sandbox: SandboxState { level, reason: "simulated".to_owned(), usable },
            presence,
            verify: if dice.percent(70) { Vec::new() } else { verify.collect() },
            facts,
            worker_timeout: dice.millis(20_000, 400_000),
            requests: (1..=dice.between(1, 3)).map(|n| request(dice, n)).collect(),
            deaths: (0..deaths).map(|_| dice.between(1, *dice.pick(&[20, 80, 250, 600]))).collect(),
            limits,
        }
    }
}

fn limits(dice: &Dice) -> Limits {
    Limits {
        max_review_iterations: small(dice, 1, 3),
        max_retry_cycles: small(dice, 1, 3),
        max_coder_retries: small(dice, 1, 2),
        max_turns: small(dice, 3, 14),
        max_worker_turns: small(dice, 2, 10),
        max_messages: *dice.pick(&[4, 6, 10, 50]),
        max_parallel_workers: small(dice, 1, 4),
        max_tokens: dice.percent(20).then(|| dice.between(5_000, 200_000)),
        max_cost_usd: dice.percent(20).then(|| Cost::from_billionths(dice.between(50_000_000, 900_000_000))),
        loop_repeats: small(dice, 2, 4),
        timeout_seconds: dice.percent(40).then(|| dice.millis(5_000, 900_000)),
        ..Limits::default()
    }
}

fn small(dice: &Dice, first: u32, last: u32) -> u32 {
    u32::try_from(dice.between(first.into(), last.into())).unwrap_or(last)
}

fn request(dice: &Dice, number: u64) -> Request {
    let mut request = match dice.below(8) {
        0 => Request::typed("@coder 파일을 고쳐줘 @tester check it"),
        1 => Request::typed("@planner plan it"),
        _ => Request::new(format!("과제 {number}: mend the files 👩‍👩‍👧")),
    };
    if dice.percent(15) {
        request.context.push(ContextItem { name: "notes.txt".to_owned(), text: "data".to_owned() });
    }
    request
}
