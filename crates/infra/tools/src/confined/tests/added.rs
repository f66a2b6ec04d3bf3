//! Folders added to the workspace (`--add-dir DIR[:ro]`).

use super::*;

/// A workspace with `lib` (writable) and `docs` (not) beside it.
fn with_added() -> Workspace {
    let mut workspace = Workspace::new();
    for folder in ["lib", "docs", "lib-evil"] {
        std::fs::create_dir(workspace.outside(folder)).expect("a folder");
        std::fs::write(workspace.outside(folder).join("a.txt"), format!("{folder}\n")).expect("a file");
    }
    workspace.added = vec![
        AddedRoot { path: workspace.outside("lib"), writable: true },
        AddedRoot { path: workspace.outside("docs"), writable: false },
    ];
    workspace
}

fn at(workspace: &Workspace, path: &str) -> String {
    let folder = std::fs::canonicalize(workspace.outside("")).expect("a folder");
    folder.join(path).to_str().expect("UTF-8").to_owned()
}

/// O-16: absolute paths reach added folders, each beneath its own descriptor; nothing else outside is reached.
#[tokio::test]
async fn added_folders_are_reached_by_absolute_paths() {
    let workspace = with_added();
    workspace.put("own.txt", "own\n");
    let (lib, docs) = (at(&workspace, "lib"), at(&workspace, "docs"));
    for (path, expected) in [
        (format!("{lib}/a.txt"), "     1\tlib"),
        (format!("{lib}/./x/../a.txt"), "     1\tlib"),
        (format!("{docs}/a.txt"), "     1\tdocs"),
        (at(&workspace, "repo/own.txt"), "     1\town"),
    ] {
        assert_eq!(workspace.call("read", json!({"path": path})).await.output, expected, "{path}");
    }
    let outcome = workspace.call("glob", json!({"pattern": "*", "path": lib})).await;
    assert_eq!(outcome.output, format!("{lib}/a.txt"));
    let outcome = workspace.call("grep", json!({"pattern": "lib", "path": lib})).await;
    assert_eq!(outcome.output, format!("{lib}/a.txt:1:lib"));
    let outcome = workspace.call("write", json!({"path": format!("{lib}/new/글.txt"), "content": "x"})).await;
    assert_eq!(outcome.output, format!("created `{lib}/new/글.txt` (1 line)"));
    assert_eq!(std::fs::read(workspace.outside("lib/new/글.txt")).expect("a file"), b"x");
}

/// P02, P03, CVE-2025-54794: what is outside of every folder is refused, and the refusal says what a person can do.
#[tokio::test]
async fn everything_else_outside_is_refused_with_the_way_out() {
    let workspace = with_added();
    let before = workspace.everything();
    let lib = at(&workspace, "lib");
    for path in [
        at(&workspace, "lib-evil/a.txt"),
        at(&workspace, "outside/secret.txt"),
        format!("{lib}/../outside/secret.txt"),
        format!("{lib}/../repo-evil/secret.txt"),
        format!("{lib}/.."),
        "../lib/a.txt".to_owned(),
        "/etc".to_owned(),
        "/etc/passwd".to_owned(),
    ] {
        for (tool, input) in [
            ("read", json!({"path": path})),
            ("write", json!({"path": path, "content": "evil"})),
            ("glob", json!({"path": path, "pattern": "*"})),
        ] {
            let outcome = workspace.call(tool, input).await;
            assert_eq!(outcome.status, ToolStatus::Denied, "{tool} {path}: {}", outcome.output);
            assert!(outcome.output.contains("`--add-dir`"), "{}", outcome.output);
            assert!(outcome.output.contains(&lib), "{}", outcome.output);
        }
    }
    assert_eq!(workspace.everything(), before);
}

#[tokio::test]
async fn a_folder_added_for_reading_is_not_written() {
    let workspace = with_added();
    let before = workspace.everything();
    let docs = at(&workspace, "docs");
    for (tool, input) in [
        ("write", json!({"path": format!("{docs}/a.txt"), "content": "x"})),
        ("write", json!({"path": format!("{docs}/new.txt"), "content": "x"})),
        ("edit", json!({"path": format!("{docs}/a.txt"), "old_string": "docs", "new_string": "x"})),
    ] {
        let outcome = workspace.call(tool, input).await;
        assert_eq!(outcome.status, ToolStatus::Denied, "{tool}: {}", outcome.output);
        assert!(outcome.output.contains("reading only"), "{}", outcome.output);
        assert!(outcome.output.contains("without `:ro`"), "{}", outcome.output);
    }
    assert_eq!(workspace.everything(), before);
}

/// Of folders inside each other the innermost says whether a file may be written, by whatever path it is named.
#[test]
fn the_innermost_folder_decides_what_may_be_written() {
    let mut workspace = Workspace::new();
    for path in ["vendor/a.txt", "vendor/open/a.txt", "own.txt"] {
        workspace.put(path, "old");
    }
    workspace.added = vec![
        AddedRoot { path: workspace.path("vendor"), writable: false },
        AddedRoot { path: workspace.path("vendor/open"), writable: true },
        AddedRoot { path: workspace.outside(""), writable: false },
    ];
    let files = workspace.files();
    for (path, expected) in [
        ("own.txt".to_owned(), true),
        (at(&workspace, "repo/own.txt"), true),
        ("vendor/a.txt".to_owned(), false),
        (at(&workspace, "repo/vendor/a.txt"), false),
        ("vendor/open/a.txt".to_owned(), true),
        (at(&workspace, "outside/secret.txt"), false),
    ] {
        let place = files.locate(&path).expect("inside");
        let target = files.target(&place, &[PathUse::Write], &any());
        match target {
            Ok(_) => assert!(expected, "{path}"),
            Err(FileError::ReadOnlyFolder { .. }) => assert!(!expected, "{path}"),
            Err(error) => panic!("{path}: {error:?}"),
        }
    }
}

