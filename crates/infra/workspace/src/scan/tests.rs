use std::{fs, time::Duration};

use tempfile::TempDir;

use super::*;

fn walk(root: &Path, previous: Option<&Table>) -> Scan {
    let (bounds, stop) = (Bounds::default(), AtomicBool::new(false));
    let walk =
        Walk { root, prefix: b"", tracked: &[], own: &OwnPlaces::default(), bounds: &bounds, stop: &stop };
    walk.scan(&mut Memory::default(), previous).unwrap()
}

fn changed(scan: &Scan) -> Vec<String> {
    scan.changed.iter().map(FilePath::to_text).collect()
}

/// A change within one tick of the file system's clock leaves all stat data as it was. Clocks of today are too fine
/// to make one on purpose, so the walk before is made to remember another content under the same times.
#[test]
fn a_change_within_one_tick_is_told_by_content() {
    let dir = TempDir::new().unwrap();
    for name in ["a", "b"] {
        fs::write(dir.path().join(name), "1").unwrap();
    }
    let mut before = walk(dir.path(), None).table;
    assert!(before.files.iter().all(|seen| seen.young.is_some()), "{before:?}");
    assert_eq!(changed(&walk(dir.path(), Some(&before))), Vec::<String>::new());
    before.files[0].young = Some(Young::Holds([0; 32]));
    before.files[1].young = Some(Young::Missed);
    assert_eq!(changed(&walk(dir.path(), Some(&before))), ["a", "b"]);
}

#[test]
fn a_young_file_that_is_gone_when_it_is_read_is_looked_at_again() {
    let dir = TempDir::new().unwrap();
    let root = file::open_root(dir.path()).unwrap();
    let settle = Settle { root: root.as_fd(), looked: SystemTime::now(), most: 10 };
    fs::write(dir.path().join("large"), "more than ten bytes").unwrap();
    assert_eq!(settle.digest(&FilePath::new(b"gone")), Some(Young::Missed));
    let large = FilePath::new(b"large");
    assert_eq!(settle.digest(&large), None);
    let stat = file::stat(root.as_fd(), &large).unwrap();
    let gone = Seen { path: FilePath::new(b"gone"), stat, young: Some(Young::Missed) };
    let (_, changed) = settle.compare(vec![(gone.path.clone(), stat)], std::slice::from_ref(&gone));
    assert_eq!(changed, BTreeSet::from([gone.path]));
}

#[test]
fn no_file_is_seen_below_another() {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("any"), "1").unwrap();
    let stat = file::stat(file::open_root(dir.path()).unwrap().as_fd(), &FilePath::new(b"any")).unwrap();
    let all =
        |paths: &[&str]| paths.iter().map(|path| (FilePath::new(path.as_bytes()), stat)).collect::<Vec<_>>();
    let files = all(&["a/b/c", "n", "n-x", "n.y/z"]);
    let check = |path: &str, expected: bool| {
        assert_eq!(fits(&files, &FilePath::new(path.as_bytes())), expected, "{path}");
    };
    check("n/a.txt", false);
    check("n/deep/er", false);
    check("a/b", false);
    check("a", false);
    check("a/b/c/d", false);
    check("a/b/d", true);
    check("n.y/a", true);
    check("n-", true);
    check("o", true);
    // A walk sees a link, and a moment later the folder is back with the files of the walk before.
    let known =
        ["n/a", "o", "o/a"].map(|path| Seen { path: FilePath::new(path.as_bytes()), stat, young: None });
    assert_eq!(follow(&files, &known, &[], |_| Some(stat)), all(&["o"]));
    assert_eq!(follow(&[], &known, &[], |_| Some(stat)), all(&["n/a", "o"]));
}

#[test]
fn files_that_have_long_been_still_are_not_read() {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("a"), "1").unwrap();
    let stat = file::stat(file::open_root(dir.path()).unwrap().as_fd(), &FilePath::new(b"a")).unwrap();
    let now = SystemTime::now();
    assert!(stat.is_recent(now));
    assert!(!stat.is_recent(now + Duration::from_secs(60)));
    assert!(stat.is_recent(now - Duration::from_secs(60)), "a clock that was set back makes nothing certain");
}

#[test]
fn a_walk_that_nobody_waits_for_ends() {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("a"), "1").unwrap();
    let (bounds, stop) = (Bounds::default(), Arc::new(AtomicBool::new(false)));
    drop(StopOnDrop(Arc::clone(&stop)));
    let walk = Walk {
        root: dir.path(),
        prefix: b"",
        tracked: &[],
        own: &OwnPlaces::default(),
        bounds: &bounds,
        stop: &stop,
    };
    let scan = walk.scan(&mut Memory::default(), None).unwrap();
    assert!(scan.table.files.is_empty() && scan.table.partial.is_some());
}
