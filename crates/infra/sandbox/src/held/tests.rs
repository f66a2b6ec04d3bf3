use std::{fs, sync::Arc};

use domain::id::SessionId;

use super::*;
use crate::settings::{AddedDir, NetworkAccess, Requested};

struct Bench {
    _folder: tempfile::TempDir,
    settings: SandboxSettings,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path().canonicalize().expect("its path");
        let workspace = root.join("작업");
        for inner in
            ["작업/src/a", "작업/한글 폴더", "작업/.git", "작업/src/.git", "작업/ro", "added/in", "elsewhere"]
        {
            fs::create_dir_all(root.join(inner)).expect("a folder");
        }
        for file in ["작업/src/f", "작업/.bashrc", "작업/config.json", "작업/one", "added/f", "작업/star*"]
        {
            fs::write(root.join(file), "").expect("a file");
        }
        fs::hard_link(workspace.join("one"), workspace.join("another")).expect("a name");
        for (link, target) in [("link", "src"), ("src/out", "../../elsewhere"), ("file link", "src/f")] {
            std::os::unix::fs::symlink(target, workspace.join(link)).expect("a link");
        }
        let settings = SandboxSettings {
            toolchains_of: workspace.clone(),
            requested: Requested::Auto,
            cache: root.join("cache"),
            session: SessionId::new(domain::id::Ulid::nil()),
            run_folder: root.join("run"),
            tidied: Arc::default(),
            helper: None,
            git_dirs: vec![workspace.join(".git")],
            protected: vec![workspace.join("config.json")],
            own: Vec::new(),
            artifacts: Arc::new(testkit::MemoryArtifacts::new()),
            redactor: Arc::default(),
            environment: Vec::new(),
            memory: None,
            network: NetworkAccess::Off,
            add_dirs: vec![
                AddedDir { path: root.join("added"), writable: true },
                AddedDir { path: workspace.join("ro"), writable: false },
            ],
            pass_env: Vec::new(),
            workspace,
        };
        Self { _folder: folder, settings }
    }

    fn paths(&self, globs: &[&str]) -> Option<Vec<PathBuf>> {
        let globs: Vec<_> = globs.iter().map(|&glob| glob.to_owned()).collect();
        let held = Held::to(&globs, &self.settings, &Folders::of(&self.settings))?;
        Some(held.paths().map(Path::to_owned).collect())
    }
}

#[test]
fn folders_and_files_that_are_there_can_be_held_to() {
    let bench = Bench::new();
    let added = bench.settings.add_dirs[0].path.display().to_string();
    for (glob, path) in [
        ("src/**", "src"),
        ("src/", "src"),
        ("src/a/**", "src/a"),
        ("한글 폴더/**", "한글 폴더"),
        ("src/f", "src/f"),
        (&format!("{added}/in/**"), &format!("{added}/in")),
        (&format!("{added}/**"), &added),
        (&format!("{added}/f"), &format!("{added}/f")),
    ] {
        assert_eq!(bench.paths(&[glob]), Some(vec![bench.settings.workspace.join(path)]), "{glob}");
    }
    assert_eq!(bench.paths(&[]), Some(Vec::new()));
    assert_eq!(bench.paths(&["src/a/**", "src/f"]).map(|paths| paths.len()), Some(2));
}

#[test]
fn what_is_no_folder_and_no_file_cannot_be_held_to() {
    let bench = Bench::new();
    let root = bench.settings.workspace.display().to_string();
    for glob in [
        // Patterns.
        "**",
        "*",
        "src/*",
        "src/**/*.rs",
        "src/{a,b}/**",
        "s?c/**",
        "[s]rc/**",
        "star*",
        // Not there, or something else.
        "new/**",
        "src/new.rs",
        "src",
        "src/f/**",
        // Where links lead.
        "link/**",
        "src/out/**",
        "file link",
        "link/a/**",
        // A file with another name.
        "one",
        // Not as the file tools name it.
        "./src/**",
        "src/../src/**",
        "src//a/**",
        "src/a/./**",
        "",
        "/",
        &format!("{root}/src/**"),
        "/etc/**",
        "../elsewhere/**",
        // Nobody's to write.
        ".git/**",
        "src/.git/**",
        ".bashrc",
        "config.json",
        "ro/**",
    ] {
        assert_eq!(bench.paths(&[glob]), None, "{glob}");
        assert_eq!(bench.paths(&["src/**", glob]), None, "{glob}");
    }
    assert_eq!(bench.paths(&["src/f"; MOST_GLOBS + 1]), None);
}

#[test]
fn caches_in_the_workspace_are_written_by_every_command() {
    let mut bench = Bench::new();
    bench.settings.cache = bench.settings.workspace.join("cache");
    assert_eq!(bench.paths(&["src/**"]), None);
}

#[test]
fn with_too_many_answers_the_rest_is_no() {
    let bench = Bench::new();
    let answers = Answers::default();
    let folders = Folders::of(&bench.settings);
    let ask = |glob: String| answers.of(&[glob], &bench.settings, &folders).is_some();
    assert!(ask("src/a/**".to_owned()));
    for number in 1..MOST_KEPT {
        ask(format!("missing {number}"));
    }
    assert!(!ask("src/f".to_owned()), "there is no room for it");
    assert!(ask("src/a/**".to_owned()), "what was said stays");
}
