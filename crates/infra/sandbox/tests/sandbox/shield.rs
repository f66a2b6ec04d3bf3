//! Protected paths at `strict`: a mount holds them, so nothing has to be put back.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::{MetadataExt, symlink},
    path::Path,
};

use better_llm_sandbox::{Requested, Sandbox};
use domain::{
    command::{CommandRequest, CommandStatus},
    permission::SandboxLevel,
    ports::{Processes, never_cancelled},
};

use crate::{
    protected::{git, repository},
    support::{Bench, SECRET, Sink, WALLED, quoted, request, result, run, within},
};

/// Everything below a folder but for times: modes, targets of links, contents.
fn state(folder: &Path) -> BTreeMap<String, String> {
    let mut state = BTreeMap::new();
    let mut waiting = vec![folder.to_owned()];
    while let Some(path) = waiting.pop() {
        let found = fs::symlink_metadata(&path).expect("it is there");
        let what = if found.is_dir() {
            waiting
                .extend(fs::read_dir(&path).expect("a folder").map(|entry| entry.expect("an entry").path()));
            "folder".to_owned()
        } else if found.is_symlink() {
            format!("-> {}", fs::read_link(&path).expect("a link").display())
        } else {
            String::from_utf8_lossy(&fs::read(&path).expect("a file")).into_owned()
        };
        let name = path.strip_prefix(folder).expect("below").display().to_string();
        state.insert(name, format!("{:o} {what}", found.mode()));
    }
    state
}

async fn shielded(bench: &Bench) -> Option<Sandbox> {
    let mut settings = bench.settings(Requested::Level(SandboxLevel::Strict));
    settings.git_dirs = vec![bench.workspace.join(".git")];
    settings.protected =
        vec![bench.workspace.join(".better-llm"), bench.workspace.join("config/agents.json")];
    bench.with(settings).await
}

/// Each command fails by itself and changes nothing of `kept`.
async fn holds(bench: &Bench, sandbox: &Sandbox, kept: &[&str], commands: &[&str]) {
    let states = || kept.iter().map(|path| state(&bench.workspace.join(path))).collect::<Vec<_>>();
    let before = states();
    for command in commands {
        let end = run(sandbox, &format!("OUT={}; {command}", quoted(&bench.home))).await;
        let said = end.output.head;
        assert!(matches!(end.status, CommandStatus::Exited(1..)), "`{command}`: {:?} {said}", end.status);
        assert_eq!((end.restored, states()), (Vec::<String>::new(), before.clone()), "`{command}`: {said}");
    }
}

#[tokio::test]
async fn the_whole_git_dir_and_our_own_files_cannot_be_changed_moved_or_replaced() {
    let bench = repository();
    fs::create_dir(bench.workspace.join("config")).expect("a folder");
    fs::write(bench.workspace.join("config/agents.json"), "{}").expect("our file");
    let Some(sandbox) = shielded(&bench).await else { return };
    let commands = [
        "echo evil > .git/hooks/pre-commit",
        "cd .git && echo x >> hooks/pre-push",
        "git config core.fsmonitor /tmp/evil",
        "git branch evil",
        "git -c user.name=a -c user.email=b commit -q --allow-empty -m x",
        "echo x > new; git add new",
        "echo x > .git/index",
        "rm -rf .git/objects",
        "chmod 777 .git/hooks/pre-push",
        "chmod 777 .git",
        "touch .git/config",
        "mv .git x; mkdir .git && echo x > .git/config",
        "rm -rf .git",
        "ln .git/config hard && echo x > hard",
        "mount --bind . .git || umount .git",
        "echo x > .better-llm/config.json",
        "rm -rf .better-llm",
        "mv .better-llm x",
        "echo x > config/agents.json",
        "rm config/agents.json",
        "mv config x && mkdir config && echo x > config/agents.json",
        "echo x > new; mv new config/agents.json",
    ];
    holds(&bench, &sandbox, &[".git", ".better-llm", "config/agents.json"], &commands).await;
    // What stands beside them is the command's, and reading works.
    let command =
        "git status --short >/dev/null && git log --oneline | wc -l && echo x > config/other && mkdir src";
    assert_eq!(result(&sandbox, command).await, (CommandStatus::Exited(0), "2\n".to_owned()));
}

