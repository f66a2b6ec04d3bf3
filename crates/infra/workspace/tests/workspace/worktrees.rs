//! Worktrees of sessions: made from `HEAD`, found again, cleared up without losing anything.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
};

use better_llm_workspace::{
    Cleared, Made, NotCopied, Refused, Unsaved, Worktree, WorktreeError, WorktreeSettings,
};
use domain::id::{SessionId, Ulid};

use crate::fixture::Fixture;

const SESSION: SessionId = SessionId::new(Ulid(1));

fn settings(fixture: &Fixture, workspace: &str) -> WorktreeSettings {
    WorktreeSettings {
        workspace: fixture.root.join(workspace).canonicalize().unwrap(),
        worktrees: fixture.base().join("우리 데이터/worktrees"),
        session: SESSION,
        environment: fixture.environment.clone(),
    }
}

fn branch() -> String {
    format!("better-llm/{SESSION}")
}

async fn make(fixture: &Fixture) -> (Worktree, Made) {
    Worktree::make(settings(fixture, "")).await.unwrap()
}

async fn again(fixture: &Fixture) -> (Worktree, bool) {
    let mut tree = Worktree::known(settings(fixture, "")).await.unwrap().unwrap();
    let made = tree.make_again().await.unwrap();
    (tree, made.is_some())
}

fn write(tree: &Worktree, path: &str, content: &str) {
    let place = tree.cwd().join(path);
    fs::create_dir_all(place.parent().unwrap()).unwrap();
    fs::write(place, content).unwrap();
}

fn read(folder: &Path, path: &str) -> Option<String> {
    fs::read_to_string(folder.join(path)).ok()
}

/// The person's files and their repository but for its objects, so that nothing of either goes unnoticed.
fn everything(fixture: &Fixture) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = fixture.git_files();
    files.retain(|path, _| !path.starts_with(fixture.root.join(".git/objects")));
    let listed = fixture.git(&["ls-files", "--cached", "--others"]);
    files.extend(
        listed.lines().map(|path| (path.into(), fs::read(fixture.root.join(path)).unwrap_or_default())),
    );
    files
}

fn committed() -> Fixture {
    Fixture::committed(&[("a.txt", "하나\n"), ("폴더/b.txt", "둘\n"), (".gitignore", "*.env\n/built/\n")])
}

#[tokio::test]
async fn a_worktree_begins_from_head_without_what_is_not_committed() {
    let fixture = committed();
    fixture.write("a.txt", "고침\n");
    fixture.write("new.txt", "새 파일\n");
    let before = everything(&fixture);
    let (tree, made) = make(&fixture).await;
    let base = fixture.git(&["rev-parse", "HEAD"]).trim().to_owned();
    let expected = Made {
        branch: branch(),
        base,
        left_out: Some(2),
        copied: 0,
        not_copied: NotCopied::default(),
        is_unfiltered: false,
    };
    assert_eq!(made, expected);
    assert_eq!(tree.cwd(), fixture.base().join("우리 데이터/worktrees").join(SESSION.to_string()));
    assert_eq!((read(&tree.cwd(), "a.txt"), read(&tree.cwd(), "new.txt")), (Some("하나\n".to_owned()), None));
    assert_eq!(read(&tree.cwd(), "폴더/b.txt").as_deref(), Some("둘\n"));
    assert_eq!(fixture.git_in(&tree.cwd(), &["branch", "--show-current"]).trim(), branch());
    assert!(fixture.git(&["worktree", "list"]).contains(&branch()), "git knows of it");
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(tree.cwd().parent().unwrap()), 0o700);
    assert_eq!(tree.clear(&[]).await.unwrap(), Cleared::Removed);
    assert_eq!(everything(&fixture), before, "to the byte");
}

