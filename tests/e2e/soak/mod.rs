//! Contract 3 under load: eight processes write one database, are killed and start again, while others read and check it.
//!
//! `SOAK_SECONDS` says for how long: 30 in the gate, 600 in `scripts/full.sh`. What it measured stands in
//! `docs/performance.md`; nothing is asserted about time.

mod account;
mod child;
mod events;
mod processes;

use std::{
    path::Path,
    time::{Duration, Instant},
};

use rusqlite::Connection;

use self::{
    account::Account,
    child::Work,
    processes::{Heard, Processes},
};

/// How many processes write.
const WRITERS: u64 = 8;
/// How many sessions each of them writes side by side.
const SESSIONS: u64 = 3;
/// A process is killed whenever so many barriers were waited for since the last time.
const BARRIERS_A_KILL: u64 = 300;

/// What children do: this program starts again as them.
#[test]
fn the_child() {
    child::work();
}

#[test]
fn eight_processes_write_one_database_and_lose_nothing() {
    let seconds = std::env::var("SOAK_SECONDS").map_or(30, |seconds| seconds.parse().expect("seconds"));
    let home = tempfile::tempdir().expect("a folder");
    let place = home.path().join("data/better-llm.db");
    let began = Instant::now();
    let mut processes = Processes::new(&place);
    for number in 1..=WRITERS {
        processes.start(Work::Write(number));
    }
    processes.start(Work::Read);
    processes.start(Work::Check);
    let account = play(&mut processes, began + Duration::from_secs(seconds));
    let took = began.elapsed();
    let account = processes.end(account);
    check_kept(&place, &account);
    println!("what: {}", account.figures(WRITERS, took));
}

/// Hears what the children say until the time is up, and kills one of them now and then.
fn play(processes: &mut Processes, until: Instant) -> Account {
    let mut account = Account::default();
    let (mut barriers, mut victim) = (0, 0);
    while let Some(heard) = processes.hear(until) {
        barriers += u64::from(matches!(heard, Heard::Durable { .. }));
        account.add(heard);
        if barriers >= BARRIERS_A_KILL {
            barriers = 0;
            // One after the other, those who read and check among them, and two at once now and then.
            for _ in 0..=victim % 3 / 2 {
                processes.kill_and_start_again(victim, &mut account);
                victim += 1;
            }
        }
    }
    account
}

/// Whatever was called durable is there, in order, as it was written; the database is whole.
fn check_kept(place: &Path, account: &Account) {
    let connection = Connection::open(place).expect("the database");
    let whole: String = connection.query_row("PRAGMA integrity_check", (), |row| row.get(0)).expect("a word");
    assert_eq!(whole, "ok");
    assert_eq!(account.complaints, Vec::<String>::new());
    assert!(account.kills > 0 && account.events() > 0, "{account:?}");
    for number in 1..=WRITERS {
        for nth in 0..SESSIONS {
            let session = events::session(number, nth);
            let mut select = connection
                .prepare("SELECT seq, json FROM events WHERE session_id = ?1 ORDER BY seq")
                .expect("a table");
            let mut rows = select.query([session.to_string()]).expect("rows");
            let mut last = 0_u64;
            while let Some(row) = rows.next().expect("a row") {
                let (seq, json): (i64, String) =
                    (row.get(0).expect("a place"), row.get(1).expect("an event"));
                last += 1;
                assert_eq!(seq, last.cast_signed(), "a gap in {session}");
                let expected = serde_json::to_string(&*events::event(session, last)).expect("JSON");
                assert!(json == expected, "event {last} of {session} is another one");
            }
            let durable = account.durable(session);
            assert!(last >= durable, "{durable} events of {session} were durable, {last} are there");
        }
    }
}
