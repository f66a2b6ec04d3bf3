//! What the engine commits to no repository: credentials, conflict markers, too many bytes.

use domain::{
    ports::WorkspacePort,
    workspace::{ALLOW_SECRET, CommitError, CommitRequest},
};

use crate::fixture::{Fixture, commit};

/// Of the form, and nobody's.
const KEY: &str = "AKIAQYLPMN5HFIQR7XYA";

/// Commits files that a session wrote after `before` was there, and tells what was refused.
async fn check(before: &[(&str, String)], written: &[(&str, String)], refused: &[&str]) {
    let fixture = Fixture::committed(&[("seed", "")]);
    for (path, content) in before {
        fixture.write(path, content);
    }
    let workspace = fixture.workspace();
    let start = workspace.checkpoint().await.unwrap();
    for (path, content) in written {
        fixture.write(path, content);
    }
    let objects = || fixture.git(&["count-objects"]);
    let count = objects();
    let paths = written.iter().map(|(path, _)| *path).collect::<Vec<_>>();
    match commit(&workspace, &start, Some(&paths)).await {
        Ok(done) => {
            assert_eq!(refused, [""; 0]);
            assert_eq!(done.paths.len(), written.len());
        }
        Err(CommitError::Unfit(lines)) => {
            assert_eq!(lines.iter().map(ToString::to_string).collect::<Vec<_>>(), refused);
            let error = CommitError::Unfit(lines).to_string();
            assert!(!error.contains(KEY), "{error}");
            assert_eq!(objects(), count, "nothing of it is in the repository");
            assert_eq!(fixture.git(&["rev-list", "--count", "HEAD"]), "1\n");
            assert!(!fixture.root.join(".git/index.lock").exists());
        }
        Err(error) => assert_eq!(error.to_string(), "", "another refusal"),
    }
}

fn text(text: &str) -> String {
    text.replace("KEY", KEY)
}

#[tokio::test]
async fn an_aws_key_in_a_file_with_a_korean_name_is_refused() {
    let written = [("설정.txt", text("하나\nid = KEY\n")), ("a.txt", text("plain\n"))];
    check(&[], &written, &["설정.txt:2: aws-access-key-id"]).await;
}

#[tokio::test]
async fn names_of_files_and_words_make_nobody_suspicious() {
    let written = [
        ("README.md", "제목\n=======\n\nText\n\nOther\n===========\n"),
        ("secrets/.env.example", "API_KEY=\nPASSWORD=changeme\n"),
        ("credentials.py", "SECRET_KEY = os.environ[\"SECRET_KEY\"]\n"),
    ];
    check(&[], &written.map(|(path, content)| (path, content.to_owned())), &[]).await;
}

#[tokio::test]
async fn conflicts_that_nobody_resolved_are_refused() {
    let conflict = "one\n<<<<<<< HEAD\ntwo\n=======\nthree\n>>>>>>> topic\n";
    check(&[], &[("a.txt", text(conflict))], &["a.txt:2: conflict marker"]).await;
}

#[tokio::test]
async fn large_files_are_refused_and_go_into_no_store() {
    let large = "x".repeat((10 << 20) + 1);
    check(&[], &[("a.txt", large), ("b.txt", "x".repeat(1 << 20))], &["a.txt: more than 10 MiB"]).await;
}

/// A line that the person has committed is theirs, and one that they marked before the session, too. A mark that the
/// session writes itself is none.
#[tokio::test]
async fn lines_that_a_person_vouches_for_pass() {
    let fixture = Fixture::committed(&[("test.py", &text("id = 'KEY'  # of a test\n"))]);
    fixture.write("fixture.txt", text(&format!("KEY  # {ALLOW_SECRET}\r\n")));
    let workspace = fixture.workspace();
    let start = workspace.checkpoint().await.unwrap();
    fixture.write("test.py", text("import os\nid = 'KEY'  # of a test\n"));
    fixture.write("fixture.txt", text(&format!("first\r\nKEY  # {ALLOW_SECRET}\r\n")));
    commit(&workspace, &start, Some(&["fixture.txt", "test.py"])).await.unwrap();
    let written = [("a.txt", text(&format!("KEY  # {ALLOW_SECRET}\n")))];
    check(&[], &written, &["a.txt:1: aws-access-key-id"]).await;
    let before = [("a.txt", text("KEY\n"))];
    check(&before, &written, &["a.txt:1: aws-access-key-id"]).await;
}

#[tokio::test]
async fn a_refusal_says_what_to_do_and_how_to_mean_it() {
    let fixture = Fixture::committed(&[("seed", "")]);
    let workspace = fixture.workspace();
    let start = workspace.checkpoint().await.unwrap();
    fixture.write("line\nbreak.txt", text("KEY\n"));
    let error = commit(&workspace, &start, None).await.unwrap_err().to_string();
    assert_eq!(
        error,
        "nothing was committed, because of what these files hold: line␊break.txt:1: aws-access-key-id. Take it out, or \
         leave the files out by naming the others in `paths`. Where a line only looks like a secret, a person can \
         commit the file, or write `better-llm: allow-secret` on that line before the next session"
    );
}

#[tokio::test]
async fn messages_are_cleaned_and_hold_no_secrets() {
    let fixture = Fixture::committed(&[("seed", "")]);
    let workspace = fixture.workspace();
    let start = workspace.checkpoint().await.unwrap();
    fixture.write("a.txt", "1\n");
    let request = |message: String| CommitRequest { message, paths: None, since: Some(start.clone()) };
    let error = workspace.commit(request(text("Add KEY"))).await.unwrap_err();
    assert!(matches!(error, CommitError::Unfit(_)), "{error}");
    workspace.commit(request("Add\u{1b}[31m a file\u{7}\n\n-\u{202e}x".to_owned())).await.unwrap();
    let message = fixture.git(&["log", "-1", "--format=%B"]);
    assert!(message.starts_with("Add") && message.contains(" a file"), "{message:?}");
    assert!(!message.contains(['\u{1b}', '\u{7}', '\u{202e}']), "{message:?}");
}
