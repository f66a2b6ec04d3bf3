//! What a process puts in a file's place while we look is never taken for the person's file: no content from outside
//! of the workspace comes into a state, a diff or a commit.

use std::{
    fs::{self, File},
    io::Write,
    os::unix::fs::symlink,
    path::Path,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
};

use domain::{ports::WorkspacePort, workspace::CommitError};
use rustix::fs::{CWD, Mode, OFlags, RenameFlags, openat, renameat_with};

use crate::fixture::{Fixture, changes, commit};

const OUTSIDE: &str = "nobody's content but the person's\n";

const FILES: [(&str, &str); 3] = [("n/a.txt", "1\n"), ("n/secret", "harmless\n"), ("other.txt", "1\n")];

/// A folder `n` of known files, and beside the workspace another with `secret` in it, which a link `link` leads to.
fn fixture() -> Fixture {
    with_outside(Fixture::committed(&FILES))
}

fn with_outside(fixture: Fixture) -> Fixture {
    let outside = fixture.base().join("outside");
    fs::create_dir(&outside).unwrap();
    for name in ["a.txt", "secret", "new"] {
        fs::write(outside.join(name), OUTSIDE).unwrap();
    }
    symlink(&outside, fixture.base().join("link")).unwrap();
    fixture
}

/// Does something in the background until it is dropped.
struct Background(Arc<AtomicBool>, Option<JoinHandle<()>>);

impl Background {
    fn start(work: impl FnOnce(&AtomicBool) + Send + 'static) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&over);
        Self(over, Some(thread::spawn(move || work(&flag))))
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
        self.1.take().unwrap().join().unwrap();
    }
}

fn swap(one: &Path, other: &Path) {
    renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE).unwrap();
}

/// Swaps `n` and the link as soon as somebody opens the pipe `n/.gitattributes`, which he then gets rid of.
fn swap_when_attributes_are_read(fixture: &Fixture) -> Background {
    let (folder, link) = (fixture.root.join("n"), fixture.base().join("link"));
    let pipe = folder.join(".gitattributes");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    Background::start(move |over| {
        let flags = OFlags::WRONLY | OFlags::NONBLOCK;
        while !over.load(Ordering::Relaxed) {
            if let Ok(_pipe) = openat(CWD, &pipe, flags, Mode::empty()) {
                return swap(&folder, &link);
            }
            thread::yield_now();
        }
    })
}

/// Whether any object that git knows of, here or in the session's store, is the content from outside.
fn is_taken_in(fixture: &Fixture) -> bool {
    let id = fixture.git(&["hash-object", "../outside/secret"]);
    let (folder, name) = id.trim().split_at(2);
    [fixture.store().join("objects"), fixture.root.join(".git/objects")]
        .iter()
        .any(|objects| objects.join(folder).join(name).exists())
}

#[tokio::test]
async fn a_folder_swapped_for_a_link_in_the_middle_of_a_look_shows_nothing_from_outside() {
    let fixture = fixture();
    let workspace = fixture.workspace();
    workspace.checkpoint().await.unwrap();
    fixture.write("n/a.txt", "2\n");
    fixture.write("n/secret", "still harmless\n");
    let swapping = swap_when_attributes_are_read(&fixture);
    let diff = workspace.diff(None, None).await;
    drop(swapping);
    assert!(!is_taken_in(&fixture), "{diff:?}");
    let diff = diff.unwrap();
    assert!(diff.contains("+still harmless\n") && !diff.contains(OUTSIDE), "{diff}");
}

#[tokio::test]
async fn a_folder_swapped_again_and_again_shows_nothing_from_outside() {
    let fixture = fixture();
    swap_again_and_again(&fixture).await;
    assert!(!is_taken_in(&fixture));
}

#[tokio::test]
async fn outside_of_git_a_folder_swapped_again_and_again_is_told_as_it_is() {
    let fixture = Fixture::plain();
    for (path, content) in FILES {
        fixture.write(path, content);
    }
    swap_again_and_again(&with_outside(fixture)).await;
}

/// Swaps many times over and at any moment. What was edited is told when it is over, and nothing else.
async fn swap_again_and_again(fixture: &Fixture) {
    let workspace = fixture.workspace();
    let start = workspace.checkpoint().await.unwrap();
    let (folder, link) = (fixture.root.join("n"), fixture.base().join("link"));
    let inside = openat(CWD, &folder, OFlags::RDONLY | OFlags::DIRECTORY, Mode::empty()).unwrap();
    let swapping = Background::start(move |over| {
        while !over.load(Ordering::Relaxed) {
            for _ in 0..2 {
                swap(&folder, &link);
                thread::yield_now();
            }
        }
    });
    for number in 0..60 {
        fixture.write("other.txt", format!("{number}\n"));
        let flags = OFlags::WRONLY | OFlags::TRUNC;
        let secret = openat(&inside, "secret", flags, Mode::empty()).unwrap();
        File::from(secret).write_all(format!("harmless {number}\n").as_bytes()).unwrap();
        // A look that fails because the ground moves tells nothing.
        drop(workspace.checkpoint().await);
    }
    drop(swapping);
    fixture.write("other.txt", "last\n");
    assert_eq!(changes(&workspace, &start).await, ["~n/secret", "~other.txt"]);
}

#[tokio::test]
async fn a_commit_holds_nothing_from_outside() {
    let fixture = fixture();
    let workspace = fixture.workspace();
    let start = workspace.checkpoint().await.unwrap();
    fixture.write("n/a.txt", "2\n");
    fixture.write("n/secret", "still harmless\n");
    workspace.checkpoint().await.unwrap();
    let swapping = swap_when_attributes_are_read(&fixture);
    let done = commit(&workspace, &start, None).await;
    drop(swapping);
    assert!(!is_taken_in(&fixture), "{done:?}");
    match done {
        Ok(done) => {
            assert_eq!(done.paths, ["n/a.txt", "n/secret"]);
            assert_eq!(fixture.git(&["show", "HEAD:n/secret"]), "still harmless\n");
        }
        Err(error) => assert!(matches!(error, CommitError::Git { .. }), "{error}"),
    }
}