/// P04, P05: links out of an added folder lead nowhere, and what is protected is protected there.
#[tokio::test]
async fn an_added_folder_has_the_walls_of_the_workspace() {
    let workspace = with_added();
    let lib = workspace.outside("lib");
    std::os::unix::fs::symlink("../outside", lib.join("out")).expect("a link");
    std::os::unix::fs::symlink(workspace.path("own.txt"), lib.join("into")).expect("a link");
    workspace.put("own.txt", "own");
    workspace.link("added", &lib);
    let before = workspace.everything();
    let shown = at(&workspace, "lib");
    for path in ["out/secret.txt", "into", ".git/hooks/pre-commit", ".bashrc", ".better-llm/x"] {
        let path = format!("{shown}/{path}");
        let outcome = workspace.call("write", json!({"path": path, "content": "evil"})).await;
        assert_eq!(outcome.status, ToolStatus::Denied, "{path}: {}", outcome.output);
    }
    for path in [format!("{shown}/out/secret.txt"), format!("{shown}/into"), "added/a.txt".to_owned()] {
        let outcome = workspace.call("read", json!({"path": path})).await;
        assert_eq!(outcome.status, ToolStatus::Denied, "{path}: {}", outcome.output);
    }
    assert_eq!(workspace.everything(), before);
}

/// Rules name files of added folders by absolute paths, those of the workspace by relative ones, however they are
/// reached.
#[test]
fn rules_see_one_path_for_one_file() {
    let mut workspace = with_added();
    workspace.put("key.txt", "key");
    workspace.added.push(AddedRoot { path: workspace.outside(""), writable: true });
    let files = workspace.files();
    let open = |path: &str, rule: &str| {
        files.open(&files.locate(path).expect("inside"), &crate::testing::rules("read", rule)).is_ok()
    };
    let around = std::fs::canonicalize(workspace.outside("")).expect("a folder");
    std::os::unix::fs::symlink("repo/key.txt", around.join("to-key")).expect("a link");
    assert!(!open(&at(&workspace, "to-key"), "key.txt"));
    assert!(!open(&at(&workspace, "lib/a.txt"), &at(&workspace, "lib/**")));
    assert!(open(&at(&workspace, "lib/a.txt"), "lib/**"));
}

/// A folder that is replaced after it was opened does not become another root (CVE-2025-59532).
#[test]
fn roots_never_move() {
    let workspace = with_added();
    let files = workspace.files();
    for (folder, path) in [("repo", "a.txt".to_owned()), ("lib", at(&workspace, "lib/a.txt"))] {
        let moved = workspace.outside(&format!("{folder}-moved"));
        std::fs::rename(workspace.outside(folder), &moved).expect("renamed");
        std::fs::write(moved.join("a.txt"), "theirs").expect("a file");
        std::os::unix::fs::symlink(workspace.outside("outside"), workspace.outside(folder)).expect("a link");
        std::fs::write(workspace.outside("outside/a.txt"), "outside").expect("a file");
        assert_eq!(text(&files, &path).expect("the folder that was opened"), "theirs", "{folder}");
    }
}

/// No file of an added folder has earlier states.
#[tokio::test]
async fn what_only_the_workspace_has_is_said() {
    let workspace = with_added();
    let outcome = workspace.call("diff", json!({"base": "head", "path": at(&workspace, "lib/a.txt")})).await;
    assert_eq!(outcome.status, ToolStatus::Error);
    assert!(outcome.output.ends_with("only of its files earlier states are known"), "{}", outcome.output);
}

#[test]
fn an_added_folder_that_is_missing_is_a_located_error() {
    let workspace = Workspace::new();
    let added = [AddedRoot { path: workspace.outside("없음"), writable: true }];
    let error = Confined::open_roots(workspace.root(), &added, &[]).err().expect("it is missing");
    assert!(error.to_string().contains("없음: choose a folder that exists"), "{error}");
}

/// The kernel's own files are nobody's: `/proc/self/environ` holds our keys, `/proc/self/mem` our memory.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn the_kernels_state_is_neither_read_nor_written() {
    let mut workspace = Workspace::new();
    workspace.added = vec![AddedRoot { path: PathBuf::from("/"), writable: true }];
    for (tool, input) in [
        ("read", json!({"path": "/proc/self/environ"})),
        ("read", json!({"path": "/proc/self/mem"})),
        ("read", json!({"path": "/sys/kernel/notes"})),
        ("grep", json!({"path": "/proc/self", "pattern": "PATH"})),
        ("glob", json!({"path": "/proc", "pattern": "*"})),
        ("write", json!({"path": format!("/proc/{}/comm", std::process::id()), "content": "evil"})),
    ] {
        let outcome = workspace.call(tool, input.clone()).await;
        assert_eq!(outcome.status, ToolStatus::Denied, "{tool} {input}: {}", outcome.output);
    }
    let outcome = workspace.call("read", json!({"path": "/proc/self/root/etc/passwd"})).await;
    assert_eq!(outcome.status, ToolStatus::Error, "the kernel's own links are followed by nobody");
    for path in ["/dev/zero", "/dev/tty", "/dev/null"] {
        let outcome = workspace.call("read", json!({"path": path})).await;
        assert_eq!(
            outcome.output,
            format!("`{path}` is a device, which cannot be read or written as a file")
        );
    }
}
