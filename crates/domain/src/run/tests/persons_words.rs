//! What the person says while the manager is at work.

use super::{examples::*, *};

fn said(text: &str) -> RunInput {
    RunInput::Said(text.to_owned())
}

fn begun() -> AgentRun {
    let mut run = AgentRun::new(RunRole::Manager, LIMITS, Conversation::default());
    run.step(RunInput::Begin(Message::user("환불 기능을 추가해 줘")));
    run.show();
    run
}

/// What was joined in a step, as `speaker: what`.
fn joined(effects: &[RunEffect]) -> Vec<String> {
    let joined = effects.iter().filter_map(|effect| match effect {
        RunEffect::Joined(sealed, _) => Some(&sealed.message.parts),
        _ => None,
    });
    joined.flatten().map(spoken).collect()
}

fn answered(turn: Turn) -> RunInput {
    RunInput::Answered { answer: turn.answer, standing: standing(true) }
}

fn unread(run: &AgentRun) -> Vec<&str> {
    run.unread().collect()
}

/// O-9: after the results that the model waits for, and marked as the person's.
#[test]
fn words_join_the_message_that_carries_the_results() {
    let mut run = begun();
    run.step(answered(calls([("c1", "read", json!({}))])));
    run.step(said("음수도 봐 줘"));
    run.step(said("  "));
    run.step(said("README도"));
    assert_eq!(unread(&run), ["음수도 봐 줘", "README도"]);
    let effects = run.step(call_ended("c1", CallResult::ok("text")));
    let [RunEffect::Joined(message, None), RunEffect::Request] = &effects[..] else { panic!("{effects:?}") };
    let parts: Vec<String> = message.message.parts.iter().map(spoken).collect();
    let words = ["text: The person says meanwhile:\n음수도 봐", "text: The person says meanwhile:\nREADM"];
    assert_eq!(parts, ["c1 result: text", words[0], words[1]]);
    assert_eq!(unread(&run), ["음수도 봐 줘", "README도"]);
    run.show();
    assert_eq!(unread(&run), [""; 0]);
}

#[test]
fn words_that_come_before_the_run_begins_stand_in_its_first_message() {
    let mut run = AgentRun::new(RunRole::Manager, LIMITS, Conversation::default());
    assert!(run.step(said("테스트도 돌려 줘")).is_empty());
    let effects = run.step(RunInput::Begin(Message::user("고쳐 줘")));
    assert_eq!(joined(&effects), ["text: 고쳐 줘", "text: The person says meanwhile:\n테스트도 "]);
}

#[test]
fn words_that_come_before_the_request_goes_out_are_shown_with_it() {
    let mut run = AgentRun::new(RunRole::Manager, LIMITS, Conversation::default());
    run.step(RunInput::Begin(Message::user("고쳐 줘")));
    let effects = run.step(said("잠깐"));
    assert_eq!(joined(&effects), ["text: The person says meanwhile:\n잠깐"]);
    let shown = run.show();
    assert!(shown.last().is_some_and(|message| message.message.text().ends_with("잠깐")));
}

/// O-9: an answer that the model gave without knowing the words is no end.
#[test]
fn no_answer_from_before_the_words_ends_the_run() {
    let done = || calls([("c1", FINISH, closing_input(RunRole::Manager))]);
    let failed = || calls([("c1", FINISH, json!({ "summary": "못 했습니다", "status": "failed" }))]);
    for (turn, first) in [
        (done(), "c1 error: not accepted: the person has said someth"),
        (failed(), "c1 error: not accepted: the person has said someth"),
        (says("끝났습니다."), "text: The person says meanwhile:\n아직이야"),
        (stops("잠시만요", StopReason::PauseTurn), "text: The person says meanwhile:\n아직이야"),
    ] {
        let mut run = begun();
        run.step(said("아직이야"));
        let effects = run.step(answered(turn));
        assert_eq!(joined(&effects)[1], first);
        assert!(matches!(effects.last(), Some(RunEffect::Request)), "{effects:?}");
        run.show();
        let effects = run.step(answered(done()));
        assert!(matches!(effects.last(), Some(RunEffect::End(end)) if *end == finish()), "{effects:?}");
    }
}

/// A reminder is for who says nothing of use; the person's words are no reason for one.
#[test]
fn prose_that_crosses_the_words_is_not_asked_about() {
    let mut run = begun();
    run.step(said("아직이야"));
    run.step(answered(says("끝났습니다.")));
    run.show();
    let effects = run.step(answered(says("계속하겠습니다.")));
    assert_eq!(joined(&effects)[1], "text: You called no tool. Words alone ");
}

#[test]
fn what_nobody_was_shown_is_unread_when_the_run_has_ended() {
    let mut run = begun();
    run.step(said("하나"));
    run.step(answered(calls([("c1", "read", json!({}))])));
    run.step(RunInput::Stop(crate::outcome::Ending::Stopped));
    run.step(said("둘"));
    assert_eq!(unread(&run), ["하나", "둘"]);
    let texts: Vec<String> =
        run.conversation().messages().iter().map(|message| message.message.text()).collect();
    assert!(!texts.iter().any(|text| text.contains("하나")), "{texts:?}");
}

/// Nobody could read the words any more, so they do not undo what is done.
#[test]
fn words_that_find_no_turn_left_keep_no_end_up() {
    let limits = RunLimits { max_turns: 1, ..LIMITS };
    let mut run = AgentRun::new(RunRole::Manager, limits, Conversation::default());
    run.step(RunInput::Begin(Message::user("고쳐 줘")));
    run.show();
    run.step(said("하나 더"));
    let effects = run.step(answered(calls([("c1", FINISH, closing_input(RunRole::Manager))])));
    assert!(matches!(effects.last(), Some(RunEffect::End(end)) if *end == finish()), "{effects:?}");
    assert_eq!(unread(&run), ["하나 더"]);
}

/// O-15: what the person said outlives a cut, at least its beginning.
#[test]
fn a_cut_keeps_the_persons_words() {
    let limits = RunLimits { max_messages: 6, ..LIMITS };
    let mut run = AgentRun::new(RunRole::Manager, limits, Conversation::default());
    run.step(RunInput::Begin(Message::user("고쳐 줘")));
    run.show();
    run.step(said("탭으로 들여 써 줘 👩‍💻"));
    for n in 0..6 {
        let id = format!("c{n}");
        run.step(answered(calls([(id.as_str(), "read", json!({ "path": id }))])));
        run.step(call_ended(&id, CallResult::ok(&*id)));
        run.show();
    }
    let first = run.conversation().messages()[0].message.text();
    assert!(first.contains("What the person said in them:\n- 탭으로 들여 써 줘 👩‍💻"), "{first}");
}
