//! Runs that go in circles, and messages with more calls than one may hold.

use super::{examples::*, *};
use crate::limits::MOST_CALLS_IN_A_MESSAGE;

/// A run that has begun.
fn begun(role: RunRole) -> AgentRun {
    let mut run = AgentRun::new(role, LIMITS, Conversation::default());
    run.step(RunInput::Begin(Message::user("환불 기능을 추가해 줘")));
    run
}

/// Lets the model make the same call until the run ends; gives back the effects of each turn.
fn repeat(
    run: &mut AgentRun,
    tool: &str,
    input: &Value,
    result: impl Fn(usize) -> CallResult,
) -> Vec<Vec<RunEffect>> {
    let mut turns = Vec::new();
    while !matches!(run.phase, Phase::Ended) {
        let id = format!("c{}", turns.len());
        let turn = calls([(id.as_str(), tool, input.clone())]);
        let mut effects = run.step(RunInput::Answered { answer: turn.answer, standing: standing(true) });
        effects.extend(run.step(call_ended(&id, result(turns.len()))));
        turns.push(effects);
    }
    turns
}

/// What was joined on the user's side in a turn.
fn told(effects: &[RunEffect]) -> Vec<String> {
    let joined = effects.iter().filter_map(|effect| match effect {
        RunEffect::Joined(sealed, None) => Some(&sealed.message.parts),
        _ => None,
    });
    joined.flatten().map(spoken).collect()
}

fn failure(effects: &[RunEffect]) -> &RunFailure {
    match effects.last() {
        Some(RunEffect::End(RunEnd::Failed(failure))) => failure,
        other => panic!("{other:?}"),
    }
}

/// O-15, P38: the agent reads the warning beside the result, and the run ends in spite of its model.
#[test]
fn the_same_call_for_ever_is_told_of_once_and_ends_the_run_as_a_loop() {
    let mut run = begun(WORKER);
    let turns = repeat(&mut run, "read", &json!({ "path": "합계.sh" }), |_| CallResult::ok("3"));
    assert_eq!((turns.len(), run.turns()), (8, 8));
    let pattern = "`read` {\"path\":\"합계.sh\"}";
    assert_eq!(told(&turns[3]), ["c3 result: 3", "text: You made the same call 4 times i"]);
    let [
        ..,
        RunEffect::Joined(results, None),
        RunEffect::LoopWarning { pattern: told_of, count: 4 },
        RunEffect::Request,
    ] = &turns[3][..]
    else {
        panic!("{:?}", turns[3])
    };
    let advice = results.message.text();
    assert!(told_of == pattern && advice.contains(pattern) && advice.contains("call `report`"), "{advice}");

    let RunFailure { reason, text } = failure(&turns[7]);
    assert_eq!(*reason, FailReason::Loop);
    for words in ["8 times", pattern, "workflow_limits.loop_repeats (now 4)", "Rephrase the task"] {
        assert!(text.contains(words), "{words}: {text}");
    }
    let warnings = turns.iter().flatten().filter(|effect| matches!(effect, RunEffect::LoopWarning { .. }));
    assert_eq!(warnings.count(), 1);
    assert_eq!(told(&turns[7]), ["c7 result: 3"]);
}

#[test]
fn a_poll_whose_result_changes_goes_on_to_the_last_turn() {
    let mut run = begun(WORKER);
    let poll = |turn: usize| CallResult::ok(format!("{turn} of 90 done"));
    let turns = repeat(&mut run, "process", &json!({ "op": "read" }), poll);
    assert_eq!(turns.len(), 50);
    assert!(matches!(turns[49].last(), Some(RunEffect::End(RunEnd::OutOfTurns))));
}

