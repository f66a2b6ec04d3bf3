//! A repository counts only where it is the workspace's own: in it, or pointing back to it as git writes it.

use std::{fs, os::unix::fs::symlink, path::Path};

use better_llm_workspace::{git_dirs, ignored_repository};
use domain::ports::WorkspacePort;

use crate::fixture::{Fixture, changes, commit};

/// Another repository of the person's, below the fixture's base.
fn private(fixture: &Fixture) -> std::path::PathBuf {
    let place = fixture.base().join("private");
    fs::create_dir(&place).unwrap();
    fixture.git_in(&place, &["init", "--quiet", "--initial-branch=main"]);
    fs::write(place.join("secret.txt"), "the other repository's\n").unwrap();
    fixture.git_in(&place, &["add", "--all"]);
    let author = ["-c", "user.name=a", "-c", "user.email=b"];
    fixture.git_in(&place, &[&author[..], &["commit", "--quiet", "--message=secret"]].concat());
    for (key, value) in [("user.name", "a"), ("user.email", "b")] {
        fixture.git_in(&place, &["config", key, value]);
    }
    place
}

/// What `make` puts into the workspace, told where the other repository is, gives nobody access to that.
async fn check_ignored(way: &str, make: impl FnOnce(&Path, &Path)) {
    let fixture = Fixture::plain();
    let private = private(&fixture);
    let before = fixture.git_in(&private, &["rev-parse", "--all", "HEAD"]);
    make(&fixture.root, &private.join(".git"));
    assert_eq!(git_dirs(&fixture.root), Vec::<std::path::PathBuf>::new(), "{way}");
    let notice = ignored_repository(&fixture.root).unwrap();
    assert!(notice.contains("does not name this folder in turn"), "{way}: {notice}");
    let workspace = fixture.workspace();
    let start = workspace.checkpoint().await.unwrap();
    assert!(start.as_str().starts_with("files-"), "{way}: kept as outside of git");
    fixture.write("evil.txt", "1\n");
    assert_eq!(changes(&workspace, &start).await, ["+evil.txt"], "{way}");
    let error = workspace.diff(None, None).await.unwrap_err();
    let said = std::error::Error::source(&error).unwrap().to_string();
    assert!(said.contains("does not name this folder in turn"), "{way}: {said}");
    let error = commit(&workspace, &start, None).await.unwrap_err().to_string();
    assert!(error.contains("git worktree repair"), "{way}: {error}");
    assert_eq!(fixture.git_in(&private, &["rev-parse", "--all", "HEAD"]), before, "{way}");
}

#[tokio::test]
async fn a_repository_elsewhere_that_does_not_point_back_is_ignored() {
    let pointer = |place: &Path| format!("gitdir: {}\n", place.display());
    let folder = |root: &Path, name: &str, common: &Path| {
        let place = root.join(name);
        fs::create_dir_all(&place).unwrap();
        fs::write(place.join("HEAD"), "ref: refs/heads/main\n").unwrap();
        fs::write(place.join("commondir"), format!("{}\n", common.display())).unwrap();
        place
    };
    check_ignored("a .git file", |root, private| {
        fs::write(root.join(".git"), pointer(private)).unwrap();
    })
    .await;
    check_ignored("a link", |root, private| symlink(private, root.join(".git")).unwrap()).await;
    check_ignored("a commondir in .git", |root, private| {
        folder(root, ".git", private);
    })
    .await;
    check_ignored("a commondir in a folder of the workspace", |root, private| {
        folder(root, "gd", private);
        fs::write(root.join(".git"), "gitdir: gd\n").unwrap();
    })
    .await;
    check_ignored("a forged work tree beside the workspace", |root, private| {
        let forged = folder(root.parent().unwrap(), "gd", private);
        fs::write(forged.join("gitdir"), root.join(".git").display().to_string()).unwrap();
        fs::write(root.join(".git"), "gitdir: ../gd\n").unwrap();
    })
    .await;
    check_ignored("somebody else's work tree", |root, private| {
        let place = private.join("worktrees/other");
        fs::create_dir_all(&place).unwrap();
        fs::write(place.join("HEAD"), "ref: refs/heads/main\n").unwrap();
        fs::write(place.join("commondir"), "../..\n").unwrap();
        fs::write(place.join("gitdir"), "/somewhere/else/.git\n").unwrap();
        fs::write(root.join(".git"), pointer(&place)).unwrap();
    })
    .await;
}

