mod added;
mod leftovers;
mod races;
mod resolving;
mod rules;

use std::io::Read as _;

use domain::tool::{CallTarget, ToolStatus};
use rustix::fs::Mode;
use serde_json::json;

use super::{resolve::Resolver, *};
use crate::testing::{SECRET, Workspace, place};

/// Both ways of resolving: by the kernel, where it can, and name by name.
fn resolvers(workspace: &Workspace) -> Vec<Confined> {
    let mut by_walk = workspace.files();
    by_walk.workspace.resolver = Resolver::Walk;
    vec![workspace.files(), by_walk]
}

fn any() -> PathRules {
    PathRules::default()
}

fn to_write<'f>(files: &'f Confined, path: &str) -> Result<target::Target<'f>, FileError> {
    files.target(&place(path), &[PathUse::Write], &any())
}

fn text(files: &Confined, path: &str) -> Result<String, FileError> {
    let mut text = String::new();
    files.open(&files.locate(path)?, &any())?.file.read_to_string(&mut text).expect("text");
    Ok(text)
}

#[test]
fn the_kernel_resolves_paths_here() {
    #[cfg(target_os = "linux")]
    assert_eq!(
        Workspace::new().files().workspace.resolver,
        Resolver::Kernel,
        "openat2 is there from Linux 5.6 on"
    );
}

/// P04.
#[test]
fn links_are_followed_inside_and_never_out() {
    let workspace = Workspace::new();
    workspace.put("sub/real.txt", "inside");
    workspace.link("good", "sub/real.txt");
    workspace.link("sub/up", "../sub/real.txt");
    workspace.link("folder", "sub");
    workspace.link("out.txt", "../outside/secret.txt");
    workspace.link("out", "../outside");
    workspace.link("sub/around", "../../repo/../outside/secret.txt");
    workspace.link("absolute", workspace.outside("outside/secret.txt"));
    workspace.link("absolute-inside", workspace.path("sub/real.txt"));
    workspace.link("loop", "loop");
    workspace.link("chain", "out.txt");
    for files in resolvers(&workspace) {
        for path in ["good", "sub/up", "folder/real.txt", "folder/../good"] {
            assert_eq!(
                text(&files, path).ok().as_deref(),
                Some("inside"),
                "{path} {:?}",
                files.workspace.resolver
            );
        }
        for path in ["out.txt", "out/secret.txt", "sub/around", "absolute", "absolute-inside", "chain"] {
            let error = text(&files, path).expect_err(path);
            assert!(
                matches!(error, FileError::LeadsOut { .. }),
                "{path} {:?}: {error:?}",
                files.workspace.resolver
            );
        }
        assert!(matches!(text(&files, "loop"), Err(FileError::Io { .. })), "{:?}", files.workspace.resolver);
        assert!(matches!(files.list(&place("out"), 10, &any()), Err(FileError::LeadsOut { .. })));
    }
}

/// P03.
#[test]
fn a_sibling_with_the_same_prefix_is_outside() {
    let workspace = Workspace::new();
    for path in [workspace.outside("repo-evil/secret.txt"), "../repo-evil/secret.txt".into()] {
        let error = workspace.files().locate(path.to_str().expect("UTF-8")).expect_err("outside");
        assert!(matches!(error, FileError::Outside { .. }), "{error}");
    }
    workspace.put("a.txt", "inside");
    let absolute = workspace.path("a.txt");
    assert_eq!(text(&workspace.files(), absolute.to_str().expect("UTF-8")).ok().as_deref(), Some("inside"));
}

#[test]
fn a_folder_that_is_swapped_for_a_link_does_not_lead_out() {
    let workspace = Workspace::new();
    workspace.put("sub/secret.txt", "inside");
    for files in resolvers(&workspace) {
        let before = files.locate("sub/secret.txt").expect("inside");
        std::fs::rename(workspace.path("sub"), workspace.path("moved")).expect("renamed");
        workspace.link("sub", "../outside");
        let error = files.open(&before, &any()).expect_err("it leads out now");
        assert!(matches!(error, FileError::LeadsOut { .. }), "{error:?}");
        std::fs::remove_file(workspace.path("sub")).expect("removed");
        std::fs::rename(workspace.path("moved"), workspace.path("sub")).expect("renamed");
    }
}

