//! Answers that are not over: cut off by their limit of tokens, paused, or larger than what the window had left.

use super::{examples::*, *};

/// What a run came to after these answers: its end, or what the model was told last.
#[derive(Debug, PartialEq)]
enum Came {
    End(RunEnd),
    Told(String),
}

fn after(role: RunRole, work_done: bool, answers: Vec<Turn>) -> Came {
    let mut run = AgentRun::new(role, LIMITS, Conversation::default());
    let mut effects = run.step(RunInput::Begin(Message::user("저장소를 설명해 줘")));
    for turn in answers {
        effects = run.step(RunInput::Answered { answer: turn.answer, standing: standing(work_done) });
    }
    match effects.pop() {
        Some(RunEffect::End(end)) => Came::End(end),
        _ => Came::Told(run.show().last().map(|last| last.message.text()).unwrap_or_default()),
    }
}

fn cut(text: &str) -> Turn {
    stops(text, StopReason::MaxTokens)
}

fn told(texts: &[&str]) -> Came {
    Came::Told(texts.join("\n"))
}

/// Contract 2: never 0 with the work undone.
#[test]
fn a_managers_answer_that_is_cut_off_is_gone_on_with_once() {
    let manager = |answers| after(RunRole::Manager, false, answers);
    assert_eq!(manager(vec![cut("환불을 계")]), told(&[closing::GO_ON]));
    let whole = RunEnd::Answered("환불을 계산해요.".to_owned());
    assert_eq!(manager(vec![cut("환불을 계"), says("산해요.")]), Came::End(whole));
    for again in [StopReason::MaxTokens, StopReason::Other("new".to_owned())] {
        let half = RunEnd::EndedInProse("환불을 계산해".to_owned());
        assert_eq!(manager(vec![cut("환불을 계"), stops("산해", again)]), Came::End(half));
    }
    let unknown = stops("환불을 계", StopReason::Other("new".to_owned()));
    assert_eq!(manager(vec![unknown]), told(&[closing::GO_ON]));
}

#[test]
fn nothing_after_a_cut_is_no_end_of_the_answer() {
    let reminder = closing::reminder(RunRole::Manager);
    assert_eq!(after(RunRole::Manager, false, vec![cut("환불을 계"), says(" ")]), told(&[reminder]));
}

/// What was cut off may have been about to call the tool that is asked for.
#[test]
fn after_work_a_cut_answer_is_asked_for_the_closing_call() {
    let reminder = closing::reminder(RunRole::Manager);
    let came = after(RunRole::Manager, true, vec![cut("이제 ")]);
    assert_eq!(came, told(&[closing::WAS_CUT, reminder]));
    let words = RunEnd::EndedInProse("이제 \n끝났어요".to_owned());
    assert_eq!(after(RunRole::Manager, true, vec![cut("이제 "), says("끝났어요")]), Came::End(words));
}

#[test]
fn a_workers_cut_answer_is_asked_for_its_report_once_and_all_its_words_are_kept() {
    let reminder = closing::reminder(WORKER);
    assert_eq!(after(WORKER, true, vec![cut("고쳤고")]), told(&[closing::WAS_CUT, reminder]));
    let words = RunEnd::Malformed("고쳤고\n시험은".to_owned());
    assert_eq!(after(WORKER, true, vec![cut("고쳤고"), cut("시험은")]), Came::End(words));
}

#[test]
fn what_was_said_before_a_pause_belongs_to_the_answer() {
    let paused = stops("찾아보니", StopReason::PauseTurn);
    let words = RunEnd::Answered("찾아보니\n가계부예요.".to_owned());
    assert_eq!(after(RunRole::Manager, false, vec![paused, says("가계부예요.")]), Came::End(words));
    let paused = stops("가계부예요.", StopReason::PauseTurn);
    let words = RunEnd::Answered("가계부예요.\n".to_owned());
    assert_eq!(after(RunRole::Manager, false, vec![paused, says("")]), Came::End(words));
}

/// A run that called so many tools, one after the other.
fn having_read(count: usize) -> AgentRun {
    let mut run = AgentRun::new(WORKER, LIMITS, Conversation::default());
    run.step(RunInput::Begin(Message::user("# Task\nread")));
    for n in 0..count {
        let id = format!("c{n}");
        answered(&mut run, calls([(id.as_str(), "read", json!({ "path": id }))]));
        run.step(call_ended(&id, CallResult::ok(&*id)));
    }
    run
}

fn answered(run: &mut AgentRun, turn: Turn) -> Vec<RunEffect> {
    run.step(RunInput::Answered { answer: turn.answer, standing: standing(true) })
}

fn overflowing() -> Turn {
    let mut turn = calls([("last", "bash", json!({ "command": "make" }))]);
    turn.answer.stop_reason = StopReason::ContextWindowExceeded;
    turn
}

/// P37: an answer for which the window had no room is as a request that has none.
#[test]
fn an_answer_that_overflows_the_window_cuts_the_conversation_once() {
    let mut run = having_read(10);
    let effects = answered(&mut run, overflowing());
    let [.., RunEffect::Cut(cut), RunEffect::Notice { code, .. }, RunEffect::Request] = &effects[..] else {
        panic!("{effects:?}")
    };
    assert_eq!((*code, cut.dropped > 0), ("conversation_too_long", true));
    assert!(!effects.iter().any(|effect| matches!(effect, RunEffect::Call { .. })), "{effects:?}");
    let shown = run.show();
    let last = &shown.last().expect("a message").message;
    assert_eq!(last.tool_results().collect::<Vec<_>>(), [&CallId::new("last")]);
    assert_eq!(last.text(), closing::WAS_CUT);

    let effects = answered(&mut run, overflowing());
    assert!(matches!(effects.last(), Some(RunEffect::End(RunEnd::Failed(_)))), "{effects:?}");
}

#[test]
fn an_answer_in_between_allows_another_cut() {
    let mut run = having_read(10);
    answered(&mut run, overflowing());
    for n in 10..14 {
        let id = format!("c{n}");
        answered(&mut run, calls([(id.as_str(), "read", json!({ "path": id }))]));
        run.step(call_ended(&id, CallResult::ok(&*id)));
    }
    let effects = answered(&mut run, overflowing());
    assert!(matches!(effects.last(), Some(RunEffect::Request)), "{effects:?}");
}