/// What is left of a worktree and its branch: what keeps the tree, what keeps the branch, what goes.
#[tokio::test]
async fn clearing_up_removes_only_what_nobody_will_miss() {
    type Work = fn(&Fixture, &Worktree);
    let kept = |unsaved: Unsaved| move |folder: PathBuf| Cleared::Kept { branch: branch(), folder, unsaved };
    let commit: Work = |fixture, tree| {
        write(tree, "a.txt", "끝\n");
        fixture.git_in(&tree.cwd(), &["commit", "--quiet", "-am", "work"]);
    };
    let ends = |cleared: Cleared| move |_: PathBuf| cleared;
    type End = Box<dyn FnOnce(PathBuf) -> Cleared>;
    let one = Cleared::BranchKept { branch: branch(), commits: 1 };
    let none = Cleared::BranchKept { branch: branch(), commits: 0 };
    let cases: Vec<(&str, Work, End)> = vec![
        ("nothing", |_, _| {}, Box::new(ends(Cleared::Removed))),
        (
            "ignored files that commands made",
            |_, tree| write(tree, "built/x", "1"),
            Box::new(ends(Cleared::Removed)),
        ),
        ("a commit", commit, Box::new(ends(one.clone()))),
        ("a change", |_, tree| write(tree, "a.txt", "끝\n"), Box::new(kept(Unsaved::Changes(1)))),
        ("a new file", |_, tree| write(tree, "새/파일.txt", "1"), Box::new(kept(Unsaved::Changes(1)))),
        (
            "a staged change that was taken back in the file",
            |fixture, tree| {
                write(tree, "a.txt", "끝\n");
                fixture.git_in(&tree.cwd(), &["add", "a.txt"]);
                write(tree, "a.txt", "하나\n");
            },
            Box::new(kept(Unsaved::Changes(1))),
        ),
        (
            "a change that git was told not to look at",
            |fixture, tree| {
                fixture.git_in(&tree.cwd(), &["update-index", "--assume-unchanged", "a.txt"]);
                write(tree, "a.txt", "끝\n");
            },
            Box::new(kept(Unsaved::Changes(1))),
        ),
        (
            "a commit on no branch",
            |fixture, tree| {
                fixture.git_in(&tree.cwd(), &["switch", "--quiet", "--detach"]);
                write(tree, "a.txt", "끝\n");
                fixture.git_in(&tree.cwd(), &["commit", "--quiet", "-am", "work"]);
            },
            Box::new(kept(Unsaved::Unfinished)),
        ),
        (
            "a commit that was left for the branch again",
            |fixture, tree| {
                fixture.git_in(&tree.cwd(), &["switch", "--quiet", "--detach"]);
                write(tree, "a.txt", "끝\n");
                fixture.git_in(&tree.cwd(), &["commit", "--quiet", "-am", "work"]);
                fixture.git_in(&tree.cwd(), &["switch", "--quiet", &branch()]);
            },
            Box::new(kept(Unsaved::Commits)),
        ),
        (
            "a commit that was reset away",
            |fixture, tree| {
                write(tree, "a.txt", "끝\n");
                fixture.git_in(&tree.cwd(), &["commit", "--quiet", "-am", "work"]);
                fixture.git_in(&tree.cwd(), &["reset", "--quiet", "--hard", "HEAD~1"]);
            },
            Box::new(ends(none)),
        ),
        (
            "a commit that was merged",
            |fixture, tree| {
                write(tree, "a.txt", "끝\n");
                fixture.git_in(&tree.cwd(), &["commit", "--quiet", "-am", "work"]);
                fixture.git(&["merge", "--quiet", &branch()]);
            },
            Box::new(ends(one)),
        ),
        (
            "a repository in a folder",
            |fixture, tree| {
                fixture.git_in(&tree.cwd(), &["init", "--quiet", "inner"]);
            },
            Box::new(kept(Unsaved::Changes(1))),
        ),
    ];
    for (name, work, end) in cases {
        let fixture = committed();
        let (tree, made) = make(&fixture).await;
        work(&fixture, &tree);
        let before = everything(&fixture);
        let commits = fixture.git(&["rev-list", "--all", "--reflog"]);
        let folder = tree.cwd();
        let cleared = tree.clear(&[]).await.unwrap();
        assert_eq!(cleared, end(folder.clone()), "{name}");
        let has_branch =
            fixture.try_git(&fixture.root, &["rev-parse", "--verify", &branch()]).status.success();
        let expected = match cleared {
            Cleared::Removed => (false, false),
            Cleared::BranchKept { .. } => (false, true),
            Cleared::Kept { .. } => (true, true),
        };
        assert_eq!((folder.exists(), has_branch), expected, "{name}");
        if expected == (true, true) {
            assert_eq!(everything(&fixture), before, "{name}: nothing was touched");
        }
        let left = fixture.git(&["rev-list", "--all", "--reflog"]);
        let lost = commits.lines().filter(|commit| !left.contains(*commit)).collect::<Vec<_>>();
        assert_eq!(lost, Vec::<&str>::new(), "{name}: no commit became unreachable");
        assert_eq!(fixture.git(&["rev-parse", &format!("{}^{{commit}}", made.base)]).trim(), made.base);
    }
}

