//! Commands held to what their task may write.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use better_llm_sandbox::{AddedDir, NetworkAccess, Requested, Sandbox};
use domain::{
    command::{CommandRequest, CommandStatus, ServerRequest},
    id::{RunId, Ulid},
    permission::SandboxLevel,
    ports::{Processes, Servers, never_cancelled},
};

use crate::support::{Bench, Sink, WALLED, quoted, request, within};

fn globs(globs: &[&str]) -> Arc<[String]> {
    globs.iter().map(|&glob| glob.to_owned()).collect()
}

/// A workspace with a folder to write in, one beside it, and files.
fn bench() -> Bench {
    let bench = Bench::new();
    for folder in ["src/a/깊은 곳", "src/b", "문서", ".git/objects"] {
        fs::create_dir_all(bench.workspace.join(folder)).expect("a folder");
    }
    for file in ["src/a/f", "src/a/깊은 곳/f", "src/b/f", "문서/계획.md", "README.md", "top", ".git/index"]
    {
        fs::write(bench.workspace.join(file), "old\n").expect("a file");
    }
    bench
}

/// Everything in a folder, by path; links by where they lead.
fn everything(folder: &Path) -> BTreeMap<PathBuf, String> {
    let mut seen = BTreeMap::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let kind = path.symlink_metadata().expect("an entry").file_type();
        let is = if kind.is_symlink() {
            format!("leads to {}", path.read_link().expect("a link").display())
        } else if kind.is_dir() {
            seen.extend(everything(&path));
            "a folder".to_owned()
        } else {
            fs::read_to_string(&path).expect("a file")
        };
        seen.insert(path, is);
    }
    seen
}

async fn held(sandbox: &Sandbox, writes: &Arc<[String]>, command: &str) -> (CommandStatus, String) {
    let request = CommandRequest { writes: Some(Arc::clone(writes)), ..request(command) };
    let end = within(sandbox.run(request, Arc::new(Sink::default()), never_cancelled())).await;
    let end = end.unwrap_or_else(|error| panic!("`{command}`: {error:?}"));
    (end.status, end.output.head + &end.output.tail)
}

/// P12: what the task names is written, and temporary files are.
#[tokio::test]
async fn a_held_command_writes_what_its_task_names() {
    for level in WALLED {
        let bench = bench();
        let Some(sandbox) = bench.at(level).await else { continue };
        let writes = globs(&["src/a/**", "문서/", "README.md"]);
        assert!(sandbox.holds_to(&writes).await, "{level:?}");
        for command in [
            "echo new > src/a/new && cat src/a/new",
            "mkdir -p src/a/x/y && echo new > src/a/x/y/z && mv src/a/x src/a/깊은\\ 곳/w && rm src/a/깊은\\ 곳/w/y/z",
            "echo new >> src/a/f && echo new > src/b/../a/g && ln -s f src/a/link && echo new > src/a/link",
            "ln src/a/f src/a/hard && rm -r src/a/깊은\\ 곳",
            "echo new > 문서/계획.md && echo new > README.md",
            "echo x > \"$TMPDIR/t\" && echo x > ~/h && echo x > /dev/null && cat src/b/f",
        ] {
            let (status, said) = held(&sandbox, &writes, command).await;
            assert_eq!(status, CommandStatus::Exited(0), "{level:?} `{command}`: {said}");
        }
        let read = |path: &str| fs::read_to_string(bench.workspace.join(path)).expect(path);
        assert_eq!(["src/a/f", "문서/계획.md", "README.md"].map(read), ["new\n"; 3]);
    }
}

