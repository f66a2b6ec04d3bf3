//! No link that a command plants leads the engine, or the next command, outside.

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    sync::Arc,
};

use better_llm_sandbox::{Requested, Sandbox};
use domain::{command::CommandStatus, permission::SandboxLevel, ports::Processes, ports::never_cancelled};

use crate::support::{ALL, Bench, SECRET, Sink, WALLED, quoted, request, result};

const OTHER_SESSION: &str = "01ARZ3NDEKTSV4RRFFQ69G5FAW";

/// A folder beside the workspace that nobody may touch.
fn outside(bench: &Bench) -> PathBuf {
    let outside = bench.home.join("outside");
    fs::create_dir_all(outside.join(OTHER_SESSION)).expect("a folder");
    fs::write(outside.join(OTHER_SESSION).join("kept"), SECRET).expect("a file");
    outside
}

fn is_untouched(outside: &Path) {
    let names = |folder: &Path| -> Vec<_> {
        let entries = fs::read_dir(folder).expect("the folder");
        entries.map(|entry| entry.expect("a name").file_name()).collect()
    };
    assert_eq!(names(outside), [OTHER_SESSION]);
    assert_eq!(names(&outside.join(OTHER_SESSION)), ["kept"]);
}

fn next_session(bench: &Bench, level: SandboxLevel) -> Sandbox {
    let mut settings = bench.settings(Requested::Level(level));
    settings.session = OTHER_SESSION.parse().expect("a session id");
    Sandbox::new(settings)
}

/// CVE-2026-39861 for our own folders
#[tokio::test]
async fn no_folder_of_ours_can_be_replaced_by_a_command() {
    for level in WALLED {
        let bench = Bench::new();
        let outside = outside(&bench);
        let Some(sandbox) = bench.at(level).await else { continue };
        for command in [
            "cd \"$HOME/..\" && rm -rf tmp/*; rmdir tmp/* && ln -s \"$OUT\" tmp/$USER",
            "cd \"$HOME/..\" && mv tmp/* home/tmp",
            "rmdir \"$TMPDIR\"",
            "mv \"$HOME/../caches\" \"$HOME/caches\"",
            "rm -rf \"$HOME\" && ln -s \"$OUT\" \"$HOME\"",
        ] {
            let (status, output) = result(&sandbox, &format!("OUT={}; {command}", quoted(&outside))).await;
            assert!(
                matches!(status, CommandStatus::Exited(1..)),
                "`{command}` at {level:?}: {status:?} {output}"
            );
        }
        let plants = [
            "cd \"$HOME/..\" && rm -rf tmp; ln -s \"$OUT\" tmp",
            "ln -s \"$OUT\" \"$TMPDIR/../new\"",
            "ln -s \"$OUT\" \"$HOME/../new\"",
        ];
        for command in plants {
            // At `strict`, under `/tmp`, these folders are in the view's own memory.
            drop(result(&sandbox, &format!("OUT={}; {command}", quoted(&outside))).await);
        }
        let toolchains = fs::read_dir(bench.home.join("cache/toolchains"))
            .expect("ours")
            .next()
            .expect("one")
            .expect("its name")
            .path();
        assert!(
            !toolchains.join("tmp").is_symlink()
                && !toolchains.join("new").is_symlink()
                && !toolchains.join("tmp/new").is_symlink()
        );
        let next = next_session(&bench, level);
        assert_eq!(
            result(&next, "echo x > \"$TMPDIR/x\" && echo works").await,
            (CommandStatus::Exited(0), "works\n".into())
        );
        drop((sandbox, next));
        is_untouched(&outside);
    }
}

#[tokio::test]
async fn a_link_in_place_of_a_folder_of_ours_is_not_followed_and_that_is_said() {
    for level in ALL {
        for name in ["tmp", "home", "caches"] {
            let bench = Bench::new();
            let outside = outside(&bench);
            let Some(first) = bench.at(level).await else { continue };
            let mut all = fs::read_dir(bench.home.join("cache/toolchains")).expect("our folders");
            let toolchains = all.next().expect("one").expect("its name").path();
            fs::remove_dir_all(toolchains.join(name)).expect("our folder goes");
            symlink(&outside, toolchains.join(name)).expect("a link");

            let next = next_session(&bench, level);
            let reason = next.sandbox().await;
            assert!(!reason.usable && reason.reason.contains("is a link or a file"), "{}", reason.reason);
            drop((first, next));
            is_untouched(&outside);
        }
    }
}