/// Ignored files: what commands make goes, what the session wrote or changed stays.
#[tokio::test]
async fn ignored_files_that_are_work_keep_the_worktree() {
    let fixture = committed();
    fixture.write("local.env", "KEY=1\n");
    fixture.write("other.env", "KEY=2\n");
    fixture.write(".worktreeinclude", "*.env\n!other.env\n");
    let (tree, made) = make(&fixture).await;
    assert_eq!((made.copied, read(&tree.cwd(), "local.env")), (1, Some("KEY=1\n".to_owned())));
    assert_eq!(read(&tree.cwd(), "other.env"), None, "a negated pattern");
    let kept = |path: &str| Cleared::Kept {
        branch: branch(),
        folder: tree.cwd(),
        unsaved: Unsaved::Ignored(vec![path.to_owned()]),
    };
    write(&tree, "local.env", "KEY=changed\n");
    assert_eq!(tree.clear(&[]).await.unwrap(), kept("local.env"));
    write(&tree, "local.env", "KEY=1\n");
    write(&tree, "built/notes.txt", "written by the coder");
    assert_eq!(tree.clear(&["built/notes.txt".to_owned()]).await.unwrap(), kept("built/notes.txt"));
    fs::remove_file(tree.cwd().join("local.env")).unwrap();
    let written = ["a.txt", "gone.txt", "../../etc/passwd"].map(str::to_owned);
    assert_eq!(tree.clear(&written).await.unwrap(), Cleared::Removed);
}

