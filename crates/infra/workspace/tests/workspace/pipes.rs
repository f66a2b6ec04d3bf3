//! No pipe or device in the workspace makes a look at it wait: it is passed by, or refused by name.

use std::{
    fs,
    os::unix::fs::{FileTypeExt, PermissionsExt, symlink},
    path::Path,
    time::Duration,
};

use domain::{ports::WorkspacePort, workspace::CommitError};
use rustix::fs::{CWD, FileType, Mode, mknodat};

use crate::fixture::{Fixture, changes, commit};

/// Puts a pipe in the place of whatever is there.
fn pipe(place: &Path) {
    fs::create_dir_all(place.parent().unwrap()).unwrap();
    if place.symlink_metadata().is_ok() {
        fs::remove_file(place).unwrap();
    }
    mknodat(CWD, place, FileType::Fifo, Mode::from_raw_mode(0o644), 0).unwrap();
}

/// An error and its causes in one line.
fn chain(error: &dyn std::error::Error) -> String {
    std::iter::successors(Some(error), |error| error.source())
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(": ")
}

/// Where git programs of this machine are.
fn gits() -> Vec<&'static str> {
    ["/usr/local/bin:/usr/bin:/bin", "/usr/bin:/bin"].to_vec()
}

#[tokio::test]
async fn attributes_that_are_a_pipe_stop_no_look_and_are_named_to_a_commit() {
    for path in gits() {
        for place in [".gitattributes", "sub/.gitattributes"] {
            let mut fixture = Fixture::committed(&[("a.txt", "1\n"), ("sub/b.txt", "1\n")]);
            fixture.environment.insert("PATH".into(), path.into());
            let workspace = fixture.workspace();
            let start = workspace.checkpoint().await.unwrap();
            pipe(&fixture.root.join(place));
            fixture.write("a.txt", "2\n");
            fixture.write("sub/b.txt", "2\n");
            assert_eq!(changes(&workspace, &start).await, ["~a.txt", "~sub/b.txt"]);
            assert!(workspace.diff(None, None).await.unwrap().contains("+2\n"));
            assert!(workspace.diff(Some(&start), Some("sub")).await.unwrap().contains("+2\n"));
            let CommitError::Git { text, .. } = commit(&workspace, &start, None).await.unwrap_err() else {
                panic!("another error");
            };
            assert!(text.contains(place) && text.contains("remove it"), "{text}");
            let end = workspace.checkpoint().await.unwrap();
            let plan = workspace.undo_plan(&start, Some(&end), None).await.unwrap();
            workspace.undo(&plan).await.unwrap();
            assert_eq!(fs::read_to_string(fixture.root.join("a.txt")).unwrap(), "1\n");
            assert!(
                fs::symlink_metadata(fixture.root.join(place)).unwrap().file_type().is_fifo(),
                "left alone"
            );
            fs::remove_file(fixture.root.join(place)).unwrap();
            fixture.write("a.txt", "3\n");
            assert!(changes(&workspace, &start).await.contains(&"~a.txt".to_owned()));
        }
    }
}