/// P12: nothing else is, whatever way leads there.
#[tokio::test]
async fn a_held_command_writes_nothing_that_its_task_does_not_name() {
    for level in WALLED {
        let bench = bench();
        let Some(sandbox) = bench.at(level).await else { continue };
        let writes = globs(&["src/a/**", "README.md"]);
        // What is made for mounts comes with the first command, and stays while the session does.
        assert_eq!(held(&sandbox, &writes, ":").await.0, CommandStatus::Exited(0));
        // `mv` copies where it may not rename, so what it was to move may stand in the task's folder by now.
        let outside = |mut all: BTreeMap<PathBuf, String>| {
            all.retain(|path, _| !path.starts_with(bench.workspace.join("src/a")));
            all
        };
        let before = outside(everything(&bench.workspace));
        for command in [
            "echo x > new",
            "echo x > top",
            "echo x > src/b/f",
            "echo x > src/a/../b/f",
            "echo x > \"$PWD/src/b/f\"",
            "mkdir src/c",
            "rm src/b/f",
            "mv src/b/f src/a/moved",
            "mv src/a/f src/b/moved",
            "mv src/b src/a/b",
            "mv src/a/깊은\\ 곳 src/b",
            "mv src/b/f src/b/g",
            "ln src/b/f src/a/hard && echo x > src/a/hard",
            "ln src/a/f src/b/hard",
            "rmdir src/a/깊은\\ 곳/../../a",
            "mv src/a src/z",
            "mv src src2",
            "rm README.md",
            "mv src/a/f README.md",
            "echo x > .git/index",
            "echo x > .git/objects/x",
            "truncate -s 0 top",
            "cp src/a/f src/b/f",
        ] {
            let (status, said) = held(&sandbox, &writes, command).await;
            assert!(
                matches!(status, CommandStatus::Exited(code) if code != 0),
                "{level:?} `{command}`: {said}"
            );
            assert_eq!(outside(everything(&bench.workspace)), before, "{level:?} `{command}`");
        }
        // The folder of the task itself is not a command's to take away, nor to put a link in its place.
        for command in [
            "ln -s ../b/f src/a/link; echo x > src/a/link",
            "ln -s ../b src/a/folder; echo x > src/a/folder/f; rm src/a/folder/f",
            "rm -r src/a; ln -s b src/a; echo x > src/a/f && cat src/b/f",
            "mv src/a src/z; ln -s b src/a; echo x > src/a/f",
        ] {
            held(&sandbox, &writes, command).await;
            assert!(bench.workspace.join("src/a").symlink_metadata().expect("it is there").is_dir());
            assert_eq!(outside(everything(&bench.workspace)), before, "{level:?} `{command}`");
        }
    }
}

/// What is said of some globs is said of them as long as the session lasts, whatever becomes of the files.
#[tokio::test]
async fn what_commands_are_held_to_is_decided_once() {
    for level in WALLED {
        let bench = bench();
        let Some(sandbox) = bench.at(level).await else { continue };
        let folder = bench.workspace.join("src/a");
        let (there, missing) = (globs(&["src/a/**"]), globs(&["src/new/**"]));
        assert!(sandbox.holds_to(&there).await);
        assert!(!sandbox.holds_to(&missing).await);

        // What was missing is not waited for: a command of that task is as free as any.
        fs::create_dir(bench.workspace.join("src/new")).expect("a folder");
        assert!(!sandbox.holds_to(&missing).await);
        assert_eq!(held(&sandbox, &missing, "echo free > src/b/f").await.0, CommandStatus::Exited(0));

        // What is gone, or has become a link, is not to be written any more.
        fs::rename(&folder, bench.workspace.join("src/old")).expect("moved");
        let tries = "mkdir src/a; echo x > src/a/f; echo x > src/old/f; echo x > src/b/f; :";
        held(&sandbox, &there, tries).await;
        assert!(!folder.exists());
        std::os::unix::fs::symlink("b", &folder).expect("a link");
        held(&sandbox, &there, tries).await;
        fs::remove_file(&folder).expect("removed");
        assert_eq!(fs::read_to_string(bench.workspace.join("src/old/f")).expect("a file"), "old\n");
        assert_eq!(fs::read_to_string(bench.workspace.join("src/b/f")).expect("a file"), "free\n");
        assert!(sandbox.holds_to(&there).await);

        // What is made anew there is the person's folder again.
        fs::create_dir(&folder).expect("a folder");
        assert_eq!(held(&sandbox, &there, "echo x > src/a/f").await.0, CommandStatus::Exited(0));
        assert_eq!(fs::read_to_string(folder.join("f")).expect("a file"), "x\n");
    }
}

