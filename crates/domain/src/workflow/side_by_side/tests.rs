use globset::{GlobBuilder, GlobMatcher};
use icu_normalizer::ComposingNormalizerBorrowed;
use proptest::prelude::*;
use serde_json::json;

use super::*;

fn globs(globs: &[&str]) -> Vec<String> {
    globs.iter().map(|glob| (*glob).to_owned()).collect()
}

#[track_caller]
fn check(one: &[&str], other: &[&str], disjoint: bool) {
    let (ones, others) = (globs(one), globs(other));
    let found = (are_disjoint(&ones, &others), are_disjoint(&others, &ones));
    assert_eq!(found, (disjoint, disjoint), "{one:?} {other:?}");
}

#[test]
fn globs_are_apart_where_their_folders_are() {
    check(&["src/**"], &["docs/**"], true);
    check(&["src/"], &["src-old/"], true);
    check(&["./src//a.rs"], &["src/b.rs"], true);
    check(&["src/a/*.rs", "docs/계획.md"], &["src/b/*", "docs/메모.md"], true);
    check(&[], &["**"], true);
    check(&["src/**"], &["src/a.rs"], false);
    check(&["src"], &["src/a.rs"], false);
    check(&["src/*.rs"], &["src/*.md"], false);
    check(&["**/a.rs"], &["docs/**"], false);
    check(&["{src,docs}/**"], &["docs/**"], false);
    check(&["src/[ab].rs"], &["src/a.rs"], false);
    check(&["docs/**", "src/**"], &["tests/**", "src/lib.rs"], false);
    check(&["a/../src/**"], &["src/**"], false);
    check(&["/data/a/**"], &["/data/b/**"], true);
    check(&["/w/src/**"], &["src/**"], false);
}

/// One file system takes these for one name, another for two.
#[test]
fn names_that_some_file_system_takes_for_one_are_not_apart() {
    check(&["SRC/**"], &["src/**"], false);
    check(&["문서/**"], &["\u{1106}\u{116e}\u{11ab}\u{1109}\u{1165}/**"], false);
    check(&["straße/**"], &["STRASSE/**"], false);
    check(&["ﬁle/**"], &["file/**"], false);
    check(&["a\u{200d}b/**"], &["ab/**"], false);
    check(&["מסמכים/**"], &["문서/**"], true);
}

/// A part of a glob, as models write them.
fn name() -> impl Strategy<Value = &'static str> {
    let names = [
        "a",
        "A",
        "b",
        "가",
        "\u{1100}\u{1161}",
        "*",
        "**",
        "a*",
        "?",
        "[ab]",
        "{a,b}",
        "{a,b/a}",
        "\\a",
        ".",
    ];
    prop::sample::select(names.to_vec())
}

fn glob() -> impl Strategy<Value = String> {
    (prop::collection::vec(name(), 1..4), prop::bool::weighted(0.2)).prop_map(|(names, below)| {
        let end = if below { "/" } else { "" };
        format!("{}{end}", names.join("/"))
    })
}

/// Every path of up to three names.
fn paths() -> Vec<String> {
    let names = ["a", "A", "b", "ab", "가", "\u{1100}\u{1161}"];
    let one: Vec<String> = names.map(str::to_owned).to_vec();
    let longer = |paths: &[String]| -> Vec<String> {
        paths.iter().flat_map(|path| names.map(|name| format!("{path}/{name}"))).collect()
    };
    let two = longer(&one);
    let three = longer(&two);
    [one, two, three].concat()
}

fn composed(text: &str) -> String {
    ComposingNormalizerBorrowed::new_nfc().normalize(text).into_owned()
}

