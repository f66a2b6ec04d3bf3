use domain::tool::ToolStatus;
use serde_json::{Value, json};

use crate::testing::{Workspace, context_with};

async fn check(content: &[u8], input: Value, expected: &str) {
    let workspace = Workspace::new();
    workspace.put("파일.txt", content);
    let mut input = input;
    input["path"] = json!("파일.txt");
    let outcome = workspace.call("read", input.clone()).await;
    assert_eq!(outcome.output, expected, "{input}");
}

#[tokio::test]
async fn lines_are_numbered_and_pages_say_how_to_go_on() {
    let text = b"one\n\xec\x9d\xb4\nthree\nfour\n";
    check(text, json!({}), "     1\tone\n     2\t이\n     3\tthree\n     4\tfour").await;
    check(
        text,
        json!({"offset": 2, "limit": 2}),
        "     2\t이\n     3\tthree\n[lines 2-3 of 4; go on with offset 4]",
    )
    .await;
    check(text, json!({"offset": 4}), "     4\tfour").await;
    check(text, json!({"offset": 5}), "the file has only 4 lines, so there is none at offset 5").await;
    check(text, json!({"offset": 50}), "the file has only 4 lines, so there is none at offset 50").await;
    check(b"", json!({}), "[the file is empty]").await;
    check(b"\n\n", json!({}), "     1\t\n     2\t").await;
    check(b"end", json!({}), "     1\tend\n[no newline at the end of the file]").await;
}

#[tokio::test]
async fn two_thousand_lines_are_a_page() {
    let workspace = Workspace::new();
    workspace.put("long.txt", (1..=5_000).map(|n| format!("{n}\n")).collect::<String>());
    let outcome = workspace.call("read", json!({"path": "long.txt"})).await;
    assert!(outcome.output.starts_with("     1\t1\n"), "{}", outcome.output);
    assert!(outcome.output.ends_with("  2000\t2000\n[lines 1-2000 of 5000; go on with offset 2001]"));
    assert_eq!(outcome.omitted_bytes, 0);
}

/// P10.
#[tokio::test]
async fn byte_order_mark_and_crlf_are_told_and_not_shown() {
    const CRLF: &str = "[the lines end with CRLF; `edit` keeps that, write \\n in its texts]";
    const BOM: &str = "[the file begins with a byte order mark (BOM), not shown; `edit` keeps it]";
    check(b"\xef\xbb\xbfa\r\nb\r\n", json!({}), &format!("     1\ta\n     2\tb\n{BOM}\n{CRLF}")).await;
    check(
        b"a\r\nb\nc\n",
        json!({}),
        "     1\ta\n     2\tb\n     3\tc\n[1 of these lines end with CRLF; `edit` keeps that, write \\n in its texts]",
    )
    .await;
    check(b"\xef\xbb\xbf", json!({}), "[the file is empty but for a byte order mark]").await;
}

/// P08.
#[tokio::test]
async fn of_a_binary_file_only_type_size_and_fingerprint_are_told() {
    let png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";
    check(png, json!({}), "binary: PNG image, 16 bytes, sha256 02a3e298f1533f62...").await;
}

/// P09.
#[tokio::test]
async fn invalid_utf8_is_shown_as_such() {
    check(
        b"ok\n\xc7\xd1\xb1\xdb\n",
        json!({}),
        "     1\tok\n     2\t\u{fffd}\u{471}\u{fffd}\n[1 line is not valid UTF-8: the bytes in question are shown as \
         \u{fffd} (another encoding, such as EUC-KR or Latin-1?); `edit` leaves them as they are]",
    )
    .await;
}

#[tokio::test]
async fn long_lines_are_cut_between_graphemes_and_counted() {
    let workspace = Workspace::new();
    let family = "👨\u{200d}👩\u{200d}👧";
    workspace.put("long.txt", format!("{}\nshort\n", family.repeat(3_000)));
    let outcome = workspace.call("read", json!({"path": "long.txt"})).await;
    let shown = family.repeat(400);
    let missing = family.len() * 2_600;
    assert_eq!(
        outcome.output,
        format!("     1\t{shown} [... {missing} more bytes in this line]\n     2\tshort")
    );
    assert_eq!(outcome.omitted_bytes, missing as u64);
}