/// CVE-2026-25725: what did not exist at the start was not protected, and ran later.
#[tokio::test]
async fn what_is_missing_cannot_be_made_and_leaves_nothing_behind() {
    let bench = Bench::new();
    // As a session leaves it that was killed.
    fs::create_dir(bench.workspace.join(".git")).expect("a folder");
    let Some(sandbox) = shielded(&bench).await else { return };
    for command in [
        "git init -q . && echo x > .git/hooks/pre-commit",
        "echo x > .git/config",
        "rmdir .git && mkdir .git",
        "mv .git x",
        "echo 'gitdir: x' > .git",
        "echo x > .better-llm/system_config.json",
        "mv .better-llm x",
    ] {
        let end = run(&sandbox, command).await;
        assert!(matches!(end.status, CommandStatus::Exited(1..)), "`{command}`: {:?}", end.status);
    }
    // Where no mount can stand, it is put back.
    for (command, named) in [
        ("mkdir config; echo x > config/agents.json", "config/agents.json"),
        ("echo evil > .bashrc", ".bashrc"),
        ("ln -s \"$HOME\" .zshenv", ".zshenv"),
    ] {
        let end = run(&sandbox, command).await;
        assert_eq!(
            (end.status, end.restored),
            (CommandStatus::Refused, vec![named.to_owned()]),
            "`{command}`"
        );
        assert!(fs::symlink_metadata(bench.workspace.join(named)).is_err(), "`{command}`");
    }
    drop(sandbox);
    let left = fs::read_dir(&bench.workspace)
        .expect("the workspace")
        .map(|entry| entry.expect("a name").file_name());
    assert_eq!(left.collect::<Vec<_>>(), ["config"]);
}

#[tokio::test]
async fn shell_start_up_files_of_a_workspace_that_is_a_home_are_read_only() {
    let bench = Bench::new();
    fs::write(bench.workspace.join(".bashrc"), "alias ll='ls -l'").expect("a file");
    let Some(sandbox) = shielded(&bench).await else { return };
    let commands = ["echo evil >> .bashrc", "rm .bashrc", "mv .bashrc x", "echo x > new; mv new .bashrc"];
    holds(&bench, &sandbox, &[".bashrc"], &commands).await;
}

/// CVE-2026-26268 by another door
#[tokio::test]
async fn repositories_below_the_workspace_cannot_be_changed_moved_or_replaced() {
    let bench = repository();
    let inner = bench.workspace.join("libs/한국어/inner");
    fs::create_dir_all(&inner).expect("a folder");
    fs::create_dir_all(bench.workspace.join(".git/modules/sub/hooks")).expect("a git dir");
    fs::create_dir(bench.workspace.join("sub")).expect("a submodule");
    fs::write(bench.workspace.join("sub/.git"), "gitdir: ../.git/modules/sub\n").expect("its pointer");
    git(&bench, &["init", "-q", &inner.display().to_string()]);
    let Some(sandbox) = shielded(&bench).await else { return };
    let commands = [
        "echo evil > libs/한국어/inner/.git/hooks/pre-commit",
        "git -C libs/한국어/inner config core.fsmonitor evil",
        "mv libs/한국어/inner/.git x",
        "mv libs/한국어/inner x && mkdir -p libs/한국어/inner/.git",
        "mv libs/한국어 x",
        "mv libs x && ln -s \"$OUT\" libs",
        "rm -rf libs",
        "echo x > sub/.git",
        "rm sub/.git",
        "mv sub x",
        "echo x > .git/modules/sub/hooks/post-checkout",
    ];
    holds(&bench, &sandbox, &["libs", "sub", ".git"], &commands).await;
    let command =
        "echo x > libs/한국어/inner/file && echo x > sub/file && mv sub/file libs/moved && cat libs/moved";
    assert_eq!(result(&sandbox, command).await, (CommandStatus::Exited(0), "x\n".to_owned()));
}

#[tokio::test]
async fn a_git_dir_outside_can_be_read_and_nothing_of_it_written() {
    let bench = repository();
    git(&bench, &["worktree", "add", "-q", "../tree", "packed"]);
    let tree = Bench {
        root: tempfile::tempdir().expect("a folder"),
        workspace: bench.root.path().canonicalize().expect("its path").join("tree"),
        home: bench.home.clone(),
        artifacts: bench.artifacts.clone(),
    };
    let mut settings = tree.settings(Requested::Level(SandboxLevel::Strict));
    settings.git_dirs = vec![bench.workspace.join(".git/worktrees/tree"), bench.workspace.join(".git")];
    let Some(sandbox) = tree.with(settings).await else { return };
    let (status, output) = result(&sandbox, "git status --short --branch && git log --oneline | wc -l").await;
    assert_eq!((status, output.as_str()), (CommandStatus::Exited(0), "## packed\n2\n"));
    let commands = ["git branch evil", "echo 'gitdir: /tmp/evil' > .git", "mv .git x", "rm .git"];
    holds(&tree, &sandbox, &[".git"], &commands).await;
    // Nothing else of the other tree is there.
    let (status, _) = result(&sandbox, &format!("cat {}/file", quoted(&bench.workspace))).await;
    assert_eq!(status, CommandStatus::Exited(1));
}

#[tokio::test]
async fn git_works_in_a_workspace_that_is_a_folder_of_a_repository() {
    for level in WALLED {
        let bench = repository();
        let folder = Bench {
            root: tempfile::tempdir().expect("a folder"),
            workspace: bench.workspace.join("src"),
            ..bench
        };
        fs::create_dir(&folder.workspace).expect("a folder");
        fs::write(folder.workspace.join("new"), "x").expect("a file");
        let mut settings = folder.settings(Requested::Level(level));
        settings.git_dirs = vec![folder.workspace.parent().expect("the repository").join(".git")];
        let Some(sandbox) = folder.with(settings).await else { continue };
        let (status, output) =
            result(&sandbox, "git log --oneline | wc -l; git status --short .; git branch evil").await;
        assert!(output.starts_with("2\n?? ./\n"), "{level:?}: {output}");
        assert_eq!(status, CommandStatus::Exited(128));
    }
}

