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
    before.files[0].young = Some([0; 32]);
    assert_eq!(changed(&walk(dir.path(), Some(&before))), ["a"]);
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
