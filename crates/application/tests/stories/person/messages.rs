//! What the person says without being asked.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_message_while_the_model_answers_is_read_with_the_next_request() {
    let gate = Gate::shut();
    let stage = Stage::new(planning().with_fault(1, Fault::Hold(gate.clone())));
    let round = Attending::begin(&stage).await;
    stage.model.wait_for_requests(1).await;
    round.does(Command::Message("먼저 시험부터".to_owned())).await;
    round.does(Command::Message("그리고 문서도".to_owned())).await;
    gate.open();
    let played = round.end().await;
    assert_eq!(lines(&played), ["0 queued: 먼저 시험부터", "0 queued: 그리고 문서도"]);
    let read = shown(&stage, 1);
    let places = [read.find("먼저 시험부터"), read.find("그리고 문서도")];
    assert!(places[0].is_some() && places[0] < places[1], "{read}");
    assert_eq!(played.ending(), Ending::Done);
}

#[tokio::test(start_paused = true)]
async fn a_message_that_comes_while_the_manager_finishes_is_read_before_the_end() {
    let gate = Gate::shut();
    let model = ScriptedModel::answering([finish("done"), finish("done")]);
    let stage = Stage::new(model.with_fault(1, Fault::Hold(gate.clone())));
    let round = Attending::begin(&stage).await;
    stage.model.wait_for_requests(1).await;
    round.does(Command::Message("잠깐".to_owned())).await;
    gate.open();
    let played = round.end().await;
    assert_eq!(lines(&played), ["0 queued: 잠깐"]);
    assert!(shown(&stage, 1).contains("잠깐"), "{}", shown(&stage, 1));
    assert_eq!(played.ending(), Ending::Done);
}

#[tokio::test(start_paused = true)]
async fn a_message_that_no_request_took_along_is_said_and_read_in_the_next_round() {
    let gate = Gate::shut();
    let model = ScriptedModel::answering([finish("done"), finish("done")]);
    let mut stage = Stage::new(model.with_fault(1, Fault::Hold(gate.clone())));
    stage.limits.max_turns = 1;
    let round = Attending::begin(&stage).await;
    stage.model.wait_for_requests(1).await;
    round.does(Command::Message("늦은 말".to_owned())).await;
    gate.open();
    round.sees("the end", |event| event.body.ends_round().then_some(())).await;
    round.does(Command::Start(Request::new("again"))).await;
    let second_end = |event: &Event| (event.body.ends_round() && event.scope.round == Some(2)).then_some(());
    round.sees("the second end", second_end).await;
    round.session.close().await.unwrap();
    let events = stage.journal.events().iter().map(|event| event.as_ref().clone()).collect();
    assert_eq!(lines(&Played { events }), ["0 queued: 늦은 말", "0 notice message_unread"]);
    assert!(shown(&stage, 1).contains("늦은 말"), "{}", shown(&stage, 1));
}

#[tokio::test(start_paused = true)]
async fn messages_past_the_bound_and_outside_of_a_round_are_refused() {
    let gate = Gate::shut();
    let stage = Stage::new(planning().with_fault(1, Fault::Hold(gate.clone())));
    let message = |nth: usize| Command::Message(format!("say {nth}"));
    let session = SessionHandle::start(stage.parts());
    assert_eq!(session.send(message(0)).await, Err(CommandRefused::NobodyListens));
    session.send(Command::Start(Request::new("go"))).await.unwrap();
    stage.model.wait_for_requests(1).await;
    for nth in 0..PersonQueue::MOST_UNREAD {
        assert_eq!(session.send(message(nth)).await, Ok(()));
    }
    assert_eq!(session.send(message(64)).await, Err(CommandRefused::TooManyMessages));
    gate.open();
    stage.journal.wait_for("the round's end", |event| event.body.ends_round()).await;
    assert_eq!(session.send(message(65)).await, Err(CommandRefused::NobodyListens));
    session.close().await.unwrap();
    assert!(shown(&stage, 1).contains("say 63"), "{}", shown(&stage, 1));
    assert_eq!(stage.played().ending(), Ending::Done);
}

/// Words that wait for the manager are for nobody else.
#[tokio::test(start_paused = true)]
async fn workers_that_are_called_by_name_do_not_read_what_was_said_to_the_manager() {
    let gate = Gate::shut();
    let model = ScriptedModel::new()
        .agent("manager", [finish("done"), finish("done")])
        .agent("planner", [planned(), planned()]);
    let mut stage = Stage::new(model.with_fault(1, Fault::Hold(gate.clone())));
    stage.limits.max_turns = 1;
    let round = Attending::begin(&stage).await;
    stage.model.wait_for_requests(1).await;
    round.does(Command::Message("늦은 말".to_owned())).await;
    gate.open();
    let ends = |number: u32| {
        move |event: &Event| (event.body.ends_round() && event.scope.round == Some(number)).then_some(())
    };
    round.sees("the end", ends(1)).await;
    round.does(Command::Start(Request::typed("@planner 하나\n@planner 둘"))).await;
    round.sees("the second end", ends(2)).await;
    round.does(Command::Start(Request::new("again"))).await;
    round.sees("the third end", ends(3)).await;
    round.session.close().await.unwrap();
    for request in stage.model.requests_of("planner") {
        let told = request.messages[0].message.text();
        assert!(!told.contains("늦은 말"), "{told}");
    }
    assert_eq!(shown(&stage, 1).matches("늦은 말").count(), 1, "{}", shown(&stage, 1));
    let events = stage.journal.events().iter().map(|event| event.as_ref().clone()).collect();
    assert_eq!(lines(&Played { events }), ["0 queued: 늦은 말", "0 notice message_unread"], "said once");
}

/// Words that join the conversation as the round runs out of room go to no model.
#[tokio::test(start_paused = true)]
async fn a_message_for_a_request_that_finds_no_room_is_said_to_be_unread() {
    let gate = Gate::shut();
    let usage = Usage { input_tokens: 4_000, output_tokens: 1_000, ..Usage::default() };
    let model = ScriptedModel::answering([Answer::call("read", json!({})).costing(usage), finish("done")]);
    let mut stage = Stage::new(model.with_longest_answer(2_000).with_fault(1, Fault::Hold(gate.clone())));
    stage.limits.max_tokens = Some(6_000);
    let round = Attending::begin(&stage).await;
    stage.model.wait_for_requests(1).await;
    round.does(Command::Message("늦은 말".to_owned())).await;
    gate.open();
    let played = round.end().await;
    assert_eq!(lines(&played), ["0 queued: 늦은 말", "0 limit max_tokens", "0 notice message_unread"]);
    assert_eq!(played.ending(), Ending::Limit(LimitReason::Tokens));
}