/// Everything else that git or we would open: a look works, or fails with the file's name, and soon.
#[tokio::test]
async fn no_file_of_gits_or_ours_is_waited_for() {
    let bound = Duration::from_secs(20);
    for (place, is_named) in [
        (".gitignore", false),
        ("sub/.gitignore", false),
        (".gitmodules", false),
        (".mailmap", false),
        (".git/config", true),
        (".git/config.worktree", true),
        (".git/packed-refs", true),
        (".git/index", true),
        (".git/info/exclude", true),
        (".git/info/attributes", true),
        (".git/shallow", true),
        (".git/refs/heads/main", true),
        (".git/logs/HEAD", true),
        ("included", true),
        ("inner/included", true),
        ("excludes", false),
        ("attributes", false),
    ] {
        for path in gits() {
            let mut fixture = Fixture::committed(&[("a.txt", "1\n"), ("sub/b.txt", "1\n")]);
            fixture.environment.insert("PATH".into(), path.into());
            let at = fixture.root.join(place);
            match place {
                "included" => drop(fixture.git(&["config", "include.path", "../included"])),
                "inner/included" => {
                    fixture.write("outer", "[Include]\n\tpath = \"inner/included\"\n");
                    drop(fixture.git(&["config", "includeIf.gitdir:/.path", "../outer"]));
                }
                "excludes" => drop(fixture.git(&["config", "core.excludesFile", at.to_str().unwrap()])),
                "attributes" => drop(fixture.git(&["config", "core.attributesFile", at.to_str().unwrap()])),
                _ => {}
            }
            pipe(&at);
            let workspace = fixture.workspace();
            let look = async {
                let start = workspace.checkpoint().await?;
                fixture.write("a.txt", "2\n");
                let found = workspace.changes_since(&start).await?;
                assert!(found.files.iter().any(|file| file.path == "a.txt"), "{place}");
                workspace.diff(None, None).await.map(drop)
            };
            match tokio::time::timeout(bound, look).await.unwrap() {
                Ok(()) => assert!(!is_named, "{place} is passed by"),
                Err(error) => {
                    let said = chain(&error);
                    assert!(
                        is_named && said.contains(place) && said.contains("remove it"),
                        "{place}: {said}"
                    );
                }
            }
        }
    }
}

/// A pipe behind a name that nobody looks at before: the deadline is the last net, for git and all that it started.
#[tokio::test]
async fn a_git_past_its_deadline_is_ended_with_everything_it_started() {
    let mut fixture = Fixture::committed(&[("seed", "")]);
    let bin = fixture.base().join("bin");
    fs::create_dir(&bin).unwrap();
    let mark = fixture.base().join("pids");
    let script = format!(
        "#!/bin/sh\ntrap '' TERM\n/bin/sleep 600 & echo $! > {0}.new; echo $$ >> {0}.new; mv {0}.new {0}; wait\n\
         while :; do /bin/sleep 600; done\n",
        mark.display()
    );
    fs::write(bin.join("git"), script).unwrap();
    fs::set_permissions(bin.join("git"), fs::Permissions::from_mode(0o755)).unwrap();
    fixture.environment.insert("PATH".into(), format!("{}:/usr/bin:/bin", bin.display()).into());
    for is_dropped in [false, true] {
        fixture.bounds.git = if is_dropped { Duration::from_secs(600) } else { Duration::from_millis(500) };
        let workspace = fixture.workspace();
        let mut call = Box::pin(workspace.checkpoint());
        if is_dropped {
            while !mark.exists() {
                assert!(tokio::time::timeout(Duration::from_millis(1), &mut call).await.is_err());
            }
            drop(call);
        } else {
            let said = chain(&call.await.unwrap_err());
            assert!(said.contains("was stopped"), "{said}");
        }
        for pid in fs::read_to_string(&mark).unwrap().lines() {
            let line = Path::new("/proc").join(pid).join("cmdline");
            let is_there = || fs::read(&line).is_ok_and(|line| !line.is_empty());
            let gone = async {
                while is_there() {
                    tokio::task::yield_now().await;
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
            };
            tokio::time::timeout(Duration::from_secs(20), gone).await.unwrap();
        }
        fs::remove_file(&mark).unwrap();
    }
}

/// A link that leads to one is none of git's business, and none of ours.
#[tokio::test]
async fn a_link_to_a_pipe_or_a_device_is_no_file_of_gits() {
    for target in ["pipe", "/dev/zero"] {
        for name in [".gitattributes", ".gitignore", ".git/info/exclude"] {
            let fixture = Fixture::committed(&[("a.txt", "1\n")]);
            pipe(&fixture.root.join("pipe"));
            let target = if target == "pipe" { fixture.root.join("pipe") } else { target.into() };
            if fixture.root.join(name).exists() {
                fs::remove_file(fixture.root.join(name)).unwrap();
            }
            symlink(&target, fixture.root.join(name)).unwrap();
            let workspace = fixture.workspace();
            let looked = tokio::time::timeout(Duration::from_secs(20), workspace.checkpoint()).await.unwrap();
            if name.starts_with(".git/") {
                assert!(chain(&looked.unwrap_err()).contains(name));
            } else {
                looked.unwrap();
            }
        }
    }
}
