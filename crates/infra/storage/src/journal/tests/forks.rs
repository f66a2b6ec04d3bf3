//! Forks share the beginning of a journal and copy none of it.

use std::fs;

use super::*;

/// The beginnings of what a session's events say, with the sessions that they name.
async fn told(journal: &SqliteJournal, of: SessionId) -> Vec<(u64, SessionId)> {
    let events = journal.read(of, 0).await.unwrap();
    events.iter().map(|event| (event.seq, event.session_id)).collect()
}

async fn append(journal: &SqliteJournal, to: SessionId, seqs: impl IntoIterator<Item = u64>) {
    for seq in seqs {
        journal.append(note(to, seq)).await.unwrap();
    }
}

async fn fork(journal: &SqliteJournal, parent: SessionId, fork: SessionId) -> u64 {
    journal.fork(parent, fork, Timestamp::from_micros(1_700_000_000_000_500)).await.unwrap()
}

fn places(session: SessionId, seqs: impl IntoIterator<Item = u64>) -> Vec<(u64, SessionId)> {
    seqs.into_iter().map(|seq| (seq, session)).collect()
}

#[tokio::test]
async fn a_fork_shares_what_was_there_and_goes_its_own_way() {
    let (_home, journal) = journal();
    append(&journal, session(1), 1..=3).await;
    assert_eq!(fork(&journal, session(1), session(2)).await, 3);
    append(&journal, session(1), 4..=6).await;
    append(&journal, session(2), 4..=4).await;
    assert_eq!(told(&journal, session(1)).await, places(session(1), 1..=6));
    assert_eq!(told(&journal, session(2)).await, places(session(2), 1..=4));
    let own = journal.read(session(2), 3).await.unwrap();
    assert_eq!(own, [(*note(session(2), 4)).clone()]);
    let back = journal.read_back(session(2), 0).await.unwrap();
    let stretches = [(session(1), 3), (session(2), 4)];
    let stretches = stretches.map(|(session, last_seq)| Stretch { session, last_seq }).to_vec();
    assert_eq!((back.last_seq, back.stretches), (4, stretches));
}

#[tokio::test]
async fn a_fork_is_listed_as_a_session_of_its_parents_folder() {
    let (_home, journal) = journal();
    journal.append(kinds::started(session(1), 1, "/집/가계부")).await.unwrap();
    journal.append(said(session(1), 2, "환불 기능을 추가해줘")).await.unwrap();
    fork(&journal, session(1), session(2)).await;
    let listed = journal.sessions_in("/집/가계부", 10).await.unwrap();
    let rows: Vec<_> = listed.iter().map(|row| (row.id, row.request.as_deref())).collect();
    let request = Some("환불 기능을 추가해줘");
    assert_eq!(rows, [(session(2), request), (session(1), request)]);
}

#[tokio::test]
async fn forks_of_forks_are_read_through_fifty_generations() {
    let (_home, journal) = journal();
    append(&journal, session(0), 1..=2).await;
    for number in 1..=50 {
        let last = fork(&journal, session(number - 1), session(number)).await;
        // Every second one adds something of its own.
        if number % 2 == 0 {
            append(&journal, session(number), [last + 1]).await;
        }
    }
    // What they add later is theirs alone.
    append(&journal, session(10), 8..=20).await;
    assert_eq!(told(&journal, session(50)).await, places(session(50), 1..=27));
    assert_eq!(told(&journal, session(9)).await, places(session(9), 1..=6));
}

#[tokio::test]
async fn what_is_not_there_cannot_be_forked() {
    let (home, journal) = journal();
    let at = Timestamp::from_micros(1);
    let error = journal.fork(session(1), session(2), at).await.unwrap_err();
    assert!(matches!(error, JournalError::NoSession(unknown) if unknown == session(1)), "{error}");
    assert!(!home.path().join("data").exists());
    append(&journal, session(3), [1]).await;
    assert!(matches!(journal.fork(session(1), session(2), at).await, Err(JournalError::NoSession(_))));
    append(&journal, session(3), [2]).await;
    assert_eq!(told(&journal, session(3)).await.len(), 2, "the journal goes on");
}