/// A task that names nothing may write nothing of the workspace.
#[tokio::test]
async fn a_command_of_a_task_that_names_nothing_writes_nothing() {
    for level in WALLED {
        let bench = bench();
        let Some(sandbox) = bench.at(level).await else { continue };
        assert!(sandbox.holds_to(&[]).await);
        let (status, _) =
            held(&sandbox, &globs(&[]), "cat top && echo x > \"$TMPDIR/t\" && echo x > top").await;
        assert_eq!(status, CommandStatus::Exited(1), "{level:?}");
        assert_eq!(fs::read_to_string(bench.workspace.join("top")).expect("a file"), "old\n");
    }
}

#[tokio::test]
async fn without_a_wall_no_command_is_held() {
    let bench = bench();
    let Some(sandbox) = bench.at(SandboxLevel::None).await else { return };
    assert!(!sandbox.holds_to(&globs(&["src/a/**"])).await);
    assert_eq!(held(&sandbox, &globs(&["src/a/**"]), "echo x > top").await.0, CommandStatus::Exited(0));
}

/// Added folders are no different: a task that names none of theirs does not write them.
#[tokio::test]
async fn a_held_command_writes_in_added_folders_what_its_task_names() {
    for level in WALLED {
        let bench = bench();
        let added = bench.home.join("더한 폴더");
        fs::create_dir_all(added.join("in")).expect("a folder");
        let mut settings = bench.settings(Requested::Level(level));
        settings.add_dirs = vec![AddedDir { path: added.clone(), writable: true }];
        let Some(sandbox) = bench.with(settings).await else { continue };
        let own = globs(&["src/a/**"]);
        let both = globs(&["src/a/**", &format!("{}/in/**", added.display())]);
        let whole = globs(&[&format!("{}/", added.display())]);
        for (writes, path, expected) in [
            (&own, "x", 1),
            (&own, "in/x", 1),
            (&both, "x", 1),
            (&both, "in/x", 0),
            (&whole, "x", 0),
            (&whole, "in/x", 0),
        ] {
            assert!(sandbox.holds_to(writes).await, "{writes:?}");
            let command = format!("echo x > {}", quoted(&added.join(path)));
            let (status, said) = held(&sandbox, writes, &command).await;
            let expected = if expected == 0 { CommandStatus::Exited(0) } else { status };
            assert!(
                status == expected && said.is_empty() == (expected == CommandStatus::Exited(0)),
                "{said}"
            );
        }
        assert_eq!(held(&sandbox, &whole, "echo x > src/a/x || exit 7").await.0, CommandStatus::Exited(7));
    }
}

/// A folder that a task names may hold what no command writes.
#[tokio::test]
async fn protected_files_stay_protected_in_what_a_task_names() {
    for level in WALLED {
        let bench = bench();
        let config = bench.workspace.join("config/agent_config.json");
        for folder in ["hooks", "objects", "refs"] {
            fs::create_dir_all(bench.workspace.join("config/inner/.git").join(folder)).expect("a folder");
        }
        fs::write(bench.workspace.join("config/inner/.git/HEAD"), "ref: refs/heads/main\n").expect("a file");
        fs::write(&config, "{}").expect("a file");
        let mut settings = bench.settings(Requested::Level(level));
        settings.protected = vec![config.clone()];
        let Some(sandbox) = bench.with(settings).await else { continue };
        let writes = globs(&["config/**"]);
        assert!(sandbox.holds_to(&writes).await);
        assert!(!sandbox.holds_to(&globs(&["config/agent_config.json"])).await);
        assert!(!sandbox.holds_to(&globs(&["config/inner/.git/**"])).await);
        held(&sandbox, &writes, "echo x > config/agent_config.json; echo x > config/inner/.git/hooks/h")
            .await;
        held(&sandbox, &writes, "mv config/agent_config.json config/c; mv config/inner config/outer").await;
        assert_eq!(fs::read_to_string(&config).expect("a file"), "{}", "{level:?}");
        assert!(!bench.workspace.join("config/inner/.git/hooks/h").exists(), "{level:?}");
        let (status, said) =
            held(&sandbox, &writes, "echo x > config/other && echo x > config/inner/f").await;
        assert_eq!(status, CommandStatus::Exited(0), "{level:?} {said}");
    }
}

