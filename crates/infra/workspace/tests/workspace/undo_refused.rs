//! O-29: what undo refuses, by name, touching nothing; and what may go wrong in its middle.

use std::{fs, os::unix::fs::symlink};

use better_llm_workspace::{StatesLost, Workspace};
use domain::{
    ports::WorkspacePort,
    workspace::{Checkpoint, RefusedFile, UndoError, UndoPlan, UndoRefusal},
};

use crate::{
    fixture::Fixture,
    undo::{files, picture, set_mode},
};

async fn plan(
    workspace: &Workspace,
    begin: &Checkpoint,
    end: &Checkpoint,
    paths: Option<&[&str]>,
) -> UndoPlan {
    let paths = paths.map(|paths| paths.iter().map(|path| (*path).to_owned()).collect::<Vec<_>>());
    workspace.undo_plan(begin, Some(end), paths.as_deref()).await.unwrap()
}

fn refused(plan: &UndoPlan) -> Vec<(&str, UndoRefusal)> {
    plan.refused.iter().map(|RefusedFile { path, why }| (path.as_str(), *why)).collect()
}

/// A round, what the person does after it, and what is refused then. The rest can be named and goes back.
async fn check(
    fixture: &Fixture,
    round: impl FnOnce(&Fixture),
    since: impl FnOnce(&Fixture),
    expected: &[(&str, UndoRefusal)],
    rest: &[&str],
) {
    let session = fixture.workspace();
    let begin = session.checkpoint().await.unwrap();
    round(fixture);
    let end = session.checkpoint().await.unwrap();
    drop(session);
    since(fixture);
    let before = picture(&fixture.root);
    let later = fixture.workspace();
    let whole = plan(&later, &begin, &end, None).await;
    assert_eq!(refused(&whole), expected);
    let done = later.undo(&whole).await;
    assert!(matches!(&done, Err(UndoError::Refused(named)) if *named == whole.refused), "{done:?}");
    assert_eq!(picture(&fixture.root), before, "all or nothing");
    let expected = rest.iter().map(|path| format!("~{path}")).collect::<Vec<_>>();
    assert_eq!(files(&whole), expected);
    if !rest.is_empty() {
        let some = plan(&later, &begin, &end, Some(rest)).await;
        later.undo(&some).await.unwrap();
        for path in rest {
            assert_eq!(fs::read_to_string(fixture.root.join(path)).unwrap(), "1\n");
        }
    }
    for (path, _) in &whole.refused.iter().map(|file| (&file.path, file.why)).collect::<Vec<_>>() {
        let place = fixture.root.join(path);
        assert_eq!(before.get(&place), picture(&fixture.root).get(&place), "nothing of {path} is touched");
    }
}

fn both(files: &[(&str, &str)]) -> [Fixture; 2] {
    let plain = Fixture::plain();
    for (path, content) in files {
        plain.write(path, content);
    }
    [Fixture::committed(files), plain]
}

const EDITED: UndoRefusal = UndoRefusal::EditedSince;

#[tokio::test]
async fn o_29_files_that_the_person_edited_since_are_refused_by_name() {
    for fixture in both(&[("a.txt", "1\n"), ("b.txt", "1\n"), ("c.txt", "1\n"), ("d.txt", "1\n")]) {
        let round = |fixture: &Fixture| {
            for path in ["a.txt", "b.txt", "d.txt", "created.txt"] {
                fixture.write(path, "2\n");
            }
            fixture.remove("c.txt");
        };
        let since = |fixture: &Fixture| {
            fixture.write("b.txt", "the person's\n");
            fixture.write("c.txt", "the person's\n");
            fixture.write("created.txt", "the person's\n");
            set_mode(fixture, "d.txt", 0o600);
        };
        let expected = [("b.txt", EDITED), ("c.txt", EDITED), ("created.txt", EDITED), ("d.txt", EDITED)];
        check(&fixture, round, since, &expected, &["a.txt"]).await;
    }
}

