//! Files stay small enough for one mind.

use better_llm_tests::rust_files;

/// Where splitting stops being a matter of taste (design 2).
const MOST_LINES: usize = 500;

#[test]
fn no_file_is_longer_than_a_mind_holds() {
    let files = rust_files("crates").into_iter().chain(rust_files("tests"));
    let long: Vec<String> = files
        .map(|(name, text)| (text.lines().count(), name))
        .filter(|(lines, _)| *lines > MOST_LINES)
        .map(|(lines, name)| format!("{name}: {lines} lines"))
        .collect();
    assert_eq!(long, Vec::<String>::new());
}

#[test]
fn every_module_says_what_it_is_for() {
    let silent: Vec<String> = rust_files("crates")
        .into_iter()
        .filter(|(name, _)| !name.ends_with("/tests.rs") && !name.contains("/tests/"))
        .filter(|(_, text)| !text.trim_start().starts_with("//!"))
        .map(|(name, _)| name)
        .collect();
    assert_eq!(silent, Vec::<String>::new());
}
