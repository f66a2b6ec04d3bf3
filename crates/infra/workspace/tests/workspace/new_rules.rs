//! Ignore rules that change while work is watched: what git ignores is what it ignored at the first checkpoint
//! (contract 2), so that nobody hides work by writing a rule.

use std::fs;

use better_llm_workspace::Workspace;
use domain::{
    ports::WorkspacePort,
    workspace::{CommitError, WorkspaceError},
};

use crate::fixture::{Fixture, changes, commit, marks};

fn fixture() -> Fixture {
    Fixture::committed(&[(".gitignore", "*.log\n"), ("a.txt", "1\n"), ("sub/b.txt", "1\n")])
}

async fn overlooked(workspace: &Workspace, path: &str) -> Result<bool, WorkspaceError> {
    Ok(!workspace.overlooked(&[path.to_owned()]).await?.is_empty())
}

/// What `plant` hides from git stays seen by every means, beside what it changes itself (`own`).
async fn check(fixture: &Fixture, plant: impl FnOnce(&Fixture), own: &[&str]) {
    let workspace = fixture.workspace();
    assert!(!workspace.touched().await.unwrap());
    let start = workspace.checkpoint().await.unwrap();
    plant(fixture);
    workspace.touched().await.unwrap();
    let planted = workspace.checkpoint().await.unwrap();
    assert!(!overlooked(&workspace, "sub/한글 evil.py").await.unwrap(), "not there yet");
    fixture.write("sub/한글 evil.py", "backdoor\n");
    fixture.write("new/deep/x", "");
    fixture.write("build.log", "ignored from the start");
    let hidden = fixture.try_git(&fixture.root, &["check-ignore", "--quiet", "sub/한글 evil.py"]);
    assert!(hidden.status.success(), "git does not ignore it");
    assert!(workspace.touched().await.unwrap());
    let found = ["+new/deep/x", "+sub/한글 evil.py"];
    assert_eq!(changes(&workspace, &planted).await, found);
    let mut all = own.iter().copied().chain(found).map(str::to_owned).collect::<Vec<_>>();
    all.sort_by(|one, other| one.get(1..).cmp(&other.get(1..)));
    assert_eq!(changes(&workspace, &start).await, all);
    assert!(!overlooked(&workspace, "sub/한글 evil.py").await.unwrap());
    assert!(overlooked(&workspace, "build.log").await.unwrap());
    assert!(workspace.diff(Some(&start), None).await.unwrap().contains("+backdoor"));
    fixture.write("sub/한글 evil.py", "backdoor, changed\n");
    assert!(workspace.touched().await.unwrap());
    fixture.remove("sub/한글 evil.py");
    assert!(workspace.touched().await.unwrap());
}

#[tokio::test]
async fn a_planted_ignore_file_hides_no_work() {
    check(&fixture(), |fixture| fixture.write(".gitignore", "*\n"), &["~.gitignore"]).await;
    let below = |fixture: &Fixture| {
        fixture.write("sub/.gitignore", "*\n");
        fixture.write("new/.gitignore", "*\n");
    };
    check(&fixture(), below, &["+new/.gitignore", "+sub/.gitignore"]).await;
    let folders = |fixture: &Fixture| fixture.write(".gitignore", "*.log\nsub/\nnew/\n");
    check(&fixture(), folders, &["~.gitignore"]).await;
}

#[tokio::test]
async fn a_planted_exclude_file_hides_no_work() {
    check(&fixture(), |fixture| fixture.write(".git/info/exclude", "*\n"), &[]).await;
    let personal = |fixture: &Fixture| {
        fs::create_dir_all(fixture.base().join("home/.config/git")).unwrap();
        fs::write(fixture.base().join("home/.config/git/ignore"), "*\n").unwrap();
    };
    check(&fixture(), personal, &[]).await;
}

#[tokio::test]
async fn without_git_a_planted_ignore_file_hides_no_work() {
    let fixture = Fixture::plain();
    let workspace = fixture.workspace();
    let start = workspace.checkpoint().await.unwrap();
    fixture.write(".gitignore", "*\n");
    fixture.write("evil.py", "backdoor\n");
    assert_eq!(changes(&workspace, &start).await, ["+.gitignore", "+evil.py"]);
}

#[tokio::test]
async fn a_rule_planted_above_the_workspace_hides_no_work() {
    let fixture = fixture();
    let workspace = fixture.workspace_at(&fixture.root.join("sub"));
    let start = workspace.checkpoint().await.unwrap();
    fixture.write(".gitignore", "*\n");
    fixture.write("sub/evil.py", "backdoor\n");
    assert_eq!(changes(&workspace, &start).await, ["+evil.py"]);
}

#[tokio::test]
async fn what_was_ignored_stays_ignored_when_the_rules_say_it_otherwise() {
    let fixture = Fixture::committed(&[(".gitignore", "/out/\n"), ("a.txt", "1\n")]);
    fixture.write("out/x", "");
    let workspace = fixture.workspace();
    let start = workspace.checkpoint().await.unwrap();
    fixture.write(".gitignore", "/out/*\n*.o\n");
    assert_eq!(changes(&workspace, &start).await, ["~.gitignore"]);
    fixture.write("out/y", "");
    assert_eq!(changes(&workspace, &start).await, ["~.gitignore"]);
}

#[tokio::test]
async fn a_new_session_takes_the_rules_as_they_are() {
    let fixture = fixture();
    fixture.write(".gitignore", "*\n");
    let workspace = fixture.workspace();
    let start = workspace.checkpoint().await.unwrap();
    fixture.write("x", "");
    assert!(!workspace.touched().await.unwrap());
    assert_eq!(changes(&workspace, &start).await, Vec::<String>::new());
}

#[tokio::test]
async fn of_very_many_hidden_files_the_first_are_seen_and_the_rest_is_said() {
    let mut fixture = fixture();
    fixture.bounds.hidden_files = 3;
    let workspace = fixture.workspace();
    let start = workspace.checkpoint().await.unwrap();
    fixture.write(".gitignore", "target/\n");
    for number in 0..5 {
        fixture.write(&format!("target/{number}"), "");
    }
    fixture.write("z.txt", "");
    let found = workspace.changes_since(&start).await.unwrap();
    let expected = ["~.gitignore", "+target/0", "+target/1", "+target/2", "+z.txt"];
    assert_eq!(marks(&found), expected);
    assert_eq!(
        found.partial.as_deref(),
        Some(
            "ignore rules changed since the session's first change, and of what they hide only the first 3 files \
             were looked at"
        )
    );
    assert!(overlooked(&workspace, "target/4").await.unwrap());
    assert!(!overlooked(&workspace, "target/2").await.unwrap());
}

#[tokio::test]
async fn a_commit_takes_what_git_ignores_by_now_only_where_it_is_named() {
    let fixture = fixture();
    let workspace = fixture.workspace();
    let start = workspace.checkpoint().await.unwrap();
    fixture.write(".gitignore", "target/\n");
    fixture.write("target/x", "");
    fixture.write("z.txt", "");
    let done = commit(&workspace, &start, None).await.unwrap();
    assert_eq!((done.paths, done.left_out), (vec![".gitignore".to_owned(), "z.txt".to_owned()], vec![]));
    fixture.write("target/y", "");
    let nothing = commit(&workspace, &start, None).await;
    assert!(matches!(nothing, Err(CommitError::Nothing(_))), "{nothing:?}");
    assert_eq!(commit(&workspace, &start, Some(&["target/y"])).await.unwrap().paths, ["target/y"]);
}
