//! `commit`, exactly as contract 4 has it.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
};

use domain::{
    ports::WorkspacePort,
    workspace::{ChangeKind, CommitError, CommitPlan, CommitRequest, FileChange},
};

use crate::fixture::{Fixture, commit};

/// `git status --porcelain`, one line each.
fn status(fixture: &Fixture) -> Vec<String> {
    fixture.git(&["status", "--porcelain"]).lines().map(str::to_owned).collect()
}

fn texts(paths: &[&str]) -> Vec<String> {
    paths.iter().map(|path| (*path).to_owned()).collect()
}

#[tokio::test]
async fn the_default_takes_what_the_session_changed_and_nothing_of_the_persons() {
    let fixture = Fixture::committed(&[
        ("clean.txt", "1\n"),
        ("dirty.txt", "1\n"),
        ("mine.txt", "1\n"),
        ("gone.txt", "1\n"),
        ("staged.txt", "1\n"),
    ]);
    fixture.write("dirty.txt", "person\n");
    fixture.write("mine.txt", "person\n");
    fixture.write("staged.txt", "person\n");
    fixture.git(&["add", "staged.txt"]);
    fixture.write("untracked.txt", "person\n");
    let workspace = fixture.workspace();
    let start = workspace.checkpoint().await.unwrap();
    fixture.write("clean.txt", "session\n");
    fixture.write("dirty.txt", "person and session\n");
    fixture.write("new/file.txt", "session\n");
    fixture.remove("gone.txt");
    let done = commit(&workspace, &start, None).await.unwrap();
    assert_eq!(done.id, fixture.git(&["rev-parse", "HEAD"]).trim());
    assert_eq!(done.paths, texts(&["clean.txt", "gone.txt", "new/file.txt"]));
    assert_eq!(done.left_out, texts(&["dirty.txt"]));
    assert_eq!(status(&fixture), [" M dirty.txt", " M mine.txt", "M  staged.txt", "?? untracked.txt"]);
    let shown = fixture.git(&["show", "--no-renames", "--name-status", "--format=%B%an <%ae>|%cn <%ce>"]);
    let expected = "Change things\n\nBecause.\nKim 민지 <minji@example.org>|Kim 민지 <minji@example.org>\n\n\
        M\tclean.txt\nD\tgone.txt\nA\tnew/file.txt\n";
    assert_eq!(shown, expected);
    let reflog = fixture.git(&["reflog", "-1", "--format=%gs"]);
    assert_eq!(reflog, "commit: Change things\n");
}

#[tokio::test]
async fn named_paths_are_taken_exactly_dirty_ones_too() {
    let fixture = Fixture::committed(&[("a.txt", "1\n"), ("b.txt", "1\n")]);
    fixture.write("a.txt", "person\n");
    let workspace = fixture.workspace();
    let start = workspace.checkpoint().await.unwrap();
    fixture.write("a.txt", "person and session\n");
    fixture.write("b.txt", "session\n");
    let done = commit(&workspace, &start, Some(&["./a.txt"])).await.unwrap();
    assert_eq!((done.paths, done.left_out), (texts(&["a.txt"]), vec![]));
    assert_eq!(status(&fixture), [" M b.txt"]);
}

#[tokio::test]
async fn files_that_are_not_the_sessions_are_refused_by_name() {
    let fixture = Fixture::committed(&[("a.txt", "1\n"), ("b.txt", "1\n")]);
    fixture.write("a.txt", "person\n");
    let workspace = fixture.workspace();
    let start = workspace.checkpoint().await.unwrap();
    fixture.write("b.txt", "session\n");
    let named = ["b.txt", "a.txt", "../b.txt", "/etc/passwd", "nothing.txt"];
    let Err(CommitError::NotOurs(strange)) = commit(&workspace, &start, Some(&named)).await else { panic!() };
    assert_eq!(strange, texts(&named[1..]));
    assert_eq!(fixture.git(&["rev-list", "--count", "HEAD"]), "1\n");
}

