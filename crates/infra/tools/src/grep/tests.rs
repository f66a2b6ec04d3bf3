use domain::tool::ToolStatus;
use serde_json::{Value, json};

use crate::testing::Workspace;

fn tree() -> Workspace {
    let workspace = Workspace::new();
    for (path, content) in [
        (".gitignore", "ignored\n"),
        (".hidden", "needle\n"),
        ("a.rs", "one\r\nneedle here\r\nthree\r\n"),
        ("b.md", "\u{feff}바늘 하나\n건초\n"),
        ("c.md", "\u{1107}\u{1161}\u{1102}\u{1173}\u{11af} 둘\n"),
        ("ignored", "needle\n"),
        ("z.bin", "needle\0\n"),
    ] {
        workspace.put(path, content);
    }
    workspace.put("euc-kr.txt", b"needle \xc7\xd1\n");
    workspace.link("link.rs", "a.rs");
    workspace
}

async fn check(input: Value, expected: &str) {
    let outcome = tree().call("grep", input.clone()).await;
    assert_eq!(outcome.output, expected, "{input}");
}

const BINARY: &str = "[1 binary file not searched]";

#[tokio::test]
async fn matches_come_with_path_and_number() {
    let all = format!(".hidden:1:needle\na.rs:2:needle here\neuc-kr.txt:1:needle \u{fffd}\u{fffd}\n{BINARY}");
    check(json!({"pattern": "needle"}), &all).await;
    check(json!({"pattern": "needle", "glob": "*.rs"}), "a.rs:2:needle here").await;
    check(json!({"pattern": "^needle", "path": "a.rs"}), "a.rs:2:needle here").await;
    check(json!({"pattern": "here$", "path": "a.rs"}), "a.rs:2:needle here").await;
    check(json!({"pattern": "NEEDLE", "path": "a.rs"}), "[no match]").await;
    check(json!({"pattern": "(?i)NEEDLE", "path": "a.rs"}), "a.rs:2:needle here").await;
    check(json!({"pattern": "needle", "path": "ignored"}), "ignored:1:needle").await;
}

/// P13.
#[tokio::test]
async fn hangul_is_found_in_both_forms() {
    let found = format!("b.md:1:바늘 하나\nc.md:1:\u{1107}\u{1161}\u{1102}\u{1173}\u{11af} 둘\n{BINARY}");
    check(json!({"pattern": "^바.\\s"}), &found).await;
    check(json!({"pattern": "\u{1107}\u{1161}\u{1102}\u{1173}\u{11af}"}), &found).await;
}

#[tokio::test]
async fn context_is_shown_once_and_groups_are_parted() {
    let workspace = Workspace::new();
    workspace.put("f", "a\nX\nb\nc\nX\nX\nd\ne\nf\ng\nX\n");
    let outcome = workspace.call("grep", json!({"pattern": "X", "context": 1})).await;
    assert_eq!(outcome.output, "f-1-a\nf:2:X\nf-3-b\nf-4-c\nf:5:X\nf:6:X\nf-7-d\n--\nf-10-g\nf:11:X");
}

#[tokio::test]
async fn much_output_is_bounded_and_counted() {
    let workspace = Workspace::new();
    workspace.put("many", "한 바늘\n".repeat(20_000));
    let outcome = workspace.call("grep", json!({"pattern": "바늘"})).await;
    assert!(outcome.output.chars().count() <= 48_000);
    let shown = outcome.output.lines().filter(|line| line.contains("바늘")).count();
    let note = format!("[20000 matches in 1 file, {shown} shown: narrow the pattern, `path` or `glob`]");
    assert!(outcome.output.ends_with(&note), "{}", crate::text::ending(&outcome.output, 200));
    assert!(outcome.omitted_bytes > 0);
}

#[tokio::test]
async fn files_that_are_too_large_are_counted() {
    let workspace = Workspace::new();
    workspace.put("large", "");
    let file = std::fs::File::options().write(true).open(workspace.path("large")).expect("a file");
    file.set_len(33 * 1024 * 1024).expect("a size");
    let outcome = workspace.call("grep", json!({"pattern": "x"})).await;
    assert_eq!(outcome.output, "[no match]\n[1 file larger than 32 MiB not searched: use a command]");
}

/// A backtracking engine would take longer than the universe for this.
#[tokio::test]
async fn a_nasty_pattern_takes_linear_time() {
    let workspace = Workspace::new();
    workspace.put("f", "a".repeat(100_000));
    let outcome = workspace.call("grep", json!({"pattern": "^(a+)+$b"})).await;
    assert_eq!(outcome.output, "[no match]");
}

/// It is an error of the call and not of its form: three of those in a row end a run.
#[tokio::test]
async fn a_broken_pattern_is_an_ordinary_error_that_shows_its_position() {
    let workspace = Workspace::new();
    let outcome = workspace.call("grep", json!({"pattern": "가(나"})).await;
    assert_eq!(outcome.status, ToolStatus::Error);
    assert!(outcome.output.contains("가(나\n     ^\nerror: unclosed group"), "{}", outcome.output);
    for input in [
        json!({"pattern": ""}),
        json!({"pattern": "a\nb"}),
        json!({"pattern": "x{1000}{1000}{1000}"}),
        json!({"pattern": "x", "glob": "["}),
    ] {
        assert_eq!(workspace.call("grep", input.clone()).await.status, ToolStatus::Error, "{input}");
    }
}

#[test]
fn more_context_than_the_schema_allows_is_rejected() {
    let rejection = Workspace::new().rejection("grep", json!({"pattern": "x", "context": 51}));
    assert_eq!(rejection, "`context` has to be from 0 to 50");
}

#[tokio::test]
async fn a_search_of_nothing_is_an_error() {
    let outcome = tree().call("grep", json!({"pattern": "x", "path": "missing"})).await;
    assert_eq!(outcome.status, ToolStatus::Error);
}