/// P04: a link that was planted since leads no write outside.
#[tokio::test]
async fn o_29_links_planted_since_lead_nowhere() {
    for fixture in both(&[("a.txt", "1\n"), ("folder/b.txt", "1\n"), ("gone/c.txt", "1\n")]) {
        let outside = fixture.base().join("outside");
        fs::create_dir(&outside).unwrap();
        fs::write(outside.join("b.txt"), "2\n").unwrap();
        fs::write(outside.join("a.txt"), "2\n").unwrap();
        let round = |fixture: &Fixture| {
            fixture.write("a.txt", "2\n");
            fixture.write("folder/b.txt", "2\n");
            fs::remove_dir_all(fixture.root.join("gone")).unwrap();
        };
        let since = |fixture: &Fixture| {
            fixture.remove("a.txt");
            symlink(outside.join("a.txt"), fixture.root.join("a.txt")).unwrap();
            fs::remove_dir_all(fixture.root.join("folder")).unwrap();
            symlink(&outside, fixture.root.join("folder")).unwrap();
            symlink(&outside, fixture.root.join("gone")).unwrap();
        };
        let gone = ("gone/c.txt", UndoRefusal::FolderGone);
        check(&fixture, round, since, &[("a.txt", EDITED), ("folder/b.txt", EDITED), gone], &[]).await;
        let mut names =
            fs::read_dir(&outside).unwrap().map(|entry| entry.unwrap().file_name()).collect::<Vec<_>>();
        names.sort();
        assert_eq!(names, ["a.txt", "b.txt"]);
        assert_eq!(fs::read_to_string(outside.join("b.txt")).unwrap(), "2\n");
    }
}

#[tokio::test]
async fn files_put_since_into_a_folder_where_a_file_was_hold_it_back() {
    for fixture in both(&[("file", "1\n"), ("a.txt", "1\n")]) {
        let round = |fixture: &Fixture| {
            fixture.remove("file");
            fixture.write("file/x", "2\n");
            fixture.write("a.txt", "2\n");
        };
        let session = fixture.workspace();
        let begin = session.checkpoint().await.unwrap();
        round(&fixture);
        let end = session.checkpoint().await.unwrap();
        fixture.write("file/the persons", "p\n");
        let whole = plan(&session, &begin, &end, None).await;
        assert_eq!(refused(&whole), [("file", EDITED)]);
        assert_eq!(files(&whole), ["~a.txt", "-file/x"]);
    }
}

#[tokio::test]
async fn contents_past_the_bounds_are_refused_by_name() {
    for mut fixture in both(&[("a.txt", "1\n")]) {
        fixture.bounds.file_bytes = 8;
        fixture.bounds.copy_bytes = 8;
        for path in ["large.txt", "grows.txt"] {
            fixture.write(path, if path == "large.txt" { "more than eight\n" } else { "1\n" });
        }
        let round = |fixture: &Fixture| {
            fixture.write("a.txt", "2\n");
            fixture.write("large.txt", "more than nine\n");
            fixture.write("grows.txt", "more than eight\n");
        };
        let expected = [("grows.txt", UndoRefusal::NowUnreadable), ("large.txt", UndoRefusal::NotKept)];
        check(&fixture, round, |_| {}, &expected, &["a.txt"]).await;
    }
}

#[tokio::test]
async fn a_total_past_the_bounds_is_refused_by_name() {
    for mut fixture in both(&[("seed.txt", "1\n")]) {
        fixture.bounds.copies_bytes = 6;
        fixture.bounds.kept_bytes = 6;
        let session = fixture.workspace();
        let begin = session.checkpoint().await.unwrap();
        for number in 0..4 {
            fixture.write(&format!("{number}.txt"), format!("{number}\n"));
        }
        let end = session.checkpoint().await.unwrap();
        let whole = plan(&session, &begin, &end, None).await;
        assert!(!whole.refused.is_empty(), "{whole:?}");
        assert!(whole.refused.iter().all(|file| file.why == UndoRefusal::NowUnreadable));
        assert!(!whole.files.is_empty(), "{whole:?}");
    }
}

