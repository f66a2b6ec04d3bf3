use proptest::prelude::*;
use serde_json::json;

use super::*;

/// A call and what it gives.
type Seen = (String, String);

/// What a doctor says at the end of each turn, up to the one that ends the run.
fn treat(repeats: u32, turns: impl IntoIterator<Item = Vec<Seen>>) -> Vec<Option<Diagnosis>> {
    let mut doctor = Doctor::new(repeats);
    let mut said = Vec::new();
    for turn in turns {
        for (input, result) in turn {
            doctor.saw(&asked(&input), &CallResult::ok(result));
        }
        said.push(doctor.turn_ended());
        if matches!(said.last(), Some(Some(Diagnosis::Hopeless(_)))) {
            break;
        }
    }
    said
}

fn asked(input: &str) -> Asked {
    Asked::new("bash", &json!({ "command": input }))
}

fn shown(input: &str) -> String {
    format!("`bash` {{\"command\":\"{input}\"}}")
}

fn seen(input: &str, result: &str) -> Seen {
    (input.to_owned(), result.to_owned())
}

/// Turns of one call each: `a1` is the call `a` with the result `1`.
fn one_by_one(calls: &str) -> Vec<Vec<Seen>> {
    calls.split_whitespace().map(|call| vec![seen(call.split_at(1).0, call.split_at(1).1)]).collect()
}

/// Checks at which turns (from 1) a doctor of four warns and gives up.
#[track_caller]
fn check(turns: Vec<Vec<Seen>>, expected: &[(usize, Diagnosis)]) {
    let said = treat(4, turns).into_iter().enumerate();
    let said: Vec<_> = said.filter_map(|(at, said)| Some((at + 1, said?))).collect();
    assert_eq!(said, expected);
}

fn warn(pattern: Pattern, count: u32) -> Diagnosis {
    Diagnosis::Warn(Repetition { pattern, count })
}

fn hopeless(pattern: Pattern, count: u32) -> Diagnosis {
    Diagnosis::Hopeless(Repetition { pattern, count })
}

fn same(input: &str) -> Pattern {
    Pattern::SameCall(shown(input))
}

fn by_turns() -> Pattern {
    Pattern::PingPong(shown("a"), shown("b"))
}

/// O-15, contract 3: four, a warning, four more.
#[test]
fn the_same_call_with_the_same_result_is_told_of_and_then_ends_the_run() {
    check(one_by_one("a1 a1 a1"), &[]);
    let eight = one_by_one("a1 a1 a1 a1 a1 a1 a1 a1");
    check(eight, &[(4, warn(same("a"), 4)), (8, hopeless(same("a"), 8))]);
}

#[test]
fn two_calls_by_turns_are_told_of_and_then_end_the_run() {
    check(one_by_one("a1 b1 a1 b1 a1 b1 a1"), &[]);
    let sixteen = one_by_one(&"a1 b1 ".repeat(8));
    check(sixteen, &[(8, warn(by_turns(), 4)), (16, hopeless(by_turns(), 8))]);
}

/// Contract 3: lawful polling is no loop.
#[test]
fn a_result_that_changes_is_no_repetition() {
    check(one_by_one("a1 a1 a1 a2 a2 a2 a3 a3 a3 a4"), &[]);
    check(one_by_one("a1 b1 a1 b1 a1 b2 a1 b2 a1 b2 a1 b3"), &[]);
}

/// Contract 3: refused calls with different input are no repeats.
#[test]
fn a_refusal_of_another_input_is_another_result() {
    let refused = (0..60).map(|n| vec![seen(&format!("rm -rf {n}"), "denied")]).collect();
    check(refused, &[]);
}

#[test]
fn something_new_in_between_begins_the_count_anew() {
    check(one_by_one("a1 a1 a1 b1 a1 a1 a1 c1 a1 a1 a1"), &[]);
    let warned_twice = one_by_one("a1 a1 a1 a1 n1 a1 a1 a1 a1");
    check(warned_twice, &[(4, warn(same("a"), 4)), (9, warn(same("a"), 4))]);
}

#[test]
fn what_was_there_before_is_nothing_new_after_a_warning() {
    let with_old = one_by_one("b1 a1 a1 a1 a1 b1 a1 a1 a1 a1");
    check(with_old, &[(5, warn(same("a"), 4)), (10, hopeless(same("a"), 8))]);
    let another = one_by_one("b1 a1 a1 a1 a1 b1 b1 b1 b1");
    check(another, &[(5, warn(same("a"), 4)), (9, hopeless(same("b"), 4))]);
}

