//! What the journal promises inside one process; crashes and full disks: `tests/crash.rs`.

mod forks;
mod kinds;

use std::{future::Future, pin::pin, task::Poll};

use domain::{
    agent::AgentName,
    event::{EventBody, Scope, VERSION},
    id::Ulid,
    time::Timestamp,
};
use rusqlite::Connection;

use super::*;

fn session(number: u128) -> SessionId {
    SessionId::new(Ulid::from_parts(1_700_000_000_000, number))
}

fn event(session: SessionId, seq: u64, body: EventBody) -> Arc<Event> {
    let ts = Timestamp::from_micros(1_700_000_000_000_000 + seq);
    Arc::new(Event { v: VERSION, seq, ts, session_id: session, scope: Scope::round(1), body })
}

fn note(session: SessionId, seq: u64) -> Arc<Event> {
    event(session, seq, EventBody::Notice { code: "test".to_owned(), text: format!("{seq} 번째 👩‍👩‍👧") })
}

fn said(session: SessionId, seq: u64, text: &str) -> Arc<Event> {
    let mentions = vec![AgentName::parse("coder").unwrap()];
    event(
        session,
        seq,
        EventBody::RoundStarted { text: text.to_owned(), context: Vec::new(), mentions, data: String::new() },
    )
}

fn journal() -> (tempfile::TempDir, SqliteJournal) {
    let home = tempfile::tempdir().unwrap();
    let journal = SqliteJournal::new(home.path().join("data/better-llm.db"));
    (home, journal)
}

