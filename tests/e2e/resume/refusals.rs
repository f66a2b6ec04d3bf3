//! Sessions that cannot be taken up, and journals that are damaged.

use std::fs;

use rusqlite::Connection;
use serde_json::json;

use super::*;

/// What is refused, and nothing is written for it.
#[track_caller]
fn check_refused(ended: &Ended, code: i32, error: &str, words: &str) {
    let line = ended.line();
    let found = (ended.code(), line["code"].as_str(), &line["exit_code"]);
    assert_eq!(found, (code, Some(error), &json!(code)), "{ended:?}");
    assert!(line["text"].as_str().is_some_and(|text| text.contains(words)), "{words}: {line}");
}

/// A world with a session that has ended, and its id.
async fn ended() -> (World, String) {
    let world = World::new();
    done(&call(&world, &["--provider", "offline", "x"]).run().await);
    let id = id_of(&sessions(&world).await.remove(0)).to_string();
    (world, id)
}

#[tokio::test]
async fn what_is_not_there_is_not_found_and_says_what_to_do() {
    let empty = World::new();
    let offline = ["--provider", "offline"];
    let none = call(&empty, &[&offline[..], &["--continue", "x"]].concat()).run().await;
    check_refused(&none, 16, "no_session", "begin one with a task");
    let unknown = ["--resume", "01J9ZQ8W7N4K2M5R6T8V0X1Y3Z", "x"];
    let none = call(&empty, &[&offline[..], &unknown].concat()).run().await;
    check_refused(&none, 16, "no_session", "there is no session `01J9ZQ8W7N4K2M5R6T8V0X1Y3Z`");
    assert!(!empty.journal().exists(), "nothing was made");
    let (world, id) = ended().await;
    done(&call(&world, &["--provider", "offline", "x"]).run().await);
    let both: String = id.chars().take(6).collect();
    let ambiguous = call(&world, &[&offline[..], &["--resume", &both, "x"]].concat()).run().await;
    check_refused(&ambiguous, 16, "ambiguous_session", &id);
    let short = call(&world, &["--resume", "01J9Z", "x"]).run().await;
    check_refused(&short, 2, "usage", "first 6 letters");
}

#[tokio::test]
async fn a_session_of_another_folder_names_the_folder() {
    let (world, id) = ended().await;
    let other = world.outside().join("다른 폴더");
    fs::create_dir(&other).expect("a folder");
    let elsewhere = call(&world, &["--provider", "offline", "--resume", &id, "x"]).within(&other).run().await;
    check_refused(&elsewhere, 16, "other_workspace", &world.repository.display().to_string());
}

#[tokio::test]
async fn without_a_task_there_has_to_be_something_to_go_on_with() {
    let (world, id) = ended().await;
    let before = sessions(&world).await;
    for arguments in [&["--continue"][..], &["--resume", &id]] {
        let arguments = [&["--provider", "offline"], arguments].concat();
        let ended = call(&world, &arguments).run().await;
        check_refused(&ended, 2, "nothing_to_go_on_with", "nothing to go on with");
    }
    assert_eq!(sessions(&world).await, before, "nothing was written");
    let korean = world.call(["--provider", "offline", "--lang", "ko", "--continue"]).run().await;
    assert!(korean.code() == 2 && korean.err.contains("이어갈 것이 없습니다"), "{}", korean.err);
}

/// One process writes a session.
#[tokio::test]
async fn a_session_that_is_at_work_is_refused_with_its_process() {
    let world = World::new();
    let server = MockServer::start(cut_in_text([])).await;
    let mut program = call(&world, &["--partial", "x"]).against(&server).start();
    let first = program.until_type("session_started").await;
    program.until_type("text_delta").await;
    let id = first["session_id"].as_str().expect("an id");
    for arguments in [&["--resume", id, "y"][..], &["--continue", "y"], &["--continue"]] {
        let second = call(&world, &[&["--provider", "offline"], arguments].concat()).run().await;
        check_refused(&second, 17, "session_open", "is at work already in process ");
    }
    let korean = world.call(["--provider", "offline", "--lang", "ko", "--continue"]).run().await;
    assert!(korean.code() == 17 && korean.err.contains("아직 작업 중입니다"), "{}", korean.err);
    let fork = world.call(["session", "fork", id]).run().await;
    assert_eq!(fork.code(), 0, "{}", fork.err);
    kill(program).await;
    let after = call(&world, &["--provider", "offline", "--resume", id, "y"]).run().await;
    done(&after);
}

