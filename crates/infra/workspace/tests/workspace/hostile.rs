//! A repository is data: nothing that it names is ever run.

use std::{ffi::OsStr, fs, os::unix::fs::PermissionsExt, path::Path};

use domain::{ports::WorkspacePort, workspace::CommitError};

use crate::fixture::{Fixture, changes, commit};

/// Every place we know of where a repository can name a program, each naming one that leaves a mark.
fn poison(fixture: &Fixture, git_dir: &Path) {
    let canary = fixture.base().join("canary.sh");
    let mark = fixture.base().join("canary-ran");
    fs::write(&canary, format!("#!/bin/sh\necho \"$0 $*\" >> '{}'\ncat\n", mark.display())).unwrap();
    fs::set_permissions(&canary, fs::Permissions::from_mode(0o755)).unwrap();
    let run = canary.display().to_string();
    let hooks = git_dir.join("hooks");
    fs::create_dir_all(&hooks).unwrap();
    for hook in [
        "pre-commit",
        "prepare-commit-msg",
        "commit-msg",
        "post-commit",
        "post-index-change",
        "reference-transaction",
        "pre-auto-gc",
        "post-checkout",
        "post-rewrite",
        "fsmonitor-watchman",
    ] {
        fs::copy(&canary, hooks.join(hook)).unwrap();
    }
    let mut config = fs::read_to_string(git_dir.join("config")).unwrap();
    let included = fixture.base().join("included");
    fs::write(
        &included,
        format!("[core]\nfsmonitor = {run}\n[diff]\nexternal = {run}\n[filter \"z\"]\nclean = {run}\n"),
    )
    .unwrap();
    config.push_str(&format!(
        "[include]\npath = {included}\n[includeIf \"gitdir:/\"]\npath = {included}\n[sequence]\neditor = {run}\n\
         [gpg \"ssh\"]\nprogram = {run}\n[submodule \"lib\"]\nupdate = !{run}\n[interactive]\ndiffFilter = {run}\n\
         [uploadpack]\npackObjectsHook = {run}\n[core]\nworktree = {elsewhere}\n",
        included = included.display(),
        elsewhere = fixture.base().display(),
    ));
    config.push_str(&format!(
        "[core]\nfsmonitor = {run}\nsshCommand = {run}\neditor = {run}\npager = {run}\nhooksPath = {hooks}\n\
         alternateRefsCommand = {run}\naskPass = {run}\ngitProxy = {run}\n\
         [filter \"x\"]\nclean = {run}\nsmudge = {run}\nrequired = true\n\
         [filter \"y\"]\nprocess = {run}\nrequired = true\n\
         [diff]\nexternal = {run}\n[diff \"x\"]\ncommand = {run}\ntextconv = {run}\n[merge \"x\"]\ndriver = {run}\n\
         [gpg]\nprogram = {run}\n[commit]\ngpgSign = true\n[credential]\nhelper = {run}\n\
         [hook \"evil\"]\nevent = reference-transaction\nevent = pre-commit\nevent = post-index-change\n\
         command = {run}\n\
         [alias]\nupdate-index = !{run}\n[pager]\nconfig = {run}\ndiff = {run}\n\
         [extensions]\npartialClone = origin\n[remote \"origin\"]\nurl = ext::{run}\npromisor = true\n\
         uploadpack = {run}\n[protocol]\nallow = always\n[protocol \"ext\"]\nallow = always\n",
        hooks = hooks.display()
    ));
    fs::write(git_dir.join("config"), config).unwrap();
}

fn assert_nothing_ran(fixture: &Fixture) {
    let mark = fixture.base().join("canary-ran");
    assert!(!mark.exists(), "{}", fs::read_to_string(mark).unwrap_or_default());
}

#[tokio::test]
async fn no_program_that_a_repository_names_runs() {
    let mut fixture = Fixture::committed(&[
        (".gitattributes", "*.x filter=x diff=x merge=x\n*.y filter=y\n"),
        ("a.txt", "1\n"),
        ("a.x", "1\n"),
        ("a.y", "1\n"),
    ]);
    poison(&fixture, &fixture.root.join(".git"));
    fixture.write("bin/git", "#!/bin/sh\necho own git >> ../canary-ran\n");
    fs::set_permissions(fixture.root.join("bin/git"), fs::Permissions::from_mode(0o755)).unwrap();
    let honest = fixture.environment.clone();
    let path = honest.get(OsStr::new("PATH")).unwrap().to_str().unwrap();
    let path = format!("{}:bin:{path}", fixture.root.join("bin").display());
    fixture.environment.insert("PATH".into(), path.into());
    let workspace = fixture.workspace();
    let start = workspace.checkpoint().await.unwrap();
    for path in ["a.txt", "a.x", "a.y"] {
        fixture.write(path, "2\n");
    }
    assert_eq!(changes(&workspace, &start).await, ["~a.txt", "~a.x", "~a.y"]);
    assert!(workspace.diff(None, None).await.unwrap().contains("+2\n"));
    assert!(workspace.diff(Some(&start), Some("a.x")).await.unwrap().contains("+2\n"));
    workspace.dirty_at(&start).await.unwrap();
    commit(&workspace, &start, Some(&["a.txt"])).await.unwrap();
    let end = workspace.checkpoint().await.unwrap();
    drop(workspace);
    let later = fixture.workspace();
    let plan = later.undo_plan(&start, Some(&end), None).await.unwrap();
    later.undo(&plan).await.unwrap();
    for path in ["a.txt", "a.x", "a.y"] {
        assert_eq!(fs::read_to_string(fixture.root.join(path)).unwrap(), "1\n");
    }
    assert_nothing_ran(&fixture);
    fixture.environment = honest;
    let count = ["--git-dir=.git", "-c", "core.fsmonitor=false", "rev-list", "--count", "HEAD"];
    assert_eq!(fixture.git(&count), "2\n");
}