#[tokio::test]
async fn what_worktreeinclude_names_is_copied_within_bounds_and_through_no_link() {
    let fixture = Fixture::committed(&[(".gitignore", "secret/\n*.env\n*.big\nlinks/\nconf/\n"), ("a", "a")]);
    fs::write(fixture.base().join("outside"), "not ours").unwrap();
    fixture.write("secret/깊은/열쇠.pem", "key");
    fs::set_permissions(fixture.root.join("secret/깊은/열쇠.pem"), fs::Permissions::from_mode(0o600))
        .unwrap();
    fixture.write("x.env", "X");
    fixture.write("untracked.txt", "not ignored, so it is not copied");
    fs::File::create(fixture.root.join("huge.big")).unwrap().set_len(21 << 20).unwrap();
    fs::create_dir(fixture.root.join("links")).unwrap();
    symlink("../../outside", fixture.root.join("links/out")).unwrap();
    symlink(fixture.base(), fixture.root.join("links/folder")).unwrap();
    // The commit has a link where the person has a folder by now.
    symlink(fixture.base(), fixture.root.join("conf")).unwrap();
    fixture.git(&["add", "--force", "conf"]);
    fixture.git(&["commit", "--quiet", "-m", "a link"]);
    fixture.remove("conf");
    fixture.write("conf/y.env", "Y");
    fixture.write(
        ".worktreeinclude",
        "# what tests need\nsecret/**\n*.env\nhuge.big\nlinks/*\n/untracked.txt\nconf/\n",
    );
    let (tree, made) = make(&fixture).await;
    let named = [
        ("conf/y.env", Refused::Link),
        ("huge.big", Refused::Large),
        ("links/folder", Refused::Link),
        ("links/out", Refused::Link),
    ];
    let named = named.map(|(path, why)| (path.to_owned(), why)).into();
    assert_eq!((made.copied, made.not_copied), (2, NotCopied { named, more: 0 }));
    assert_eq!(read(&tree.cwd(), "secret/깊은/열쇠.pem").as_deref(), Some("key"));
    let key = fs::metadata(tree.cwd().join("secret/깊은/열쇠.pem")).unwrap();
    assert_eq!(key.permissions().mode() & 0o777, 0o600);
    assert_eq!(read(&tree.cwd(), "x.env").as_deref(), Some("X"));
    assert_eq!(read(&tree.cwd(), "untracked.txt"), None);
    assert!(!fixture.base().join("y.env").exists(), "nothing was written through the link");
    assert_eq!(fs::read_dir(tree.cwd().parent().unwrap()).unwrap().count(), 2, "the tree and its note");
    assert_eq!(tree.clear(&[]).await.unwrap(), Cleared::Removed);
}

#[tokio::test]
async fn a_link_that_poses_as_worktreeinclude_names_nothing() {
    let fixture = committed();
    fixture.write("x.env", "X");
    fs::write(fixture.base().join("patterns"), "*.env\n").unwrap();
    symlink(fixture.base().join("patterns"), fixture.root.join(".worktreeinclude")).unwrap();
    let (tree, made) = make(&fixture).await;
    assert_eq!((made.copied, read(&tree.cwd(), "x.env")), (0, None));
}

#[tokio::test]
async fn no_hook_and_no_filter_of_the_repository_runs() {
    let fixture = Fixture::committed(&[("a.txt", "stored\n"), (".gitattributes", "*.txt filter=evil\n")]);
    let mark = fixture.base().join("ran");
    let run = format!("touch '{}'; cat", mark.display());
    for key in ["clean", "smudge"] {
        fixture.git(&["config", &format!("filter.evil.{key}"), &run]);
    }
    fixture.git(&["config", "filter.evil.required", "true"]);
    fixture.git(&["config", "core.fsmonitor", &run]);
    for hook in ["post-checkout", "reference-transaction", "post-index-change"] {
        let place = fixture.root.join(".git/hooks").join(hook);
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        fs::write(&place, format!("#!/bin/sh\n{run}\n")).unwrap();
        fs::set_permissions(&place, fs::Permissions::from_mode(0o755)).unwrap();
    }
    // As new as the index, so that git has to look at its content.
    fixture.write("a.txt", "stored\n");
    drop(fs::remove_file(&mark));
    let (tree, made) = make(&fixture).await;
    assert!(made.is_unfiltered);
    assert_eq!(read(&tree.cwd(), "a.txt").as_deref(), Some("stored\n"));
    assert_eq!(tree.clear(&[]).await.unwrap(), Cleared::Removed);
    assert!(!mark.exists(), "something of the repository ran");
}

#[tokio::test]
async fn a_session_in_a_subfolder_works_in_the_same_one() {
    let fixture = committed();
    fs::create_dir_all(fixture.root.join("폴더/빈")).unwrap();
    for (workspace, there) in [("폴더", "b.txt"), ("폴더/빈", "")] {
        let (tree, _) = Worktree::make(settings(&fixture, workspace)).await.unwrap();
        assert!(tree.cwd().ends_with(workspace), "{:?}", tree.cwd());
        assert!(tree.cwd().join(there).exists());
        assert_eq!(tree.clear(&[]).await.unwrap(), Cleared::Removed);
    }
    fixture.remove("a.txt");
    fs::create_dir(fixture.root.join("a.txt")).unwrap();
    let refused = Worktree::make(settings(&fixture, "a.txt")).await.unwrap_err();
    assert!(matches!(refused, WorktreeError::Subfolder(_)), "{refused}");
    assert_eq!(fixture.git(&["worktree", "list"]).lines().count(), 1, "nothing is left of it");
    assert_eq!(fixture.git(&["branch", "--list", "better-llm/*"]), "");
}

