//! Answers that stop before they are over. Contract 2: exit 0 is for whole answers.

use domain::outcome::{Ending, FailReason, PartialReason};
use testkit::{MockServer, Script, Turn};

use crate::support::{
    World,
    turns::{ask, finish},
};

fn half() -> Turn {
    Turn::text("이 저장소는 가계").stopping("max_tokens")
}

#[tokio::test]
async fn an_answer_that_was_cut_off_is_gone_on_with_and_given_whole() {
    let world = World::new();
    let rest = Turn::text("부예요.").expecting_last_user("Go on exactly where it stopped");
    let server = MockServer::start(Script::new().agent("manager", [half(), rest])).await;
    let ended = world.call(["이게 뭐야?"]).against(&server).run().await;
    server.assert_nothing_refused();
    assert_eq!((ended.code(), ended.out.as_str()), (0, "이 저장소는 가계부예요.\n"), "{}", ended.err);
}

#[tokio::test]
async fn an_answer_that_is_cut_off_again_is_no_whole_one() {
    for reason in ["max_tokens", "brand_new"] {
        let world = World::new();
        let cut = Turn::text("끝없이 ").stopping(reason);
        let server = MockServer::start(Script::new().agent("manager", [cut]).repeating_last()).await;
        let said = world.task(&server, &[]).await.run().await.said();
        server.assert_nothing_refused();
        assert_eq!(said.ending(), Ending::Partial(PartialReason::EndedInProse), "{reason}");
        assert_eq!(
            (server.requests().len(), &said.the("round_finished")["summary"]),
            (2, &"끝없이 끝없이 ".into())
        );
    }
}

#[tokio::test]
async fn a_worker_whose_words_are_cut_off_is_asked_for_its_report_once() {
    let world = World::new();
    let script = Script::new()
        .agent("manager", [ask("coder", "환불을 더해 줘"), finish("failed")])
        .agent("coder", [half(), half()]);
    let server = MockServer::start(script).await;
    let said = world.task(&server, &[]).await.run().await.said();
    server.assert_nothing_refused();
    assert_eq!(said.ending(), Ending::Failed(FailReason::ManagerFailed));
    let coder = said.of_type("run_finished").into_iter().find(|run| run["agent"] == "coder").expect("an end");
    assert_eq!(coder["reason"], "malformed_report");
    assert_eq!(server.requests_of("coder").len(), 2);
}

/// P37: as a request that is too long.
#[tokio::test]
async fn an_answer_that_overflows_the_window_cuts_the_conversation_once() {
    let reads =
        || (1..=6).map(|line| Turn::call("read", serde_json::json!({"path": "합계.sh", "offset": line})));
    let full = || Turn::text("가득").stopping("model_context_window_exceeded");
    for (last, ending) in [
        (vec![full(), finish("done")], Ending::Done),
        (vec![full(), full()], Ending::Failed(FailReason::Provider)),
    ] {
        let world = World::new();
        let server = MockServer::start(Script::new().agent("manager", reads().chain(last))).await;
        let said = world.task(&server, &[]).await.run().await.said();
        server.assert_nothing_refused();
        assert_eq!((said.ending(), said.of_type("context_cut").len()), (ending, 1));
        assert_eq!(server.requests().len(), 8);
    }
}
