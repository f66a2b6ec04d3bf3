use domain::{id::Ulid, time::Timestamp};

use super::*;

struct Midnight;

impl Clock for Midnight {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(0)
    }
}

/// A folder for workspaces, beside one for locks.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn folder(&self, name: &str) -> PathBuf {
        let folder = self.0.path().join(name);
        fs::create_dir_all(&folder).unwrap();
        folder.canonicalize().unwrap()
    }

    fn settings(&self, session: u128, workspace: &str) -> ClaimSettings {
        ClaimSettings {
            workspace: self.folder(workspace),
            locks: self.0.path().join("locks"),
            own: vec![self.0.path().join("data")],
            session: SessionId::new(Ulid(session)),
            patience: Duration::ZERO,
            clock: Arc::new(Midnight),
        }
    }

    fn claim(&self, session: u128, workspace: &str) -> WorkspaceClaim {
        WorkspaceClaim::new(self.settings(session, workspace))
    }
}

fn session(number: u128) -> Holder {
    Holder { session: Some(SessionId::new(Ulid(number))), pid: Some(std::process::id()) }
}

async fn refused(claim: &WorkspaceClaim) -> (Holder, Option<String>) {
    match claim.claim().await {
        Err(ClaimError::Held { holder, folder }) => (holder, folder),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn one_session_has_the_right_until_it_ends_and_takes_it_once() {
    let place = Place::new();
    let (first, second) = (place.claim(1, "집"), place.claim(2, "집"));
    assert!(!place.0.path().join("locks").exists(), "a session that only reads takes nothing");
    first.claim().await.unwrap();
    first.claim().await.unwrap();
    assert_eq!(refused(&second).await, (session(1), None));
    drop(first);
    second.claim().await.unwrap();
    drop(second);
    let left = fs::read_dir(place.0.path().join("locks")).unwrap().count();
    assert_eq!(left, 0, "what nobody holds lies nowhere");
}

#[tokio::test]
async fn folders_inside_one_another_meet_and_those_side_by_side_do_not() {
    let place = Place::new();
    let [outer, inner, beside] =
        [(1, "repo"), (2, "repo/안쪽"), (3, "repo/b")].map(|(n, at)| place.claim(n, at));
    inner.claim().await.unwrap();
    beside.claim().await.unwrap();
    drop(beside);
    let at = |name: &str| Some(place.folder(name).display().to_string());
    assert_eq!(refused(&outer).await, (session(2), at("repo/안쪽")));
    drop(inner);
    outer.claim().await.unwrap();
    let inner = place.claim(2, "repo/안쪽");
    assert_eq!(refused(&inner).await, (session(1), at("repo")));
    let neighbour = place.claim(4, "repo2");
    neighbour.claim().await.unwrap();
}

#[tokio::test]
async fn a_worktree_in_our_own_folder_meets_no_session_around_it() {
    let place = Place::new();
    let (home, tree) = (place.claim(1, "."), place.claim(2, "data/worktrees/x/sub"));
    home.claim().await.unwrap();
    tree.claim().await.unwrap();
    let same = place.claim(3, "data/worktrees/x");
    assert_eq!(refused(&same).await.0, session(2));
}

#[tokio::test]
async fn who_waits_gets_the_right_when_it_is_free() {
    let place = Place::new();
    let first = place.claim(1, "w");
    first.claim().await.unwrap();
    let patient =
        WorkspaceClaim::new(ClaimSettings { patience: Duration::from_secs(3_600), ..place.settings(2, "w") });
    let waiting = tokio::spawn(async move {
        patient.claim().await.unwrap();
        patient
    });
    // It has looked once at least; and what it waits for is that the lock is free, not for how long it was not.
    tokio::task::yield_now().await;
    drop(first);
    let patient = waiting.await.unwrap();
    assert_eq!(refused(&place.claim(3, "w")).await.0, session(2));
    drop(patient);
}

#[tokio::test(start_paused = true)]
async fn waiting_ends_with_its_patience_and_can_be_given_up() {
    let place = Place::new();
    let first = place.claim(1, "w");
    first.claim().await.unwrap();
    let patience = Duration::from_secs(60);
    let patient = WorkspaceClaim::new(ClaimSettings { patience, ..place.settings(2, "w") });
    let given_up = tokio::time::timeout(Duration::from_secs(1), patient.claim()).await;
    assert!(given_up.is_err(), "it still waited");
    let began = Instant::now();
    assert_eq!(refused(&patient).await.0, session(1));
    assert!(began.elapsed() >= patience);
    drop(first);
    patient.claim().await.unwrap();
}
