//! O-24, contract 3: sessions of several processes in one folder. One of them writes; others are refused and told by whom, or work
//! in a worktree of their own, which loses nothing when it goes.

use std::{
    fs,
    path::{Path, PathBuf},
};

use domain::outcome::{Ending, NeedReason};
use rustix::{fs::Mode, process::Signal};
use serde_json::Value;
use testkit::{MockServer, Script, Turn, requirement};

use crate::support::{
    Ended, Running, World,
    turns::{ask, bash, coded, committed, finish, one_worker, planned, write},
};

const FREE: [&str; 4] = ["--sandbox", "none", "--permission-mode", "full"];

fn stream<'a>(more: &'a [&'a str]) -> impl Iterator<Item = &'a str> {
    ["--output-format", "stream-json", "--partial"].into_iter().chain(more.iter().copied())
}

/// The person's files, git's own left out.
fn files(world: &World) -> Vec<(PathBuf, Vec<u8>)> {
    let git = world.repository.join(".git");
    World::snapshot(&world.repository).into_iter().filter(|(path, _)| !path.starts_with(&git)).collect()
}

/// A program whose coder is in the middle of a command: it writes `첫째.txt` once somebody writes to the pipe.
struct AtWork {
    program: Running,
    session: String,
    pipe: PathBuf,
}

impl AtWork {
    async fn begin(world: &World, server: &MockServer) -> Self {
        let mut program = world.call(stream(&FREE)).args(["첫째"]).against(server).start();
        let started = program.until_type("session_started").await;
        let is_ready = |line: &Value| line["text"].as_str().is_some_and(|text| text.contains("ready"));
        program.until("the command's output", is_ready).await;
        let session = started["session_id"].as_str().expect("an id").to_owned();
        Self { program, session, pipe: world.outside().join("pipe") }
    }

    async fn server(world: &World) -> MockServer {
        let pipe = world.outside().join("pipe");
        rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, Mode::RUSR | Mode::WUSR).expect("a pipe");
        let command = format!(": > 첫째.txt; echo ready; cat '{}' > 첫째.txt", pipe.display());
        MockServer::start(one_worker("coder", [bash(&command), coded(&["첫째.txt"], &[])])).await
    }

    /// Who others are told of.
    fn name(&self) -> String {
        format!("session {}", self.session)
    }

    async fn finish(self) -> Ended {
        let pipe = self.pipe.clone();
        tokio::task::spawn_blocking(move || fs::write(pipe, "첫째의 일\n"))
            .await
            .expect("it ends")
            .expect("it reads");
        self.program.end().await
    }

    async fn kill(self) {
        self.program.signal(Signal::KILL);
        self.program.end_unread().await;
    }
}

async fn writing(path: &str) -> MockServer {
    MockServer::start(one_worker("coder", [write(path, "둘째의 일\n"), coded(&[path], &[])])).await
}

async fn committing() -> MockServer {
    let commit = Turn::call("commit", serde_json::json!({ "message": "둘째의 커밋" }));
    let script = Script::new()
        .agent("manager", [ask("coder", "써 줘"), ask("committer", "커밋해 줘"), finish("done")])
        .agent("coder", [write("둘째.txt", "둘째의 일\n"), coded(&["둘째.txt"], &[])])
        .agent("committer", [commit, committed()]);
    MockServer::start(script).await
}

fn worktrees(world: &World) -> PathBuf {
    world.own().join("data/worktrees")
}

/// The folders of worktrees; notes left out.
fn trees(world: &World) -> Vec<PathBuf> {
    let entries = fs::read_dir(worktrees(world)).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).filter(|path| path.is_dir()).collect()
}

fn branches(world: &World) -> Vec<String> {
    let listed = world.git(&["branch", "--list", "better-llm/*", "--format=%(refname:short)"]);
    listed.lines().map(str::to_owned).collect()
}

fn text_of<'v>(events: &'v [Value], code: &str) -> &'v str {
    let notice = events.iter().find(|event| event["code"] == code);
    notice.and_then(|notice| notice["text"].as_str()).unwrap_or_else(|| panic!("no `{code}`: {events:?}"))
}

