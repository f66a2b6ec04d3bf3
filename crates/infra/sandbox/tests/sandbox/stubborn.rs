//! Changes to protected files that were made hard to undo. A plain user meets most of it: root may do anything.

use crate::{protected::undone, support::has_python};

/// Makes a hook, and then this.
async fn check(command: &str) {
    let hook = "printf '#!/bin/sh\\ntouch PWN\\n' > .git/hooks/pre-commit; chmod 755 .git/hooks/pre-commit";
    let Some(restored) = undone(&format!("{hook}\n{command}")).await else { return };
    assert!(restored.iter().any(|name| name == ".git/hooks/pre-commit"), "`{command}`: {restored:?}");
}

#[tokio::test]
async fn folders_that_nobody_may_enter_hold_nothing_up() {
    check(
        "mkdir -p .git/hooks/a/b .git/hooks/zz/b; touch .git/hooks/a/b/c; chmod 0 .git/hooks/a .git/hooks/zz",
    )
    .await;
    check("for i in 1 2 3 4 5 6 7 8 9; do mkdir -p .git/hooks/$i/b; chmod 0 .git/hooks/$i; done").await;
    check(
        "mkdir -p .git/hooks/a/b/c; chmod 0 .git/hooks/a/b/c; chmod 555 .git/hooks/a/b; chmod 0 .git/hooks",
    )
    .await;
    check("rm .git/config; mkdir -p .git/config/a/b; touch .git/config/a/b/c; chmod 0 .git/config/a").await;
    check("mkdir -p .git/x/a; touch .git/x/a/b; chmod 0 .git/x/a; rm .git/HEAD; mv .git/x .git/HEAD").await;
    check("mkdir -p .git/commondir/a/b; chmod 0 .git/commondir/a").await;
    check("echo '{}' > .better-llm/config.json; chmod 0 .better-llm").await;
    check("echo x >> .git/config; chmod 0 .git/config .git").await;
}

#[tokio::test]
async fn a_workspace_that_nobody_may_write_is_written_all_the_same() {
    check("chmod 0555 .git .; chmod 0 .git/hooks").await;
    check("chmod 0 .git .").await;
}

#[tokio::test]
async fn a_repository_is_brought_back_from_where_nobody_may_go() {
    check("mkdir -p a/b; mv .git a/b/c; chmod 0 a/b/c a/b a").await;
    check("mv .git \"$HOME/x\"; mkdir .git; chmod 0 \"$HOME/x\" .git").await;
}

/// Deeper than paths are long, and than there are descriptors.
#[tokio::test]
async fn a_tree_without_end_is_taken_down() {
    if has_python() {
        let dig = "import os\nos.chdir('.git/hooks')\nfor _ in range(3000): os.mkdir('d' * 200); os.chdir('d' * 200)";
        check(&format!("python3 -c \"{dig}\"")).await;
    }
}

#[tokio::test]
async fn pipes_and_large_files_are_only_removed() {
    check("rm .git/config; mkfifo .git/config .git/hooks/p .git/info/p; truncate -s 10G .git/hooks/big")
        .await;
}

/// Of many only some are named: first those that could run.
#[tokio::test]
async fn a_hook_is_not_lost_among_what_hides_it() {
    check("i=0; while [ $i -lt 300 ]; do : > .git/hooks/a$i; i=$((i+1)); done; mkdir .git/hooks/b").await;
}
