//! What a commit of the engine's stores is what `git add` would: line ends, `$Id$`, encodings, links, programs.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
};

use domain::ports::WorkspacePort;

use crate::fixture::{Fixture, commit};

/// The tree that git would make of the work tree and `HEAD`.
fn added(fixture: &Fixture) -> String {
    let index = fixture.base().join("expected-index");
    let git = |args: &[&str]| {
        let alias = format!("GIT_INDEX_FILE='{}' git", index.display());
        let words = args.join(" ");
        fixture.git(&["-c", &format!("alias.x=!cd \"$GIT_PREFIX.\" && {alias} {words}"), "x"])
    };
    git(&["read-tree", "HEAD"]);
    git(&["add", "--all", "."]);
    git(&["write-tree"]).trim().to_owned()
}

fn write_files(root: &Path) {
    for (path, content) in [
        ("dos.txt", "one\r\ntwo\r\n".as_bytes()),
        ("unix.txt", b"one\ntwo\n"),
        ("mixed.txt", b"one\r\ntwo\n"),
        ("was-dos.txt", b"three\r\nfour\r\n"),
        ("was-unix.txt", b"three\r\nfour\r\n"),
        ("binary.bin", b"\r\n\0\r\n"),
        ("sub/deep/dos.txt", b"one\r\n"),
        ("sub/dos.bat", b"one\r\n"),
        ("sub/id.c", b"/* $Id: old $ */\r\n"),
        ("sub/wide.u16", b"\xff\xfea\0\r\0\n\0"),
        ("\u{d55c}\u{ae00} \u{1f468}\u{200d}\u{1f469}/\u{c774}\u{b984}.txt", b"\xea\xb0\x80\r\n"),
        ("empty", b""),
    ] {
        let place = root.join(path);
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        fs::write(place, content).unwrap();
    }
    fs::write(root.join("run.sh"), "#!/bin/sh\r\n").unwrap();
    fs::set_permissions(root.join("run.sh"), fs::Permissions::from_mode(0o755)).unwrap();
    fs::set_permissions(root.join("was-run.sh"), fs::Permissions::from_mode(0o644)).unwrap();
    symlink("../out\r\nside", root.join("sub/link")).unwrap();
}

/// Compares after settings, and attributes by place (from the top, of which the workspace is `root`), were given.
async fn check(root: &str, settings: &[(&str, &str)], attributes: &[(&str, &str)]) {
    let fixture = Fixture::repository();
    let inside = PathBuf::from(root);
    let path = |name: &str| inside.join(name).display().to_string();
    fixture.write(&path("was-dos.txt"), "one\r\ntwo\r\n");
    fixture.write(&path("was-unix.txt"), "one\ntwo\n");
    fixture.write(&path("was-run.sh"), "#!/bin/sh\n");
    fs::set_permissions(fixture.root.join(path("was-run.sh")), fs::Permissions::from_mode(0o755)).unwrap();
    fixture.git(&["add", "--all"]);
    fixture.git(&["commit", "--quiet", "--message=first"]);
    for (key, value) in settings {
        fixture.git(&["config", key, value]);
    }
    for (place, text) in attributes {
        fixture.write(place, text);
    }
    let root = fixture.root.join(&inside);
    let workspace = fixture.workspace_at(&root);
    let start = workspace.checkpoint().await.unwrap();
    write_files(&root);
    // Attributes of the person's own count, and stay out of the commit.
    let expected = added(&fixture);
    commit(&workspace, &start, None).await.unwrap();
    let listed = |tree: &str| fixture.git(&["ls-tree", "-r", tree, "--", &path("")]);
    let of_files = |text: String| {
        let lines = text
            .lines()
            .filter(|line| ![".gitattributes", ".gitignore"].iter().any(|name| line.ends_with(name)))
            .map(str::to_owned);
        lines.collect::<Vec<_>>()
    };
    assert_eq!(
        of_files(listed("HEAD")),
        of_files(listed(&expected)),
        "{settings:?} {attributes:?} {}",
        root.display()
    );
    assert!(fixture.git(&["ls-tree", "-r", "HEAD"]).contains("120000 "));
}

#[tokio::test]
async fn settings_for_line_ends_mean_what_they_mean_to_git() {
    check("./", &[], &[]).await;
    check("./", &[("core.autocrlf", "true")], &[]).await;
    check("./", &[("core.autocrlf", "input")], &[]).await;
    check("./", &[("core.eol", "crlf")], &[(".gitattributes", "* text=auto\n")]).await;
    check("./", &[("core.filemode", "false")], &[]).await;
}

#[tokio::test]
async fn attributes_mean_what_they_mean_to_git() {
    check("./", &[], &[(".gitattributes", "* text=auto\n")]).await;
    check("./", &[], &[(".gitattributes", "*.txt text\n*.c ident\n*.u16 working-tree-encoding=UTF-16\n")])
        .await;
    check("./", &[("core.autocrlf", "true")], &[(".gitattributes", "*.txt -text\n")]).await;
    check("./", &[], &[("sub/.gitattributes", "* text\n"), ("sub/deep/.gitattributes", "* -text\n")]).await;
    check("./", &[], &[(".git/info/attributes", "*.txt text\n")]).await;
    check("./", &[], &[(".gitignore", ".gitattributes\n"), (".gitattributes", "*.txt text\n")]).await;
}

#[tokio::test]
async fn attributes_above_the_workspace_count() {
    check(
        "part/inner/",
        &[],
        &[(".gitattributes", "*.txt text\n"), ("part/.gitattributes", "dos.txt -text\n")],
    )
    .await;
}