/// Contract 3: the second session changes nothing, says who is at work, and ends with exit code 9.
#[tokio::test]
async fn o_24_a_second_session_in_a_folder_is_refused_and_told_who_is_at_work() {
    let world = World::new();
    let server = AtWork::server(&world).await;
    let first = AtWork::begin(&world, &server).await;
    let before = files(&world);

    let second = writing("둘째.txt").await;
    let call = || world.call(stream(&FREE)).args(["둘째"]).against(&second);
    let said = call().run().await.said();
    assert_eq!(said.ending(), Ending::NeedsPerson(NeedReason::Permission));
    let notices = said.of_type("notice");
    let busy = text_of(&notices, "workspace_busy");
    assert!(
        busy.contains(&first.name()) && busy.contains("(process ") && busy.contains("--worktree"),
        "{busy}"
    );
    let calls = said.calls_of("coder");
    assert!(calls[0].output.contains(&first.name()), "the agent knows, too: {calls:?}");

    // A session that only reads waits for nobody.
    let reading = MockServer::start(one_worker("planner", [planned()])).await;
    let read = world.call(stream(&FREE)).args(["봐 줘"]).against(&reading).run().await;
    assert_eq!(read.code(), 0, "{}", read.err);
    // Nothing is taken back below the feet of the first.
    let undo = world.call(["session", "undo"]).run().await;
    assert!(undo.code() != 0 && !undo.err.is_empty(), "{}", undo.err);
    assert_eq!(files(&world), before, "nobody else changed anything");

    let ended = first.finish().await;
    assert_eq!((ended.code(), world.read("첫째.txt").as_str()), (0, "첫째의 일\n"), "{}", ended.err);
    let again = writing("둘째.txt").await;
    let free = world.call(FREE).args(["둘째"]).against(&again).run().await;
    assert_eq!((free.code(), world.read("둘째.txt").as_str()), (0, "둘째의 일\n"), "{}", free.err);
    assert_eq!(World::leftovers(&world.own().join("state/locks")), ["sessions"], "no lock is left");
}

/// What a person reads, in both languages.
#[tokio::test]
async fn o_24_people_are_told_what_to_do_beside_a_session_at_work() {
    let world = World::new();
    let server = AtWork::server(&world).await;
    let first = AtWork::begin(&world, &server).await;
    for (language, expected) in
        [("en", "is at work in this workspace"), ("ko", "`--worktree`로 별도 브랜치에서")]
    {
        let second = writing("둘째.txt").await;
        let ended = world.call(FREE).args(["--lang", language, "둘째"]).against(&second).run().await;
        assert_eq!(ended.code(), 9, "{}", ended.err);
        assert!(ended.err.contains(expected) && ended.err.contains("--worktree"), "{}", ended.err);
    }
    // A folder inside another is no way round.
    fs::create_dir(world.repository.join("안")).expect("a folder");
    let inner = writing("둘째.txt").await;
    let ended = world.call(FREE).args(["-C", "안", "둘째"]).against(&inner).run().await;
    assert_eq!((ended.code(), world.has("안/둘째.txt")), (9, false), "{}", ended.err);
    assert!(
        ended.err.contains(&world.repository.display().to_string()),
        "it names the folder: {}",
        ended.err
    );
    first.kill().await;
}

/// Contract 3: the lock goes with its process, however that ends.
#[tokio::test]
async fn o_24_a_killed_session_holds_nobody_up() {
    let world = World::new();
    let server = AtWork::server(&world).await;
    AtWork::begin(&world, &server).await.kill().await;
    let second = writing("둘째.txt").await;
    let ended = world.call(FREE).args(["둘째"]).against(&second).run().await;
    assert_eq!((ended.code(), world.read("둘째.txt").as_str()), (0, "둘째의 일\n"), "{}", ended.err);
}

/// Contract 3: beside a session that is at work, another one works in a worktree and commits on its branch.
#[tokio::test]
async fn o_24_a_worktree_lets_a_session_work_beside_another_one() {
    let world = World::new();
    world.write("초안.txt", "커밋하지 않은 글\n");
    let server = AtWork::server(&world).await;
    let first = AtWork::begin(&world, &server).await;
    let before = files(&world);

    let second = committing().await;
    let ended = world.call(stream(&FREE)).args(["--worktree", "둘째"]).against(&second).run().await;
    let said = ended.said();
    assert_eq!(said.ending(), Ending::Done, "{}", ended.err);
    let [branch] = &branches(&world)[..] else { panic!("{:?}", branches(&world)) };
    let notices = said.of_type("notice");
    assert_eq!(notices[0]["code"], "worktree_made", "the first notice says where it works");
    let made = text_of(&notices, "worktree_made");
    let session = said.events[0].session_id;
    let tree = worktrees(&world).join(session.to_string());
    assert_eq!(*branch, format!("better-llm/{session}"));
    for part in [&tree.display().to_string(), branch, "2 files that you have not committed are not in it"] {
        assert!(made.contains(part), "{part}: {made}");
    }
    assert_eq!(said.the("session_started")["cwd"], tree.display().to_string());
    assert_eq!(said.result().files_changed, ["둘째.txt"]);
    said.check_kept(&world).await;
    // Its folder is gone, its commit is on its branch, and the first session's folder is as it was.
    assert_eq!((files(&world), trees(&world)), (before, vec![]));
    assert_eq!(world.git(&["show", "--format=%s", "--name-only", branch]), "둘째의 커밋\n\n둘째.txt");
    assert_eq!(world.commits(), ["첫 커밋"], "main has not moved");
    let ended = first.finish().await;
    assert_eq!((ended.code(), world.read("첫째.txt").as_str()), (0, "첫째의 일\n"), "{}", ended.err);
}

