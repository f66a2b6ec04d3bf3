//! P13: names with spaces, newlines, NFC and NFD Hangul, emoji and right-to-left text round-trip exactly.

use std::fs;

use domain::ports::WorkspacePort;

use crate::fixture::{Fixture, changes, commit};

const NAMES: [&str; 12] = [
    "a b.txt",
    "line\nbreak.txt",
    "tab\tand \"quotes\".txt",
    "back\\slash.txt",
    "\u{d55c}\u{ae00}.txt",
    "\u{1112}\u{1161}\u{11ab}\u{1100}\u{1173}\u{11af}.txt",
    "👩‍👩‍👧‍👦 family.txt",
    "שלום עולם.txt",
    ":(exclude)x.txt",
    "-rf.txt",
    "*.txt",
    "trailing ",
];

async fn check(fixture: &Fixture) {
    let workspace = fixture.workspace();
    let start = workspace.checkpoint().await.unwrap();
    let mut sorted = NAMES;
    sorted.sort_unstable();
    for name in NAMES {
        fixture.write(name, "one\n");
    }
    assert_eq!(changes(&workspace, &start).await, sorted.map(|name| format!("+{name}")));
    let created = workspace.checkpoint().await.unwrap();
    for name in NAMES {
        fixture.write(name, "two\n");
        assert_eq!(changes(&workspace, &created).await, [format!("~{name}")]);
        let diff = workspace.diff(Some(&created), Some(name)).await.unwrap();
        assert!(diff.ends_with("@@ -1 +1 @@\n-one\n+two\n"), "{name:?}: {diff}");
        fixture.write(name, "one\n");
    }
    for name in NAMES {
        fixture.remove(name);
    }
    assert_eq!(changes(&workspace, &created).await, sorted.map(|name| format!("-{name}")));
}

#[tokio::test]
async fn names_of_all_scripts_round_trip_in_git() {
    check(&Fixture::committed(&[("seed", "")])).await;
}

#[tokio::test]
async fn names_of_all_scripts_round_trip_without_git() {
    check(&Fixture::plain()).await;
}

#[tokio::test]
async fn names_of_all_scripts_can_be_committed() {
    let fixture = Fixture::committed(&[("seed", "")]);
    let workspace = fixture.workspace();
    let start = workspace.checkpoint().await.unwrap();
    for name in NAMES {
        fixture.write(name, "one\n");
    }
    let done = commit(&workspace, &start, Some(&NAMES)).await.unwrap();
    let mut sorted = NAMES.map(str::to_owned);
    sorted.sort_unstable();
    assert_eq!(done.paths, sorted);
    assert_eq!(fixture.git(&["status", "--porcelain"]), "");
    let listed = fixture.git(&["ls-tree", "-z", "--name-only", "HEAD"]);
    let mut listed = listed.split_terminator('\0').filter(|name| *name != "seed").collect::<Vec<_>>();
    listed.sort_unstable();
    assert_eq!(listed, sorted);
}

#[tokio::test]
async fn a_name_that_is_not_utf_8_is_shown_as_well_as_it_can_be() {
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt};
    let fixture = Fixture::committed(&[("seed", "")]);
    let workspace = fixture.workspace();
    let start = workspace.checkpoint().await.unwrap();
    fs::write(fixture.root.join(OsStr::from_bytes(b"caf\xe9.txt")), "x").unwrap();
    assert_eq!(changes(&workspace, &start).await, ["+caf\u{fffd}.txt"]);
    assert_eq!(commit(&workspace, &start, None).await.unwrap().paths, ["caf\u{fffd}.txt"]);
    assert_eq!(fixture.git(&["status", "--porcelain"]), "");
}

/// A `.GIT` folder is a folder like others here, and git takes no file of it: its files are known by times.
#[tokio::test]
async fn names_that_git_refuses_break_nothing() {
    let fixture = Fixture::committed(&[("seed", "")]);
    let workspace = fixture.workspace();
    let start = workspace.checkpoint().await.unwrap();
    fixture.write(".GIT/x", "one");
    std::os::unix::fs::symlink("seed", fixture.root.join(".gitmodules")).unwrap();
    assert_eq!(changes(&workspace, &start).await, ["+.GIT/x", "+.gitmodules"]);
    fixture.remove(".GIT/x");
    assert_eq!(changes(&workspace, &start).await, ["+.gitmodules"]);
}