/// Law 3: calls that never run have results, too.
#[test]
fn calls_that_are_refused_are_calls_with_results() {
    let mut run = begun(RunRole::Manager);
    let held = Standing { work_done: true, holds_back: Some("1 finding is open".to_owned()) };
    let mut ends = Vec::new();
    for n in 0.. {
        let id = format!("c{n}");
        let turn = calls([(id.as_str(), FINISH, closing_input(RunRole::Manager))]);
        let answered = RunInput::Answered { answer: turn.answer, standing: held.clone() };
        ends = run.step(answered);
        if matches!(run.phase, Phase::Ended) {
            break;
        }
    }
    assert_eq!((run.turns(), failure(&ends).reason), (8, FailReason::Loop));
}

/// O-15: what holds the end back is told; giving up is free.
#[test]
fn a_round_that_is_held_back_cannot_be_called_done_and_can_be_given_up() {
    let held = || Standing { work_done: true, holds_back: Some("f1 is open".to_owned()) };
    let finish =
        |id: &str, status: &str| calls([(id, FINISH, json!({ "summary": "끝", "status": status }))]).answer;
    let mut run = begun(RunRole::Manager);
    let effects = run.step(RunInput::Answered { answer: finish("c1", "done"), standing: held() });
    assert_eq!(told(&effects), ["c1 error: not accepted: f1 is open"]);
    let effects = run.step(RunInput::Answered { answer: finish("c2", "done"), standing: standing(true) });
    assert!(matches!(effects.last(), Some(RunEffect::End(RunEnd::Finished(_)))), "{effects:?}");

    for status in ["partial", "failed"] {
        let mut run = begun(RunRole::Manager);
        let effects = run.step(RunInput::Answered { answer: finish("c1", status), standing: held() });
        assert!(matches!(effects.last(), Some(RunEffect::End(RunEnd::Finished(_)))), "{effects:?}");
    }
}

/// What another call of the message brought counts: the round is judged as it then stands.
#[test]
fn the_last_result_of_a_message_says_whether_the_end_is_held_back() {
    let mut run = begun(RunRole::Manager);
    let review = json!({ "task_description": "judge" });
    let turn =
        calls([("c1", "execute_reviewer_task", review), ("c2", FINISH, closing_input(RunRole::Manager))]);
    run.step(RunInput::Answered { answer: turn.answer, standing: standing(true) });
    let standing = Standing { work_done: true, holds_back: Some("f1 is open".to_owned()) };
    let effects =
        run.step(RunInput::CallEnded { call: CallId::new("c1"), result: CallResult::ok("{}"), standing });
    assert_eq!(told(&effects), ["c1 result: {}", "c2 error: not accepted: f1 is open"]);
}

/// P30, contract 10: the first 64 run, in order; the rest is answered.
#[test]
fn of_five_hundred_calls_in_a_message_the_first_64_run_and_each_has_its_result() {
    let ids: Vec<String> = (0..500).map(|n| format!("c{n}")).collect();
    let parts = ids.iter().map(|id| call_part(&CallId::new(id), "read", json!({ "path": id })));
    let answer = answer(parts.collect(), StopReason::ToolUse);
    let mut run = begun(WORKER);
    let effects = run.step(RunInput::Answered { answer, standing: standing(false) });
    let asked = effects.iter().filter_map(|effect| match effect {
        RunEffect::Call { call, .. } => Some(call.as_str()),
        _ => None,
    });
    assert!(asked.eq(ids[..MOST_CALLS_IN_A_MESSAGE].iter().map(String::as_str)));
    let refused = effects.iter().filter(|effect| matches!(effect, RunEffect::Rejected { .. })).count();
    assert_eq!(refused, 500 - MOST_CALLS_IN_A_MESSAGE);

    let mut last = Vec::new();
    for id in &ids[..MOST_CALLS_IN_A_MESSAGE] {
        last = run.step(call_ended(id, CallResult::ok(id)));
    }
    let [RunEffect::Joined(results, None), RunEffect::Request] = &last[..] else { panic!("{last:?}") };
    let answered: Vec<&str> = results.message.tool_results().map(CallId::as_str).collect();
    assert_eq!(answered, ids);
    assert_eq!(spoken(&results.message.parts[64]), "c64 error: not run: a message may hold 64 calls at ");
}
