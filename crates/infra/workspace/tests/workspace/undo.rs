//! O-29: undo brings back exactly what a round changed.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::{
        ffi::OsStrExt,
        fs::{PermissionsExt, symlink},
    },
    path::{Path, PathBuf},
};

use domain::{
    ports::WorkspacePort,
    workspace::{Checkpoint, UndoError, UndoKind, UndoPlan, Undone},
};

use crate::fixture::{Fixture, commit};

/// Everything in a folder but `.git`: what it is, its permissions and its content.
pub(crate) fn picture(root: &Path) -> BTreeMap<PathBuf, (u32, Vec<u8>)> {
    let mut picture = BTreeMap::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.file_name().unwrap() == ".git" {
                continue;
            }
            let data = path.symlink_metadata().unwrap();
            let content = if data.is_symlink() {
                fs::read_link(&path).unwrap().as_os_str().as_bytes().to_vec()
            } else if data.is_dir() {
                folders.push(path.clone());
                Vec::new()
            } else {
                fs::read(&path).unwrap()
            };
            picture.insert(path, (data.permissions().mode(), content));
        }
    }
    picture
}

pub(crate) fn set_mode(fixture: &Fixture, path: &str, mode: u32) {
    fs::set_permissions(fixture.root.join(path), fs::Permissions::from_mode(mode)).unwrap();
}

/// What a plan would do: `~restore`, `+recreate`, `-remove`.
pub(crate) fn files(plan: &UndoPlan) -> Vec<String> {
    let mark = |what| match what {
        UndoKind::Restore => '~',
        UndoKind::Recreate => '+',
        UndoKind::Remove => '-',
    };
    plan.files.iter().map(|file| format!("{}{}", mark(file.what), file.path)).collect()
}

/// Undoes a round in another process than the one that worked, and takes that back, too.
async fn check_undo(fixture: &Fixture, round: impl FnOnce(&Fixture), expected: &[&str]) {
    let before = picture(&fixture.root);
    let session = fixture.workspace();
    let begin = session.checkpoint().await.unwrap();
    round(fixture);
    let end = session.checkpoint().await.unwrap();
    drop(session);
    let after = picture(&fixture.root);
    let later = fixture.workspace();
    let plan = later.undo_plan(&begin, Some(&end), None).await.unwrap();
    assert_eq!(files(&plan), expected, "{plan:?}");
    assert_eq!(plan.refused, []);
    assert_eq!(picture(&fixture.root), after, "a plan touches nothing");
    let done = later.undo(&plan).await.unwrap();
    assert_eq!(done.files, plan.files);
    assert_eq!(picture(&fixture.root), before);
    assert!(matches!(later.undo(&plan).await, Err(UndoError::Outdated)));
    drop(later);
    let last = fixture.workspace();
    let back = last.undo_plan(&done.kept, Some(&done.now), None).await.unwrap();
    last.undo(&back).await.unwrap();
    assert_eq!(picture(&fixture.root), after, "an undo can be undone");
}

/// Every kind of change that a round can make to files.
fn change_everything(fixture: &Fixture) {
    fixture.write("changed.txt", "2\n");
    fixture.write("dirty.txt", "3\n");
    fixture.write("untracked.txt", "2\n");
    fixture.remove("deleted.txt");
    fixture.write("new/deep/created.txt", "new\n");
    fixture.write("logs/created.txt", "new\n");
    fs::create_dir(fixture.root.join("new/empty")).unwrap();
    set_mode(fixture, "script.sh", 0o644);
    set_mode(fixture, "private.txt", 0o640);
    fs::remove_file(fixture.root.join("link")).unwrap();
    symlink("changed.txt", fixture.root.join("link")).unwrap();
    fs::remove_dir_all(fixture.root.join("folder")).unwrap();
    fixture.write("folder", "now a file\n");
    fixture.remove("file");
    fixture.write("file/inner/x", "now in a folder\n");
    fixture.write("picture.bin", b"\0\xff\xfe2");
    fixture.write("crlf.txt", "two\r\n");
}

fn everything(fixture: &Fixture) {
    for (path, content) in [
        ("changed.txt", "1\n"),
        ("dirty.txt", "1\n"),
        ("deleted.txt", "1\n"),
        ("script.sh", "#!/bin/sh\n"),
        ("private.txt", "mine\n"),
        ("folder/a", "a\n"),
        ("folder/b/c", "c\n"),
        ("file", "f\n"),
        ("crlf.txt", "one\r\n"),
    ] {
        fixture.write(path, content);
    }
    fixture.write("picture.bin", b"\0\xff\xfe1");
    set_mode(fixture, "script.sh", 0o755);
    set_mode(fixture, "private.txt", 0o600);
    symlink("deleted.txt", fixture.root.join("link")).unwrap();
}

