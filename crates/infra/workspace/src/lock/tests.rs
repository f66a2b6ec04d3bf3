use std::os::unix::fs::PermissionsExt;

use domain::id::Ulid;

use super::*;

fn note(session: u128) -> Note {
    Note::new(SessionId::new(Ulid(session)), Timestamp::from_micros(0))
}

fn named(note: &Note) -> Holder {
    holder_of(note)
}

fn held_by(found: Result<Lock, LockError>) -> Holder {
    match found {
        Err(LockError::Held { holder, .. }) => holder,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_lock_has_one_holder_also_within_a_process_and_says_who() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("잠금/폴더/하나.lock");
    assert_eq!(holder(&place).unwrap(), None, "looking makes nothing");
    assert!(!folder.path().join("잠금").exists());
    let (first, second) = (note(1), note(2));
    let lock = Lock::take(&place, &first).unwrap();
    assert_eq!(held_by(Lock::take(&place, &second)), named(&first));
    assert_eq!(holder(&place).unwrap(), Some(named(&first)));
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!([mode(&place), mode(place.parent().unwrap())], [0o600, 0o700]);
    drop(lock);
    assert_eq!(holder(&place).unwrap(), None);
    assert!(!place.exists(), "a lock that nobody holds leaves no file");
    Lock::take(&place, &second).unwrap();
}

#[test]
fn a_torn_note_names_nobody_and_the_lock_holds() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("torn.lock");
    let lock = Lock::take(&place, &note(1)).unwrap();
    fs::write(&place, b"{\"pid\": 4").unwrap();
    assert_eq!(held_by(Lock::take(&place, &note(2))), Holder { session: None, pid: None });
    assert_eq!(holder(&place).unwrap(), Some(Holder { session: None, pid: None }));
    drop(lock);
    fs::write(&place, b"left behind by a process that was killed").unwrap();
    assert_eq!(holder(&place).unwrap(), None, "a note without a holder holds nobody off");
    let second = note(2);
    let _lock = Lock::take(&place, &second).unwrap();
    assert_eq!(read(&place), Some(second));
}

#[test]
fn those_who_share_meet_only_who_wants_it_alone() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("shared.lock");
    let one = Lock::share(&place).unwrap();
    let two = Lock::share(&place).unwrap();
    held_by(Lock::take(&place, &note(1)));
    drop(one);
    held_by(Lock::take(&place, &note(1)));
    drop(two);
    assert!(!place.exists());
    let _alone = Lock::take(&place, &note(1)).unwrap();
    held_by(Lock::share(&place));
}

#[test]
fn nobody_has_a_file_that_was_taken_away() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("gone.lock");
    let old = Lock::take(&place, &note(1)).unwrap();
    fs::remove_file(&place).unwrap();
    let new = Lock::take(&place, &note(2)).unwrap();
    drop(old);
    assert_eq!(holder(&place).unwrap(), Some(named(&note(2))), "the old holder removes no other's file");
    drop(new);
}

#[test]
fn a_link_in_the_place_of_a_lock_is_not_followed() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("target");
    fs::write(&target, "mine").unwrap();
    let place = folder.path().join("link.lock");
    std::os::unix::fs::symlink(&target, &place).unwrap();
    assert!(matches!(Lock::take(&place, &note(1)), Err(LockError::File { doing: "make", .. })));
    assert_eq!(fs::read_to_string(&target).unwrap(), "mine");
}