/// The texts of an error and its causes.
fn chain(error: &JournalError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

#[tokio::test]
async fn what_is_read_equals_what_was_written_for_every_kind_of_event() {
    let (_home, journal) = journal();
    let written = kinds::every_kind(session(1));
    for event in &written {
        journal.append(Arc::new(event.clone())).await.unwrap();
    }
    assert_eq!(journal.read(session(1), 0).await.unwrap(), written);
}

#[tokio::test]
async fn reading_sees_what_was_appended_a_moment_ago_and_only_what_follows() {
    let (_home, journal) = journal();
    for seq in 1..=5 {
        journal.append(note(session(1), seq)).await.unwrap();
        journal.append(note(session(2), seq)).await.unwrap();
    }
    let places: Vec<_> = journal
        .read(session(1), 2)
        .await
        .unwrap()
        .iter()
        .map(|event| (event.session_id, event.seq))
        .collect();
    assert_eq!(places, [3, 4, 5].map(|seq| (session(1), seq)));
    assert_eq!(journal.read(session(2), 5).await.unwrap(), []);
}

#[tokio::test]
async fn nothing_is_on_disk_before_the_first_append() {
    let (home, journal) = journal();
    journal.durable().await.unwrap();
    assert_eq!(journal.sessions(10).await.unwrap(), []);
    assert!(matches!(journal.read(session(1), 0).await, Err(JournalError::NoSession(_))));
    journal.close().await.unwrap();
    assert!(!home.path().join("data").exists());
}

#[tokio::test]
async fn an_unknown_session_is_said_to_be_unknown() {
    let (_home, journal) = journal();
    journal.append(note(session(1), 1)).await.unwrap();
    let error = journal.read(session(2), 0).await.unwrap_err();
    assert_eq!(error.to_string(), format!("no session {} in the journal", session(2)));
}

#[tokio::test]
async fn an_event_nobody_waits_for_is_committed_by_itself() {
    let (home, journal) = journal();
    journal.append(note(session(1), 1)).await.unwrap();
    let other = SqliteJournal::new(home.path().join("data/better-llm.db"));
    // Another process looks: it sees the event once it is committed, without any barrier.
    while other.read(session(1), 0).await.map_or(0, |events| events.len()) == 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn dropping_the_journal_keeps_what_was_appended() {
    let (home, journal) = journal();
    for seq in 1..=2_000 {
        journal.append(note(session(1), seq)).await.unwrap();
    }
    drop(journal);
    let again = SqliteJournal::new(home.path().join("data/better-llm.db"));
    assert_eq!(again.read(session(1), 0).await.unwrap().len(), 2_000);
}

#[tokio::test]
async fn a_closed_journal_has_kept_everything_and_takes_nothing() {
    let (home, journal) = journal();
    journal.append(note(session(1), 1)).await.unwrap();
    journal.close().await.unwrap();
    journal.close().await.unwrap();
    let error = journal.append(note(session(1), 2)).await.unwrap_err();
    assert!(chain(&error).ends_with("the journal is closed"), "{}", chain(&error));
    let again = SqliteJournal::new(home.path().join("data/better-llm.db"));
    assert_eq!(again.read(session(1), 0).await.unwrap(), [(*note(session(1), 1)).clone()]);
}

#[tokio::test]
async fn an_append_dropped_before_it_returned_is_untaken() {
    let (_home, journal) = journal();
    for seq in 1..=3_000 {
        let mut append = pin!(journal.append(note(session(1), seq)));
        // Polled once and, where the queue is full, dropped half-way; then tried again.
        let first = std::future::poll_fn(|context| Poll::Ready(append.as_mut().poll(context))).await;
        if first.is_pending() {
            journal.append(note(session(1), seq)).await.unwrap();
        }
    }
    let read = journal.read(session(1), 0).await.unwrap();
    assert_eq!(read.iter().map(|event| event.seq).collect::<Vec<_>>(), (1..=3_000).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_failed_write_poisons_the_journal_with_its_cause() {
    let (_home, journal) = journal();
    journal.append(note(session(1), 1)).await.unwrap();
    journal.append(note(session(1), 1)).await.unwrap();
    let causes = [
        chain(&journal.durable().await.unwrap_err()),
        chain(&journal.append(note(session(1), 2)).await.unwrap_err()),
        chain(&journal.read(session(1), 0).await.unwrap_err()),
        chain(&journal.close().await.unwrap_err()),
    ];
    let expected = format!("event 1 of session {} is in the journal already", session(1));
    for cause in causes {
        assert!(cause.starts_with("cannot write the journal") && cause.contains(&expected), "{cause}");
    }
}

#[tokio::test]
async fn a_place_that_cannot_be_made_is_named_at_the_first_barrier() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("파일");
    std::fs::write(&file, "").unwrap();
    let journal = SqliteJournal::new(file.join("better-llm.db"));
    journal.append(note(session(1), 1)).await.unwrap();
    let error = journal.durable().await.unwrap_err();
    assert!(chain(&error).contains("cannot make the folder"), "{}", chain(&error));
}

/// Law 8: whoever reads a long session need not hold all of it.
#[tokio::test]
async fn a_page_is_short_only_where_the_session_ends() {
    let (home, journal) = journal();
    for seq in 1..=9 {
        journal.append(note(session(1), seq)).await.unwrap();
    }
    journal.durable().await.unwrap();
    let connection = Connection::open(home.path().join("data/better-llm.db")).unwrap();
    connection.execute("UPDATE events SET json = '?' WHERE seq IN (2, 3, 4)", ()).unwrap();
    let page = async |after| {
        let events = journal.read_some(session(1), after, 3).await.unwrap();
        events.iter().map(|event| event.seq).collect::<Vec<_>>()
    };
    assert_eq!([page(0).await, page(6).await, page(9).await], [vec![1, 5, 6], vec![7, 8, 9], vec![]]);
}

/// P41.
#[tokio::test]
async fn an_empty_file_is_a_journal_in_which_nothing_was_kept() {
    let (home, journal) = journal();
    std::fs::create_dir(home.path().join("data")).unwrap();
    std::fs::write(home.path().join("data/better-llm.db"), "").unwrap();
    assert_eq!(journal.sessions(10).await.unwrap(), []);
    assert!(matches!(journal.read(session(1), 0).await, Err(JournalError::NoSession(_))));
    journal.append(note(session(1), 1)).await.unwrap();
    assert_eq!(journal.read(session(1), 0).await.unwrap().len(), 1);
}

/// P41.
#[tokio::test]
async fn damaged_rows_are_left_out_and_counted() {
    let (home, journal) = journal();
    for seq in 1..=5 {
        journal.append(note(session(1), seq)).await.unwrap();
    }
    journal.durable().await.unwrap();
    Connection::open(home.path().join("data/better-llm.db"))
        .unwrap()
        .execute_batch(
            "UPDATE events SET json = substr(json, 1, 40) WHERE seq = 2;
             UPDATE events SET json = '' WHERE seq = 4;
             UPDATE events SET seq = 9 WHERE seq = 5;",
        )
        .unwrap();
    let back = journal.read_back(session(1), 0).await.unwrap();
    let kept = [1, 3].map(|seq| (*note(session(1), seq)).clone()).to_vec();
    // The place of a damaged row is taken, too: nothing else gets it.
    let stretches = vec![Stretch { session: session(1), last_seq: 9 }];
    assert_eq!(back, ReadBack { events: kept.clone(), damaged: 3, last_seq: 9, stretches });
    assert_eq!(journal.read(session(1), 0).await.unwrap(), kept);
}

#[tokio::test]
async fn sessions_are_listed_newest_first_with_where_and_what() {
    let (_home, journal) = journal();
    let long = "가나다 👩‍👩‍👧".repeat(100);
    journal.append(kinds::started(session(1), 1, "/집/프로젝트")).await.unwrap();
    journal.append(said(session(1), 2, "환불 기능을 추가해줘")).await.unwrap();
    journal.append(said(session(1), 3, "하나 더")).await.unwrap();
    journal.append(said(session(2), 4, &long)).await.unwrap();

    let listed = journal.sessions(10).await.unwrap();
    let rows: Vec<_> = listed
        .iter()
        .map(|row| (row.id, row.created_at.as_micros() % 1_000, row.cwd.as_deref(), row.request.as_deref()))
        .collect();
    let cut: String = "가나다 👩‍👩‍👧".repeat(40);
    assert_eq!(
        rows,
        [
            (session(2), 4, None, Some(cut.as_str())),
            (session(1), 1, Some("/집/프로젝트"), Some("환불 기능을 추가해줘")),
        ]
    );
    assert_eq!(journal.sessions(1).await.unwrap().len(), 1);
}

#[tokio::test]
async fn of_the_sessions_of_a_folder_the_one_comes_first_in_which_something_happened_last() {
    let (_home, journal) = journal();
    for (number, cwd) in [(1, "/집/가계부"), (2, "/집/가계부"), (3, "/집")] {
        journal.append(kinds::started(session(number), number as u64, cwd)).await.unwrap();
    }
    let first = async |cwd: &str| journal.sessions_in(cwd, 1).await.unwrap().first().map(|known| known.id);
    assert_eq!(first("/집/가계부").await, Some(session(2)));
    journal.append(note(session(1), 9)).await.unwrap();
    assert_eq!(first("/집/가계부").await, Some(session(1)));
    assert_eq!((first("/집").await, first("/집/가").await), (Some(session(3)), None));
    assert_eq!(journal.sessions_in("/집/가계부", 10).await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_session_is_found_by_the_beginning_of_its_id() {
    let (_home, journal) = journal();
    for number in 1..=3 {
        journal.append(note(session(number), 1)).await.unwrap();
    }
    let text = session(2).to_string();
    let named = async |beginning: &str| {
        let found = journal.sessions_named(beginning, 2).await.unwrap();
        found.iter().map(|known| known.id).collect::<Vec<_>>()
    };
    assert_eq!(named(&text).await, [session(2)]);
    assert_eq!(named(&text.to_lowercase()).await, [session(2)]);
    assert_eq!(
        named(&text.chars().take(20).collect::<String>()).await,
        [session(3), session(2)],
        "the newest first, no more than asked for"
    );
    assert_eq!(named("7ZZZZZ").await, []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_sessions_at_once_keep_their_own_order() {
    let (_home, journal) = journal();
    let journal = Arc::new(journal);
    let writers: Vec<_> = (0..50)
        .map(|number| {
            let journal = Arc::clone(&journal);
            tokio::spawn(async move {
                for seq in 1..=40 {
                    journal.append(note(session(number), seq)).await.unwrap();
                    if seq % 10 == 0 {
                        journal.durable().await.unwrap();
                    }
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    for number in 0..50 {
        let seqs: Vec<_> =
            journal.read(session(number), 0).await.unwrap().iter().map(|event| event.seq).collect();
        assert_eq!(seqs, (1..=40).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn a_hundred_thousand_events_come_back() {
    let (_home, journal) = journal();
    for seq in 1..=100_000 {
        journal.append(note(session(1), seq)).await.unwrap();
    }
    let read = journal.read(session(1), 0).await.unwrap();
    assert!(read.iter().map(|event| event.seq).eq(1..=100_000));
    assert_eq!(read.last(), Some(&*note(session(1), 100_000)));
}