#[tokio::test]
async fn nothing_to_commit_is_said_with_its_reason() {
    let fixture = Fixture::committed(&[("a.txt", "1\n")]);
    fixture.write("a.txt", "person\n");
    let workspace = fixture.workspace();
    let start = workspace.checkpoint().await.unwrap();
    let text =
        async |paths: Option<&[&str]>| commit(&workspace, &start, paths).await.unwrap_err().to_string();
    assert_eq!(text(None).await, "nothing to commit: no file differs from the start of the session");
    fixture.write("a.txt", "person and session\n");
    assert!(text(None).await.contains("a.txt; name those that should go in"));
    assert_eq!(text(Some(&[])).await, "nothing to commit: `paths` is empty");
    commit(&workspace, &start, Some(&["a.txt"])).await.unwrap();
    assert_eq!(text(Some(&["a.txt"])).await, "nothing to commit: HEAD holds these files as they are");
    let request = CommitRequest { message: "m".to_owned(), paths: None, since: None };
    assert!(matches!(workspace.commit(request).await, Err(CommitError::Nothing(_))));
    let request = CommitRequest { message: " \n".to_owned(), paths: None, since: Some(start) };
    assert!(matches!(workspace.commit(request).await, Err(CommitError::NoMessage)));
}

#[tokio::test]
async fn a_second_commit_holds_only_what_changed_since() {
    let fixture = Fixture::committed(&[("a.txt", "1\n")]);
    let workspace = fixture.workspace();
    let start = workspace.checkpoint().await.unwrap();
    fixture.write("a.txt", "2\n");
    commit(&workspace, &start, None).await.unwrap();
    fixture.write("b.txt", "1\n");
    let done = commit(&workspace, &start, None).await.unwrap();
    assert_eq!(done.paths, texts(&["b.txt"]));
    assert_eq!(status(&fixture), Vec::<String>::new());
}

#[tokio::test]
async fn modes_and_links_are_kept_and_places_can_be_taken() {
    let fixture = Fixture::committed(&[("a", "file\n"), ("d/x", "x\n"), ("run.sh", "#!/bin/sh\n")]);
    let workspace = fixture.workspace();
    let start = workspace.checkpoint().await.unwrap();
    fixture.remove("a");
    fixture.write("a/inner", "i\n");
    fs::remove_dir_all(fixture.root.join("d")).unwrap();
    symlink("a/inner", fixture.root.join("d")).unwrap();
    fs::set_permissions(fixture.root.join("run.sh"), fs::Permissions::from_mode(0o755)).unwrap();
    commit(&workspace, &start, None).await.unwrap();
    let listed = fixture.git(&["ls-tree", "-r", "--format=%(objectmode) %(path)", "HEAD"]);
    assert_eq!(listed, "100644 a/inner\n120000 d\n100755 run.sh\n");
    assert_eq!(status(&fixture), Vec::<String>::new());
}

#[tokio::test]
async fn the_first_commit_of_a_repository_and_one_without_a_branch_work() {
    let fixture = Fixture::repository();
    let workspace = fixture.workspace();
    let start = workspace.checkpoint().await.unwrap();
    fixture.write("a.txt", "1\n");
    let done = commit(&workspace, &start, None).await.unwrap();
    assert_eq!(fixture.git(&["rev-parse", "main"]).trim(), done.id);
    fixture.git(&["checkout", "--quiet", "--detach"]);
    fixture.write("a.txt", "2\n");
    let done = commit(&workspace, &start, None).await.unwrap();
    assert_eq!(fixture.git(&["rev-parse", "HEAD"]).trim(), done.id);
    assert_ne!(fixture.git(&["rev-parse", "main"]).trim(), done.id);
    assert_eq!(status(&fixture), Vec::<String>::new());
}

#[tokio::test]
async fn a_merge_under_way_is_left_to_the_person() {
    for (file, word) in
        [("MERGE_HEAD", "merge"), ("rebase-merge", "rebase"), ("CHERRY_PICK_HEAD", "cherry-pick")]
    {
        let fixture = Fixture::committed(&[("a.txt", "1\n")]);
        let workspace = fixture.workspace();
        let start = workspace.checkpoint().await.unwrap();
        fixture.write("a.txt", "2\n");
        fs::write(fixture.root.join(".git").join(file), "").unwrap();
        let Err(CommitError::InProgress(found)) = commit(&workspace, &start, None).await else { panic!() };
        assert_eq!(found, word);
    }
}

