//! Paths as models write them, among links as commands plant them.
//!
//! Held: whatever the path and wherever links lead, no file tool shows or changes what is outside of the workspace, or
//! writes what is protected (P01 to P05).

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
};

use domain::{
    agent::AgentName,
    id::{CallId, RunId, Ulid},
    permission::PathRules,
    ports::{ToolContext, never_cancelled},
    workspace::Bases,
};
use serde_json::{Value, json};
use tempfile::TempDir;
use testkit::{FakeProcesses, FakeServers, FakeWorkspace, MemoryOutput, SequentialIds};
use tokio::runtime::{Builder, Runtime};
use tools::{ToolDeps, Toolbox};

const SECRET: &str = "카나리아";

/// Links, one a line (`name -> target`), then the path.
pub(super) fn check(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let mut lines: Vec<&str> = text.lines().collect();
    let Some(path) = lines.pop() else { return };
    // Who knows the secret already may say it.
    if text.contains(SECRET) {
        return;
    }
    let world = World::new();
    let path = world.placed(path);
    for (name, target) in lines.iter().take(8).filter_map(|line| line.split_once(" -> ")) {
        world.plant(name, target);
    }
    let before = world.guarded();
    let toolbox = world.toolbox();
    for (tool, input) in [
        ("read", json!({"path": path})),
        ("glob", json!({"pattern": "**", "path": path})),
        ("grep", json!({"pattern": ".", "path": path})),
        ("edit", json!({"path": path, "old_string": SECRET, "new_string": "x"})),
        ("write", json!({"path": path, "content": "x"})),
    ] {
        let output = call(&toolbox, tool, &input);
        assert!(!output.contains(SECRET), "{tool} shows what is outside: {output}");
        assert_eq!(world.guarded(), before, "{tool} changed what it may not");
    }
}

fn call(toolbox: &Toolbox, tool: &str, input: &Value) -> String {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    let runtime =
        RUNTIME.get_or_init(|| Builder::new_current_thread().enable_all().build().expect("a runtime"));
    let tool = toolbox.build(tool).expect("a tool of that name");
    let Ok(prepared) = tool.prepare(input) else { return String::new() };
    let context = ToolContext {
        agent: AgentName::parse("coder").expect("a name"),
        run: RunId::new(Ulid::from_parts(1, 1)),
        call: CallId::new("call"),
        output: MemoryOutput::new(),
        cancelled: never_cancelled(),
        bases: Bases::default(),
        writes: None,
        holds_commands: false,
        paths: PathRules::default(),
    };
    runtime.block_on(prepared.run(context)).output
}

/// A workspace, and what lies beside it.
struct World(TempDir);

impl World {
    fn new() -> Self {
        let world = Self(tempfile::tempdir().expect("a temporary folder"));
        for (file, content) in [
            ("repo/a/b/file.txt", "안\n"),
            ("repo/.git/config", "[core]\n"),
            ("repo/.git/hooks/x", "x\n"),
            ("repo-evil/secret", SECRET),
            ("outside/secret", SECRET),
            ("outside/deep/er/secret", SECRET),
        ] {
            let file = world.0.path().join(file);
            fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
            fs::write(file, content).expect("a file");
        }
        world
    }

    fn root(&self) -> PathBuf {
        self.0.path().join("repo")
    }

    /// The path; where it is absolute, in this world instead of the machine's.
    fn placed(&self, path: &str) -> String {
        path.strip_prefix('/')
            .map_or_else(|| path.to_owned(), |rest| format!("{}/{rest}", self.0.path().display()))
    }

    /// Makes a link, where the name is one of the workspace's.
    fn plant(&self, name: &str, target: &str) {
        let is_inside =
            !name.is_empty() && name.split('/').all(|name| !matches!(name, "" | "." | ".." | ".git"));
        let target = self.placed(target);
        // What cannot be planted is no attack.
        if is_inside && self.holds(name) {
            symlink(target, self.root().join(name)).unwrap_or_default();
        }
    }

    /// Whether the folder of that name is truly in the workspace, whatever was planted before.
    fn holds(&self, name: &str) -> bool {
        let folder = self.root().join(name);
        let real = folder.parent().and_then(|folder| fs::canonicalize(folder).ok());
        let root = fs::canonicalize(self.root()).expect("the workspace");
        real.is_some_and(|real| real.starts_with(&root) && !real.starts_with(root.join(".git")))
    }

    /// Everything that no tool may change.
    fn guarded(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let mut seen = Vec::new();
        let mut folders =
            ["repo/.git", "repo-evil", "outside"].map(|folder| self.0.path().join(folder)).to_vec();
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).expect("a folder") {
                let path = entry.expect("an entry").path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    let content = fs::read(&path).expect("a file");
                    seen.push((path, content));
                }
            }
        }
        let beside = fs::read_dir(self.0.path()).expect("a folder");
        seen.extend(beside.map(|entry| (entry.expect("an entry").path(), Vec::new())));
        seen.sort();
        seen
    }

    fn toolbox(&self) -> Toolbox {
        let deps = ToolDeps {
            root: self.root(),
            added: Vec::new(),
            protected: vec![Path::new(".better-llm").into()],
            servers: Arc::new(FakeServers::new()),
            processes: Arc::new(FakeProcesses::new()),
            workspace: Arc::new(FakeWorkspace::new()),
            ids: Arc::new(SequentialIds::new()),
        };
        Toolbox::open(deps).expect("the workspace opens")
    }
}