/// What the file tools would take `globs` for, on a file system that may not tell cases apart.
fn matchers(globs: &[String]) -> Vec<GlobMatcher> {
    let parse = |glob: &String| {
        let whole = if glob.ends_with('/') { format!("{glob}**") } else { glob.clone() };
        let text = composed(whole.strip_prefix("./").unwrap_or(&whole));
        GlobBuilder::new(&text).literal_separator(true).case_insensitive(true).build().ok()
    };
    globs.iter().filter_map(parse).map(|glob| glob.compile_matcher()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..crate::properties::cases() })]

    /// O-24: two runs at the same time never have leave to write the same file.
    #[test]
    fn disjoint_globs_cover_no_path_together(
        ones in prop::collection::vec(glob(), 0..3),
        others in prop::collection::vec(glob(), 0..3),
    ) {
        if are_disjoint(&ones, &others) {
            let (one, other) = (matchers(&ones), matchers(&others));
            for path in paths().iter().map(|path| composed(path)) {
                let covered = |globs: &[GlobMatcher]| globs.iter().any(|glob| glob.is_match(&path));
                prop_assert!(!(covered(&one) && covered(&other)), "{:?} {:?} {}", ones, others, path);
            }
        }
    }
}

fn tool(name: &str, access: Access) -> ToolSpec {
    ToolSpec { name: name.into(), description: "".into(), input_schema: Arc::new(json!({})), access }
}

/// What a run may change that has these tools and these `writes`, where its commands are held to them and where not.
#[track_caller]
fn check_reach(tools: &[(&str, Access)], writes: Option<&[&str]>, held: &Reach, free: &Reach) {
    let tools: Vec<ToolSpec> = tools.iter().map(|(name, access)| tool(name, *access)).collect();
    let hands = Hands::of(&tools);
    let writes = writes.map(globs);
    let found = [true, false].map(|are_held| hands.reach(writes.as_deref(), are_held));
    assert_eq!([&found[0], &found[1]], [held, free], "{hands:?}");
    assert_eq!(hands.have_to_be_held(), writes.is_some() && held != free, "{hands:?}");
}

#[test]
fn what_a_run_may_change_follows_from_its_tools_and_its_task() {
    use Access::{Command, Coordinate, Edit, Read};
    let docs = &["docs/**"][..];
    let of_docs = Reach::Writes(globs(docs).into());
    check_reach(&[("read", Read), ("report", Coordinate)], None, &Reach::Reads, &Reach::Reads);
    check_reach(&[("read", Read)], Some(docs), &Reach::Reads, &Reach::Reads);
    check_reach(&[("write", Edit)], None, &Reach::Alone, &Reach::Alone);
    check_reach(&[("write", Edit), ("edit", Edit)], Some(docs), &of_docs, &of_docs);
    check_reach(&[("write", Edit), ("bash", Command)], Some(docs), &of_docs, &Reach::Alone);
    check_reach(&[("bash", Command), ("process", Command)], Some(docs), &Reach::Alone, &Reach::Alone);
    check_reach(&[("write", Edit), ("commit", Edit)], Some(docs), &Reach::Alone, &Reach::Alone);
    check_reach(&[("execute_code", Command)], Some(docs), &Reach::Alone, &Reach::Alone);
}

#[track_caller]
fn check_pace(calls: &[Reach], expected: Pace) {
    assert_eq!(Pace::of(calls), expected, "{calls:?}");
    let turned: Vec<Reach> = calls.iter().rev().cloned().collect();
    assert_eq!(Pace::of(&turned), expected, "{turned:?}");
}

/// Contract 4: side by side when none writes, or the `writes` are disjoint; else one after the other, all of them.
#[test]
fn calls_run_side_by_side_where_they_cannot_meet() {
    let writes = |glob: &str| Reach::Writes(globs(&[glob]).into());
    let (src, docs, deep) = (writes("src/**"), writes("docs/**"), writes("src/deep/**"));
    let side_by_side = |share_files| Pace::SideBySide { share_files };
    check_pace(&[], Pace::OneAfterTheOther);
    check_pace(&[Reach::Reads], Pace::OneAfterTheOther);
    check_pace(&[Reach::Reads, Reach::Reads], side_by_side(false));
    check_pace(&[Reach::Reads, src.clone()], side_by_side(false));
    check_pace(&[docs.clone(), Reach::Reads, src.clone()], side_by_side(true));
    check_pace(&[docs.clone(), src.clone(), deep], Pace::OneAfterTheOther);
    check_pace(&[docs, src, Reach::Alone], Pace::OneAfterTheOther);
    check_pace(&[Reach::Reads, Reach::Alone], Pace::OneAfterTheOther);
}