#[tokio::test]
async fn a_content_that_was_lost_is_refused_and_nothing_is_touched() {
    let fixture = Fixture::plain();
    fixture.write("a.txt", "1\n");
    fixture.write("b.txt", "one more\n");
    let session = fixture.workspace();
    let begin = session.checkpoint().await.unwrap();
    fixture.write("a.txt", "2\n");
    fixture.write("b.txt", "two more\n");
    let end = session.checkpoint().await.unwrap();
    let copies = fixture.store().join("copies");
    let whole = plan(&session, &begin, &end, None).await;
    for folder in fs::read_dir(copies).unwrap() {
        for copy in fs::read_dir(folder.unwrap().path()).unwrap() {
            let copy = copy.unwrap().path();
            if fs::read(&copy).unwrap() == b"one more\n" {
                fs::write(&copy, "not more\n").unwrap();
            }
        }
    }
    let before = picture(&fixture.root);
    assert!(session.undo(&whole).await.is_err());
    assert_eq!(picture(&fixture.root), before);
}

#[tokio::test]
async fn a_plan_that_no_longer_holds_is_refused() {
    let fixture = Fixture::committed(&[("a.txt", "1\n"), ("b.txt", "1\n")]);
    let session = fixture.workspace();
    let begin = session.checkpoint().await.unwrap();
    fixture.write("a.txt", "2\n");
    fixture.write("b.txt", "2\n");
    let end = session.checkpoint().await.unwrap();
    let whole = plan(&session, &begin, &end, None).await;
    fixture.write("a.txt", "the person's\n");
    assert!(matches!(session.undo(&whole).await, Err(UndoError::Outdated)));
    assert_eq!(fs::read_to_string(fixture.root.join("b.txt")).unwrap(), "2\n");
}

#[tokio::test]
async fn nothing_to_put_back_is_said() {
    let fixture = Fixture::committed(&[("a.txt", "1\n")]);
    let session = fixture.workspace();
    let begin = session.checkpoint().await.unwrap();
    fixture.write("a.txt", "2\n");
    let end = session.checkpoint().await.unwrap();
    fixture.write("a.txt", "1\n");
    let whole = plan(&session, &begin, &end, None).await;
    assert!(whole.is_empty());
    assert!(matches!(session.undo(&whole).await, Err(UndoError::Nothing)));
}

/// What a killed undo leaves half-written goes with the next one, and what it had put back counts as done.
#[tokio::test]
async fn an_undo_that_was_killed_can_be_done_again() {
    let fixture = Fixture::committed(&[("d/a.txt", "1\n"), ("d/b.txt", "1\n")]);
    let session = fixture.workspace();
    let begin = session.checkpoint().await.unwrap();
    fixture.write("d/a.txt", "2\n");
    fixture.write("d/b.txt", "2\n");
    let end = session.checkpoint().await.unwrap();
    fixture.write("d/a.txt", "1\n");
    fixture.write("d/.better-llm-undo", "hal");
    let whole = plan(&session, &begin, &end, None).await;
    assert_eq!(files(&whole), ["~d/b.txt"]);
    session.undo(&whole).await.unwrap();
    assert_eq!(fs::read_dir(fixture.root.join("d")).unwrap().count(), 2);
}

/// A record that somebody changed names no place outside of the workspace, and none inside of `.git`.
#[tokio::test]
async fn a_forged_record_reaches_no_other_place() {
    for evil in ["../outside", ".git/hooks/pre-commit", "d/../../outside", "/etc/evil"] {
        let fixture = Fixture::plain();
        fs::create_dir_all(fixture.root.join(".git/hooks")).unwrap();
        fixture.write("d/a.txt", "1\n");
        let session = fixture.workspace();
        let begin = session.checkpoint().await.unwrap();
        fixture.remove("d/a.txt");
        let end = session.checkpoint().await.unwrap();
        drop(session);
        for state in [&begin, &end] {
            let record = fixture.store().join("states").join(state.as_str());
            let forged = fs::read_to_string(&record).unwrap().replace("d/a.txt", evil);
            fs::write(&record, forged).unwrap();
        }
        let before = picture(&fixture.base());
        let later = fixture.workspace();
        let whole = plan(&later, &begin, &end, None).await;
        assert_eq!(refused(&whole), [(evil, EDITED)]);
        assert!(matches!(later.undo(&whole).await, Err(UndoError::Refused(_))));
        drop(later);
        let after = picture(&fixture.base());
        assert_eq!(before.keys().collect::<Vec<_>>(), after.keys().collect::<Vec<_>>());
        assert!(!fixture.root.join(".git/hooks/pre-commit").exists());
    }
}