/// A test that blocks on the pipe would never end.
#[test]
fn pipes_sockets_and_folders_are_named_and_not_opened() {
    let workspace = Workspace::new();
    std::fs::create_dir(workspace.path("folder")).expect("a folder");
    rustix::fs::mkfifoat(rustix::fs::CWD, workspace.path("pipe"), Mode::from_raw_mode(0o644))
        .expect("a pipe");
    let _socket = std::os::unix::net::UnixListener::bind(workspace.path("socket")).expect("a socket");
    for files in resolvers(&workspace) {
        for (path, expected) in [
            ("pipe", "`pipe` is a named pipe, which cannot be read or written as a file"),
            ("socket", "`socket` is a socket, which cannot be read or written as a file"),
            ("folder", "`folder` is a folder: list it with `glob` (pattern `*`, path `folder`)"),
            ("missing", "there is no `missing`: look for the right name with `glob`"),
            ("pipe/below", "`pipe/below` is no folder, or passes something that is none"),
        ] {
            assert_eq!(
                text(&files, path).expect_err(path).to_string(),
                expected,
                "{:?}",
                files.workspace.resolver
            );
            if path != "missing" {
                to_write(&files, path).err().expect(path);
            }
        }
    }
}

#[test]
fn writing_goes_through_no_link_at_all() {
    let workspace = Workspace::new();
    workspace.put("sub/real.txt", "inside");
    workspace.link("inside.txt", "sub/real.txt");
    workspace.link("folder", "sub");
    workspace.link("out.txt", "../outside/secret.txt");
    workspace.link("out", "../outside");
    workspace.link("dangling", "../outside/new.txt");
    workspace.put(".git/config", "");
    workspace.link("git", ".git");
    let before = workspace.everything();
    for files in resolvers(&workspace) {
        for (path, link, target) in [
            ("inside.txt", "inside.txt", "sub/real.txt"),
            ("folder/new.txt", "folder", "sub"),
            ("folder/deep/new.txt", "folder", "sub"),
            ("out.txt", "out.txt", "../outside/secret.txt"),
            ("out/secret.txt", "out", "../outside"),
            ("out/new/file.txt", "out", "../outside"),
            ("dangling", "dangling", "../outside/new.txt"),
            ("git/hooks/pre-commit", "git", ".git"),
        ] {
            let error = to_write(&files, path).err().expect(path);
            let FileError::ThroughLink { link: seen, target: leads_to } = &error else {
                panic!("{path}: {error:?}")
            };
            assert_eq!((seen.to_string().as_str(), leads_to.as_str()), (link, target), "{path}");
        }
    }
    assert_eq!(workspace.everything(), before);
}

/// O-16: no temporary file stays.
#[test]
fn a_replaced_file_keeps_its_mode_and_leaves_nothing_behind() {
    use std::os::unix::fs::PermissionsExt as _;

    let workspace = Workspace::new();
    workspace.put("run.sh", "old");
    workspace.mode("run.sh", 0o750);
    for files in resolvers(&workspace) {
        to_write(&files, "run.sh").and_then(|target| target.replace(b"new")).expect("written");
        to_write(&files, "deep/er/new.txt").and_then(|target| target.replace(b"new")).expect("written");
        let mode = std::fs::metadata(workspace.path("run.sh")).expect("a file").permissions().mode();
        assert_eq!(mode & 0o7777, 0o750);
        assert_eq!(workspace.bytes("deep/er/new.txt"), b"new");
        let names: Vec<_> = files.list(&Place::workspace(), 10, &any()).expect("a folder").entries;
        assert_eq!(names, [("deep".into(), EntryKind::Folder), ("run.sh".into(), EntryKind::File)]);
    }
}

#[test]
fn a_hard_link_to_something_protected_is_replaced_and_not_written_through() {
    let workspace = Workspace::new();
    workspace.put(".git/config", "theirs");
    std::fs::hard_link(workspace.path(".git/config"), workspace.path("innocent")).expect("a hard link");
    let files = workspace.files();
    to_write(&files, "innocent").and_then(|target| target.replace(b"ours")).expect("written");
    assert_eq!(workspace.bytes(".git/config"), b"theirs");
}

/// P05: what is protected is known by what it is, where its name says nothing.
#[test]
fn what_is_protected_is_so_by_a_path_that_only_later_leads_to_it() {
    let mut workspace = Workspace::new();
    workspace.put("settings/own.json", "old");
    workspace.put("settings/data/x", "old");
    workspace.protected = vec![workspace.outside("conf/own.json"), workspace.outside("conf/data")];
    let files = workspace.files();
    std::os::unix::fs::symlink("repo/settings", workspace.outside("conf")).expect("a link");
    for path in ["settings/own.json", "settings/data/x", "settings/data/new/x"] {
        let error = to_write(&files, path).err().expect(path);
        assert!(matches!(error, FileError::Protected { .. }), "{path}: {error:?}");
    }
    to_write(&files, "settings/other.json").expect("nothing protects it");
}

#[test]
fn what_another_program_wrote_meanwhile_is_not_lost() {
    let workspace = Workspace::new();
    workspace.put("a.txt", "old");
    let files = workspace.files();
    let target = to_write(&files, "a.txt").expect("a file");
    workspace.put("a.txt", "theirs, longer");
    let error = target.replace(b"ours").expect_err("changed meanwhile");
    assert!(matches!(error, FileError::Changed { .. }), "{error:?}");
    assert_eq!(workspace.bytes("a.txt"), b"theirs, longer");
    assert_eq!(files.list(&Place::workspace(), 10, &any()).expect("a folder").entries.len(), 1);
}