#[tokio::test]
async fn files_that_a_filter_would_convert_are_left_to_a_person() {
    let fixture = Fixture::committed(&[(".gitattributes", "*.x filter=x\n*.z filter=unknown\n")]);
    poison(&fixture, &fixture.root.join(".git"));
    let workspace = fixture.workspace();
    let start = workspace.checkpoint().await.unwrap();
    fixture.write("a.x", "1\n");
    fixture.write("a.z", "1\n");
    let error = commit(&workspace, &start, None).await.unwrap_err();
    let CommitError::Git { doing: "store these files", text } = error else { panic!("{error}") };
    assert!(text.starts_with("a.x would need a filter program"), "{text}");
    commit(&workspace, &start, Some(&["a.z"])).await.unwrap();
    assert_nothing_ran(&fixture);
}

#[tokio::test]
async fn a_submodules_own_settings_run_nothing_either() {
    let fixture = Fixture::committed(&[("a.txt", "1\n")]);
    let library = Fixture::committed(&[(".gitattributes", "* filter=x diff=x\n"), ("lib.txt", "1\n")]);
    let source = library.root.display().to_string();
    fixture.git(&["submodule", "--quiet", "add", &source, "lib"]);
    fixture.git(&["commit", "--quiet", "--message=lib"]);
    poison(&fixture, &fixture.root.join(".git/modules/lib"));
    let workspace = fixture.workspace();
    let start = workspace.checkpoint().await.unwrap();
    fixture.write("lib/lib.txt", "2\n");
    fixture.write("a.txt", "2\n");
    assert_eq!(changes(&workspace, &start).await, ["~a.txt", "~lib/lib.txt"]);
    workspace.diff(None, None).await.unwrap();
    commit(&workspace, &start, Some(&["a.txt"])).await.unwrap();
    assert_nothing_ran(&fixture);
}

/// What a hostile repository says of sizes and times is not believed: its settings are never read.
#[tokio::test]
async fn settings_that_blind_git_do_not_blind_us() {
    let fixture = Fixture::committed(&[("a.txt", "1\n")]);
    for (key, value) in [
        ("core.checkStat", "minimal"),
        ("core.trustCtime", "false"),
        ("core.ignoreStat", "true"),
        ("core.sparseCheckout", "true"),
        ("core.worktree", "/tmp"),
        ("core.bare", "true"),
    ] {
        fixture.git(&["config", key, value]);
        if key == "core.worktree" || key == "core.bare" {
            break;
        }
    }
    let workspace = fixture.workspace();
    let start = workspace.checkpoint().await.unwrap();
    let path = fixture.root.join("a.txt");
    let before = fs::metadata(&path).unwrap().modified().unwrap();
    fs::write(&path, "2\n").unwrap();
    fs::File::options().write(true).open(&path).unwrap().set_modified(before).unwrap();
    assert_eq!(changes(&workspace, &start).await, ["~a.txt"]);
}

/// A repository that takes its objects from elsewhere could show any other repository of the person's.
#[tokio::test]
async fn objects_of_other_repositories_are_not_read() {
    let secret = Fixture::committed(&[("secret.txt", "the other repository's\n")]);
    let theirs = secret.root.join(".git/objects").display().to_string();
    let head = secret.git(&["rev-parse", "HEAD"]);
    for way in ["alternates", "a quoted name", "a link"] {
        let fixture = Fixture::committed(&[("a.txt", "1\n")]);
        let objects = fixture.root.join(".git/objects");
        match way {
            "alternates" => fs::write(objects.join("info/alternates"), format!("{theirs}\n")).unwrap(),
            "a quoted name" => fs::write(objects.join("info/alternates"), format!("\"{theirs}\"\n")).unwrap(),
            _ => {
                fs::remove_dir_all(&objects).unwrap();
                std::os::unix::fs::symlink(&theirs, &objects).unwrap();
            }
        }
        fs::write(fixture.root.join(".git/refs/heads/main"), &head).unwrap();
        let workspace = fixture.workspace();
        let start = workspace.checkpoint().await.unwrap();
        fixture.write("a.txt", "2\n");
        assert_eq!(changes(&workspace, &start).await, ["~a.txt"], "{way}");
        let error = workspace.diff(None, None).await.unwrap_err();
        let said = std::error::Error::source(&error).unwrap().to_string();
        assert!(said.starts_with("this repository takes objects from "), "{way}: {said}");
        let error = commit(&workspace, &start, None).await.unwrap_err().to_string();
        assert!(error.contains("`git repack -a -d`"), "{way}: {error}");
    }
}

#[tokio::test]
async fn objects_that_are_borrowed_later_are_not_read_either() {
    let fixture = Fixture::committed(&[("a.txt", "1\n")]);
    let workspace = fixture.workspace();
    let start = workspace.checkpoint().await.unwrap();
    let alternates = fixture.root.join(".git/objects/info/alternates");
    fs::write(&alternates, fixture.base().as_os_str().as_encoded_bytes()).unwrap();
    assert!(workspace.changes_since(&start).await.is_err());
    assert!(workspace.diff(None, None).await.is_err());
    fs::remove_file(alternates).unwrap();
    assert_eq!(changes(&workspace, &start).await, Vec::<String>::new());
}
