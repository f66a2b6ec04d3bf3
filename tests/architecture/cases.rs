//! Every case that `docs/cases.md` says is held names its tests, and they are there.

use better_llm_tests::root;

/// Cases of the parts so far that must not lose their row.
const OWED: [&str; 48] = [
    "P01", "P02", "P03", "P04", "P05", "P06", "P07", "P08", "P09", "P10", "P11", "P12", "P13", "P14", "P15",
    "P16", "P17", "P18", "P19", "P20", "P21", "P22", "P23", "P24", "P25", "P26", "P27", "P28", "P29", "P30",
    "P31", "P32", "P33", "P34", "P35", "P36", "P37", "P38", "P39", "P40", "P41", "P42", "P56", "P57", "P58",
    "P59", "P60", "P61",
];

/// A row of a table: its cells.
fn rows() -> Vec<Vec<String>> {
    let text = std::fs::read_to_string(root().join("docs/cases.md")).expect("docs/cases.md");
    let rows = text.lines().filter(|line| line.starts_with("| ") && !line.contains("| state |"));
    rows.map(|row| row.trim_matches('|').split(" | ").map(|cell| cell.trim().to_owned()).collect()).collect()
}

/// The tests that a cell names: `path/of/file.rs::name`.
fn named(cell: &str) -> Vec<(String, String)> {
    let quoted = cell.split('`').skip(1).step_by(2);
    quoted
        .map(|name| {
            let (file, test) = name.split_once("::").unwrap_or_else(|| panic!("`{name}` is no test"));
            (file.to_owned(), test.to_owned())
        })
        .collect()
}

/// The test with what is written above it and at the head of its file; none where there is no such test.
fn said_of(file: &str, test: &str) -> Option<String> {
    let text = std::fs::read_to_string(root().join(file)).ok()?;
    let head: String = text.lines().take_while(|line| line.starts_with("//!")).collect();
    let lines: Vec<&str> = text.lines().collect();
    let starts = |line: &&str| {
        let line = line.trim_start();
        let line = line.strip_prefix("async ").unwrap_or(line);
        line.strip_prefix("fn ")
            .and_then(|rest| rest.strip_prefix(test))
            .is_some_and(|rest| rest.starts_with('('))
    };
    let at = lines.iter().position(starts)?;
    let above = lines[..at].iter().rev().take_while(|line| {
        let line = line.trim_start();
        line.starts_with("///") || line.starts_with("#[")
    });
    let above: String = above.copied().collect();
    (above.contains("#[test]") || above.contains("#[tokio::test") || text.contains("proptest!"))
        .then(|| format!("{head}{above}{test}"))
}

#[test]
fn every_case_that_is_held_names_tests_that_are_there() {
    let rows = rows();
    let mut wrong = Vec::new();
    for row in &rows {
        let [case, _, state, tests] = &row[..] else { panic!("four cells: {row:?}") };
        let tests = named(tests);
        if state == "done" && tests.is_empty() {
            wrong.push(format!("{case} names no test"));
        }
        for (file, test) in tests {
            match said_of(&file, &test) {
                None => wrong.push(format!("{case}: there is no test {file}::{test}")),
                Some(said) if case.starts_with('P') && !said.to_uppercase().contains(case.as_str()) => {
                    wrong.push(format!("{case}: {file}::{test} does not name it"));
                }
                Some(_) => {}
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    let missing: Vec<&str> =
        OWED.into_iter().filter(|owed| !rows.iter().any(|row| row[0] == *owed && row[2] == "done")).collect();
    assert_eq!(missing, Vec::<&str>::new());
}

/// `docs/security.md` claims nothing that no test observes.
#[test]
fn every_test_that_the_security_page_names_is_there() {
    let text = std::fs::read_to_string(root().join("docs/security.md")).expect("docs/security.md");
    let names = text.split('`').skip(1).step_by(2).filter_map(|name| name.split_once(".rs::"));
    let names: Vec<(&str, &str)> = names.collect();
    assert!(names.len() > 30, "docs/security.md names {} tests", names.len());
    let missing: Vec<String> = names
        .into_iter()
        .filter(|(file, test)| said_of(&format!("{file}.rs"), test).is_none())
        .map(|(file, test)| format!("{file}.rs::{test}"))
        .collect();
    assert_eq!(missing, Vec::<String>::new());
}