/// The agent cannot have read a warning before the end of its message.
#[test]
fn calls_of_one_message_count_in_order_and_are_told_of_together() {
    let message = || vec![seen("a", "1"); 9];
    check(vec![message(), message()], &[(1, warn(same("a"), 9)), (2, hopeless(same("a"), 18))]);

    let both = || vec![seen("a", "1"), seen("b", "1")];
    check(vec![both(); 8], &[(4, warn(by_turns(), 4)), (8, hopeless(by_turns(), 8))]);

    let row_and_more = || [vec![seen("a", "1"); 4], vec![seen("b", "1")]].concat();
    check(vec![row_and_more(); 2], &[(1, warn(same("a"), 4)), (2, hopeless(same("a"), 8))]);
}

#[test]
fn an_input_is_the_same_in_any_order_of_its_fields() {
    let mut doctor = Doctor::new(2);
    for input in [r#"{"a": {"x": 1, "y": [2]}, "b": "다"}"#, r#"{"b": "다", "a": {"y": [2], "x": 1}}"#] {
        let input = serde_json::from_str(input).expect("JSON");
        doctor.saw(&Asked::new("read", &input), &CallResult::ok("1"));
    }
    let pattern = Pattern::SameCall(r#"`read` {"a":{"x":1,"y":[2]},"b":"다"}"#.to_owned());
    assert_eq!(doctor.turn_ended(), Some(warn(pattern, 2)));
}

#[test]
fn another_tool_another_input_or_a_failure_is_another_call() {
    let mut doctor = Doctor::new(2);
    let input = json!({ "path": "가" });
    doctor.saw(&Asked::new("read", &input), &CallResult::ok("1"));
    doctor.saw(&Asked::new("glob", &input), &CallResult::ok("1"));
    doctor.saw(&Asked::new("glob", &json!({ "path": "나" })), &CallResult::ok("1"));
    doctor.saw(&Asked::new("glob", &json!({ "path": "나" })), &CallResult::error("1"));
    assert_eq!(doctor.turn_ended(), None);
}

/// Every script: nothing is torn where a long input is cut.
#[test]
fn a_long_input_is_shown_in_part() {
    let family = "👨‍👩‍👧‍👦";
    for text in [family.repeat(60), "한글".repeat(200), "שלום ".repeat(90)] {
        let Asked { shown, .. } = Asked::new("bash", &json!({ "command": text }));
        let cut = shown.strip_prefix("`bash` {\"command\":\"").and_then(|shown| shown.strip_suffix('…'));
        let cut = cut.unwrap_or_else(|| panic!("{shown}"));
        assert!(text.starts_with(cut) && cut.chars().count() <= Asked::SHOWN, "{shown}");
        assert_eq!(cut.replace(family, "").find('👨'), None, "{shown}");
    }
}

fn idle_turns(count: usize) -> impl Iterator<Item = Vec<Seen>> {
    // A row of three is neither one call nor two by turns.
    let rounds = ["a", "b", "c"].into_iter().cycle();
    rounds.map(|input| vec![seen(input, "1")]).take(3 + count)
}

/// O-15, contract 3: 30 turns, a warning, 5 more.
#[test]
fn turns_that_bring_nothing_new_are_told_of_and_then_end_the_run() {
    check(idle_turns(29).collect(), &[]);
    let told = [(33, warn(Pattern::NothingNew, 30)), (38, hopeless(Pattern::NothingNew, 35))];
    check(idle_turns(35).collect(), &told);
    check(
        vec![Vec::new(); 35],
        &[(30, warn(Pattern::NothingNew, 30)), (35, hopeless(Pattern::NothingNew, 35))],
    );
}

#[test]
fn a_new_result_or_a_changed_file_ends_an_idle_stretch() {
    let interrupted = idle_turns(29).chain(one_by_one("n1")).chain(idle_turns(26));
    check(interrupted.collect(), &[]);

    let mut doctor = Doctor::new(4);
    for turn in 0..200 {
        let changed = turn % 20 == 0;
        let input = ["a", "b", "c"][turn % 3];
        doctor.saw(&asked(input), &CallResult { changed, ..CallResult::ok("written") });
        assert_eq!(doctor.turn_ended(), None, "turn {turn}");
    }
}

/// A command that changes a file each time is the same call with the same result all the same.
#[test]
fn a_changed_file_makes_the_same_call_no_other() {
    let mut doctor = Doctor::new(4);
    let changes = || CallResult { changed: true, ..CallResult::ok("") };
    let said: Vec<_> = (0..8)
        .map(|_| {
            doctor.saw(&asked("echo x >> f"), &changes());
            doctor.turn_ended()
        })
        .collect();
    assert!(matches!(said[..], [.., Some(Diagnosis::Hopeless(_))]), "{said:?}");
}

#[test]
fn what_the_person_says_begins_every_count_anew() {
    let mut doctor = Doctor::new(4);
    for turn in 0..50 {
        doctor.saw(&asked("make test"), &CallResult::ok("1"));
        if turn % 4 == 3 {
            doctor.heard_the_person();
        } else {
            assert_eq!(doctor.turn_ended(), None, "turn {turn}");
        }
    }
}

#[test]
fn one_call_repeats_nothing() {
    for repeats in [0, 1, 2] {
        let said = treat(repeats, one_by_one("a1 a1 a1 a1"));
        let (told, ended) = (warn(same("a"), 2), hopeless(same("a"), 4));
        assert_eq!(said, [None, Some(told), None, Some(ended)], "{repeats}");
    }
}

/// Cuts calls into turns of these sizes, again and again.
fn in_turns(calls: Vec<Seen>, sizes: &[usize]) -> Vec<Vec<Seen>> {
    let (mut calls, mut turns) = (calls.into_iter().peekable(), Vec::new());
    for size in sizes.iter().cycle() {
        if calls.peek().is_none() {
            break;
        }
        turns.push(calls.by_ref().take(*size).collect());
    }
    turns
}

fn sizes() -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(1_usize..9, 1..6)
}

