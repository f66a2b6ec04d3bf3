//! What the settings are, given files, environment and flags; each test has a home and a workspace of its own.

mod agents;
mod defaults;
mod environment;
mod grants;
mod properties;
mod providers;
mod secrets;
mod system;
mod trust;
mod untrusted;
mod walls;

use std::{
    fs,
    path::{Path, PathBuf},
};

use domain::permission::PermissionMode;

use crate::{ConfigError, Environment, LoadRequest, Loaded, Overrides, Settings};

const TOOLS: [&str; 9] = ["read", "glob", "grep", "diff", "write", "edit", "bash", "process", "commit"];

const PROMPTS: [(&str, &str); 7] = [
    ("manager", "built-in manager"),
    ("planner", "built-in planner"),
    ("coder", "built-in coder"),
    ("reviewer", "built-in reviewer"),
    ("tester", "built-in tester"),
    ("committer", "built-in committer"),
    ("devops", "built-in devops"),
];

/// A home and a workspace.
struct World {
    root: tempfile::TempDir,
    variables: Vec<(String, String)>,
    flags: Overrides,
    given: Vec<PathBuf>,
    tracked: bool,
}

impl World {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("작업")).unwrap();
        Self { root, variables: vec![], flags: Overrides::default(), given: vec![], tracked: false }
    }

    /// A path in the workspace.
    fn work(&self, file: &str) -> PathBuf {
        self.root.path().join("작업").join(file)
    }

    /// A path in the person's config root.
    fn own(&self, file: &str) -> PathBuf {
        self.root.path().join("집/.config/better-llm").join(file)
    }

    fn write(&self, file: &Path, content: &str) {
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, content).unwrap();
    }

    /// Writes a file into the workspace.
    fn with_work(self, file: &str, content: &str) -> Self {
        self.write(&self.work(file), content);
        self
    }

    /// Writes a file into the person's config root.
    fn with_own(self, file: &str, content: &str) -> Self {
        self.write(&self.own(file), content);
        self
    }

    /// Writes a file into the workspace's `config/` and names it by `--config`.
    fn with_given(mut self, file: &str, content: &str) -> Self {
        let file = self.work("config").join(file);
        self.write(&file, content);
        self.given.push(file);
        self
    }

    fn with_variable(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    fn with_flags(mut self, flags: Overrides) -> Self {
        self.flags = flags;
        self
    }

    fn load(&self) -> Result<Loaded, ConfigError> {
        let environment: Environment = self.variables.iter().cloned().collect();
        Settings::load(&LoadRequest {
            environment: &environment,
            home: Some(&self.root.path().join("집")),
            cwd: &self.work(""),
            config_files: &self.given,
            flags: &self.flags,
            default_mode: PermissionMode::AutoEdit,
            known_tools: &TOOLS,
            embedded_prompts: &PROMPTS,
            is_tracked: &|_| self.tracked,
        })
    }

    /// The settings, where nothing was worth a notice.
    fn settings(&self) -> Settings {
        let loaded = self.load().unwrap();
        assert_eq!(loaded.notices, []);
        loaded.settings
    }

    /// The problems, with the folder of this world left out.
    fn problems(&self) -> Vec<String> {
        let error = self.load().unwrap_err();
        error.problems().iter().map(|problem| self.shortened(&problem.to_string())).collect()
    }

    /// The settings, and the notices with the folder of this world left out.
    fn noticed(&self) -> (Settings, Vec<String>) {
        let loaded = self.load().unwrap();
        let notices = loaded.notices.iter().map(|notice| self.shortened(&notice.to_string())).collect();
        (loaded.settings, notices)
    }

    fn shortened(&self, text: &str) -> String {
        text.replace(&format!("{}/", self.root.path().display()), "")
    }
}

/// The source of a setting, as it is shown, without the world's folder.
fn source(world: &World, settings: &Settings, key: &str) -> String {
    let shown = settings.shown().iter().find(|shown| shown.key == key).unwrap();
    world.shortened(&shown.source.to_string())
}