fn dirt(fixture: &Fixture) {
    fixture.write("dirty.txt", "2\n");
    fixture.write("untracked.txt", "1\n");
    fs::create_dir(fixture.root.join("logs")).unwrap();
    set_mode(fixture, "logs", 0o750);
}

const EVERYTHING: [&str; 17] = [
    "~changed.txt",
    "~crlf.txt",
    "+deleted.txt",
    "~dirty.txt",
    "+file",
    "-file/inner/x",
    "-folder",
    "+folder/a",
    "+folder/b/c",
    "~link",
    "-logs/created.txt",
    "-new/deep/created.txt",
    "~picture.bin",
    "~private.txt",
    "~script.sh",
    "~untracked.txt",
    "",
];

#[tokio::test]
async fn o_29_undo_brings_back_exactly_what_a_round_changed() {
    let fixture = Fixture::repository();
    everything(&fixture);
    fixture.git(&["add", "--all"]);
    fixture.git(&["commit", "--quiet", "--message=first"]);
    dirt(&fixture);
    let status = fixture.git(&["status", "--porcelain"]);
    // The folder that the round made and left empty is no file, and stays where files of the round were beside it.
    let round = |fixture: &Fixture| {
        change_everything(fixture);
        fs::remove_dir(fixture.root.join("new/empty")).unwrap();
    };
    check_undo(&fixture, round, EVERYTHING.get(..16).unwrap()).await;
    let last = fixture.workspace();
    assert_ne!(fixture.git(&["status", "--porcelain"]), status, "the undo was undone");
    drop(last);
}

#[tokio::test]
async fn o_29_undo_works_without_git_as_with_it() {
    let fixture = Fixture::plain();
    everything(&fixture);
    dirt(&fixture);
    let round = |fixture: &Fixture| {
        change_everything(fixture);
        fs::remove_dir(fixture.root.join("new/empty")).unwrap();
    };
    check_undo(&fixture, round, EVERYTHING.get(..16).unwrap()).await;
}

#[tokio::test]
async fn o_29_undo_works_in_a_folder_of_a_repository() {
    let mut fixture = Fixture::committed(&[("part/a.txt", "1\n"), ("other.txt", "1\n")]);
    let top = fixture.root.clone();
    fixture.root = top.join("part");
    check_undo(&fixture, |fixture| fixture.write("a.txt", "2\n"), &["~a.txt"]).await;
}

/// Git stores the first as it is not: with other line ends, without its id, in another encoding.
#[tokio::test]
async fn o_29_undo_brings_back_bytes_that_git_converts() {
    let attributes = "*.txt text\n*.id ident\n*.u16 working-tree-encoding=UTF-16\n*.bat text eol=crlf\n";
    let fixture = Fixture::committed(&[(".gitattributes", attributes), ("c.txt", "c\n")]);
    fixture.write("a.txt", "one\r\ntwo\r\n");
    fixture.write("b.id", "$Id$\n");
    fixture.write("d.bat", "x\r\n");
    let wide = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>();
    fixture.write("e.u16", [b"\xff\xfe".as_slice(), &wide("가나\n")].concat());
    fixture.git(&["add", "--all"]);
    fixture.git(&["commit", "--quiet", "--message=second"]);
    fixture.write("b.id", "$Id: 123 $\n");
    fixture.write("c.txt", "dirty\r\nmixed\n");
    let round = |fixture: &Fixture| {
        for name in ["a.txt", "b.id", "c.txt", "d.bat", "e.u16"] {
            fixture.write(name, "changed\n");
        }
    };
    check_undo(&fixture, round, &["~a.txt", "~b.id", "~c.txt", "~d.bat", "~e.u16"]).await;
    let only_ends = |fixture: &Fixture| fixture.write("a.txt", "one\ntwo\n");
    check_undo(&fixture, only_ends, &["~a.txt"]).await;
}

/// P13.
#[tokio::test]
async fn o_29_names_of_all_scripts_are_put_back() {
    const NAMES: [&str; 10] = [
        "a b.txt",
        "line\nbreak.txt",
        "\u{d55c}\u{ae00}.txt",
        "\u{1112}\u{1161}\u{11ab}\u{1100}\u{1173}\u{11af}.txt",
        "👩‍👩‍👧‍👦 family.txt",
        "שלום עולם.txt",
        ":(exclude)x.txt",
        "-rf.txt",
        "*.txt",
        "back\\slash.txt",
    ];
    for fixture in [Fixture::committed(&[("seed", "")]), Fixture::plain()] {
        for name in NAMES {
            fixture.write(name, "one\n");
        }
        let mut expected = NAMES.map(|name| format!("~{name}"));
        expected.sort_by(|one, other| one.as_bytes().cmp(other.as_bytes()));
        let expected = expected.each_ref().map(String::as_str);
        let round = |fixture: &Fixture| NAMES.iter().for_each(|name| fixture.write(name, "two\n"));
        check_undo(&fixture, round, &expected).await;
        let round = |fixture: &Fixture| NAMES.iter().for_each(|name| fixture.remove(name));
        check_undo(
            &fixture,
            round,
            &expected.map(|name| name.replacen('~', "+", 1)).each_ref().map(String::as_str),
        )
        .await;
    }
}