/// Results that were never there before, of calls that may be.
fn news(count: usize, inputs: &[u8]) -> Vec<Seen> {
    (0..count).map(|n| (inputs[n % inputs.len()].to_string(), format!("news {n}"))).collect()
}

proptest! {
    #![proptest_config(crate::properties::cases())]

    #[test]
    fn where_every_result_is_new_nobody_is_told_anything(
        repeats in 0_u32..6,
        count in 1_usize..120,
        inputs in prop::collection::vec(0_u8..4, 1..8),
        sizes in sizes(),
    ) {
        let said = treat(repeats, in_turns(news(count, &inputs), &sizes));
        prop_assert!(said.iter().all(Option::is_none), "{said:?}");
    }

    /// O-15: whatever came before and however it is cut into messages, one call or two by turns come to an end.
    #[test]
    fn endless_repetition_is_told_of_and_ended_in_time(
        repeats in 2_u32..6,
        before in 0_usize..20,
        inputs in prop::collection::vec(0_u8..4, 1..8),
        period in 1_usize..3,
        sizes in sizes(),
    ) {
        let row = |n: usize| seen(["a", "b"][n % period], "1");
        let calls = news(before, &inputs).into_iter().chain((0..60).map(row)).collect();
        let said = treat(repeats, in_turns(calls, &sizes));
        let told = said.iter().position(Option::is_some).map(|at| (at, &said[at]));
        let Some((told, Some(Diagnosis::Warn(_)))) = told else { panic!("{said:?}") };
        let ended = said.iter().position(|said| matches!(said, Some(Diagnosis::Hopeless(_))));
        let Some(ended) = ended else { panic!("no end: {said:?}") };
        prop_assert_eq!(said[..ended].iter().flatten().count(), 1, "told once");

        // Calls up to a turn, and the most that a turn can be late by.
        let up_to = |turn: usize| sizes.iter().cycle().take(turn + 1).sum::<usize>();
        let late = sizes.iter().max().copied().unwrap_or_default();
        let needed = repeats as usize * period;
        prop_assert!(up_to(told) <= before + needed + late, "told after {} calls", up_to(told));
        prop_assert!(up_to(ended) <= up_to(told) + needed + late, "ended after {} calls", up_to(ended));
    }

    /// O-15: whatever repeats, with whatever period, has an end.
    #[test]
    fn a_run_that_learns_nothing_is_over_after_35_turns(
        repeats in 2_u32..6,
        round in prop::collection::vec((0_u8..6, 0_u8..3), 1..20),
        sizes in sizes(),
    ) {
        let round: Vec<Seen> = round.into_iter().map(|(a, b)| (a.to_string(), b.to_string())).collect();
        let most = (round.len() + 35) * sizes.iter().max().copied().unwrap_or_default();
        let calls: Vec<Seen> = round.iter().cycle().take(most).cloned().collect();
        let said = treat(repeats, in_turns(calls, &sizes));
        let ended = said.iter().position(|said| matches!(said, Some(Diagnosis::Hopeless(_))));
        // The first time round everything may be new.
        prop_assert!(ended.is_some_and(|ended| ended < round.len() + 35), "{said:?}");
    }
}

#[test]
fn memory_stays_bounded_and_forgets_the_oldest() {
    let mut known = Known::default();
    for digest in 0..3 * Known::MOST as u64 {
        assert!(known.add(digest));
    }
    assert_eq!((known.digests.len(), known.order.len()), (Known::MOST, Known::MOST));
    assert!(!known.add(3 * Known::MOST as u64 - 1));
    assert!(known.add(0));
}