/// A mount cannot stand on a link: what it leads to is held, and the link is put back.
#[tokio::test]
async fn a_link_in_place_of_a_git_dir_redirects_nothing() {
    let bench = repository();
    let real = bench.workspace.join("stored");
    fs::rename(bench.workspace.join(".git"), &real).expect("the git dir moves");
    symlink("stored", bench.workspace.join(".git")).expect("a link");
    let mut settings = bench.settings(Requested::Level(SandboxLevel::Strict));
    settings.git_dirs = vec![real];
    let Some(sandbox) = bench.with(settings).await else { return };
    let commands = ["echo x > .git/config", "echo x > stored/config", "mv stored x", "git branch evil"];
    holds(&bench, &sandbox, &["stored"], &commands).await;
    for command in ["rm .git", "rm .git; mkdir .git; echo x > .git/config", "rm .git; ln -s \"$HOME\" .git"] {
        let end = run(&sandbox, command).await;
        assert_eq!(
            (end.status, end.restored),
            (CommandStatus::Refused, vec![".git".to_owned()]),
            "`{command}`"
        );
        let target = fs::read_link(bench.workspace.join(".git")).expect("the link");
        assert_eq!(target, Path::new("stored"));
    }
}

/// bubblewrap follows paths and is not walled in: no command may move the place of a later command's mount.
#[tokio::test]
async fn no_link_that_a_command_plants_moves_a_mount_of_the_next_one() {
    let bench = repository();
    fs::create_dir_all(bench.workspace.join("a/b/inner")).expect("a folder");
    git(&bench, &["init", "-q", &bench.workspace.join("a/b/inner").display().to_string()]);
    let secret = bench.home.join("secret.d");
    fs::create_dir_all(secret.join("b/inner/.git")).expect("a folder");
    fs::write(secret.join("b/inner/.git/config"), SECRET).expect("a secret");
    let Some(sandbox) = shielded(&bench).await else { return };
    let sink = std::sync::Arc::new(Sink::default());
    let plant = format!(
        "echo ready; while :; do mv a x; ln -s {0} a; rm a; mv x a; mv a/b y; ln -s {0}/b a/b; done 2>/dev/null",
        quoted(&secret)
    );
    let (now, cancelled) = crate::support::cancel();
    let server = sandbox.run(request(&plant), std::sync::Arc::clone(&sink) as _, cancelled);
    let others = async {
        sink.ready().await;
        for _ in 0..10 {
            let (_, output) = result(&sandbox, "cat a/b/inner/.git/config; find . | wc -l").await;
            assert!(!output.contains(SECRET) && output.contains("[core]"), "{output}");
        }
        now.send(()).expect("it runs");
    };
    let (end, ()) = within(async { tokio::join!(server, others) }).await;
    end.expect("it runs");
    assert!(!bench.workspace.join("a").is_symlink() && !bench.workspace.join("a/b").is_symlink());
}

/// The workspace may hold our data: the engine writes there while commands only read.
#[tokio::test]
async fn our_data_in_the_workspace_can_be_written_by_us_alone() {
    let bench = Bench::new();
    let data = bench.workspace.join(".local/share/better-llm");
    fs::create_dir_all(&data).expect("our folder");
    fs::write(data.join("journal"), "one").expect("our journal");
    let mut settings = bench.settings(Requested::Level(SandboxLevel::Strict));
    settings.own = vec![data.clone(), bench.workspace.join(".local/state/better-llm")];
    settings.cache = bench.workspace.join(".cache/better-llm");
    let Some(sandbox) = bench.with(settings).await else { return };
    let journal = ".local/share/better-llm/journal";
    let sink = std::sync::Arc::new(Sink::default());
    let command =
        format!("echo ready; until grep two {journal}; do :; done; echo x >> {journal}; mv .local x");
    let request = CommandRequest::new(command);
    let end = sandbox.run(request, std::sync::Arc::clone(&sink) as _, never_cancelled());
    let engine = async {
        sink.ready().await;
        fs::write(data.join("journal"), "two").expect("our journal");
        fs::create_dir_all(bench.workspace.join(".local/state/better-llm")).expect("our folder");
    };
    let (end, ()) = within(async { tokio::join!(end, engine) }).await;
    let end = end.expect("it runs");
    assert_eq!((end.status, end.restored), (CommandStatus::Exited(1), Vec::new()), "{}", end.output.head);
    assert_eq!(fs::read_to_string(data.join("journal")).expect("our journal"), "two");
    // Homes, caches and temporary files work where the workspace holds them.
    let command = "echo x > \"$TMPDIR/x\" && echo x > \"$HOME/x\" && mkdir -p \"$CARGO_HOME\" && echo works";
    assert_eq!(result(&sandbox, command).await, (CommandStatus::Exited(0), "works\n".to_owned()));
}
