//! A folder that names another repository of the person's as its own, as any archive can: commands do not see it, and
//! nothing is committed to it.

use std::{fs, path::Path};

use serde_json::json;
use testkit::{MockServer, Script, Turn};

use crate::support::{
    World,
    turns::{ask, bash, coded, committed, finish},
};

const LOOK: &str =
    "git log --oneline; git show HEAD:README.md; cat \"$(cut -c9- .git)/config\"; echo 1 > new.txt";

fn whole_round() -> Script {
    Script::new()
        .agent("manager", [ask("coder", "x"), ask("committer", "x"), finish("done")])
        .agent("coder", [bash(LOOK), coded(&["new.txt"], &[])])
        .agent("committer", [Turn::call("commit", json!({"message": "evil"})), committed()])
}

/// The refs and the settings of a repository.
fn mark(repository: &Path) -> Vec<(std::path::PathBuf, Vec<u8>)> {
    World::snapshot(&repository.join("refs"))
}

#[tokio::test]
async fn a_git_file_opens_no_other_repository_of_the_persons() {
    for level in ["auto", "kernel"] {
        let world = World::new();
        let private = world.outside().join("private.git");
        fs::rename(world.repository.join(".git"), &private).expect("moved");
        let config = fs::read_to_string(private.join("config")).expect("settings");
        fs::write(private.join("config"), format!("{config}[remote \"o\"]\n\turl = https://u:t0k3n@h/x\n"))
            .expect("settings");
        world.write(".git", &format!("gitdir: {}\n", private.display()));
        fs::remove_file(world.repository.join("README.md")).expect("a file");
        let before = mark(&private);
        let server = MockServer::start(whole_round()).await;
        let said = world.task(&server, &["--sandbox", level]).await.run().await.said();
        let calls = said.calls_of("coder");
        let text = format!("{calls:?}");
        assert!(!text.contains("가계부") && !text.contains("t0k3n"), "{level}: {text}");
        assert_eq!(mark(&private), before, "{level}: nothing was committed");
        let commit = format!("{:?}", said.calls_of("committer"));
        assert!(commit.contains("git worktree repair"), "{level}: {commit}");
        let notices = said.of_type("notice");
        assert!(notices.iter().any(|notice| notice["code"] == "repository_ignored"), "{level}: {notices:?}");
        assert_eq!(said.result().files_changed, ["new.txt"], "{level}: it is observed all the same");
    }
}
