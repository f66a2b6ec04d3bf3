//! The demo as a library function: the same story, judged by what really happens in it.

use std::{fs, path::Path};

use better_llm::{
    Published,
    demo::{Demo, DemoSettings},
    domain::{
        event::{Event, EventBody, RoundResult},
        outcome::{Ending, FailReason},
        session::Command,
    },
};
use testkit::wait;

/// Plays the demo in `folder`, with these files laid over its own, and gives its events.
async fn play(folder: &Path, overlay: Vec<(String, String)>) -> (Vec<Event>, Option<String>) {
    let variables = std::env::var_os("PATH").map(|path| ("PATH".into(), path));
    let settings = DemoSettings {
        folder: folder.to_owned(),
        variables: variables.into_iter().collect(),
        language: None,
        overlay,
        helper: None,
    };
    let Demo { engine, request, aftermath } = Demo::prepare(settings).await.expect("a demo");
    let session = engine.session().await.expect("a session");
    let mut events = session.subscribe();
    session.send(Command::Start(request)).await.expect("a round");
    let mut seen = Vec::new();
    let playing = async {
        while let Some(published) = events.next().await {
            let Published::Event(event) = published.expect("the journal") else { continue };
            let ends = event.body.ends_round();
            seen.push(event.as_ref().clone());
            if ends {
                break;
            }
        }
    };
    wait::bounded("the demo's end", playing).await;
    session.close().await.expect("saved");
    engine.close().await.expect("kept");
    (seen, aftermath.commit().await.expect("git"))
}

fn end(events: &[Event]) -> (Ending, &RoundResult) {
    match events.last().map(|event| &event.body) {
        Some(EventBody::RoundFinished { ending, result, .. }) => (*ending, result),
        other => panic!("the last event is {other:?}"),
    }
}

/// O-1, O-10.
#[tokio::test]
async fn the_demo_ends_well_because_its_tests_really_pass() {
    let folder = tempfile::tempdir().expect("a folder");
    let (events, commit) = play(folder.path(), Vec::new()).await;
    let (ending, result) = end(&events);
    assert_eq!((ending, result.tests_passed, result.verified), (Ending::Done, Some(true), true));
    assert!(commit.is_some());
}

/// The models say the same words, and nobody believes them.
#[tokio::test]
async fn with_its_test_broken_on_purpose_the_same_demo_fails_verification() {
    let source = better_llm_tests::root().join("crates/better-llm/demo/repository/tests/total_test.sh");
    let broken = fs::read_to_string(source).expect("the demo's test") + "check 'broken' 1 2\n";
    let folder = tempfile::tempdir().expect("a folder");
    let (events, _) = play(folder.path(), vec![("tests/total_test.sh".to_owned(), broken)]).await;
    let (ending, result) = end(&events);
    assert_eq!((ending, result.tests_passed), (Ending::Failed(FailReason::Verification), Some(false)));
    assert_eq!(ending.exit_code(), 11);
    let refuted = events.iter().filter_map(|event| match &event.body {
        EventBody::Report { claims_refuted, .. } => Some(claims_refuted.clone()),
        _ => None,
    });
    assert!(refuted.flatten().any(|claim| claim == "passed: a named command failed"));
}