#[tokio::test]
async fn there_is_an_end_to_forks_of_forks() {
    let (_home, journal) = journal();
    append(&journal, session(0), [1]).await;
    let most = lineage::MOST_GENERATIONS as u128;
    for number in 1..most {
        fork(&journal, session(number - 1), session(number)).await;
    }
    assert_eq!(told(&journal, session(most - 1)).await, places(session(most - 1), [1]));
    let at = Timestamp::from_micros(1);
    let error = journal.fork(session(most - 1), session(most), at).await.unwrap_err();
    assert!(chain(&error).contains("fork one of those it comes from"), "{}", chain(&error));
}

#[tokio::test]
async fn a_session_that_others_share_cannot_vanish() {
    let (home, journal) = journal();
    append(&journal, session(1), 1..=3).await;
    fork(&journal, session(1), session(2)).await;
    let other = Connection::open(home.path().join("data/better-llm.db")).unwrap();
    other.pragma_update(None, "foreign_keys", true).unwrap();
    let delete =
        |session: SessionId| other.execute("DELETE FROM sessions WHERE id = ?1", [session.to_string()]);
    delete(session(1)).unwrap_err();
    assert_eq!(told(&journal, session(2)).await, places(session(2), 1..=3));
    delete(session(2)).unwrap();
    delete(session(1)).unwrap();
}

#[tokio::test]
async fn a_lineage_that_leads_in_a_circle_is_an_error_and_no_endless_loop() {
    let (home, journal) = journal();
    append(&journal, session(1), [1]).await;
    fork(&journal, session(1), session(2)).await;
    let other = Connection::open(home.path().join("data/better-llm.db")).unwrap();
    let circle = "UPDATE sessions SET parent = ?2, parent_seq = 1 WHERE id = ?1";
    other.execute(circle, [session(1).to_string(), session(2).to_string()]).unwrap();
    let error = journal.read(session(2), 0).await.unwrap_err();
    assert!(chain(&error).contains("are damaged"), "{}", chain(&error));
}

#[tokio::test]
async fn damaged_rows_of_the_parent_are_counted_in_the_fork() {
    let (home, journal) = journal();
    append(&journal, session(1), 1..=3).await;
    fork(&journal, session(1), session(2)).await;
    Connection::open(home.path().join("data/better-llm.db"))
        .unwrap()
        .execute_batch("UPDATE events SET json = '찢어진' WHERE seq = 2")
        .unwrap();
    let back = journal.read_back(session(2), 0).await.unwrap();
    assert_eq!((back.damaged, back.events.len(), back.last_seq), (1, 2, 3));
}

/// openai/codex#29531: resumed sessions that each copied the whole history.
#[tokio::test]
async fn a_hundred_forks_of_a_long_session_are_a_hundred_small_rows() {
    let (home, journal) = journal();
    append(&journal, session(0), 1..=10_000).await;
    journal.durable().await.unwrap();
    let place = home.path().join("data/better-llm.db");
    let size = || {
        Connection::open(&place).unwrap().execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
        fs::metadata(&place).unwrap().len()
    };
    let before = size();
    assert!(before > 1_000_000, "the session has {before} bytes");
    let mut grown = Vec::new();
    for round in 0..2_u128 {
        for number in 1..=100 {
            fork(&journal, session(0), session(round * 100 + number)).await;
        }
        grown.push(size());
    }
    let row = |from: u64, to: u64| (to - from) / 100;
    let (first, second) = (row(before, grown[0]), row(grown[0], grown[1]));
    assert!(first < 1_000 && second < 1_000, "{first} and {second} bytes a fork");
    assert_eq!(journal.read(session(200), 0).await.unwrap().len(), 10_000);
}
