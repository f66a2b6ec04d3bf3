use domain::tool::{ToolOutcome, ToolStatus};
use serde_json::json;

use crate::testing::Workspace;

async fn check(content: &[u8], old: &str, new: &str, replace_all: bool, expected: &[u8], says: &str) {
    let workspace = Workspace::new();
    workspace.put("글.txt", content);
    let input = json!({"path": "글.txt", "old_string": old, "new_string": new, "replace_all": replace_all});
    let outcome = workspace.call("edit", input).await;
    assert!(outcome.output.contains(says), "{}", outcome.output);
    let status = if expected == content { ToolStatus::Error } else { ToolStatus::Ok };
    assert_eq!(outcome.status, status, "{}", outcome.output);
    assert_eq!(workspace.bytes("글.txt"), expected, "{}", String::from_utf8_lossy(expected));
}

/// P10.
#[tokio::test]
async fn line_ends_byte_order_mark_and_missing_newline_are_kept() {
    check(
        b"\xef\xbb\xbfone\r\ntwo\r\nthree",
        "two\nthree",
        "2\n3\n4",
        false,
        b"\xef\xbb\xbfone\r\n2\r\n3\r\n4",
        "edited `글.txt`: 1 replacement (line 2)",
    )
    .await;
}

/// P09.
#[tokio::test]
async fn bytes_that_are_no_text_are_kept() {
    check(
        b"\xff\xfe\0 old \xc7\xd1",
        "old",
        "새",
        false,
        b"\xff\xfe\0 \xec\x83\x88 \xc7\xd1",
        "1 replacement",
    )
    .await;
}

/// P11.
#[tokio::test]
async fn a_text_that_does_not_occur_once_leaves_the_file_as_it_is() {
    let content = "값 = 1\n값 = 2\n다른 값\n".as_bytes();
    check(
        content,
        "없다",
        "x",
        false,
        content,
        "`old_string` does not occur in `글.txt`, which was left as it is. Read",
    )
    .await;
    check(content, "없다", "x", true, content, "does not occur").await;
    check(
        content,
        "값",
        "x",
        false,
        content,
        "occurs 3 times in `글.txt` (lines 1, 2, 3), which was left as it is",
    )
    .await;
    check(b"aaa", "aa", "x", false, b"aaa", "occurs 2 times").await;
    check(
        content,
        "값 =",
        "수 =",
        true,
        "수 = 1\n수 = 2\n다른 값\n".as_bytes(),
        "2 replacements (lines 1, 2)",
    )
    .await;
}

#[tokio::test]
async fn an_edit_of_line_ends_alone_is_an_error() {
    check(b"a\nb\n", "a\n", "a\r\n", false, b"a\nb\n", "this would change nothing").await;
}

/// P12: the second of two edits of one text finds what the first one made of it.
#[tokio::test]
async fn of_two_edits_of_one_text_one_is_told_what_stands_there_now() {
    let workspace = Workspace::new();
    workspace.put("a.rs", "fn f() {\n    old()\n}\n");
    let toolbox = workspace.toolbox();
    let edit = |new: &str| {
        let tool = toolbox.build("edit").expect("a tool");
        let input = json!({"path": "a.rs", "old_string": "fn f() {\n    old()", "new_string": format!("fn f() {{\n    {new}()")});
        tool.prepare(&input).expect("an input that fits").run(crate::testing::context())
    };
    let (first, second) = tokio::join!(edit("left"), edit("right"));
    let (done, refused) = if first.status == ToolStatus::Ok { (first, second) } else { (second, first) };
    assert_eq!((done.status, refused.status), (ToolStatus::Ok, ToolStatus::Error));
    let text = String::from_utf8(workspace.bytes("a.rs")).expect("UTF-8");
    let winner = if text.contains("left") { "left" } else { "right" };
    assert_eq!(text, format!("fn f() {{\n    {winner}()\n}}\n"));
    assert!(refused.output.contains(&format!("     2\t    {winner}()")), "{}", refused.output);
}

#[tokio::test]
async fn a_file_that_is_missing_or_too_large_is_an_error() {
    let workspace = Workspace::new();
    workspace.put("large", "");
    let file = std::fs::File::options().write(true).open(workspace.path("large")).expect("a file");
    file.set_len(33 * 1024 * 1024).expect("a size");
    for (path, says) in
        [("missing", "there is no `missing`"), ("large", "more than the 33554432 that can be changed")]
    {
        let outcome =
            workspace.call("edit", json!({"path": path, "old_string": "a", "new_string": "b"})).await;
        assert_eq!(outcome.status, ToolStatus::Error);
        assert!(outcome.output.contains(says), "{}", outcome.output);
    }
}

#[tokio::test]
async fn an_edit_needs_two_different_texts() {
    let workspace = Workspace::new();
    let rejection = workspace.rejection("edit", json!({"path": "a", "old_string": "", "new_string": "x"}));
    assert!(rejection.starts_with("`old_string` is empty"), "{rejection}");
    let same = json!({"path": "a", "old_string": "x", "new_string": "x"});
    let outcome = workspace.call("edit", same).await;
    assert_eq!(outcome, ToolOutcome::error("`old_string` and `new_string` are the same"));
}
