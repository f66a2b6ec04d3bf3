use domain::{tool::ToolStatus, workspace::Bases};
use serde_json::{Value, json};

use crate::testing::{Workspace, context_with};

fn tree() -> Workspace {
    let workspace = Workspace::new();
    for path in [
        ".git/HEAD",
        ".hidden",
        "README.md",
        "docs/계획.md",
        "docs/deep/c.md",
        "src/a.rs",
        "src/b.rs",
        "target/out.rs",
        "\u{1112}\u{1161}\u{11ab}.md",
    ] {
        workspace.put(path, "");
    }
    workspace.put(".gitignore", "/target\n");
    workspace
}

async fn check(input: Value, expected: &[&str]) {
    let outcome = tree().call("glob", input.clone()).await;
    assert_eq!(outcome.output.lines().collect::<Vec<_>>(), expected, "{input}");
}

#[tokio::test]
async fn paths_are_sorted_relative_to_the_workspace_and_without_what_git_ignores() {
    let decomposed = "\u{1112}\u{1161}\u{11ab}.md";
    check(json!({"pattern": "**/*.rs"}), &["src/a.rs", "src/b.rs"]).await;
    check(json!({"pattern": "*.rs", "path": "src"}), &["src/a.rs", "src/b.rs"]).await;
    check(json!({"pattern": "*"}), &[".gitignore", ".hidden", "README.md", "docs/", "src/", decomposed])
        .await;
    check(json!({"pattern": "*/"}), &["docs/", "src/"]).await;
    check(json!({"pattern": "*", "path": "target"}), &["target/out.rs"]).await;
    check(json!({"pattern": "./docs/**/*.{md,txt}"}), &["docs/deep/c.md", "docs/계획.md"]).await;
    check(json!({"pattern": "**/한*"}), &[decomposed]).await;
    check(json!({"pattern": "계획.md"}), &["[no path matches; `**/` before a name looks in every folder]"])
        .await;
}

#[tokio::test]
async fn at_most_a_thousand_paths_are_shown_and_the_others_counted() {
    let workspace = Workspace::new();
    for number in 0..1_200 {
        workspace.put(&format!("f/{number:04}"), "");
    }
    let outcome = workspace.call("glob", json!({"pattern": "f/*"})).await;
    let lines: Vec<_> = outcome.output.lines().collect();
    assert_eq!(
        (lines.len(), lines[999], lines[1_000]),
        (1_001, "f/0999", "[200 more paths left out: narrow the pattern]")
    );
    assert_eq!(outcome.omitted_bytes, 200 * "f/0000\n".len() as u64);
}

#[tokio::test]
async fn names_with_line_breaks_stay_on_one_line() {
    let workspace = Workspace::new();
    workspace.put("two\nlines", "");
    assert_eq!(workspace.call("glob", json!({"pattern": "*"})).await.output, r#""two\nlines""#);
}

/// P01.
#[tokio::test]
async fn a_pattern_cannot_leave_the_workspace() {
    let workspace = Workspace::new();
    for pattern in ["../*", "a/../../*", "/etc/*", "[", ""] {
        let outcome = workspace.call("glob", json!({"pattern": pattern})).await;
        assert_eq!(outcome.status, ToolStatus::Error, "{pattern}");
    }
}

#[tokio::test]
async fn a_base_that_is_no_folder_is_an_error() {
    for path in ["README.md", "missing"] {
        let outcome = tree().call("glob", json!({"pattern": "*", "path": path})).await;
        assert_eq!(outcome.status, ToolStatus::Error, "{}", outcome.output);
    }
}

#[tokio::test]
async fn a_cancelled_search_ends_as_cancelled() {
    let context = context_with(Box::pin(std::future::ready(())), Bases::default(), None);
    let outcome = tree().call_in("glob", json!({"pattern": "**"}), context).await;
    assert_eq!(outcome.status, ToolStatus::Cancelled);
}