#[test]
fn a_file_that_appeared_meanwhile_is_not_lost() {
    let workspace = Workspace::new();
    let files = workspace.files();
    let target = to_write(&files, "new.txt").expect("a name");
    workspace.put("new.txt", "theirs");
    let error = target.replace(b"ours").expect_err("changed meanwhile");
    assert!(matches!(error, FileError::Changed { .. }), "{error:?}");
    assert_eq!(workspace.bytes("new.txt"), b"theirs");
}

/// P06.
#[test]
fn a_read_only_file_is_not_replaced() {
    let workspace = Workspace::new();
    workspace.put("a.txt", "old");
    workspace.mode("a.txt", 0o444);
    let error = to_write(&workspace.files(), "a.txt").err().expect("read-only");
    assert!(matches!(error, FileError::ReadOnly { .. }), "{error:?}");
}

/// P13.
#[test]
fn a_name_in_another_unicode_form_is_found_where_the_exact_one_is_missing() {
    let workspace = Workspace::new();
    let (composed, decomposed) = ("한글/값.txt", "\u{1112}\u{1161}\u{11ab}\u{1100}\u{1173}\u{11af}/값.txt");
    workspace.put(decomposed, "");
    let files = workspace.files();
    assert_eq!(files.find(composed).expect("inside"), place(decomposed));
    assert_eq!(files.locate(composed).expect("inside"), place(composed));
    workspace.put(composed, "");
    assert_eq!(files.find(composed).expect("inside"), place(composed));
    assert_eq!(files.find("없음.txt").expect("inside"), place("없음.txt"));
}

/// P01, P02, P03, P04, P05: through the tools themselves, with nothing touched.
#[tokio::test]
async fn no_file_tool_leaves_the_workspace_or_writes_what_is_protected() {
    let mut workspace = Workspace::new();
    workspace.protected = vec![workspace.path("config/agent_config.json")];
    workspace.put("a.txt", "old");
    workspace.put(".git/config", "old");
    workspace.link("out.txt", "../outside/secret.txt");
    workspace.link("out", "../outside");
    let before = workspace.everything();
    let absolute = workspace.outside("outside/secret.txt").to_str().expect("UTF-8").to_owned();
    let sibling = workspace.outside("repo-evil/secret.txt").to_str().expect("UTF-8").to_owned();
    for path in [
        "../outside/secret.txt",
        "a/../../outside/secret.txt",
        "out.txt",
        "out/secret.txt",
        &absolute,
        &sibling,
    ] {
        for (tool, input) in [
            ("read", json!({"path": path})),
            ("write", json!({"path": path, "content": "evil"})),
            ("edit", json!({"path": path, "old_string": "secret", "new_string": "evil"})),
            ("glob", json!({"path": path, "pattern": "*"})),
            ("grep", json!({"path": path, "pattern": "secret"})),
        ] {
            let outcome = workspace.call(tool, input).await;
            assert_eq!(outcome.status, ToolStatus::Denied, "{tool} {path}: {}", outcome.output);
            assert!(!outcome.output.contains(SECRET.trim()), "{tool} {path}");
        }
    }
    let absolute_git = workspace.path(".git/config").to_str().expect("UTF-8").to_owned();
    for path in [
        ".git",
        ".git/config",
        ".git/hooks/pre-commit",
        "./.git/config",
        ".git/./config",
        ".git//config",
        ".git/../.git/config",
        "a/../.git/config",
        ".GIT/config",
        ".git./config",
        ".git /config",
        ".g\u{200d}it/config",
        "git~1/config",
        ".git::$INDEX_ALLOCATION/config",
        &absolute_git,
        "vendor/library/.git/config",
        "vendor/library/.git",
        ".better-llm/x",
        ".bashrc",
        "home/.profile",
        "config/agent_config.json",
        "config/../config/Agent_Config.json",
    ] {
        for (tool, input) in [
            ("write", json!({"path": path, "content": "evil"})),
            ("edit", json!({"path": path, "old_string": "old", "new_string": "evil"})),
        ] {
            let outcome = workspace.call(tool, input).await;
            assert_eq!(outcome.status, ToolStatus::Denied, "{tool} {path}: {}", outcome.output);
        }
    }
    for tool in ["read", "glob"] {
        let input =
            if tool == "read" { json!({"path": "a\0.txt"}) } else { json!({"pattern": "*", "path": "a\0"}) };
        assert_eq!(workspace.call(tool, input).await.output, "a path cannot hold a NUL byte");
    }
    assert_eq!(workspace.everything(), before);
}
