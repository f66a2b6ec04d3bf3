//! Many clients, slow ones, and such as take nothing.

use better_llm_socket::Server;

use crate::support::{Client, Stage};

/// Law 8: nobody else has to wait for a client that does not read, and it is let go some day.
#[tokio::test(start_paused = true)]
async fn a_client_that_takes_nothing_is_let_go() {
    let stage = Stage::new(200_000).await;
    let mut lazy = stage.client().await;
    lazy.watch(0).await;
    let mut eager = stage.client().await;
    eager.watch(199_990).await;
    assert_eq!(eager.seqs(10).await.len(), 10);
    tokio::time::sleep(std::time::Duration::from_secs(61)).await;
    let mut taken = 0;
    while let Some(line) = lazy.line().await {
        taken += 1;
        assert_eq!(line["seq"], taken);
        if taken == 199_999 {
            break;
        }
    }
    assert!(taken < 20_000, "it was served to the end: {taken}");
    stage.session.progress.send_modify(|progress| progress.0 += 1);
    assert_eq!(eager.seqs(1).await, [200_001]);
}

#[tokio::test(start_paused = true)]
async fn who_asks_for_nothing_is_let_go() {
    let stage = Stage::new(1).await;
    let (mut silent, mut watching) = (stage.client().await, stage.client().await);
    watching.watch(0).await;
    assert_eq!((silent.line().await, watching.seqs(1).await), (None, vec![1]));
    tokio::time::sleep(std::time::Duration::from_secs(3600)).await;
    stage.session.progress.send_modify(|progress| progress.0 = 2);
    assert_eq!(watching.seqs(1).await, [2]);
}

#[tokio::test]
async fn many_watch_at_once_and_each_misses_nothing() {
    let stage = Stage::new(20).await;
    let mut clients = Vec::new();
    for number in 0..50 {
        let mut client = stage.client().await;
        client.watch(number % 20).await;
        clients.push((number % 20, client));
    }
    stage.session.progress.send_modify(|progress| progress.0 = 600);
    for (after, client) in &mut clients {
        let expected: Vec<u64> = (*after + 1..=600).collect();
        assert_eq!(client.seqs(expected.len()).await, expected);
    }
}

#[tokio::test]
async fn more_than_the_most_are_told_to_come_again() {
    let stage = Stage::new(1).await;
    let mut clients = Vec::new();
    for _ in 0..Server::MOST_CLIENTS {
        let mut client = stage.client().await;
        client.watch(0).await;
        clients.push(client);
    }
    let mut refused = stage.client().await;
    assert_eq!(refused.line().await.expect("a reason")["code"], "too_many_clients");
    assert_eq!(refused.line().await, None);
    drop(clients.pop());
    // The server sees that one has left when it gets to it.
    loop {
        let mut client = stage.client().await;
        client.send("{\"type\":\"list\"}\n").await;
        if client.line().await.expect("an answer")["type"] == "sessions" {
            break;
        }
    }
}

#[tokio::test]
async fn two_servers_of_one_process_do_not_meet() {
    let stage = Stage::new(1).await;
    let other = crate::support::OneSession::new(7);
    let other = Server::start(stage.folder(), other).await.expect("a socket of its own");
    let lasts = async |place| {
        let sessions = Client::connect(place).await.ask(r#"{"type":"list"}"#).await;
        sessions["sessions"][0]["last_seq"].clone()
    };
    assert_eq!([lasts(stage.server.place()).await, lasts(other.place()).await], [1, 7]);
    let owners = better_llm_socket::owners(stage.folder()).await;
    assert_eq!(owners.iter().map(|owner| owner.sessions[0].last_seq).collect::<Vec<_>>(), [7, 1]);
}