#[tokio::test]
async fn where_there_is_nothing_to_begin_from_the_way_out_is_said() {
    async fn check(fixture: &Fixture, workspace: &str, expected: &str) {
        let error = Worktree::make(settings(fixture, workspace)).await.unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
        assert!(!fixture.base().join("우리 데이터/worktrees").join(SESSION.to_string()).exists());
    }
    check(&Fixture::plain(), "", "is in no git repository: run `git init`").await;
    check(&Fixture::repository(), "", "has no commit yet").await;
    check(&committed(), ".git", "is git's own folder").await;
    let bare = Fixture::plain();
    bare.git(&["init", "--quiet", "--bare"]);
    check(&bare, "", "a repository without files").await;
    let branched = committed();
    branched.git(&["branch", "better-llm"]);
    check(&branched, "", "a branch named `better-llm` is in the way").await;
    let mut gitless = committed();
    gitless.environment.insert("PATH".into(), gitless.base().join("nowhere").into_os_string());
    check(&gitless, "", "git is not in PATH").await;
    let fixture = committed();
    let (tree, _) = make(&fixture).await;
    let inside = WorktreeSettings {
        workspace: tree.cwd(),
        session: SessionId::new(Ulid(2)),
        ..settings(&fixture, "")
    };
    let error = Worktree::make(inside).await.unwrap_err();
    assert!(matches!(error, WorktreeError::Inside(_)), "{error}");
}

/// A worktree of the person's own is a work tree as any.
#[tokio::test]
async fn a_worktree_can_begin_in_a_linked_one() {
    let fixture = committed();
    let linked = fixture.base().join("linked");
    fixture.git(&["worktree", "add", "--quiet", "-b", "side", linked.to_str().unwrap()]);
    let settings = WorktreeSettings { workspace: linked, ..settings(&fixture, "") };
    let (tree, _) = Worktree::make(settings).await.unwrap();
    assert_eq!(read(&tree.cwd(), "a.txt").as_deref(), Some("하나\n"));
    assert_eq!(tree.clear(&[]).await.unwrap(), Cleared::Removed);
    assert_eq!(fixture.git(&["worktree", "list"]).lines().count(), 2);
}

#[tokio::test]
async fn a_worktree_is_found_again_and_made_again_from_its_branch() {
    let fixture = committed();
    assert!(Worktree::known(settings(&fixture, "")).await.unwrap().is_none(), "there never was one");
    let (tree, _) = make(&fixture).await;
    write(&tree, "a.txt", "밤새 고침\n");
    drop(tree);
    let (tree, was_made) = again(&fixture).await;
    assert_eq!((was_made, read(&tree.cwd(), "a.txt").as_deref()), (false, Some("밤새 고침\n")));
    fixture.git_in(&tree.cwd(), &["commit", "--quiet", "-am", "work"]);
    let kept = Cleared::BranchKept { branch: branch(), commits: 1 };
    assert_eq!(tree.clear(&[]).await.unwrap(), kept);
    let (tree, was_made) = again(&fixture).await;
    assert_eq!((was_made, read(&tree.cwd(), "a.txt").as_deref()), (true, Some("밤새 고침\n")));
    assert_eq!(tree.clear(&[]).await.unwrap(), kept);
    fixture.git(&["switch", "--quiet", &branch()]);
    let mut tree = Worktree::known(settings(&fixture, "")).await.unwrap().unwrap();
    let taken = tree.make_again().await.unwrap_err();
    assert!(matches!(taken, WorktreeError::BranchTaken { .. }), "{taken}");
    fixture.git(&["switch", "--quiet", "main"]);
    fixture.git(&["branch", "--quiet", "-D", &branch()]);
    let (tree, was_made) = again(&fixture).await;
    assert_eq!((was_made, read(&tree.cwd(), "a.txt").as_deref()), (true, Some("하나\n")));
    fs::remove_dir_all(tree.cwd()).unwrap();
    let (tree, was_made) = again(&fixture).await;
    assert_eq!((was_made, read(&tree.cwd(), "a.txt").as_deref()), (true, Some("하나\n")));
    assert_eq!(tree.clear(&[]).await.unwrap(), Cleared::Removed);
    fs::create_dir(tree.cwd()).unwrap();
    let mut tree = Worktree::known(settings(&fixture, "")).await.unwrap().unwrap();
    let broken = tree.make_again().await.unwrap_err();
    assert!(matches!(broken, WorktreeError::Broken(_)), "{broken}");
}

