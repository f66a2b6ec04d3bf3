//! Somebody swaps names while a tool works.

use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::{CWD, RenameFlags};

use super::*;

const SWAPS: u32 = 10_000;

/// Lets the swapping end when the work does, in a failed test, too.
struct Done<'a>(&'a AtomicBool);

impl Drop for Done<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Swaps two names of the workspace without a pause, at least [`SWAPS`] times and until `work` was done `times` times.
fn while_swapping(workspace: &Workspace, names: (&str, &str), times: u32, mut work: impl FnMut()) {
    let done = AtomicBool::new(false);
    let (one, other) = (workspace.path(names.0), workspace.path(names.1));
    std::thread::scope(|scope| {
        let swapping = scope.spawn(|| {
            let mut swaps = 0;
            while swaps < SWAPS || !done.load(Ordering::Relaxed) {
                rustix::fs::renameat_with(CWD, &one, CWD, &other, RenameFlags::EXCHANGE).expect("swapped");
                swaps += 1;
            }
        });
        let ends = Done(&done);
        for _ in 0..times {
            work();
        }
        drop(ends);
        while !swapping.is_finished() {
            work();
        }
    });
}

/// `d/f` inside, `d` and `swap` being a folder and a link to the folder outside; `f` and `leaf` the same for a file.
fn swapped() -> Workspace {
    let workspace = Workspace::new();
    workspace.put("d/f", "inside");
    workspace.link("swap", "../outside");
    std::fs::write(workspace.outside("outside/f"), SECRET).expect("a file");
    workspace.put("f", "inside");
    workspace.link("leaf", "../outside/f");
    workspace
}

fn outside(workspace: &Workspace) -> Vec<(PathBuf, Vec<u8>)> {
    let everything = workspace.everything().into_iter();
    everything.filter(|(path, _)| path.starts_with(workspace.outside("outside"))).collect()
}

/// Nothing outside is read through a folder or a file that turns into a link, however the moments fall.
#[test]
fn what_is_swapped_for_a_link_is_never_read_through_it() {
    for (names, path) in [(("d", "swap"), "d/f"), (("f", "leaf"), "f")] {
        let workspace = swapped();
        for files in resolvers(&workspace) {
            while_swapping(&workspace, names, 200, || {
                if let Ok(read) = text(&files, path) {
                    assert_eq!(read, "inside", "{path} {:?}", files.workspace.resolver);
                }
            });
        }
    }
}

/// CVE-2026-39861, at every moment: nothing outside is written, created or removed.
#[test]
fn what_is_swapped_for_a_link_is_never_written_through_it() {
    for (names, paths) in [(("d", "swap"), ["d/f", "d/new/f"]), (("f", "leaf"), ["f", "f"])] {
        let workspace = swapped();
        let before = outside(&workspace);
        for files in resolvers(&workspace) {
            while_swapping(&workspace, names, 50, || {
                for path in paths {
                    // An error is right while a link stands there.
                    let written = to_write(&files, path).and_then(|target| target.replace(b"inside"));
                    drop(written);
                }
            });
        }
        assert_eq!(outside(&workspace), before);
    }
}

/// The path of a rule is checked on what was opened: a name that is swapped in between shows nothing.
#[test]
fn what_is_swapped_for_something_forbidden_is_never_read() {
    let workspace = Workspace::new();
    workspace.put("open/f", "inside");
    workspace.put("secret/f", SECRET);
    workspace.put("plain", "inside");
    workspace.link("d", "open");
    workspace.link("swap", "secret");
    let rules = crate::testing::rules("read", "secret/**");
    for files in resolvers(&workspace) {
        while_swapping(&workspace, ("d", "swap"), 200, || {
            if let Ok(mut opened) = files.open(&place("d/f"), &rules) {
                let mut read = String::new();
                opened.file.read_to_string(&mut read).expect("text");
                assert_eq!(read, "inside");
            }
        });
    }
}

/// A file that turns into a pipe or a folder between the looks blocks nobody and is not replaced.
#[test]
fn what_is_swapped_for_a_pipe_blocks_nobody() {
    let workspace = Workspace::new();
    workspace.put("f", "inside");
    rustix::fs::mkfifoat(CWD, workspace.path("pipe"), Mode::from_raw_mode(0o644)).expect("a pipe");
    for files in resolvers(&workspace) {
        while_swapping(&workspace, ("f", "pipe"), 200, || {
            if let Ok(read) = text(&files, "f") {
                assert_eq!(read, "inside");
            }
            if let Ok(read) = to_write(&files, "f").and_then(|target| target.content(100)) {
                assert_eq!(read, b"inside");
            }
        });
    }
}

/// P12, by another program: one of two writers wins, nobody's content is mixed or lost unsaid.
#[test]
fn of_two_writers_of_a_new_file_one_wins() {
    let workspace = Workspace::new();
    let (one, other) = (workspace.files(), workspace.files());
    for round in 0..200 {
        let path = format!("new-{round}");
        let write = |files: &Confined, content: &[u8]| {
            to_write(files, &path).and_then(|target| {
                let is_new = target.size().is_none();
                target.replace(content).map(|_| is_new)
            })
        };
        let (first, second) = std::thread::scope(|scope| {
            let first = scope.spawn(|| write(&one, b"one"));
            (write(&other, b"other"), first.join().expect("it ended"))
        });
        let created = [&first, &second].into_iter().filter(|written| matches!(written, Ok(true))).count();
        assert_eq!(created, 1, "{first:?} {second:?}");
    }
}

/// Clocks of file systems may stand still for milliseconds: a change of the same size within one such moment shows in
/// the content alone.
#[test]
fn what_changed_in_the_moment_after_the_look_is_not_overwritten() {
    let workspace = Workspace::new();
    workspace.put("f", "before");
    let files = workspace.files();
    let mut target = to_write(&files, "f").expect("a file");
    assert_eq!(target.content(100).expect("a content"), b"before");
    workspace.put("f", "theirs");
    // As if no clock had moved.
    target.before = Some(rustix::fs::lstat(workspace.path("f")).expect("a file"));
    let error = target.replace(b"ours").expect_err("it changed");
    assert!(matches!(error, FileError::Changed { .. }), "{error}");
    assert_eq!(workspace.bytes("f"), b"theirs");
}