/// P13: its name is shown as well as it can be, and used as it is.
#[tokio::test]
async fn o_29_a_name_that_is_not_utf_8_is_put_back() {
    use std::ffi::OsStr;
    for fixture in [Fixture::committed(&[("seed", "")]), Fixture::plain()] {
        let place = fixture.root.join(OsStr::from_bytes(b"caf\xe9.txt"));
        fs::write(&place, "1").unwrap();
        check_undo(&fixture, |_| fs::write(&place, "2").unwrap(), &["~caf\u{fffd}.txt"]).await;
    }
}

async fn round_of(fixture: &Fixture, round: impl FnOnce(&Fixture)) -> (Checkpoint, Checkpoint) {
    let session = fixture.workspace();
    let begin = session.checkpoint().await.unwrap();
    round(fixture);
    (begin, session.checkpoint().await.unwrap())
}

async fn undo(fixture: &Fixture, begin: &Checkpoint, end: Option<&Checkpoint>) -> Undone {
    let later = fixture.workspace();
    let plan = later.undo_plan(begin, end, None).await.unwrap();
    later.undo(&plan).await.unwrap()
}

#[tokio::test]
async fn the_diff_of_a_plan_leads_from_now_to_then() {
    for fixture in [Fixture::committed(&[("seed", "")]), Fixture::plain()] {
        fixture.write("a.txt", "one\ntwo\n");
        let (begin, end) = round_of(&fixture, |fixture| {
            fixture.write("a.txt", "one\n둘\n");
            fixture.write("b.txt", "b\n");
        })
        .await;
        let plan = fixture.workspace().undo_plan(&begin, Some(&end), None).await.unwrap();
        assert!(plan.diff.contains(" one\n-둘\n+two\n"), "{}", plan.diff);
        assert!(
            plan.diff.contains("--- a/b.txt\n+++ /dev/null\n@@ -1 +0,0 @@\n-b\n")
                || plan.diff.contains("-b\n"),
            "{}",
            plan.diff
        );
    }
}

#[tokio::test]
async fn paths_limit_an_undo_to_files_and_folders() {
    let fixture = Fixture::committed(&[("a/x", "1\n"), ("a/y", "1\n"), ("ab", "1\n"), ("c", "1\n")]);
    let (begin, end) = round_of(&fixture, |fixture| {
        for path in ["a/x", "a/y", "ab", "c"] {
            fixture.write(path, "2\n");
        }
    })
    .await;
    let later = fixture.workspace();
    let plan = async |paths: &[&str]| {
        let paths = paths.iter().map(|path| (*path).to_owned()).collect::<Vec<_>>();
        later.undo_plan(&begin, Some(&end), Some(&paths)).await
    };
    assert_eq!(files(&plan(&["."]).await.unwrap()), ["~a/x", "~a/y", "~ab", "~c"]);
    assert!(plan(&["../x"]).await.is_err());
    let some = plan(&["a", "c", "nothing"]).await.unwrap();
    assert_eq!(files(&some), ["~a/x", "~a/y", "~c"]);
    assert_eq!(some.unchanged, ["nothing"]);
    later.undo(&some).await.unwrap();
    assert_eq!(fs::read_to_string(fixture.root.join("ab")).unwrap(), "2\n");
    assert_eq!(files(&plan(&["."]).await.unwrap()), ["~ab"], "the others are back already");
}

#[tokio::test]
async fn files_that_new_ignore_rules_hide_are_put_back_too() {
    let fixture = Fixture::committed(&[(".gitignore", "*.log\n"), ("a.txt", "1\n"), ("x.log", "kept\n")]);
    fixture.write("untracked.txt", "1\n");
    let round = |fixture: &Fixture| {
        fixture.write(".gitignore", "*\n");
        fixture.write("hidden.txt", "new\n");
        fixture.write("untracked.txt", "2\n");
    };
    check_undo(&fixture, round, &["~.gitignore", "-hidden.txt", "~untracked.txt"]).await;
}

