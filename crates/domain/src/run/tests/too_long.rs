//! Requests that are too long for the model.

use super::{examples::*, *};

fn too_long() -> RunInput {
    let text = "HTTP 400, prompt is too long: 208310 tokens > 200000 maximum".to_owned();
    RunInput::TooLong(RunFailure { reason: FailReason::Provider, text })
}

/// A run with so many calls behind it, which waits for an answer.
fn after_calls(count: usize, limits: RunLimits) -> AgentRun {
    let mut run = AgentRun::new(WORKER, limits, Conversation::default());
    run.step(RunInput::Begin(Message::user("# Task\nread")));
    read(&mut run, 0..count);
    run
}

fn read(run: &mut AgentRun, calls_made: std::ops::Range<usize>) {
    for n in calls_made {
        let id = format!("c{n}");
        let turn = calls([(id.as_str(), "read", json!({ "path": id }))]);
        run.step(RunInput::Answered { answer: turn.answer, standing: standing(true) });
        run.step(call_ended(&id, CallResult::ok(&*id)));
    }
}

fn reasons(effects: &[RunEffect]) -> Option<(FailReason, &str)> {
    match effects.last() {
        Some(RunEffect::End(RunEnd::Failed(failure))) => Some((failure.reason, failure.text.as_str())),
        _ => None,
    }
}

/// P37: once cut, once asked again; what was refused counts as a turn.
#[test]
fn a_conversation_that_is_too_long_is_cut_to_half_and_asked_about_again() {
    let mut run = after_calls(10, LIMITS);
    assert_eq!((run.conversation().messages().len(), run.turns()), (21, 11));
    assert!(run.can_be_shortened());
    let effects = run.step(too_long());
    let [RunEffect::Cut(cut), RunEffect::Notice { code, .. }, RunEffect::Request] = &effects[..] else {
        panic!("{effects:?}")
    };
    assert_eq!((cut.dropped, cut.kept, *code), (12, 9, "conversation_too_long"));
    assert_eq!((run.conversation().messages().len(), run.turns()), (9, 12));
}

/// P37: no loop.
#[test]
fn a_conversation_that_is_too_long_after_its_cut_ends_the_run() {
    let mut run = after_calls(10, LIMITS);
    run.step(too_long());
    assert!(!run.can_be_shortened());
    let effects = run.step(too_long());
    let Some((FailReason::Provider, text)) = reasons(&effects) else { panic!("{effects:?}") };
    for words in ["208310 tokens", "smaller parts", "`--model`"] {
        assert!(text.contains(words), "{words}: {text}");
    }
    assert_eq!(run.turns(), 12);
}

#[test]
fn a_conversation_of_which_nothing_can_go_is_not_asked_about_again() {
    for calls_made in [0, 1] {
        let mut run = after_calls(calls_made, LIMITS);
        assert!(!run.can_be_shortened());
        assert!(reasons(&run.step(too_long())).is_some(), "{calls_made}");
    }
}

#[test]
fn an_answer_in_between_allows_another_cut() {
    let mut run = after_calls(10, LIMITS);
    run.step(too_long());
    read(&mut run, 10..14);
    assert!(run.can_be_shortened());
    assert!(matches!(run.step(too_long())[..], [RunEffect::Cut(_), _, RunEffect::Request]));
}

/// O-15: an endpoint that refuses every length makes us ask no more often than the limit says.
#[test]
fn refused_requests_count_as_turns() {
    let mut run = after_calls(10, RunLimits { max_turns: 11, ..LIMITS });
    let effects = run.step(too_long());
    assert!(matches!(effects.last(), Some(RunEffect::End(RunEnd::OutOfTurns))), "{effects:?}");
    assert_eq!(run.turns(), 11);
}

#[test]
fn words_that_came_meanwhile_are_shown_after_the_cut() {
    let mut run = after_calls(10, LIMITS);
    run.show();
    run.step(RunInput::Said("짧게 해 줘".to_owned()));
    run.step(too_long());
    let shown = run.show();
    assert!(shown.last().is_some_and(|last| last.message.text().ends_with("짧게 해 줘")), "{shown:?}");
    assert_eq!(run.unread().count(), 0);
}