/// Who a commit names, given the repository's, the global and the environment's name.
async fn author(
    own: Option<&str>,
    global: Option<&str>,
    environment: &[(&str, &str)],
) -> Result<String, CommitError> {
    let mut fixture = Fixture::committed(&[("a.txt", "1\n")]);
    for key in ["user.name", "user.email"] {
        fixture.git(&["config", "--unset", key]);
        for (scope, value) in [("--local", own), ("--global", global)] {
            if let Some(value) = value {
                fixture.git(&["config", scope, key, value]);
            }
        }
    }
    fixture.environment.extend(environment.iter().map(|(name, value)| (name.into(), value.into())));
    let workspace = fixture.workspace();
    let start = workspace.checkpoint().await?;
    fixture.write("a.txt", "2\n");
    commit(&workspace, &start, None).await?;
    Ok(fixture.git(&["show", "--no-patch", "--format=%an %ae/%cn %ce"]).trim().to_owned())
}

#[tokio::test]
async fn the_author_is_the_repositorys_else_the_persons_else_the_environments() {
    let environment = [("GIT_AUTHOR_NAME", "env"), ("GIT_AUTHOR_EMAIL", "env"), ("GIT_COMMITTER_NAME", "by")];
    assert_eq!(author(Some("own"), Some("global"), &environment).await.unwrap(), "own own/own own");
    assert_eq!(author(None, Some("global"), &environment).await.unwrap(), "global global/global global");
    assert_eq!(author(None, None, &environment).await.unwrap(), "env env/by env");
    assert!(matches!(author(None, None, &[]).await, Err(CommitError::NoAuthor)));
    assert!(matches!(author(Some(" "), None, &[]).await, Err(CommitError::NoAuthor)));
}

#[tokio::test]
async fn another_git_program_at_work_is_not_overrun() {
    let fixture = Fixture::committed(&[("a.txt", "1\n")]);
    let workspace = fixture.workspace();
    let start = workspace.checkpoint().await.unwrap();
    fixture.write("a.txt", "2\n");
    let lock = fixture.root.join(".git/index.lock");
    fs::write(&lock, "").unwrap();
    let error = commit(&workspace, &start, None).await.unwrap_err().to_string();
    assert!(error.starts_with("git could not lock the index: another git program"), "{error}");
    assert!(lock.exists(), "the lock of another is not ours to remove");
    fs::remove_file(&lock).unwrap();
    commit(&workspace, &start, None).await.unwrap();
    assert!(!lock.exists());
}

#[tokio::test]
async fn a_commit_that_fails_leaves_index_and_branch_as_they_were() {
    let fixture = Fixture::committed(&[("a.txt", "1\n")]);
    let workspace = fixture.workspace();
    let start = workspace.checkpoint().await.unwrap();
    fixture.write("a.txt", "2\n");
    let index = fs::read(fixture.root.join(".git/index")).unwrap();
    fs::write(fixture.root.join(".git/refs/heads/main.lock"), "").unwrap();
    let error = commit(&workspace, &start, None).await.unwrap_err().to_string();
    assert!(error.starts_with("git could not move the branch: "), "{error}");
    assert_eq!(fs::read(fixture.root.join(".git/index")).unwrap(), index);
    assert!(!fixture.root.join(".git/index.lock").exists());
    assert_eq!(fixture.git(&["rev-list", "--count", "HEAD"]), "1\n");
}

/// A git that does something of its own before it moves the branch: what a person might do at that moment.
#[tokio::test]
async fn a_branch_that_moves_meanwhile_is_not_overrun() {
    let mut fixture = Fixture::committed(&[("a.txt", "1\n")]);
    let tree = fixture.git(&["rev-parse", "HEAD^{tree}"]);
    let theirs = fixture.git(&["commit-tree", "-p", "HEAD", "-m", "theirs", tree.trim()]);
    let real =
        ["/usr/local/bin/git", "/usr/bin/git"].into_iter().find(|git| fs::exists(git).unwrap()).unwrap();
    let bin = fixture.base().join("bin");
    fs::create_dir(&bin).unwrap();
    let script = format!(
        "#!/bin/sh\ncase \"$*\" in *' update-ref '*) {real} update-ref refs/heads/main {};; esac\nexec {real} \"$@\"\n",
        theirs.trim()
    );
    fs::write(bin.join("git"), script).unwrap();
    fs::set_permissions(bin.join("git"), fs::Permissions::from_mode(0o755)).unwrap();
    let honest = fixture.environment.insert("PATH".into(), bin.into()).unwrap();
    let workspace = fixture.workspace();
    let start = workspace.checkpoint().await.unwrap();
    fixture.write("a.txt", "2\n");
    let error = commit(&workspace, &start, None).await.unwrap_err().to_string();
    assert!(error.starts_with("git could not move the branch: the branch moved meanwhile"), "{error}");
    fixture.environment.insert("PATH".into(), honest);
    assert_eq!(fixture.git(&["rev-parse", "main"]), theirs);
    assert_eq!(status(&fixture), [" M a.txt"]);
    assert!(!fixture.root.join(".git/index.lock").exists());
}