#[tokio::test]
async fn a_page_has_at_most_forty_eight_thousand_characters_and_counts_the_rest() {
    let workspace = Workspace::new();
    workspace.put("wide.txt", format!("{}\n", "가".repeat(999)).repeat(3_000));
    let outcome = workspace.call("read", json!({"path": "wide.txt"})).await;
    assert!(outcome.output.chars().count() <= 48_000);
    let shown = outcome.output.lines().filter(|line| line.contains('가')).count() as u64;
    assert_eq!(outcome.omitted_bytes, (2_000 - shown) * (999 * 3 + 1));
    let next = shown + 1;
    assert!(outcome.output.ends_with(&format!("[lines 1-{shown} of 3000; go on with offset {next}]")));
    let outcome = workspace.call("read", json!({"path": "wide.txt", "offset": next, "limit": 1})).await;
    assert!(outcome.output.starts_with(&format!("{next:>6}\t가")));
}

#[tokio::test]
async fn a_cancelled_read_of_a_large_file_ends_as_cancelled() {
    let workspace = Workspace::new();
    workspace.put("large.txt", "line\n".repeat(200_000));
    let context = context_with(Box::pin(std::future::ready(())), domain::workspace::Bases::default(), None);
    let outcome = workspace.call_in("read", json!({"path": "large.txt"}), context).await;
    assert_eq!(outcome.status, ToolStatus::Cancelled);
}

#[tokio::test]
async fn a_missing_file_or_a_folder_is_an_error_that_helps() {
    let workspace = Workspace::new();
    workspace.put("src/a.rs", "");
    for (path, expected) in [
        ("src", "`src` is a folder: list it with `glob` (pattern `*`, path `src`)"),
        (".", "`.` is a folder: list it with `glob` (pattern `*`, path `.`)"),
        ("b.rs", "there is no `b.rs`: look for the right name with `glob`"),
    ] {
        let outcome = workspace.call("read", json!({"path": path})).await;
        assert_eq!((outcome.status, outcome.output.as_str()), (ToolStatus::Error, expected));
    }
}

#[test]
fn lines_begin_at_one() {
    let workspace = Workspace::new();
    for input in [
        json!({"path": "a", "offset": 0}),
        json!({"path": "a", "limit": 0}),
        json!({"path": "a", "offset": -1}),
    ] {
        workspace.rejection("read", input);
    }
}

/// P13.
#[tokio::test]
async fn names_of_every_kind_are_read_and_written_exactly() {
    let workspace = Workspace::new();
    let decomposed = "\u{1112}\u{1161}\u{11ab}\u{1100}\u{1173}\u{11af}.txt";
    let names = [
        "with space.txt",
        "two\nlines.txt",
        "한글.txt",
        decomposed,
        "👨\u{200d}👩\u{200d}👧.txt",
        "שלום \u{202e}txt",
    ];
    for name in names {
        workspace.call("write", json!({"path": name, "content": name})).await;
    }
    for name in names {
        assert_eq!(workspace.bytes(name), name.as_bytes());
        let outcome =
            workspace.call("edit", json!({"path": name, "old_string": name, "new_string": "바뀜"})).await;
        assert_eq!(outcome.status, ToolStatus::Ok, "{name:?}: {}", outcome.output);
        assert_eq!(workspace.call("read", json!({"path": name, "limit": 1})).await.status, ToolStatus::Ok);
    }
    let mut on_disk: Vec<_> = std::fs::read_dir(workspace.root())
        .expect("a folder")
        .map(|e| e.expect("an entry").file_name())
        .collect();
    on_disk.sort();
    let mut expected: Vec<std::ffi::OsString> = names.iter().map(Into::into).collect();
    expected.sort();
    assert_eq!(on_disk, expected);
}

/// P07. The file has a hole, so that it costs no disk; what is read of it is the same as of a full one.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_page_of_a_gigabyte_takes_little_memory() {
    use std::os::unix::fs::FileExt as _;

    fn peak_kib() -> u64 {
        let status = std::fs::read_to_string("/proc/self/status").expect("a status");
        let line = status.lines().find(|line| line.starts_with("VmHWM:")).expect("a peak");
        line.split_whitespace().nth(1).and_then(|number| number.parse().ok()).expect("a number")
    }

    const SIZE: u64 = 1024 * 1024 * 1024;
    let workspace = Workspace::new();
    workspace.put("huge.txt", "one line of many\n".repeat(1_000));
    let file = std::fs::File::options().write(true).open(workspace.path("huge.txt")).expect("a file");
    file.write_at(b"\nthe end\n", SIZE - 9).expect("written");
    let before = peak_kib();
    let outcome = workspace.call("read", json!({"path": "huge.txt", "offset": 900})).await;
    assert!(outcome.output.starts_with("   900\tone line of many\n"), "{}", outcome.output);
    assert!(outcome.output.contains("\n  1002\tthe end"), "{}", crate::text::ending(&outcome.output, 500));
    assert!(outcome.omitted_bytes > SIZE - 20_000, "{}", outcome.omitted_bytes);
    assert!(peak_kib() - before < 50 * 1024, "{} KiB", peak_kib() - before);
}