/// A call dropped at any await has put back all or nothing by the time the next one answers.
#[tokio::test]
async fn an_undo_dropped_at_any_await_is_whole_or_absent() {
    for polls in 0..60_u32 {
        let fixture = Fixture::plain();
        fixture.write("a.txt", "1\n");
        fixture.write("b.txt", "1\n");
        let workspace = fixture.workspace();
        let begin = workspace.checkpoint().await.unwrap();
        fixture.write("a.txt", "2\n");
        fixture.write("b.txt", "2\n");
        let end = workspace.checkpoint().await.unwrap();
        let whole = plan(&workspace, &begin, &end, None).await;
        {
            let mut call = std::pin::pin!(workspace.undo(&whole));
            for _ in 0..polls {
                let poll = std::future::poll_fn(|context| {
                    std::task::Poll::Ready(call.as_mut().poll(context).is_ready())
                });
                if poll.await {
                    break;
                }
                tokio::task::yield_now().await;
            }
        }
        workspace.checkpoint().await.unwrap();
        let contents = ["a.txt", "b.txt"].map(|path| fs::read_to_string(fixture.root.join(path)).unwrap());
        assert!(
            contents == ["1\n", "1\n"] || contents == ["2\n", "2\n"],
            "after {polls} polls: {contents:?}"
        );
    }
}

/// Where `.git` is gone or not whole, that is what is said; and with it back, everything goes back.
#[tokio::test]
async fn o_29_states_whose_repository_is_gone_are_said_to_be_lost_until_it_is_back() {
    for part in [".git", ".git/objects"] {
        let fixture = Fixture::committed(&[("a.txt", "1\n")]);
        let session = fixture.workspace();
        let begin = session.checkpoint().await.unwrap();
        fixture.write("a.txt", "2\n");
        let end = session.checkpoint().await.unwrap();
        drop(session);
        let (place, aside) = (fixture.root.join(part), fixture.base().join("aside"));
        fs::rename(&place, &aside).unwrap();
        if part != ".git" {
            fs::create_dir(&place).unwrap();
        }
        let error = fixture.workspace().undo_plan(&begin, Some(&end), None).await.unwrap_err();
        assert!(error.source.is::<StatesLost>(), "{part}: {:?}", error.source);
        assert_eq!(fs::read_to_string(fixture.root.join("a.txt")).unwrap(), "2\n");
        if part != ".git" {
            fs::remove_dir(&place).unwrap();
        }
        fs::rename(&aside, &place).unwrap();
        let later = fixture.workspace();
        later.undo(&plan(&later, &begin, &end, None).await).await.unwrap();
        assert_eq!(fs::read_to_string(fixture.root.join("a.txt")).unwrap(), "1\n");
    }
}

/// A person may make a repository of a folder at any time.
#[tokio::test]
async fn o_29_a_folder_that_became_a_repository_since_is_undone_all_the_same() {
    let fixture = Fixture::plain();
    fixture.write("a.txt", "1\n");
    let session = fixture.workspace();
    let begin = session.checkpoint().await.unwrap();
    fixture.write("a.txt", "2\n");
    let end = session.checkpoint().await.unwrap();
    drop(session);
    fixture.git(&["init", "--quiet"]);
    let later = fixture.workspace();
    later.undo(&plan(&later, &begin, &end, None).await).await.unwrap();
    assert_eq!(fs::read_to_string(fixture.root.join("a.txt")).unwrap(), "1\n");
}
