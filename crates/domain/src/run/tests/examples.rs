use std::sync::Arc;

use super::*;
use crate::outcome::{Ending, FailReason};
use crate::report::Report;

pub(super) const WORKER: RunRole = RunRole::Worker(WorkerKind::Coder);
pub(super) const LIMITS: RunLimits = RunLimits { max_turns: 50, max_messages: 50, loop_repeats: 4 };

/// One answer of a scripted model, and what its calls come to.
pub(super) struct Turn {
    pub(super) answer: ModelAnswer,
    pub(super) results: Vec<(&'static str, CallResult)>,
}

pub(super) fn says(text: &str) -> Turn {
    stops(text, StopReason::EndTurn)
}

pub(super) fn stops(text: &str, stop_reason: StopReason) -> Turn {
    Turn { answer: answer(vec![Part::Text { text: text.to_owned() }], stop_reason), results: Vec::new() }
}

pub(super) fn calls<const N: usize>(calls: [(&str, &str, Value); N]) -> Turn {
    let parts = calls.into_iter().map(|(id, tool, input)| call_part(&CallId::new(id), tool, input));
    Turn { answer: answer(parts.collect(), StopReason::ToolUse), results: Vec::new() }
}

impl Turn {
    pub(super) fn with(mut self, call: &'static str, result: CallResult) -> Self {
        self.results.push((call, result));
        self
    }
}

/// What a run came to: its end, and everything that was said in it, as `speaker: what`.
#[derive(Debug, PartialEq)]
struct Played {
    end: Option<RunEnd>,
    said: Vec<String>,
    turns: u32,
}

/// Plays a script. `work_done` as a round would say it: false until a first call was made.
fn play(role: RunRole, limits: RunLimits, script: Vec<Turn>) -> Played {
    let mut run = AgentRun::new(role, limits, Conversation::default());
    let mut effects = run.step(RunInput::Begin(Message::user("환불 기능을 추가해 줘")));
    let mut work_done = false;
    for turn in script {
        let has_calls = turn.answer.message.tool_uses().next().is_some();
        effects.extend(run.step(RunInput::Answered { answer: turn.answer, standing: standing(work_done) }));
        work_done |= has_calls;
        for (call, result) in turn.results {
            effects.extend(run.step(call_ended(call, result)));
        }
    }
    let mut played = Played { end: None, said: Vec::new(), turns: run.turns() };
    for effect in effects {
        match effect {
            RunEffect::Joined(sealed, _) => played.said.extend(sealed.message.parts.iter().map(spoken)),
            RunEffect::Notice { code, .. } => played.said.push(format!("notice: {code}")),
            RunEffect::End(end) => played.end = Some(end),
            _ => {}
        }
    }
    played
}

pub(super) fn spoken(part: &Part) -> String {
    match part {
        Part::Text { text } => format!("text: {}", crate::text::head(text, 32)),
        Part::ToolUse { id, name, .. } => format!("{id}: {name}"),
        Part::ToolResult { id, content, is_error } => {
            let word = if *is_error { "error" } else { "result" };
            format!("{id} {word}: {}", crate::text::head(content, 40))
        }
        other => format!("{other:?}"),
    }
}

fn report() -> Report {
    Report::parse(WorkerKind::Coder, &report_input(WorkerKind::Coder)).expect("it fits the schema")
}

pub(super) fn finish() -> RunEnd {
    RunEnd::Finished(Finish {
        summary: "환불 기능을 추가했습니다".to_owned(), status: FinishStatus::Done
    })
}

#[track_caller]
fn check_end(role: RunRole, script: Vec<Turn>, expected: RunEnd) {
    assert_eq!(play(role, LIMITS, script).end, Some(expected));
}

/// O-1: a worker works with its tools until it hands in its report.
#[test]
fn a_worker_ends_with_its_report() {
    let played = play(
        WORKER,
        LIMITS,
        vec![
            calls([("c1", "read", json!({"path": "src/refund.rs"}))]).with("c1", CallResult::ok("(empty)")),
            calls([("c2", "report", report_input(WorkerKind::Coder))]),
        ],
    );
    let said = [
        "text: 환불 기능을 추가해 줘",
        "c1: read",
        "c1 result: (empty)",
        "c2: report",
        "c2 result: accepted",
    ];
    let said = said.map(str::to_owned).to_vec();
    assert_eq!(played, Played { end: Some(RunEnd::Reported(report())), said, turns: 2 });
}

/// O-1, O-10: the manager calls workers as tools until it calls the finishing tool.
#[test]
fn a_manager_calls_worker_after_worker_and_ends_by_finish() {
    let task = |what: &str| json!({"task_description": what});
    let script = vec![
        calls([("c1", "execute_planner_task", task("plan"))]).with("c1", CallResult::ok("{}")),
        calls([("c2", "execute_coder_task", task("write"))]).with("c2", CallResult::ok("{}")),
        calls([("c3", "execute_reviewer_task", task("judge"))]).with("c3", CallResult::ok("{}")),
        calls([("c4", "execute_tester_task", task("test"))]).with("c4", CallResult::ok("{}")),
        calls([("c5", "execute_committer_task", task("commit"))]).with("c5", CallResult::ok("{}")),
        calls([("c6", "finish", closing_input(RunRole::Manager))]),
    ];
    check_end(RunRole::Manager, script, finish());
}

/// O-1: words start nothing and end nothing once there is work; the tool calls do.
#[test]
fn now_i_will_start_the_tester_is_no_ending_after_work() {
    let coder = || {
        calls([("c1", "execute_coder_task", json!({"task_description": "write"}))])
            .with("c1", CallResult::ok("{}"))
    };
    let announcement = "Now I'll start the tester.";
    let script = vec![
        coder(),
        says(announcement),
        calls([("c2", "execute_tester_task", json!({"task_description": "test"}))])
            .with("c2", CallResult::ok("{}")),
        calls([("c3", "finish", closing_input(RunRole::Manager))]),
    ];
    check_end(RunRole::Manager, script, finish());

    let played = play(RunRole::Manager, LIMITS, vec![coder(), says(announcement), says(announcement)]);
    assert_eq!(played.end, Some(RunEnd::EndedInProse(announcement.to_owned())));
    assert_eq!(
        played.said[3..5],
        ["text: Now I'll start the tester.", "text: You called no tool. Words alone "]
    );
}

#[test]
fn prose_answers_a_question_while_nothing_was_done() {
    let text = "이 저장소는 환불을 계산합니다.";
    check_end(RunRole::Manager, vec![says(text)], RunEnd::Answered(text.to_owned()));
}

#[test]
fn a_worker_without_a_report_is_asked_for_it_once_and_its_text_is_kept() {
    let with_report = vec![says("다 했습니다."), calls([("c1", "report", report_input(WorkerKind::Coder))])];
    check_end(WORKER, with_report, RunEnd::Reported(report()));

    let without = vec![says("다 했습니다."), says("정말 다 했습니다.")];
    check_end(WORKER, without, RunEnd::Malformed("정말 다 했습니다.".to_owned()));
}

#[test]
fn three_inputs_in_a_row_that_do_not_fit_end_the_run() {
    let wrong = |id| calls([(id, "report", json!({"summary": 1}))]);
    let right = |id| calls([(id, "report", report_input(WorkerKind::Coder))]);
    let text = "3 tool inputs in a row did not fit their schema".to_owned();
    check_end(WORKER, vec![wrong("c1"), wrong("c2"), wrong("c3")], RunEnd::Malformed(text));
    check_end(WORKER, vec![wrong("c1"), wrong("c2"), right("c3")], RunEnd::Reported(report()));

    let read = |id| calls([(id, "read", json!({}))]).with(id, CallResult::ok(""));
    let script = vec![wrong("c1"), wrong("c2"), read("c3"), wrong("c4"), wrong("c5"), right("c6")];
    check_end(WORKER, script, RunEnd::Reported(report()));
}

#[test]
fn an_input_that_could_not_be_read_is_answered_and_never_run() {
    let mut turn = calls([("c1", "bash", json!({}))]);
    turn.answer.invalid_inputs.push(InvalidInput {
        call: CallId::new("c1"),
        raw: "{\"command\": \"rm -rf".to_owned(),
        error: "EOF while parsing a string".to_owned(),
    });
    let mut run = AgentRun::new(WORKER, LIMITS, Conversation::default());
    run.step(RunInput::Begin(Message::user("# Task\nclean up")));
    let effects = run.step(RunInput::Answered { answer: turn.answer, standing: standing(false) });
    let (mut rejected, mut called) = (0, 0);
    for effect in &effects {
        match effect {
            RunEffect::Rejected { call, result, .. } if call.as_str() == "c1" => {
                let text = &result.content;
                assert!(text.contains("EOF while parsing a string") && text.contains("rm -rf"), "{text}");
                assert!(result.is_malformed);
                rejected += 1;
            }
            RunEffect::Call { .. } => called += 1,
            _ => {}
        }
    }
    assert_eq!((rejected, called), (1, 0));
}

#[test]
fn a_report_beside_other_calls_holds_only_if_they_went_well() {
    let both = |results: CallResult| {
        calls([("c1", "bash", json!({"command": "make"})), ("c2", "report", report_input(WorkerKind::Coder))])
            .with("c1", results)
    };
    check_end(WORKER, vec![both(CallResult::ok("built"))], RunEnd::Reported(report()));

    let played = play(WORKER, LIMITS, vec![both(CallResult::error("no rule to make target"))]);
    assert_eq!(played.end, None);
    assert_eq!(
        played.said[3..],
        ["c1 error: no rule to make target", "c2 error: not accepted: another call of the same m"]
    );
}

#[test]
fn a_second_report_in_one_message_voids_both() {
    let twice = calls([
        ("c1", "report", report_input(WorkerKind::Coder)),
        ("c2", "report", report_input(WorkerKind::Coder)),
    ]);
    let played = play(WORKER, LIMITS, vec![twice]);
    assert_eq!(played.end, None);
    assert_eq!(
        played.said[3..],
        [
            "c1 error: not accepted: another call of the same m",
            "c2 error: `report` was already called in this mess"
        ]
    );
}

#[test]
fn the_first_result_of_a_call_stands_and_a_report_is_nobodys_to_answer() {
    let turn = calls([
        ("c1", "bash", json!({"command": "make"})),
        ("c2", "bash", json!({"command": "make test"})),
        ("c3", "report", report_input(WorkerKind::Coder)),
    ]);
    let script = turn
        .with("c1", CallResult::ok("built"))
        .with("c1", CallResult::error("late"))
        .with("c3", CallResult::error("stray"))
        .with("c2", CallResult::ok("passed"));
    let played = play(WORKER, LIMITS, vec![script]);
    assert_eq!(played.end, Some(RunEnd::Reported(report())));
    assert_eq!(played.said[4..], ["c1 result: built", "c2 result: passed", "c3 result: accepted"]);
}

/// O-16: a stop in the middle of calls leaves none of them open.
#[test]
fn a_stop_answers_the_calls_that_are_open() {
    let mut run = AgentRun::new(WORKER, LIMITS, Conversation::default());
    run.step(RunInput::Begin(Message::user("# Task\ntest it")));
    let turn = calls([("c1", "bash", json!({})), ("c2", "bash", json!({}))]);
    run.step(RunInput::Answered { answer: turn.answer, standing: standing(false) });
    run.step(call_ended("c2", CallResult::ok("passed")));
    let effects = run.step(RunInput::Stop(Ending::Stopped));
    let [RunEffect::Joined(results, None), RunEffect::End(RunEnd::Stopped(Ending::Stopped))] = &effects[..]
    else {
        panic!("{effects:?}")
    };
    let said: Vec<String> = results.message.parts.iter().map(spoken).collect();
    assert_eq!(said, ["c1 error: the run ended before this call did", "c2 result: passed"]);
    assert!(run.step(RunInput::Stop(Ending::Interrupted)).is_empty());
}

/// O-15: 50 turns of the manager at most.
#[test]
fn a_manager_that_never_finishes_ends_after_its_fiftieth_turn() {
    let ids: Vec<String> = (1..=60).map(|turn| format!("c{turn}")).collect();
    let mut run = AgentRun::new(RunRole::Manager, LIMITS, Conversation::default());
    let mut effects = run.step(RunInput::Begin(Message::user("go")));
    for id in &ids {
        let turn = calls([(id.as_str(), "read", json!({"path": "."}))]);
        effects.extend(run.step(RunInput::Answered { answer: turn.answer, standing: standing(true) }));
        effects.extend(run.step(call_ended(id, CallResult::ok(id))));
    }
    let requests = effects.iter().filter(|effect| matches!(effect, RunEffect::Request)).count();
    assert_eq!((requests, run.turns()), (50, 50));
    assert!(matches!(effects.last(), Some(RunEffect::End(RunEnd::OutOfTurns))));
}

#[test]
fn a_paused_turn_goes_on_as_one_message() {
    let script = vec![
        stops("먼저 읽고", StopReason::PauseTurn),
        calls([("c1", "read", json!({}))]).with("c1", CallResult::ok("(empty)")),
    ];
    let played = play(WORKER, LIMITS, script);
    assert_eq!((played.end, played.turns), (None, 3));

    let mut run = AgentRun::new(WORKER, LIMITS, Conversation::default());
    run.step(RunInput::Begin(Message::user("# Task\nread")));
    for text in ["먼저", "그다음"] {
        let turn = stops(text, StopReason::PauseTurn);
        run.step(RunInput::Answered { answer: turn.answer, standing: standing(false) });
    }
    let messages = run.conversation().messages();
    assert_eq!(messages.len(), 2);
    assert_eq!(messages[1].message.text(), "먼저\n그다음");
}

#[test]
fn every_stop_reason_without_a_call_has_its_way_on() {
    let failed =
        |text: &str| RunEnd::Failed(RunFailure { reason: FailReason::Provider, text: text.to_owned() });
    let said = || RunEnd::Answered("음".to_owned());
    for (stop_reason, notice, end) in [
        (StopReason::EndTurn, None, Some(said())),
        (StopReason::ToolUse, None, Some(said())),
        (StopReason::StopSequence, None, Some(said())),
        (StopReason::MaxTokens, Some("notice: answer_cut"), None),
        (StopReason::Other("new".to_owned()), Some("notice: unknown_stop_reason"), None),
        (StopReason::PauseTurn, None, None),
        (StopReason::Refusal, None, Some(failed("the model declined to answer: 음"))),
        (
            StopReason::ContextWindowExceeded,
            None,
            Some(failed("the conversation no longer fits the model's window")),
        ),
    ] {
        let played = play(RunRole::Manager, LIMITS, vec![stops("음", stop_reason.clone())]);
        let noticed = played.said.iter().find(|said| said.starts_with("notice")).map(String::as_str);
        assert_eq!((noticed, played.end), (notice, end), "{stop_reason:?}");
    }
}

/// What is counted as a turn reached the model.
#[test]
fn a_request_that_did_not_go_out_is_no_turn() {
    for (goes_out, turns) in [(false, 0), (true, 1)] {
        let mut run = AgentRun::new(WORKER, LIMITS, Conversation::default());
        run.step(RunInput::Begin(Message::user("# Task\nread")));
        if goes_out {
            run.show();
        }
        run.step(RunInput::Stop(Ending::Stopped));
        assert_eq!(run.turns(), turns);
    }
}

#[test]
fn the_next_round_goes_on_with_the_same_conversation() {
    let mut run = AgentRun::new(RunRole::Manager, LIMITS, Conversation::default());
    run.step(RunInput::Begin(Message::user("이 저장소는 뭐야?")));
    run.step(RunInput::Answered {
        answer: says("환불을 계산해요.").answer, standing: standing(false)
    });
    let mut next = AgentRun::new(RunRole::Manager, LIMITS, run.into_conversation());
    next.step(RunInput::Begin(Message::user("영수증도 보내 줘")));
    let said: Vec<String> =
        next.conversation().messages().iter().map(|message| message.message.text()).collect();
    assert_eq!(said, ["이 저장소는 뭐야?", "환불을 계산해요.", "영수증도 보내 줘"]);
}

#[test]
fn a_run_with_nothing_to_do_ends_without_asking_the_model() {
    let mut run = AgentRun::new(RunRole::Manager, LIMITS, Conversation::default());
    let effects = run.step(RunInput::Begin(Message::user(" \n")));
    let [RunEffect::End(RunEnd::Failed(failure))] = &effects[..] else { panic!("{effects:?}") };
    assert_eq!(failure.reason, FailReason::Internal);
}

/// Contract 10: at 80 % of the model's window. An answer here comes to twelve tokens with all before it.
#[test]
fn a_conversation_that_fills_its_window_is_cut_before_it_is_sent_again() {
    for (window, expected) in [(None, 0), (Some(16), 0), (Some(15), 4)] {
        let mut run = AgentRun::new(WORKER, LIMITS, Conversation::default()).within(window);
        let mut effects = run.step(RunInput::Begin(Message::user("# Task\nread")));
        for id in ["c1", "c2", "c3", "c4", "c5"] {
            let turn = calls([(id, "read", json!({}))]);
            effects.extend(run.step(RunInput::Answered { answer: turn.answer, standing: standing(false) }));
            let result = CallResult::ok("text");
            effects.extend(run.step(call_ended(id, result)));
        }
        // The first turn has nothing before it that could go.
        let cuts = effects.iter().filter(|effect| matches!(effect, RunEffect::Cut(_))).count();
        assert_eq!((cuts, run.turns()), (expected, 6), "{window:?}");
    }
}

/// A turn costs its new messages only: the earlier ones are the same values, with what was encoded of them.
#[test]
fn a_turn_leaves_the_earlier_messages_as_they_are() {
    let mut run = AgentRun::new(
        WORKER,
        RunLimits { max_turns: 200, max_messages: 1000, loop_repeats: 1000 },
        Conversation::default(),
    );
    run.step(RunInput::Begin(Message::user("# Task\nread")));
    for turn in 0..200 {
        let before = run.conversation().messages().to_vec();
        let id = format!("c{turn}");
        let turn = calls([(id.as_str(), "read", json!({}))]);
        run.step(RunInput::Answered { answer: turn.answer, standing: standing(false) });
        run.step(call_ended(&id, CallResult::ok(&*id)));
        let after = run.conversation().messages();
        assert_eq!(after.len(), before.len() + 2);
        assert!(before.iter().zip(after).all(|(before, after)| Arc::ptr_eq(before, after)));
    }
}

/// What a refused answer still asks for is answered without being run, so that a later round can go on.
#[test]
fn calls_of_a_refused_answer_do_not_run() {
    let mut run = AgentRun::new(RunRole::Manager, LIMITS, crate::context::Conversation::default());
    run.step(RunInput::Begin(Message::user("go")));
    let call = CallId::new("call");
    let part = crate::message::Part::ToolUse { id: call.clone(), name: "read".to_owned(), input: json!({}) };
    let answer = ModelAnswer {
        message: Message { role: Role::Assistant, parts: vec![part] },
        stop_reason: StopReason::Refusal,
        usage: crate::message::Usage::default(),
        model: "m".to_owned(),
        invalid_inputs: Vec::new(),
    };
    let effects = run.step(RunInput::Answered { answer, standing: standing(false) });
    assert!(!effects.iter().any(|effect| matches!(effect, RunEffect::Call { .. })));
    assert!(matches!(effects.last(), Some(RunEffect::End(RunEnd::Failed(_)))));
    let last = run.conversation().messages().last().expect("a message");
    assert_eq!(last.message.tool_results().collect::<Vec<_>>(), [&call]);
}