#[tokio::test]
async fn commits_stay_and_are_named() {
    let fixture = Fixture::committed(&[("a.txt", "1\n"), ("b.txt", "1\n")]);
    let session = fixture.workspace();
    let begin = session.checkpoint().await.unwrap();
    fixture.write("a.txt", "2\n");
    let id = commit(&session, &begin, None).await.unwrap().id;
    fixture.write("b.txt", "2\n");
    let end = session.checkpoint().await.unwrap();
    drop(session);
    let later = fixture.workspace();
    let plan = later.undo_plan(&begin, Some(&end), None).await.unwrap();
    assert_eq!(plan.commits, std::slice::from_ref(&id));
    assert_eq!(files(&plan), ["~a.txt", "~b.txt"]);
    later.undo(&plan).await.unwrap();
    assert_eq!(fixture.git(&["rev-parse", "HEAD"]).trim(), id);
    assert_eq!(fixture.git(&["status", "--porcelain"]), " M a.txt\n", "the commit alone is left");
}

#[tokio::test]
async fn the_index_shows_nothing_of_the_round() {
    let fixture =
        Fixture::committed(&[("a.txt", "1\n"), ("b.txt", "1\n"), ("c.txt", "1\n"), ("d.txt", "1\n")]);
    fixture.write("b.txt", "staged\n");
    fixture.git(&["add", "b.txt"]);
    fixture.write("b.txt", "staged and changed\n");
    let before = fixture.git(&["status", "--porcelain"]);
    let staged = fixture.git(&["diff", "--cached"]);
    let (begin, end) = round_of(&fixture, |fixture| {
        fixture.write("a.txt", "2\n");
        fixture.write("b.txt", "2\n");
        fixture.write("new.txt", "2\n");
        fixture.git(&["add", "--all"]);
        fixture.git(&["rm", "--quiet", "c.txt"]);
    })
    .await;
    fixture.write("d.txt", "the person's\n");
    fixture.git(&["add", "d.txt"]);
    undo(&fixture, &begin, Some(&end)).await;
    assert_eq!(fixture.git(&["status", "--porcelain"]), format!("{before}M  d.txt\n"));
    fixture.git(&["reset", "--quiet", "d.txt"]);
    assert_eq!(fixture.git(&["diff", "--cached"]), staged);
}

#[tokio::test]
async fn an_undo_without_staged_work_writes_nothing_into_git() {
    let fixture = Fixture::committed(&[("a.txt", "1\n")]);
    let (begin, end) = round_of(&fixture, |fixture| fixture.write("a.txt", "2\n")).await;
    let before = fixture.git_files();
    undo(&fixture, &begin, Some(&end)).await;
    assert_eq!(fixture.git_files(), before);
}

/// A round that was cut off has no end: all that differs counts as its work.
#[tokio::test]
async fn a_round_that_was_cut_off_is_undone_against_the_present() {
    for fixture in [Fixture::committed(&[("seed", "")]), Fixture::plain()] {
        fixture.write("a.txt", "1\n");
        fixture.write("untracked.txt", "1\n");
        let before = picture(&fixture.root);
        let begin = fixture.workspace().checkpoint().await.unwrap();
        fixture.write("a.txt", "2\n");
        fixture.write("b.txt", "new\n");
        fixture.write(".gitignore", "untracked.txt\n");
        let plan = fixture.workspace().undo_plan(&begin, None, None).await.unwrap();
        assert_eq!(files(&plan), ["-.gitignore", "~a.txt", "-b.txt"]);
        undo(&fixture, &begin, None).await;
        assert_eq!(picture(&fixture.root), before);
    }
}

#[tokio::test]
async fn files_of_nested_repositories_are_put_back_and_their_git_folders_untouched() {
    let fixture = Fixture::committed(&[("a.txt", "1\n")]);
    fixture.write("lib/x.txt", "1\n");
    fixture.git_in(&fixture.root.join("lib"), &["init", "--quiet"]);
    let round = |fixture: &Fixture| {
        fixture.write("lib/x.txt", "2\n");
        fixture.write("lib/.git/description", "changed by the round\n");
    };
    check_undo(&fixture, round, &["~lib/x.txt"]).await;
    assert_eq!(
        fs::read_to_string(fixture.root.join("lib/.git/description")).unwrap(),
        "changed by the round\n"
    );
}

#[tokio::test]
async fn many_files_go_back_in_one_undo() {
    let fixture = Fixture::committed(&[("seed", "")]);
    for number in 0..1_500 {
        fixture.write(&format!("folder of files/{number} 파일.txt"), format!("{number}\n"));
    }
    let before = picture(&fixture.root);
    let (begin, end) = round_of(&fixture, |fixture| {
        fs::remove_dir_all(fixture.root.join("folder of files")).unwrap();
    })
    .await;
    let done = undo(&fixture, &begin, Some(&end)).await;
    assert_eq!(done.files.len(), 1_500);
    assert_eq!(picture(&fixture.root), before);
}