/// Two held commands beside a free one: each writes its own.
#[tokio::test]
async fn held_commands_side_by_side_write_what_is_theirs() {
    for level in WALLED {
        let bench = bench();
        let Some(sandbox) = bench.at(level).await else { continue };
        let (one, other) = (globs(&["src/a/**"]), globs(&["src/b/**"]));
        let waits = |own: &str, others: &str, theirs: &str| {
            format!(
                "echo {own} > {own}/made; until [ -e {theirs}/made ]; do :; done; echo x > {others}/taken; ls {own}"
            )
        };
        let commands = (waits("src/a", "src/b", "src/b"), waits("src/b", "src/a", "src/a"));
        let (first, second, third) = tokio::join!(
            held(&sandbox, &one, &commands.0),
            held(&sandbox, &other, &commands.1),
            crate::support::result(&sandbox, "until [ -e src/a/made ]; do :; done; echo x > src/c")
        );
        assert!(first.1.ends_with("f\nmade\n깊은 곳\n"), "{level:?} {first:?}");
        assert!(second.1.ends_with("f\nmade\n"), "{level:?} {second:?}");
        assert_eq!(third.0, CommandStatus::Exited(0));
        assert!(
            !bench.workspace.join("src/a/taken").exists() && !bench.workspace.join("src/b/taken").exists()
        );
    }
}

#[tokio::test]
async fn servers_of_a_held_run_are_held_too() {
    for level in WALLED {
        let bench = bench();
        let mut settings = bench.settings(Requested::Level(level));
        // At `kernel` there are servers only where there is a network.
        if level == SandboxLevel::Kernel {
            settings.network = NetworkAccess::Open;
        }
        let Some(sandbox) = bench.with(settings).await else { continue };
        let run = RunId::new(Ulid(7));
        let command =
            "echo x > src/a/made; echo x > top; echo x > src/b/made; echo done > src/a/end; sleep 600";
        let request = ServerRequest { command: command.to_owned(), run, writes: Some(globs(&["src/a/**"])) };
        within(sandbox.start(request)).await.expect("it starts");
        let end = bench.workspace.join("src/a/end");
        within(async {
            while !fs::read_to_string(&end).is_ok_and(|said| said.ends_with('\n')) {
                tokio::task::yield_now().await;
            }
        })
        .await;
        within(sandbox.end_run(run)).await;
        assert!(bench.workspace.join("src/a/made").exists() && !bench.workspace.join("src/b/made").exists());
        assert_eq!(fs::read_to_string(bench.workspace.join("top")).expect("a file"), "old\n", "{level:?}");
    }
}

/// Landlock holds the content of files and not their modes.
#[tokio::test]
async fn modes_of_files_that_a_task_does_not_name_are_held_at_strict_alone() {
    use std::os::unix::fs::PermissionsExt;

    for (level, mode) in [(SandboxLevel::Kernel, 0o600), (SandboxLevel::Strict, 0o644)] {
        let bench = bench();
        let Some(sandbox) = bench.at(level).await else { continue };
        let top = bench.workspace.join("top");
        fs::set_permissions(&top, fs::Permissions::from_mode(0o644)).expect("our own file");
        held(&sandbox, &globs(&["src/a/**"]), "chmod 600 top").await;
        assert_eq!(fs::metadata(&top).expect("a file").permissions().mode() & 0o777, mode, "{level:?}");
    }
}
