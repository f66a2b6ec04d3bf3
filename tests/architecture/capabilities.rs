//! Every row of the specification that is said to be done is named by a test that observes its effect.

use better_llm_tests::{root, rust_files};

/// The rows that `docs/capabilities.md` says are done.
fn done() -> Vec<String> {
    let table = std::fs::read_to_string(root().join("docs/capabilities.md")).expect("docs/capabilities.md");
    let rows = table.lines().filter(|line| line.starts_with("| ") && line.contains("| done |"));
    rows.map(|row| row.split('|').nth(1).expect("an id").trim().to_owned()).collect()
}

/// Whether `id` stands in `text` as a word of its own.
fn names(text: &str, id: &str) -> bool {
    text.match_indices(id).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + id.len()..].chars().next();
        let is_word = |c: char| c.is_ascii_alphanumeric();
        !before.is_some_and(is_word) && !after.is_some_and(is_word)
    })
}

#[test]
fn every_finished_capability_is_named_by_a_test() {
    let files: Vec<(String, String)> = rust_files("crates").into_iter().chain(rust_files("tests")).collect();
    let tests = files.iter().filter(|(_, text)| text.contains("#[test]") || text.contains("#[tokio::test"));
    let tests: Vec<&String> =
        tests.filter(|(name, _)| !name.contains("architecture")).map(|(_, text)| text).collect();
    let done = done();
    assert!(done.len() > 8, "docs/capabilities.md says that {} rows are done", done.len());
    let unnamed: Vec<String> =
        done.into_iter().filter(|id| id != "O-27" && !tests.iter().any(|text| names(text, id))).collect();
    assert_eq!(unnamed, Vec::<String>::new());
}
