//! The numbers that keep a round finite, and the bounds of the flags that set them.

use std::time::Duration;

use domain::{limits::Limits, price::Cost, report::Severity};

use crate::{
    picker::{Key, Picker},
    problem::{Fault, Problems, Spot},
    request::Overrides,
    source::Source,
    system_file::{LARGEST_COST_USD, LARGEST_TOKENS, LONGEST_SECONDS},
    trust::{Widening, is_stricter, is_tighter},
};

/// Adds every flag whose value is out of bounds.
pub(crate) fn check_flags(flags: &Overrides, problems: &mut Problems) {
    let mut wrong = |flag, expected: String, found: String| {
        problems.add(Spot::Flag(flag), Fault::WrongValue { expected, found });
    };
    if flags.max_turns == Some(0) {
        wrong("--max-turns", "a whole number of at least 1".to_owned(), "0".to_owned());
    }
    if let Some(tokens) = flags.max_tokens.filter(|tokens| !(1..=LARGEST_TOKENS).contains(tokens)) {
        let expected = format!("a whole number of at least 1 and at most {LARGEST_TOKENS}");
        wrong("--max-tokens", expected, tokens.to_string());
    }
    if let Some(usd) = flags.max_cost_usd.filter(|usd| !(*usd > 0.0 && *usd <= LARGEST_COST_USD)) {
        let expected = format!("a number of US dollars above 0 and at most {LARGEST_COST_USD}");
        wrong("--max-cost-usd", expected, usd.to_string());
    }
    if let Some(seconds) =
        flags.timeout_seconds.filter(|seconds| !(*seconds > 0.0 && *seconds <= LONGEST_SECONDS))
    {
        let expected = format!("a number of seconds above 0 and at most {LONGEST_SECONDS}");
        wrong("--timeout", expected, seconds.to_string());
    }
    if let Some(seconds) =
        flags.intervention_seconds.filter(|seconds| !(0.0..=LONGEST_SECONDS).contains(seconds))
    {
        let expected = format!("a number of seconds of at least 0 and at most {LONGEST_SECONDS}");
        wrong("--intervention", expected, seconds.to_string());
    }
    if flags.verify.iter().any(|command| command.trim().is_empty()) {
        wrong("--verify", "a command".to_owned(), "a blank text".to_owned());
    }
}

/// The limits that are in force.
pub(crate) fn limits(flags: &Overrides, picker: &mut Picker<'_>) -> Limits {
    let default = Limits::default();
    let turns = flags.max_turns.map(|turns| (turns, Source::Flag("--max-turns")));
    Limits {
        max_review_iterations: picker.count(
            "max_review_iterations",
            |limits| limits.max_review_iterations,
            default.max_review_iterations,
            None,
        ),
        max_retry_cycles: picker.count(
            "max_retry_cycles",
            |limits| limits.max_retry_cycles,
            default.max_retry_cycles,
            None,
        ),
        max_coder_retries: picker.count(
            "max_coder_retries",
            |limits| limits.max_coder_retries,
            default.max_coder_retries,
            None,
        ),
        max_turns: picker.count("max_turns", |limits| limits.max_turns, default.max_turns, turns),
        max_worker_turns: picker.count(
            "max_worker_turns",
            |limits| limits.max_worker_turns,
            default.max_worker_turns,
            None,
        ),
        max_messages: picker.count("max_messages", |limits| limits.max_messages, default.max_messages, None),
        max_parallel_workers: picker.count(
            "max_parallel_workers",
            |limits| limits.max_parallel_workers,
            default.max_parallel_workers,
            None,
        ),
        max_tokens: max_tokens(flags, picker),
        max_cost_usd: max_cost(flags, picker),
        loop_repeats: picker.count("loop_repeats", |limits| limits.loop_repeats, default.loop_repeats, None),
        review_force_on: review_force_on(default.review_force_on, picker),
        timeout_seconds: timeout(flags, picker),
    }
}

fn max_tokens(flags: &Overrides, picker: &mut Picker<'_>) -> Option<u64> {
    picker.pick(Key {
        path: "workflow_limits.max_tokens",
        get: &|file| file.workflow_limits.max_tokens.map(Some),
        default: None,
        narrows: is_tighter,
        widening: Widening::Limit,
        above: flags.max_tokens.map(|tokens| (Some(tokens), Source::Flag("--max-tokens"))),
    })
}

fn max_cost(flags: &Overrides, picker: &mut Picker<'_>) -> Option<Cost> {
    let usd = picker.pick(Key {
        path: "workflow_limits.max_cost_usd",
        get: &|file| file.workflow_limits.max_cost_usd.map(Some),
        default: None,
        narrows: is_tighter,
        widening: Widening::Limit,
        above: flags.max_cost_usd.map(|usd| (Some(usd), Source::Flag("--max-cost-usd"))),
    });
    usd.and_then(Cost::from_usd)
}

fn review_force_on(default: Severity, picker: &mut Picker<'_>) -> Severity {
    picker.pick(Key {
        path: "review.force_on",
        get: &|file| file.review.force_on,
        default,
        narrows: is_stricter,
        widening: Widening::Reviews,
        above: None,
    })
}

fn timeout(flags: &Overrides, picker: &mut Picker<'_>) -> Option<Duration> {
    let seconds = picker.pick(Key {
        path: "workflow_limits.timeout_seconds",
        get: &|file| file.workflow_limits.timeout_seconds.map(Some),
        default: None,
        narrows: is_tighter,
        widening: Widening::Limit,
        above: flags.timeout_seconds.map(|seconds| (Some(seconds), Source::Flag("--timeout"))),
    });
    seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
}
