//! The demo: a small bundled repository, and a bundled script of model answers played on it.
//!
//! Only the models' words are scripted. Files are really written, tests really run, the commit is really made, and
//! the engine judges all of it as it would judge a model's.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    path::{Path, PathBuf},
    sync::Arc,
};

use config::{Language, Overrides, SandboxChoice};
use domain::{
    permission::PermissionMode,
    ports::WorkspacePort,
    session::Request,
    workspace::{Checkpoint, WorkspaceError},
};
use llm::{Script, ScriptModel};
use workspace::{Author, Workspace, WorkspaceSettings};

use crate::{Engine, EngineBuilder, Helper, error::StartError};

/// What the person asks for in the demo.
const TASK: &str = include_str!("../demo/task.txt");
/// What the models answer.
const SCRIPT: &str = include_str!("../demo/script.json");

macro_rules! bundled {
    ($($path:literal),+ $(,)?) => {
        &[$(($path, include_str!(concat!("../demo/repository/", $path)))),+]
    };
}

/// The repository's files.
const REPOSITORY: &[(&str, &str)] = bundled![
    "README.md",
    "lib/money.sh",
    "tally.sh",
    "tests/check.sh",
    "tests/run.sh",
    "tests/total_test.sh",
];

/// Where a demo lies and what it may use.
#[derive(Debug, Clone)]
pub struct DemoSettings {
    /// A folder of the demo's own; it must be empty. `repository` and `home` are made in it.
    pub folder: PathBuf,
    /// The environment, for `PATH` alone: git and a shell are looked for there.
    pub variables: BTreeMap<OsString, OsString>,
    /// The language of what people read.
    pub language: Option<Language>,
    /// Files laid over the bundled ones before the first commit: path in the repository and content. This is how a
    /// test breaks the demo's own test on purpose.
    pub overlay: Vec<(String, String)>,
    /// What [`crate::run_helper_if_asked`] gave; none: there is no helper.
    pub helper: Option<Helper>,
}

/// A demo, ready to be played.
pub struct Demo {
    /// The engine over the demo's repository.
    pub engine: Engine,
    /// What the person asks for.
    pub request: Request,
    /// What will be there afterwards.
    pub aftermath: Aftermath,
}

/// What a demo leaves behind.
pub struct Aftermath {
    /// The repository.
    pub repository: PathBuf,
    /// Journal, record and caches of the demo.
    pub home: PathBuf,
    files: Workspace,
    beginning: Checkpoint,
    git: WorkspaceSettings,
    first_commit: Option<String>,
}

impl Demo {
    /// Copies the repository, makes its first commit and puts the engine over it. Commands run at the best sandbox
    /// level that works here, at `none` where there is none.
    ///
    /// # Errors
    /// [`StartError::Demo`] where the folder cannot be filled or git fails.
    pub async fn prepare(settings: DemoSettings) -> Result<Self, StartError> {
        let repository = settings.folder.join("repository");
        let home = settings.folder.join("home");
        let failed = |source| StartError::Demo { path: settings.folder.clone(), source };
        copy_repository(&repository, &settings.overlay).map_err(|error| failed(error.into()))?;
        std::fs::create_dir_all(&home).map_err(|error| failed(error.into()))?;
        let variables = own_variables(&settings.variables, &home);
        let git = WorkspaceSettings::new(repository.clone(), PathBuf::new(), variables.clone());
        let author = Author { name: "better-llm demo", email: "demo@localhost" };
        workspace::create_repository(&git, author, "Tally amounts")
            .await
            .map_err(|error| failed(error.into()))?;
        let first_commit = workspace::head(&git).await.map_err(|error| failed(error.into()))?;
        let store = home.join("cache").join("demo");
        let files = Workspace::open(WorkspaceSettings::new(repository.clone(), store, variables.clone()));
        let beginning = files.checkpoint().await.map_err(|error| failed(error.into()))?;

        let engine = Self::engine(&repository, &variables, &settings, SandboxChoice::Auto).await?;
        let engine = if engine.sandbox().await?.usable {
            engine
        } else {
            Self::engine(&repository, &variables, &settings, SandboxChoice::None).await?
        };
        let request = Request::new(TASK.trim());
        Ok(Self {
            engine,
            request,
            aftermath: Aftermath { repository, home, files, beginning, git, first_commit },
        })
    }

    async fn engine(
        repository: &Path,
        variables: &BTreeMap<OsString, OsString>,
        settings: &DemoSettings,
        sandbox: SandboxChoice,
    ) -> Result<Engine, StartError> {
        let script = Arc::new(Script::parse("the demo's script", SCRIPT)?);
        let flags = Overrides {
            permission_mode: Some(PermissionMode::Full),
            sandbox: Some(sandbox),
            lang: settings.language,
            ..Overrides::default()
        };
        let mut builder = EngineBuilder::new(repository).environment(variables.clone()).overrides(flags);
        if let Some(helper) = settings.helper.clone() {
            builder = builder.helper(helper);
        }
        builder.model(Arc::new(ScriptModel::new(script))).build().await
    }
}

impl Aftermath {
    /// Everything that has changed since the beginning, as a unified diff.
    ///
    /// # Errors
    /// Where git fails or a file cannot be read.
    pub async fn diff(&self) -> Result<String, WorkspaceError> {
        self.files.diff(Some(&self.beginning), None).await
    }

    /// The commit that was made; none where none was.
    ///
    /// # Errors
    /// Where git fails.
    pub async fn commit(&self) -> Result<Option<String>, WorkspaceError> {
        let head = workspace::head(&self.git).await?;
        Ok(head.filter(|head| Some(head) != self.first_commit.as_ref()))
    }
}

/// The demo sees none of the person's settings and keys.
fn own_variables(given: &BTreeMap<OsString, OsString>, home: &Path) -> BTreeMap<OsString, OsString> {
    let mut variables = BTreeMap::new();
    if let Some(path) = given.get(std::ffi::OsStr::new("PATH")) {
        variables.insert("PATH".into(), path.clone());
    }
    variables.insert("HOME".into(), home.into());
    variables.insert("BETTER_LLM_HOME".into(), home.into());
    variables
}

fn copy_repository(target: &Path, overlay: &[(String, String)]) -> std::io::Result<()> {
    let bundled = REPOSITORY.iter().map(|(path, text)| (*path, *text));
    let overlay = overlay.iter().map(|(path, text)| (path.as_str(), text.as_str()));
    for (path, text) in bundled.chain(overlay) {
        let file = target.join(path);
        if let Some(folder) = file.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::write(file, text)?;
    }
    Ok(())
}
