use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::future::join_all;

use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn place(gate: &Arc<Gate>) -> Place {
    gate.arrive(Instant::now() + 600 * SECOND)
}

fn limited() -> ModelErrorKind {
    ModelErrorKind::RateLimited { retry_after: Some(3 * SECOND) }
}

/// A gate that a refused request has shut for three seconds.
async fn shut() -> Arc<Gate> {
    let gate = Arc::new(Gate::default());
    let mut refused = place(&gate);
    assert_eq!(refused.turn().await, Turn::Pass);
    refused.failed(&limited(), 3 * SECOND);
    gate
}

/// Passes when it may; says whether it was held before.
async fn pass(place: &mut Place) -> bool {
    match place.turn().await {
        Turn::Pass => false,
        Turn::Held(_) => {
            assert_eq!(place.turn().await, Turn::Pass);
            true
        }
        too_long @ Turn::TooLong(_) => panic!("{too_long:?}"),
    }
}

/// O-23, P33: what one has learned holds everybody; they go in the order in which they came, none is lost.
#[tokio::test(start_paused = true)]
async fn many_workers_wait_in_order_and_all_come_through() {
    let gate = shut().await;
    let began = Instant::now();
    let (sent, most) = (Mutex::new(Vec::new()), AtomicUsize::new(0));
    let workers = (0..200).map(|worker| {
        let mut place = place(&gate);
        let (sent, most) = (&sent, &most);
        async move {
            assert!(pass(&mut place).await, "it was held");
            assert!(began.elapsed() >= 3 * SECOND);
            sent.lock().unwrap().push(worker);
            let at_once = sent.lock().unwrap().len();
            if began.elapsed() < 3 * SECOND + Duration::from_millis(5) {
                most.fetch_max(at_once, Ordering::Relaxed);
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
            place.taken();
        }
    });
    join_all(workers).await;
    assert_eq!(sent.into_inner().unwrap(), (0..200).collect::<Vec<_>>());
    assert_eq!(most.into_inner(), 1, "one goes first");
}

#[tokio::test(start_paused = true)]
async fn who_is_held_hears_for_how_long_once() {
    let gate = shut().await;
    let mut place = place(&gate);
    tokio::time::advance(SECOND).await;
    assert_eq!(place.turn().await, Turn::Held(2 * SECOND));
    assert_eq!(place.turn().await, Turn::Pass);
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_is_longer_than_a_request_has_is_said_at_once() {
    let gate = shut().await;
    let began = Instant::now();
    let mut place = gate.arrive(began + 2 * SECOND);
    assert_eq!(place.turn().await, Turn::TooLong(3 * SECOND));
    assert_eq!(began.elapsed(), Duration::ZERO);
}

/// A cancelled waiter gives its place free, whether it waits, tries for the others, or was just let in.
#[tokio::test(start_paused = true)]
async fn who_goes_away_holds_nobody_up() {
    let gate = shut().await;
    let (mut first, mut second, mut third) = (place(&gate), place(&gate), place(&gate));
    assert!(pass(&mut first).await);
    let waiting = tokio::spawn(async move { pass(&mut third).await });
    tokio::task::yield_now().await;
    assert_eq!(second.turn().await, Turn::Held(Duration::ZERO));
    drop(second);
    tokio::task::yield_now().await;
    assert!(!waiting.is_finished(), "the first one has not come to anything yet");
    drop(first);
    assert!(waiting.await.unwrap());
}

/// The gate shuts again while others wait for what becomes of the one that went first.
#[tokio::test(start_paused = true)]
async fn who_waits_for_another_hears_of_a_new_limit() {
    let gate = shut().await;
    let began = Instant::now();
    let (mut first, mut second) = (place(&gate), place(&gate));
    assert!(pass(&mut first).await);
    let waiting = tokio::spawn(async move { pass(&mut second).await });
    tokio::task::yield_now().await;
    first.failed(&limited(), 7 * SECOND);
    drop(first);
    assert!(waiting.await.unwrap());
    assert_eq!(began.elapsed().as_secs(), 10);
}

/// Whose own wait is over is not held by others' waits.
#[tokio::test(start_paused = true)]
async fn a_broken_connection_is_nobody_elses_business() {
    let gate = Arc::new(Gate::default());
    let began = Instant::now();
    let (mut broken, mut other) = (place(&gate), place(&gate));
    assert!(!pass(&mut broken).await);
    broken.failed(&ModelErrorKind::Cut, SECOND);
    broken.come_again(SECOND);
    assert!(!pass(&mut other).await);
    assert_eq!(began.elapsed(), Duration::ZERO);
    assert!(!pass(&mut broken).await, "its own wait is no hold");
    assert_eq!(began.elapsed().as_secs(), 1);
    drop((broken, other));
    assert!(gate.line().bells.is_empty());
}