async fn in_worktree(world: &World, server: &MockServer, more: &[&str]) -> Ended {
    world.call(FREE).args(["--worktree"]).args(more).args(["둘째"]).against(server).run().await
}

/// O-24: whatever became of the work, the person is told where it is and how to take it, and none of it is lost.
#[tokio::test]
async fn o_24_a_worktree_is_cleared_up_without_losing_anything() {
    let world = World::new();
    world.write(".gitignore", "*.env\n");
    world.git(&["add", "."]);
    world.git(&["commit", "-q", "-m", "무시"]);
    world.write("local.env", "KEY=1\n");
    world.write(".worktreeinclude", "*.env\n");
    let before = (files(&world), world.git(&["for-each-ref"]));
    let now = || (files(&world), world.git(&["for-each-ref"]));

    let nothing = MockServer::start(one_worker("planner", [planned()])).await;
    let ended = in_worktree(&world, &nothing, &[]).await;
    assert_eq!((ended.code(), now(), trees(&world)), (0, before.clone(), vec![]), "{}", ended.err);
    assert!(ended.err.contains("copied into it") && ended.err.contains("1 file"), "{}", ended.err);
    assert!(ended.err.contains("the worktree and its branch are removed"), "{}", ended.err);

    let committing = committing().await;
    let ended = in_worktree(&world, &committing, &[]).await;
    assert_eq!((ended.code(), trees(&world), branches(&world).len()), (0, vec![], 1), "{}", ended.err);
    assert!(ended.err.contains("→ take: `git merge better-llm/"), "{}", ended.err);
    let branch = branches(&world).remove(0);
    world.git(&["branch", "-q", "-D", &branch]);

    for (path, reason, korean) in [
        ("둘째.txt", "1 file is not committed", "커밋하지 않은 파일 1개"),
        ("local.env", "local.env", "local.env"),
    ] {
        let server =
            MockServer::start(one_worker("coder", [bash(&format!("echo 2 > {path}")), coded(&[path], &[])]))
                .await;
        let ended = in_worktree(&world, &server, &["--lang", "ko"]).await;
        let [tree] = &trees(&world)[..] else { panic!("{path}: {:?}\n{}", trees(&world), ended.err) };
        assert_eq!(
            (ended.code(), fs::read_to_string(tree.join(path)).expect("it stays")),
            (0, "2\n".to_owned())
        );
        assert!(
            ended.err.contains(&format!("워크트리를 {} 폴더에 남겼습니다", tree.display())),
            "{}",
            ended.err
        );
        assert!(ended.err.contains(korean), "{}", ended.err);
        let session = tree.file_name().expect("a name").to_str().expect("an id");
        // Without a task there is no round to go on with; it ends as it is, and is cleared up again.
        let server = MockServer::start(one_worker("planner", [planned()])).await;
        let again = world.call(FREE).args(["--resume", session, "봐 줘"]).against(&server).run().await;
        assert_eq!(again.code(), 0, "{}", again.err);
        assert!(again.err.contains("the session goes on in") && again.err.contains(reason), "{}", again.err);
        // The way to throw it away that was said.
        let away = again
            .err
            .split("throw away: `")
            .nth(1)
            .and_then(|rest| rest.split('`').next())
            .expect("a command");
        let status = world.script(away).run().await;
        assert_eq!((status.code(), now(), trees(&world)), (0, before.clone(), vec![]), "{away}");
    }
}

