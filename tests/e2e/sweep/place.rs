//! The demo's repository and story, against a server of the test's own: once made, then copied for every run.

use std::{fs, process::Command};

use better_llm_tests::root;
use domain::{event::Event, ports::JournalPort};
use serde_json::Value;
use storage::SqliteJournal;
use tempfile::TempDir;
use testkit::{
    MockServer,
    mock_server::{Script, read_script},
};

use crate::support::{Call, World};

/// What the demo is made of.
const DEMO: &str = "crates/better-llm/demo";

/// The demo's repository before the story: what every [`Place`] begins with.
pub(super) struct Beginning {
    world: World,
    story: Script,
    task: String,
}

/// A world with the demo's repository, and the server that tells its story.
pub(super) struct Place {
    pub(super) world: World,
    pub(super) server: MockServer,
    task: String,
    sandbox: &'static str,
}

impl Beginning {
    pub(super) fn new() -> Self {
        let world = World::without_files();
        let demo = root().join(DEMO);
        for (path, content) in World::snapshot(&demo.join("repository")) {
            let path = path.strip_prefix(demo.join("repository")).expect("below it").to_owned();
            world.write(path.to_str().expect("text"), &String::from_utf8(content).expect("text"));
        }
        world.git(&["init", "-q", "-b", "main"]);
        world.git(&["config", "user.name", "better-llm demo"]);
        world.git(&["config", "user.email", "demo@localhost"]);
        world.git(&["add", "."]);
        world.git(&["commit", "-q", "-m", "Tally amounts"]);
        let read = |name: &str| fs::read_to_string(demo.join(name)).expect("the demo");
        let story = read_script(&read("script.json")).expect("the demo's script").as_story().with_thoughts();
        Self { world, story, task: read("task.txt").trim().to_owned() }
    }

    /// Whether commands can be walled in here; where they cannot, this says that the test is skipped.
    pub(super) async fn has_walls(&self) -> bool {
        self.world.has_walls().await
    }

    /// A place of its own, where commands run at this level.
    pub(super) async fn place(&self, sandbox: &'static str) -> Place {
        let world = World::without_files();
        let from = self.world.repository.join(".");
        let copied = Command::new("cp").arg("-a").arg(from).arg(&world.repository).status();
        assert!(copied.expect("cp is there").success());
        let server = MockServer::start(self.story.clone()).await;
        Place { world, server, task: self.task.clone(), sandbox }
    }

    /// Like [`Beginning::place`]; workers that are sent anew may find their work done.
    pub(super) async fn place_of_two_tasks(&self, sandbox: &'static str) -> Place {
        let server = MockServer::start(self.story.clone().expecting_nothing()).await;
        Place { server, ..self.place(sandbox).await }
    }
}

impl Place {
    /// The demo's task.
    pub(super) fn begin(&self) -> Call {
        self.call(&["--", &self.task])
    }

    /// The session goes on as itself.
    pub(super) fn go_on(&self) -> Call {
        self.call(&["--continue"])
    }

    /// The session goes on with another task.
    pub(super) fn go_on_with(&self, task: &str) -> Call {
        self.call(&["--continue", "--", task])
    }

    fn call(&self, more: &[&str]) -> Call {
        let options = ["--provider", "anthropic", "--permission-mode", "full", "--sandbox", self.sandbox];
        let told = ["--output-format", "stream-json", "--partial"];
        self.world.call(options.iter().chain(&told).chain(more)).against(&self.server)
    }

    /// Every session that has been written down so far, as who finds the files would read them: the files themselves
    /// stay as they are.
    pub(super) async fn journals(&self) -> Vec<Vec<Event>> {
        let copy = TempDir::new().expect("a temporary folder");
        let database = self.world.journal();
        for suffix in ["", "-wal", "-journal"] {
            let name = format!("better-llm.db{suffix}");
            let file = database.with_file_name(&name);
            if file.exists() {
                fs::copy(file, copy.path().join(name)).expect("a file");
            }
        }
        let journal = SqliteJournal::new(copy.path().join("better-llm.db"));
        let mut journals = Vec::new();
        for session in journal.sessions(10).await.expect("the journal") {
            journals.push(journal.read(session.id, 0).await.expect("the journal"));
        }
        journal.close().await.expect("the journal");
        journals
    }
}

/// An event as JSON, without when and where it happened.
pub(super) fn told(event: &Event) -> Value {
    let mut told = serde_json::to_value(event).expect("JSON");
    let fields = told.as_object_mut().expect("an object");
    for field in ["v", "seq", "ts", "session_id", "round", "run_id", "parent_run_id", "agent"] {
        fields.remove(field);
    }
    told
}