/// Commits of two engines race: each stands in the history or was refused, and none undoes the other.
#[tokio::test]
async fn racing_commits_lose_nothing() {
    let fixture = Fixture::committed(&[("seed", "")]);
    let one = fixture.workspace();
    let other = fixture.workspace_with(&fixture.root, &fixture.base().join("other store"));
    let mut made = 0;
    for number in 0..10 {
        let (one_start, other_start) = (one.checkpoint().await.unwrap(), other.checkpoint().await.unwrap());
        let names = [format!("one-{number}"), format!("other-{number}")];
        for name in &names {
            fixture.write(name, "1\n");
        }
        let (mine, theirs) = ([names[0].as_str()], [names[1].as_str()]);
        let (first, second) =
            tokio::join!(commit(&one, &one_start, Some(&mine)), commit(&other, &other_start, Some(&theirs)));
        made += usize::from(first.is_ok()) + usize::from(second.is_ok());
        assert!(first.is_ok() || second.is_ok(), "{first:?} {second:?}");
    }
    assert_eq!(fixture.git(&["rev-list", "--count", "HEAD"]), format!("{}\n", made + 1));
    assert_eq!(fixture.git(&["ls-files"]).lines().count(), made + 1);
    assert!(status(&fixture).iter().all(|line| line.starts_with("?? ")), "{:?}", status(&fixture));
}

/// A call dropped at any await has committed wholly or not at all, and leaves no lock.
#[tokio::test]
async fn a_commit_dropped_at_any_await_is_whole_or_absent() {
    for polls in 0..60_u32 {
        let fixture = Fixture::committed(&[("a.txt", "1\n")]);
        let workspace = fixture.workspace();
        let start = workspace.checkpoint().await.unwrap();
        fixture.write("a.txt", "2\n");
        {
            let mut call = std::pin::pin!(commit(&workspace, &start, None));
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
        // The last step may still be on its way; the next commit meets its lock or comes after it.
        while fixture.root.join(".git/index.lock").exists() {
            tokio::task::yield_now().await;
        }
        match commit(&workspace, &start, None).await {
            Ok(done) => assert_eq!(done.paths, texts(&["a.txt"])),
            Err(error) => assert!(matches!(error, CommitError::Nothing(_)), "{error}"),
        }
        assert_eq!(fixture.git(&["rev-list", "--count", "HEAD"]), "2\n", "after {polls} polls");
        assert_eq!(status(&fixture), Vec::<String>::new());
    }
}

#[tokio::test]
async fn what_a_commit_would_take_is_told_before_and_nothing_is_done() {
    let fixture = Fixture::committed(&[("a.txt", "1\n"), ("gone", ""), ("mine.txt", "1\n")]);
    fixture.write("mine.txt", "2\n");
    let workspace = fixture.workspace();
    let start = workspace.checkpoint().await.unwrap();
    fixture.write("a.txt", "2\n");
    fixture.write("새.txt", "");
    fixture.write("mine.txt", "3\n");
    fixture.remove("gone");
    let before = fixture.git_files();
    let request = |paths: Option<&[&str]>| CommitRequest {
        message: "Change things".to_owned(),
        paths: paths.map(texts),
        since: Some(start.clone()),
    };
    let file = |path: &str, kind| FileChange { path: path.to_owned(), kind };
    let plan = workspace.commit_plan(&request(None)).await.unwrap();
    let files =
        [("a.txt", ChangeKind::Modified), ("gone", ChangeKind::Deleted), ("새.txt", ChangeKind::Created)];
    let files = files.map(|(path, kind)| file(path, kind)).to_vec();
    assert_eq!(plan, CommitPlan { files, left_out: texts(&["mine.txt"]) });
    let plan = workspace.commit_plan(&request(Some(&["mine.txt"]))).await.unwrap();
    assert_eq!(plan.files, [file("mine.txt", ChangeKind::Modified)]);
    let error = workspace.commit_plan(&request(Some(&["other"]))).await.unwrap_err();
    assert!(matches!(error, CommitError::NotOurs(_)), "{error}");
    assert_eq!(fixture.git_files(), before);
}
