//! How connections and servers end.

use better_llm_socket::{AttachError, Attached, attach};
use domain::{event::Published, order::Order};
use serde_json::json;

use crate::support::{OneSession, Stage};

async fn attached(stage: &Stage, after: u64) -> Attached {
    attach(stage.folder(), OneSession::id(), after, false).await.expect("it is at work")
}

/// The number of the next event; none at the session's end.
async fn next(attached: &mut Attached) -> Option<u64> {
    match attached.events().next().await?.expect("the owner lives") {
        Published::Event(event) => Some(event.seq),
        Published::Delta(_) => None,
    }
}

#[tokio::test]
async fn the_end_of_the_session_is_said_after_its_last_event() {
    let stage = Stage::new(2).await;
    let mut client = stage.client().await;
    client.watch(1).await;
    stage.session.end();
    assert_eq!(client.seqs(1).await, [2]);
    let ended = json!({"v": 1, "type": "session_ended", "session_id": OneSession::id()});
    assert_eq!((client.line().await, client.line().await), (Some(ended), None));
}

#[tokio::test]
async fn who_attaches_hears_everything_to_the_end_and_is_heard() {
    let stage = Stage::new(3).await;
    let mut watcher = attached(&stage, 1).await;
    assert_eq!(watcher.owner().place, stage.place());
    watcher.send(&Order::Stop).await.expect("taken");
    let question = "01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().expect("an id");
    let answer = Order::Answer { question, text: "응".to_owned() };
    let refused = watcher.send(&answer).await.expect_err("nothing waits");
    assert!(matches!(&refused, AttachError::Refused(refusal) if refusal.code == "no_question"), "{refused}");
    stage.session.end();
    let heard = [next(&mut watcher).await, next(&mut watcher).await, next(&mut watcher).await];
    assert_eq!(heard, [Some(2), Some(3), None]);
}

/// At the end of a program: its sessions have ended, and who watches hears so before the program is gone.
#[tokio::test(start_paused = true)]
async fn a_server_that_closes_lets_the_last_words_out_and_leaves_no_file() {
    let stage = Stage::new(5_000).await;
    let (mut watcher, idle) = (attached(&stage, 0).await, stage.client().await);
    let place = stage.place();
    stage.session.end();
    let listening = async {
        let mut heard = 0;
        while next(&mut watcher).await.is_some() {
            heard += 1;
        }
        heard
    };
    let (heard, ()) = tokio::join!(listening, stage.server.close());
    assert_eq!((heard, place.exists()), (5_000, false));
    drop(idle);
}

/// A program that is killed says nothing: that is told from the end of a session.
#[tokio::test]
async fn an_owner_that_is_gone_is_told_from_a_session_that_ended() {
    let stage = Stage::new(1).await;
    let mut watcher = attached(&stage, 0).await;
    assert_eq!(next(&mut watcher).await, Some(1));
    let (place, folder) = (stage.place(), stage.folder().to_owned());
    drop(stage.server);
    assert!(matches!(watcher.events().next().await, Some(Err(AttachError::Lost { .. }))));
    assert!(!place.exists());
    let nobody = attach(&folder, OneSession::id(), 0, false).await.expect_err("nobody owns it");
    assert!(nobody.to_string().contains("--resume"), "{nobody}");
}
