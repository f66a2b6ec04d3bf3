//! Protected files at `kernel`: what a command does to them is undone and said.

use std::{collections::BTreeMap, fs, path::Path, process::Command, sync::Arc};

use better_llm_sandbox::{Requested, Sandbox};
use domain::{
    command::{CommandStatus, ProcessError},
    permission::SandboxLevel,
    ports::{Processes, never_cancelled},
};

use crate::support::{Bench, Sink, WALLED, quoted, request, result, run};

pub(crate) fn git(bench: &Bench, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .args(arguments)
        .current_dir(&bench.workspace)
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .env("HOME", &bench.home)
        .envs(["GIT_AUTHOR_NAME", "GIT_COMMITTER_NAME"].map(|name| (name, "Kim")))
        .envs(["GIT_AUTHOR_EMAIL", "GIT_COMMITTER_EMAIL"].map(|name| (name, "kim@example.org")))
        .output()
        .expect("git is needed to build the project");
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

/// A repository of two commits, with a packed and a loose branch, a hook, and a configuration of ours.
pub(crate) fn repository() -> Bench {
    let bench = Bench::new();
    git(&bench, &["init", "-q", "-b", "main"]);
    for text in ["one", "two"] {
        fs::write(bench.workspace.join("file"), text).expect("a file");
        git(&bench, &["add", "."]);
        git(&bench, &["commit", "-q", "-m", text]);
    }
    git(&bench, &["branch", "packed"]);
    git(&bench, &["pack-refs", "--all"]);
    git(&bench, &["branch", "loose"]);
    fs::create_dir_all(bench.workspace.join(".git/hooks")).expect("the hooks");
    fs::write(bench.workspace.join(".git/hooks/pre-push"), "#!/bin/sh\n").expect("a hook");
    fs::create_dir(bench.workspace.join(".better-llm")).expect("our folder");
    fs::write(bench.workspace.join(".better-llm/config.json"), "{}").expect("our file");
    bench
}

pub(crate) async fn guarded(bench: &Bench) -> Option<Sandbox> {
    let mut settings = bench.settings(Requested::Level(SandboxLevel::Kernel));
    settings.git_dirs = vec![bench.workspace.join(".git")];
    settings.protected =
        [".better-llm/config.json", "missing/config.json"].map(|path| bench.workspace.join(path)).to_vec();
    bench.with(settings).await
}

/// Everything below a folder: modes, targets of links, contents; index, objects and logs of git left out.
fn state(folder: &Path) -> BTreeMap<String, String> {
    use std::os::unix::fs::MetadataExt;

    let mut state = BTreeMap::new();
    let mut waiting = vec![folder.to_owned()];
    while let Some(path) = waiting.pop() {
        let found = fs::symlink_metadata(&path).expect("it is there");
        let name = path.strip_prefix(folder).expect("below").display().to_string();
        if ["index", "objects", "logs", "COMMIT_EDITMSG"].contains(&name.as_str()) {
            continue;
        }
        let what = if found.is_dir() {
            let entries = fs::read_dir(&path).expect("a folder");
            waiting.extend(entries.map(|entry| entry.expect("an entry").path()));
            String::from("folder")
        } else if found.is_symlink() {
            format!("-> {}", fs::read_link(&path).expect("a link").display())
        } else {
            String::from_utf8_lossy(&fs::read(&path).expect("a file")).into_owned()
        };
        state.insert(name, format!("{:o} {what}", found.mode()));
    }
    state
}

/// Runs the command in a fresh repository; all it changed must be back. Gives what was named, where the level is.
pub(crate) async fn undone(command: &str) -> Option<Vec<String>> {
    let bench = repository();
    let sandbox = guarded(&bench).await?;
    let (git_dir, ours) = (bench.workspace.join(".git"), bench.workspace.join(".better-llm"));
    let before = (state(&git_dir), state(&ours), git(&bench, &["log", "--oneline", "--all"]));
    let end = run(&sandbox, &format!("OUT={}\n{command}", quoted(&bench.home))).await;
    assert_eq!(end.not_restored, [], "`{command}`: {}", end.output.head);
    assert_eq!(end.status, CommandStatus::Refused, "`{command}`: {}", end.output.head);
    let after = (state(&git_dir), state(&ours), git(&bench, &["log", "--oneline", "--all"]));
    assert_eq!(before, after, "`{command}`");
    assert_eq!(fs::read_dir(&bench.home).expect("the home").count(), 2, "`{command}` reached outside");
    // The same look is the base of the next command.
    assert_eq!(result(&sandbox, "true").await, (CommandStatus::Exited(0), String::new()));
    Some(end.restored)
}

/// The same, and `named` must be named.
async fn check(command: &str, named: &[&str]) {
    let Some(restored) = undone(command).await else { return };
    assert_eq!(restored, named, "`{command}`");
}

#[tokio::test]
async fn changes_to_settings_hooks_and_refs_are_put_back() {
    check("echo evil > .git/hooks/pre-commit", &[".git/hooks/pre-commit"]).await;
    check("cd .git && echo x >> hooks/pre-push", &[".git/hooks/pre-push"]).await;
    check("git config core.fsmonitor /tmp/evil", &[".git/config"]).await;
    check("git update-ref refs/heads/loose HEAD~1", &[".git/refs/heads/loose"]).await;
    check("git branch evil", &[".git/refs/heads/evil"]).await;
    check("git branch -D packed", &[".git/packed-refs"]).await;
    check("git checkout -q loose", &[".git/HEAD"]).await;
    check("git -c user.name=a -c user.email=b commit -q --allow-empty -m x", &[".git/refs/heads/main"]).await;
    check("echo '* filter=evil' > .git/info/attributes", &[".git/info/attributes"]).await;
    check("echo ../evil > .git/commondir", &[".git/commondir"]).await;
    check("chmod 777 .git/hooks/pre-push .git/hooks", &[".git/hooks", ".git/hooks/pre-push"]).await;
}

#[tokio::test]
async fn removed_and_replaced_folders_are_put_back_with_what_was_in_them() {
    check("rm -rf .git/info; echo x > .git/info", &[".git/info", ".git/info/exclude"]).await;
    check("rm .git/config; mkdir -p .git/config/a/b", &[".git/config"]).await;
    check("rm .git/HEAD; ln -s \"$OUT/new\" .git/HEAD", &[".git/HEAD"]).await;
    let bench = repository();
    let names = fs::read_dir(bench.workspace.join(".git/hooks")).expect("the hooks");
    let mut names: Vec<String> =
        names.map(|name| format!(".git/hooks/{}", name.expect("a name").file_name().display())).collect();
    names.push(".git/hooks".to_owned());
    names.sort();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    check("rm -rf .git/hooks; ln -s \"$OUT\" .git/hooks", &names).await;
}

#[tokio::test]
async fn a_repository_that_was_moved_away_comes_back_whole() {
    check("mv .git x; mkdir .git; echo '[core]' > .git/config", &[".git"]).await;
    check("mv .git x; mkdir .git; mv x .git/inner; echo x > .git/config", &[".git"]).await;
    check("mv .git x", &[".git"]).await;
    check("mv .git x; ln -s \"$OUT\" .git", &[".git"]).await;
    check("mv .git \"$HOME/x\"; echo 'gitdir: /tmp/evil' > .git", &[".git"]).await;
}

#[tokio::test]
async fn a_deleted_repository_gets_back_what_was_kept_and_the_loss_is_said() {
    let bench = repository();
    let Some(sandbox) = guarded(&bench).await else { return };
    let config = fs::read_to_string(bench.workspace.join(".git/config")).expect("the settings");
    let end = run(&sandbox, "rm -rf .git").await;
    assert_eq!(end.status, CommandStatus::Refused);
    assert_eq!(end.restored[0], ".git (deleted: its index and its objects are lost)");
    assert_eq!(fs::read_to_string(bench.workspace.join(".git/config")).expect("the settings"), config);
}

#[tokio::test]
async fn our_own_files_are_put_back_also_where_they_were_missing() {
    check("echo '{\"x\": 1}' > .better-llm/config.json", &[".better-llm/config.json"]).await;
    check("rm .better-llm/config.json", &[".better-llm/config.json"]).await;
    check("mkdir missing; echo '{}' > missing/config.json", &["missing/config.json"]).await;
    check(
        "mkdir x; echo '{}' > x/config.json; rm -r .better-llm; ln -s x .better-llm",
        &[".better-llm", ".better-llm/config.json"],
    )
    .await;
    check("mkdir x; echo '{}' > x/config.json; ln -s x missing", &["missing"]).await;
}

/// CVE-2026-26268 by another door
#[tokio::test]
async fn settings_and_hooks_of_submodules_and_worktrees_and_a_planned_rebase_are_put_back() {
    let bench = repository();
    let module = |name: &str| bench.workspace.join(".git/modules").join(name);
    for name in ["sub", "libs/inner", "sub/modules/deep"] {
        fs::create_dir_all(module(name).join("hooks")).expect("a git dir");
        fs::write(module(name).join("HEAD"), "ref: refs/heads/main\n").expect("its head");
        fs::write(module(name).join("config"), "[core]\n").expect("its settings");
    }
    git(&bench, &["worktree", "add", "-q", "../tree", "packed"]);
    fs::create_dir(bench.workspace.join(".git/rebase-merge")).expect("a rebase");
    fs::write(bench.workspace.join(".git/rebase-merge/git-rebase-todo"), "pick 1\n").expect("its plan");
    let Some(sandbox) = guarded(&bench).await else { return };
    let before = state(&bench.workspace.join(".git"));
    for (command, named) in [
        ("git config -f .git/modules/sub/config core.fsmonitor evil", ".git/modules/sub/config"),
        ("echo x > .git/modules/libs/inner/hooks/post-commit", ".git/modules/libs/inner/hooks/post-commit"),
        ("echo x > .git/modules/sub/modules/deep/config", ".git/modules/sub/modules/deep/config"),
        ("echo x > .git/modules/sub/info", ".git/modules/sub/info"),
        ("echo '[core]' > .git/worktrees/tree/config.worktree", ".git/worktrees/tree/config.worktree"),
        ("echo 'exec evil' >> .git/rebase-merge/git-rebase-todo", ".git/rebase-merge/git-rebase-todo"),
    ] {
        let end = run(&sandbox, command).await;
        assert_eq!(
            (end.status, end.restored),
            (CommandStatus::Refused, vec![named.to_owned()]),
            "`{command}`"
        );
        assert_eq!(state(&bench.workspace.join(".git")), before, "`{command}`");
    }
    // One that a person adds between two commands is watched from then on.
    fs::create_dir_all(module("libs/new")).expect("a git dir");
    fs::write(module("libs/new").join("HEAD"), "ref: refs/heads/main\n").expect("its head");
    let end = run(&sandbox, "echo x > .git/modules/libs/new/config").await;
    assert_eq!(end.restored, [".git/modules/libs/new/config"]);
}

/// P05: repositories inside of the workspace have settings and hooks of their own, and so has a submodule by the file
/// that says where its git dir lies.
#[tokio::test]
async fn settings_and_hooks_of_nested_repositories_are_put_back() {
    let bench = repository();
    fs::create_dir_all(bench.workspace.join("libs/다른 것")).expect("a folder");
    git(&bench, &["init", "-q", "libs/다른 것"]);
    fs::create_dir(bench.workspace.join("sub")).expect("a folder");
    fs::write(bench.workspace.join("sub/.git"), "gitdir: ../.git/modules/sub\n").expect("a pointer");
    let Some(sandbox) = guarded(&bench).await else { return };
    let state = || (state(&bench.workspace.join("libs")), state(&bench.workspace.join("sub")));
    let before = state();
    for (command, named) in [
        ("git -C 'libs/다른 것' config core.fsmonitor evil", vec!["libs/다른 것/.git/config"]),
        ("echo x > 'libs/다른 것/.git/hooks/post-commit'", vec!["libs/다른 것/.git/hooks/post-commit"]),
        ("echo 'gitdir: ../evil' > sub/.git", vec!["sub/.git"]),
        ("mv 'libs/다른 것/.git' moved", vec!["libs/다른 것/.git"]),
    ] {
        let end = run(&sandbox, command).await;
        assert_eq!((end.status, end.restored), (CommandStatus::Refused, texts(&named)), "`{command}`");
        assert_eq!(state(), before, "`{command}`");
    }
    // One that a command makes is its own business.
    let end = run(&sandbox, "git init -q made && echo x > 'libs/다른 것/file'").await;
    assert_eq!((end.status, end.restored), (CommandStatus::Exited(0), Vec::<String>::new()));
}

/// Where there are more repositories than are protected, the person hears of it: after the first command, and once.
#[tokio::test]
async fn repositories_that_are_not_protected_are_told_once() {
    for level in WALLED {
        for (count, is_told) in [(3, false), (70, true)] {
            let bench = Bench::new();
            for number in 0..count {
                let git_dir = bench.workspace.join(format!("모듈-{number}/.git"));
                fs::create_dir_all(&git_dir).expect("a git dir");
                fs::write(git_dir.join("HEAD"), "ref: refs/heads/main\n").expect("its head");
            }
            let Some(sandbox) = bench.at(level).await else { continue };
            let end = run(&sandbox, "true").await;
            assert_eq!(end.status, CommandStatus::Exited(0), "{level:?} {count}");
            let said = sandbox.notices().await;
            let codes: Vec<_> = said.iter().map(|notice| notice.code).collect();
            let expected: &[&str] = if is_told { &["nested_repositories_unseen"] } else { &[] };
            assert_eq!(codes, expected, "{level:?} {count}");
            assert!(said.iter().all(|notice| notice.text.contains(": 64 found and protected")), "{said:?}");
            drop(run(&sandbox, "true").await);
            assert_eq!(sandbox.notices().await, [], "{level:?} {count}");
        }
    }
}

fn texts(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// The workspace may be the home folder.
#[tokio::test]
async fn a_folder_of_ours_is_put_back_with_all_that_is_in_it_also_where_it_was_missing() {
    for is_there in [true, false] {
        let bench = Bench::new();
        let config = bench.workspace.join(".config/better-llm");
        let file = config.join("system_config.json");
        if is_there {
            fs::create_dir_all(&config).expect("our folder");
            fs::write(&file, "{}").expect("our file");
        }
        std::os::unix::fs::symlink(&bench.workspace, bench.home.join("me")).expect("a link");
        let mut settings = bench.settings(Requested::Level(SandboxLevel::Kernel));
        // Named by another way to the same place.
        settings.protected = vec![bench.home.join("me/.config/better-llm")];
        let Some(sandbox) = bench.with(settings).await else { return };
        let command = "mkdir -p .config/other .config/better-llm && cd .config/better-llm && \
                       echo '{\"x\": 1}' > system_config.json";
        let end = run(&sandbox, command).await;
        let named = if is_there { ".config/better-llm/system_config.json" } else { ".config/better-llm" };
        assert_eq!((end.status, end.restored), (CommandStatus::Refused, vec![named.to_owned()]));
        assert_eq!(fs::read_to_string(&file).ok().as_deref(), is_there.then_some("{}"));
        assert!(bench.workspace.join(".config/other").is_dir());
    }
}

#[tokio::test]
async fn a_change_that_keeps_size_and_times_is_seen() {
    let command = "cp -p .git/hooks/pre-push keep; printf '#!/bin/XX\\n' > .git/hooks/pre-push; \
                   touch -r keep .git/hooks/pre-push";
    check(command, &[".git/hooks/pre-push"]).await;
}

#[tokio::test]
async fn a_repository_made_by_a_command_is_removed() {
    let bench = Bench::new();
    let Some(sandbox) = bench.at(SandboxLevel::Kernel).await else { return };
    let end = run(&sandbox, "git init -q . && echo made > file").await;
    assert_eq!((end.status, end.restored), (CommandStatus::Refused, vec![".git".to_owned()]));
    assert!(!bench.workspace.join(".git").exists());
    assert_eq!(fs::read_to_string(bench.workspace.join("file")).expect("the file"), "made\n");
}

#[tokio::test]
async fn reading_and_staging_are_no_change() {
    let bench = repository();
    let Some(sandbox) = guarded(&bench).await else { return };
    let command = "git status --short; git log --oneline | wc -l; echo x > new; git add new; git diff --cached --stat; \
                   touch .git/config";
    let end = run(&sandbox, command).await;
    assert_eq!((end.status, end.restored), (CommandStatus::Exited(0), Vec::<String>::new()));
    assert!(end.output.head.starts_with("?? .better-llm/\n2\n"), "{}", end.output.head);
}

#[tokio::test]
async fn more_than_can_be_kept_is_an_error_before_anything_runs() {
    let bench = repository();
    let Some(sandbox) = guarded(&bench).await else { return };
    let refs = fs::File::create(bench.workspace.join(".git/packed-refs")).expect("a file");
    refs.set_len(64 * 1024 * 1024 + 1).expect("its size");
    let end = sandbox.run(request("touch ran"), Arc::new(Sink::default()), never_cancelled());
    let error = end.await.expect_err("nothing may run");
    assert!(matches!(&error, ProcessError::Sandbox { level: "kernel", .. }), "{error:?}");
    assert!(!bench.workspace.join("ran").exists());
}

#[tokio::test]
async fn a_dropped_command_is_undone_too() {
    let bench = repository();
    let Some(sandbox) = guarded(&bench).await else { return };
    let sink = Arc::new(Sink::default());
    let command = "echo evil > .git/hooks/pre-commit; echo ready; sleep 600";
    let end = sandbox.run(request(command), Arc::clone(&sink) as _, never_cancelled());
    tokio::select! {
        _ = end => panic!("it does not end by itself"),
        _ = sink.ready() => {}
    }
    assert!(!bench.workspace.join(".git/hooks/pre-commit").exists());
}

#[tokio::test]
async fn a_git_dir_outside_can_be_read_and_not_written() {
    let bench = repository();
    git(&bench, &["worktree", "add", "-q", "../tree", "packed"]);
    let tree = Bench {
        root: tempfile::tempdir().expect("a folder"),
        workspace: bench.root.path().canonicalize().expect("its path").join("tree"),
        home: bench.home.clone(),
        artifacts: bench.artifacts.clone(),
    };
    let mut settings = tree.settings(Requested::Level(SandboxLevel::Kernel));
    settings.git_dirs = vec![bench.workspace.join(".git/worktrees/tree"), bench.workspace.join(".git")];
    let Some(sandbox) = tree.with(settings).await else { return };
    let (status, output) = result(&sandbox, "git status --short --branch && git log --oneline | wc -l").await;
    assert_eq!((status, output.as_str()), (CommandStatus::Exited(0), "## packed\n2\n"));
    let (status, _) = result(&sandbox, "git branch evil").await;
    assert_eq!(status, CommandStatus::Exited(128));
    let end = run(&sandbox, "echo 'gitdir: /tmp/evil' > .git").await;
    assert_eq!((end.status, end.restored), (CommandStatus::Refused, vec![".git".to_owned()]));
}