/// Here the whole cache is the command's to change.
#[tokio::test]
async fn a_workspace_that_holds_the_cache_leads_nobody_outside() {
    for level in WALLED {
        for name in [".cache", ".cache/better-llm/toolchains", ".cache/better-llm/toolchains/*/tmp"] {
            let bench = Bench::new();
            let outside = outside(&bench);
            let mut settings = bench.settings(Requested::Level(level));
            settings.cache = bench.workspace.join(".cache/better-llm");
            let Some(sandbox) = bench.with(settings).await else { continue };
            let plant =
                format!("p=$(echo {name}); mv $p gone && ln -s {0} $p && ln -s {0} {0}/x", quoted(&outside));
            // The last link is refused.
            assert_eq!(result(&sandbox, &plant).await.0, CommandStatus::Exited(1));
            let end =
                sandbox.run(request("echo x > \"$TMPDIR/x\""), Arc::new(Sink::default()), never_cancelled());
            end.await.expect_err("no command runs where its folders are links");
            drop(sandbox);
            is_untouched(&outside);
        }
    }
}

#[tokio::test]
async fn a_program_folder_in_the_workspace_grants_nothing_outside() {
    for level in WALLED {
        let bench = Bench::new();
        fs::create_dir(bench.workspace.join("bin")).expect("a folder");
        symlink(bench.workspace.join("bin"), bench.home.join("bin")).expect("a link");
        let mut settings = bench.settings(Requested::Level(level));
        let path = settings.environment.iter_mut().find(|(name, _)| name == "PATH").expect("a path");
        path.1.push(":");
        path.1.push(bench.workspace.join("bin"));
        path.1.push(":");
        path.1.push(bench.home.join("bin"));
        let outside = outside(&bench);
        // As an earlier session's command could have left it.
        fs::remove_dir(bench.workspace.join("bin")).expect("the folder goes");
        symlink(&outside, bench.workspace.join("bin")).expect("a link");
        let Some(sandbox) = bench.with(settings).await else { continue };
        let (status, output) = result(&sandbox, &format!("cat bin/{OTHER_SESSION}/kept")).await;
        assert_eq!((status, output.contains(SECRET)), (CommandStatus::Exited(1), false), "{output}");
    }
}

/// Another session whose workspace holds ours can put a link in its place.
#[tokio::test]
async fn a_workspace_that_was_replaced_by_a_link_gets_no_more_commands() {
    for level in WALLED {
        let bench = Bench::new();
        let outside = outside(&bench);
        let Some(sandbox) = bench.at(level).await else { continue };
        let (status, _) = result(&sandbox, "echo > begun").await;
        assert_eq!(status, CommandStatus::Exited(0), "{level:?}");
        let aside = bench.home.join("aside");
        fs::rename(&bench.workspace, &aside).expect("moved");
        symlink(&outside, &bench.workspace).expect("a link");
        let command =
            format!("echo > new; cat {OTHER_SESSION}/kept; cat {}", quoted(&outside.join(OTHER_SESSION)));
        let ended = sandbox.run(request(&command), Arc::new(Sink::default()), never_cancelled()).await;
        let said = ended.expect_err("a command in another folder").to_string();
        assert!(said.contains(if level == SandboxLevel::Kernel { "kernel" } else { "strict" }), "{said}");
        is_untouched(&outside);
        fs::remove_file(&bench.workspace).expect("the link is gone");
        fs::rename(&aside, &bench.workspace).expect("back again");
        let (status, output) = result(&sandbox, "ls begun").await;
        assert_eq!((status, output.trim()), (CommandStatus::Exited(0), "begun"), "{level:?}");
    }
}

/// A person moves or removes the folder while a session works in it: that is said, and no command is blamed.
#[tokio::test]
async fn a_workspace_that_went_is_said_with_what_to_do() {
    for level in WALLED {
        for way in ["moved", "removed", "replaced by a link"] {
            let bench = Bench::new();
            let Some(sandbox) = bench.at(level).await else { return };
            let elsewhere = bench.root.path().join("다른 곳");
            match way {
                "removed" => fs::remove_dir_all(&bench.workspace),
                _ => fs::rename(&bench.workspace, &elsewhere),
            }
            .expect("a person's doing");
            if way == "replaced by a link" {
                symlink(&elsewhere, &bench.workspace).expect("a link");
            }
            let ran = sandbox.run(request("echo x > x"), Arc::new(Sink::default()), never_cancelled()).await;
            let error = ran.expect_err("nothing runs").to_string();
            let said = "was moved, removed or replaced by a link since the session began; start again where it is now";
            assert!(error.contains(said), "{level:?}, {way}: {error}");
            assert!(!elsewhere.join("x").exists(), "{level:?}, {way}");
        }
    }
}