#[tokio::test]
async fn a_folder_that_is_no_worktree_any_more_is_left_alone() {
    let fixture = committed();
    let (tree, _) = make(&fixture).await;
    fs::remove_file(tree.cwd().join(".git")).unwrap();
    let cleared = tree.clear(&[]).await.unwrap();
    let Cleared::Kept { unsaved: Unsaved::Unknown(_), .. } = cleared else { panic!("{cleared:?}") };
    assert!(tree.cwd().join("a.txt").exists());
}

#[tokio::test]
async fn a_lock_on_the_persons_index_holds_nothing_up() {
    let fixture = committed();
    fixture.write(".git/index.lock", "");
    let (tree, made) = make(&fixture).await;
    assert_eq!(made.left_out, Some(0));
    assert_eq!(tree.clear(&[]).await.unwrap(), Cleared::Removed);
}

#[tokio::test]
async fn submodules_stay_empty_and_one_that_was_filled_keeps_the_worktree() {
    let library = Fixture::committed(&[("lib.txt", "lib")]);
    let fixture = committed();
    fixture.git(&["submodule", "--quiet", "add", library.root.to_str().unwrap(), "모듈"]);
    fixture.git(&["commit", "--quiet", "-m", "a submodule"]);
    let (tree, _) = make(&fixture).await;
    assert_eq!(fs::read_dir(tree.cwd().join("모듈")).unwrap().count(), 0);
    fixture.git_in(&tree.cwd(), &["submodule", "--quiet", "update", "--init"]);
    let kept = Cleared::Kept {
        branch: branch(),
        folder: tree.cwd(),
        unsaved: Unsaved::Submodule("모듈".to_owned()),
    };
    assert_eq!(tree.clear(&[]).await.unwrap(), kept);
    fixture.git_in(&tree.cwd(), &["submodule", "--quiet", "deinit", "--force", "--all"]);
    let cleared = tree.clear(&[]).await.unwrap();
    // Git keeps the submodule's repository in the worktree's own folder, and does not remove that.
    let Cleared::Kept { unsaved: Unsaved::Unknown(_), .. } = cleared else { panic!("{cleared:?}") };
}

/// Whoever looks at the repository in a fresh clone sees the commits of a session in its branch.
#[tokio::test]
async fn a_branch_that_is_checked_out_elsewhere_stays() {
    let fixture = committed();
    let (tree, _) = make(&fixture).await;
    let other = fixture.base().join("other");
    fixture.git(&["worktree", "add", "--quiet", "--force", other.to_str().unwrap(), &branch()]);
    let cleared = tree.clear(&[]).await.unwrap();
    assert_eq!(cleared, Cleared::BranchKept { branch: branch(), commits: 0 });
    assert_eq!(fixture.git_in(&other, &["branch", "--show-current"]).trim(), branch());
}