/// Git's own ways to a repository elsewhere, whose other side names the workspace.
#[test]
fn a_repository_elsewhere_that_points_back_is_the_workspaces() {
    let fixture = Fixture::committed(&[("a.txt", "1\n")]);
    let base = fixture.base();
    let check = |root: &Path, expected: &[&str]| {
        let expected = expected.iter().map(|place| base.join(place)).collect::<Vec<_>>();
        assert_eq!(git_dirs(root), expected, "{}", root.display());
        assert_eq!(ignored_repository(root), None);
    };
    check(&fixture.root, &["work/.git"]);
    fixture.git(&["worktree", "add", "--quiet", "-b", "one", "../한글-tree"]);
    let tree = base.join("한글-tree");
    check(&tree, &["work/.git/worktrees/한글-tree", "work/.git"]);
    fixture.git(&["worktree", "add", "--quiet", "-b", "two", "inner"]);
    check(&fixture.root.join("inner"), &["work/.git/worktrees/inner", "work/.git"]);
    let library = Fixture::committed(&[("lib.txt", "1\n")]);
    fixture.git(&["submodule", "--quiet", "add", &library.root.display().to_string(), "libs/lib"]);
    check(&fixture.root.join("libs/lib"), &["work/.git/modules/libs/lib"]);
    fixture.git(&["clone", "--quiet", "--bare", ".", "../bare/.bare"]);
    fs::write(base.join("bare/.git"), "gitdir: ./.bare\n").unwrap();
    fixture.git_in(&base.join("bare"), &["worktree", "add", "--quiet", "tree", "main"]);
    check(&base.join("bare/tree"), &["bare/.bare/worktrees/tree", "bare/.bare"]);
}

/// What the notice says to do makes it the workspace's.
#[test]
fn a_repository_that_lost_its_way_back_is_mended_as_the_notice_says() {
    let fixture = Fixture::committed(&[("a.txt", "1\n")]);
    let base = fixture.base();
    fixture.git(&["worktree", "add", "--quiet", "-b", "linked", "../linked"]);
    let moved = base.join("moved");
    fs::rename(base.join("linked"), &moved).unwrap();
    assert!(ignored_repository(&moved).is_some() && git_dirs(&moved).is_empty());
    fixture.git_in(&moved, &["worktree", "repair"]);
    assert_eq!(ignored_repository(&moved), None);
    let apart = base.join("apart");
    fixture.git(&["init", "--quiet", "--separate-git-dir=../elsewhere", "../apart"]);
    assert!(ignored_repository(&apart).is_some() && git_dirs(&apart).is_empty());
    fixture.git_in(&apart, &["config", "core.worktree", &apart.display().to_string()]);
    assert_eq!((ignored_repository(&apart), git_dirs(&apart)), (None, vec![base.join("elsewhere")]));
}

/// A commit would write through it.
#[tokio::test]
async fn a_repository_whose_parts_lead_elsewhere_is_not_used() {
    for part in ["refs", "refs/heads", "refs/heads/main", "logs", "objects/pack", "objects/fan-out"] {
        let fixture = Fixture::committed(&[("a.txt", "1\n")]);
        let private = private(&fixture).join(".git");
        let before = fixture.git_in(&private, &["rev-parse", "HEAD"]);
        let head = before.trim();
        let own = fixture.root.join(".git");
        let part = part.replace("fan-out", head.get(..2).unwrap());
        if own.join(&part).is_dir() {
            fs::remove_dir_all(own.join(&part)).unwrap();
        } else if own.join(&part).exists() {
            fs::remove_file(own.join(&part)).unwrap();
        }
        symlink(private.join(&part), own.join(&part)).unwrap();
        assert!(ignored_repository(&fixture.root).unwrap().contains(&part), "{part}");
        let workspace = fixture.workspace();
        let start = workspace.checkpoint().await.unwrap();
        fixture.write("a.txt", "2\n");
        assert_eq!(changes(&workspace, &start).await, ["~a.txt"], "{part}");
        commit(&workspace, &start, None).await.unwrap_err();
        assert_eq!(fixture.git_in(&private, &["rev-parse", "HEAD"]), before, "{part}");
    }
}

/// As a command may do it where no wall keeps it from `.git`.
#[tokio::test]
async fn a_repository_that_is_swapped_for_another_is_an_error_by_then() {
    let fixture = Fixture::committed(&[("a.txt", "1\n")]);
    let private = private(&fixture).join(".git");
    let before = fixture.git_in(&private, &["rev-parse", "HEAD"]);
    let workspace = fixture.workspace();
    let start = workspace.checkpoint().await.unwrap();
    fs::rename(fixture.root.join(".git"), fixture.base().join("aside")).unwrap();
    symlink(&private, fixture.root.join(".git")).unwrap();
    fixture.write("a.txt", "2\n");
    assert!(workspace.changes_since(&start).await.is_err());
    commit(&workspace, &start, None).await.unwrap_err();
    assert_eq!(fixture.git_in(&private, &["rev-parse", "HEAD"]), before);
}