/// O-22, O-24: a worktree outlives a program that is killed, and its session goes on in it.
#[tokio::test]
async fn o_24_a_killed_session_goes_on_in_its_worktree() {
    let world = World::new();
    let before = files(&world);
    let script = one_worker(
        "coder",
        [write("둘째.txt", "반쯤\n"), bash("echo ready; exec sleep 600"), coded(&["둘째.txt"], &[])],
    );
    let server = MockServer::start(script).await;
    let mut program = world.call(stream(&FREE)).args(["--worktree", "둘째"]).against(&server).start();
    let session =
        program.until_type("session_started").await["session_id"].as_str().expect("an id").to_owned();
    let is_ready = |line: &Value| line["text"].as_str().is_some_and(|text| text.contains("ready"));
    program.until("the command's output", is_ready).await;
    program.signal(Signal::KILL);
    program.end_unread().await;
    let tree = worktrees(&world).join(&session);
    assert!(world.git(&["worktree", "list"]).contains(&session), "git shows it");

    // The flag changes nothing for a session that has its worktree.
    let resumed = world.call(FREE).args(["--worktree", "--resume", &session]).against(&server);
    let ended = resumed.run().await;
    assert_eq!(ended.code(), 0, "{}", ended.err);
    assert!(ended.err.contains(&format!("the session goes on in {}", tree.display())), "{}", ended.err);
    assert!(ended.err.contains("the worktree stays in"), "{}", ended.err);
    assert_eq!(fs::read_to_string(tree.join("둘째.txt")).expect("its work"), "반쯤\n");
    assert_eq!(files(&world), before, "the person's folder is as it was");
}

/// O-24: commands in a worktree are walled in as anywhere: they use git there, and write nothing in the person's folder.
#[tokio::test]
async fn o_24_commands_in_a_worktree_reach_its_repository_and_no_other_folder() {
    let world = World::new();
    if !world.has_walls().await {
        return;
    }
    let before = World::snapshot(&world.repository);
    let outside = world.repository.join("README.md").display().to_string();
    // A wall may show the other folder as one of the command's own, that goes with it: what counts is what is there.
    let command = format!(
        "git log --format=%s -1 && git status --porcelain && echo 안 > 안.txt; echo 밖 > '{outside}'"
    );
    let server = MockServer::start(one_worker("coder", [bash(&command), coded(&["안.txt"], &[])])).await;
    let options = ["--output-format", "stream-json", "--worktree", "둘째"];
    let ended = world.call(options).against(&server).run().await;
    let said = ended.said();
    let output = &said.calls_of("coder")[0].output;
    assert!(output.contains("첫 커밋"), "{output}");
    let [tree] = &trees(&world)[..] else { panic!("{:?}", trees(&world)) };
    assert_eq!(fs::read_to_string(tree.join("안.txt")).expect("it may write there"), "안\n");
    let theirs = |files: Vec<(PathBuf, Vec<u8>)>| {
        let git = world.repository.join(".git");
        files.into_iter().filter(|(path, _)| !path.starts_with(&git)).collect::<Vec<_>>()
    };
    assert_eq!(theirs(World::snapshot(&world.repository)), theirs(before));
    let caches = World::leftovers(&world.own().join("cache/toolchains"));
    assert_eq!(
        caches.len(),
        1,
        "what tool chains have fetched for the workspace is there for its worktree: {caches:?}"
    );
}

/// Where no worktree can be had nothing is begun, and the way out is said.
#[tokio::test]
async fn a_worktree_that_cannot_be_made_begins_nothing() {
    let check = async |world: &World, options: &[&str], code: i32, said: &str| {
        let server = writing("둘째.txt").await;
        let ended = world.call(FREE).args(options).args(["--worktree"]).against(&server).run().await;
        assert_eq!((ended.code(), ended.out.as_str()), (code, ""), "{}", ended.err);
        assert!(ended.err.contains(said), "{}", ended.err);
        assert_eq!(
            (trees(world), World::leftovers(&world.repository).contains(&"둘째.txt".to_owned())),
            (vec![], false)
        );
    };
    check(&World::without_files(), &["x"], 2, "run `git init` there").await;
    check(&World::without_files(), &["--lang", "ko", "x"], 2, "`--worktree` 없이 실행하세요").await;
    let world = World::new();
    check(&world, &["@coderr 써 줘"], 2, "coderr").await;
    assert_eq!(branches(&world), Vec::<String>::new());
    let plain = writing("둘째.txt").await;
    let ended = world.call(stream(&FREE)).args(["x"]).against(&plain).run().await;
    let session = ended.said().events[0].session_id.to_string();
    fs::remove_file(world.repository.join("둘째.txt")).expect("a file");
    check(&world, &["--resume", &session, "x"], 2, "has no worktree").await;
}

/// The machine can be without `git`, and then says so.
#[tokio::test]
async fn a_worktree_needs_git() {
    if !Path::new("/bin/sh").exists() {
        requirement::skip("there is no /bin/sh");
        return;
    }
    let world = World::new();
    let server = writing("둘째.txt").await;
    let ended =
        world.call(FREE).args(["--worktree", "x"]).env("PATH", world.outside()).against(&server).run().await;
    assert_eq!(ended.code(), 2, "{}", ended.err);
    assert!(ended.err.contains("git is not in PATH"), "{}", ended.err);
}