fn damage(world: &World, statements: &str) {
    Connection::open(world.journal()).and_then(|database| database.execute_batch(statements)).expect("SQL");
}

/// How often a round ends in these events.
fn count_ends(events: &[&Event], round: u32) -> usize {
    let of_round = events.iter().filter(|event| event.scope.round == Some(round));
    of_round.filter(|event| event.body.ends_round()).count()
}

/// P41: rows that cannot be read are left out, counted and said.
#[tokio::test]
async fn damaged_rows_are_left_out_counted_and_said_p41() {
    for (damage_of, language, words) in [
        // In the middle.
        ("seq = 3", "en", "could not be read"),
        // A torn tail.
        ("seq = (SELECT max(seq) FROM events)", "ko", "읽을 수 없어"),
        // The session's first words.
        ("seq = 1", "en", "could not be read"),
    ] {
        let (world, id) = ended().await;
        let before = sessions(&world).await.remove(0);
        let statement =
            format!("UPDATE events SET json = CAST(x'ff00ff' AS TEXT) || '찢어진' WHERE {damage_of}");
        damage(&world, &statement);
        let ended = call(&world, &["--provider", "offline", "--resume", &id, "y"]).run().await;
        done(&ended);
        let said = ended.said();
        let restored = said.the("session_resumed")["restored"].clone();
        assert_eq!((&restored["damaged"], &restored["events"]), (&json!(1), &json!(before.len() - 1)));
        // The place of a damaged row is not taken again. A round whose end is torn is closed first.
        let later = sessions(&world).await.remove(0);
        let later = later.iter().filter(|event| event.seq > before.len() as u64).collect::<Vec<_>>();
        assert_eq!(later.first().map(|event| event.seq), Some(before.len() as u64 + 1));
        let closed = count_ends(&later, 1);
        assert_eq!(closed, usize::from(damage_of.contains("max")));
        let notices = said.of_type("notice");
        assert!(notices.iter().any(|notice| notice["code"] == "journal_damaged"), "{notices:?}");
        let options = ["--provider", "offline", "--lang", language, "--continue", "z"];
        let text = world.call(options).run().await;
        assert!(text.code() == 0 && text.err.contains(words), "{words}: {}", text.err);
    }
}

/// P42: a database that is none any more is said with ways out, and kept as it is.
#[tokio::test]
async fn a_damaged_database_is_said_and_kept_p42() {
    let (world, id) = ended().await;
    let mut bytes = fs::read(world.journal()).expect("the journal");
    bytes[..64].fill(0x5a);
    fs::write(world.journal(), &bytes).expect("the journal");
    for arguments in [&["--resume", &id, "y"][..], &["--continue"]] {
        let ended = call(&world, &[&["--provider", "offline"], arguments].concat()).run().await;
        let line = ended.line();
        assert_eq!((ended.code(), &line["code"]), (1, &json!("journal")), "{ended:?}");
        let chain = line["chain"].to_string();
        assert!(chain.contains("it is damaged; move it aside, keep the copy"), "{line}");
    }
    let korean = world.call(["--provider", "offline", "--lang", "ko", "--continue"]).run().await;
    assert!(korean.code() == 1 && korean.err.contains("사본을 보관"), "{}", korean.err);
    assert_eq!(fs::read(world.journal()).expect("the journal"), bytes);
    let record = world.own().join(format!("data/sessions/{id}.json"));
    assert!(record.exists(), "finished records stay");
}
