use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

const SECOND: Duration = Duration::from_secs(1);

const NOBODY: [u64; 0] = [];

/// A gate at which so many requests came at once.
struct Scene {
    turnstile: Turnstile,
    began: Instant,
}

impl Scene {
    fn new() -> Self {
        Self { turnstile: Turnstile::default(), began: Instant::now() }
    }

    fn at(&self, seconds: u64) -> Instant {
        self.began + SECOND * u32::try_from(seconds).unwrap()
    }

    fn arrive(&mut self, count: usize, seconds: u64) {
        for _ in 0..count {
            self.turnstile.arrive(self.at(seconds));
        }
    }

    /// The numbers of those who pass.
    fn let_in(&mut self, seconds: u64) -> Vec<u64> {
        self.turnstile.let_in(self.at(seconds)).into_iter().map(|number| number.0).collect()
    }

    fn limited(&mut self, number: u64, wait: u64, now: u64) {
        self.turnstile.learn(Lesson::Limited(self.at(now + wait)), self.at(now));
        self.turnstile.come_again(Number(number), self.at(now + wait));
    }

    fn taken(&mut self, numbers: impl IntoIterator<Item = u64>) {
        numbers.into_iter().for_each(|number| self.turnstile.taken(Number(number)));
    }
}

#[test]
fn while_nothing_is_known_everybody_passes_at_once() {
    let mut scene = Scene::new();
    scene.arrive(100, 0);
    assert_eq!(scene.let_in(0), (1..=100).collect::<Vec<_>>());
}

/// O-23: one 429 teaches all; after it one goes first, and those that the server takes let two more pass each.
#[test]
fn a_limit_holds_everybody_and_then_lets_them_in_one_after_the_other() {
    let mut scene = Scene::new();
    scene.arrive(2, 0);
    assert_eq!(scene.let_in(0), [1, 2]);
    scene.limited(2, 3, 0);
    scene.arrive(8, 1);
    assert_eq!(scene.let_in(1), NOBODY);
    assert_eq!(scene.let_in(2), NOBODY);
    assert_eq!(scene.let_in(3), [2], "the one that was refused came before those who wait");
    assert_eq!(scene.let_in(60), NOBODY, "nobody else before it is known what became of it");
    scene.taken([1]);
    assert_eq!(scene.let_in(60), NOBODY, "who passed before the limit proves nothing");
    scene.taken([2]);
    assert_eq!(scene.let_in(60), [3, 4]);
    scene.taken([4]);
    assert_eq!(scene.let_in(60), [5, 6]);
    scene.taken([3, 5]);
    assert_eq!(scene.let_in(60), [7, 8, 9, 10]);
    scene.taken([6]);
    scene.arrive(20, 60);
    assert_eq!(scene.let_in(60).len(), 20, "nobody waits any more: it stands open");
}

#[test]
fn a_second_refusal_shuts_the_gate_anew_and_the_longest_time_stands() {
    let mut scene = Scene::new();
    scene.arrive(5, 0);
    assert_eq!(scene.let_in(0), [1, 2, 3, 4, 5]);
    scene.limited(1, 10, 0);
    scene.limited(2, 3, 0);
    assert_eq!(scene.let_in(9), NOBODY);
    assert_eq!(scene.let_in(10), [1]);
    scene.limited(1, 5, 10);
    assert_eq!(scene.let_in(14), NOBODY);
    assert_eq!(scene.let_in(15), [1]);
}

#[test]
fn who_tries_and_goes_away_leaves_the_try_to_the_next() {
    let mut scene = Scene::new();
    scene.arrive(3, 0);
    assert_eq!(scene.let_in(0), [1, 2, 3]);
    for number in [1, 2, 3] {
        scene.limited(number, 3, 0);
    }
    assert_eq!(scene.let_in(3), [1]);
    scene.turnstile.leave(Number(1));
    scene.turnstile.leave(Number(2));
    assert_eq!(scene.let_in(3), [3]);
}

/// Reliability 1.4: 5 consecutive overloads, 30 s, one probe.
#[test]
fn overloads_in_a_row_shut_the_gate_until_one_request_is_answered() {
    let mut scene = Scene::new();
    scene.arrive(6, 0);
    assert_eq!(scene.let_in(0).len(), 6);
    let overload = |scene: &mut Scene, now| scene.turnstile.learn(Lesson::Overloaded, scene.at(now));
    assert_eq!([0; 4].map(|now| overload(&mut scene, now)), [false; 4]);
    scene.turnstile.answered();
    assert_eq!([0; 5].map(|now| overload(&mut scene, now)), [false, false, false, false, true]);
    scene.arrive(2, 1);
    assert_eq!(scene.let_in(29), NOBODY);
    assert_eq!(scene.let_in(30), [7]);
    assert!(overload(&mut scene, 30), "one more is enough while nothing was answered");
    scene.turnstile.come_again(Number(7), scene.at(31));
    assert_eq!(scene.let_in(59), NOBODY);
    assert_eq!(scene.let_in(60), [7]);
}

/// Reliability 1.4: repeats are a tenth of the requests and ten a minute; more of them wait, and are not lost.
#[test]
fn more_repeats_than_the_budget_allows_wait_for_it() {
    let mut scene = Scene::new();
    scene.arrive(12, 0);
    assert_eq!(scene.let_in(0).len(), 12);
    for number in 1..=12 {
        scene.turnstile.come_again(Number(number), scene.at(1));
    }
    assert_eq!(scene.let_in(1), (1..=10).collect::<Vec<_>>());
    scene.arrive(1, 1);
    assert_eq!(scene.let_in(1), [13], "a first attempt needs no budget");
    let now = scene.at(1);
    let Standing::Waiting(Some(next)) = scene.turnstile.standing(Number(11), now) else {
        panic!("it waits");
    };
    assert!(next > now);
    assert_eq!(scene.turnstile.let_in(next), [Number(11)]);
}

/// One thing that happens.
#[derive(Debug, Clone)]
enum Step {
    Arrive,
    Pass(u64),
    /// The n-th of those inside.
    Taken(usize),
    Answered,
    Limited(usize, u64),
    Overloaded(usize),
    Broken(usize, u64),
    Leave(usize),
    /// The n-th of those who wait.
    Cancelled(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let which = 0..8_usize;
    prop_oneof![
        4 => Just(Step::Arrive),
        3 => (0..20_u64).prop_map(Step::Pass),
        3 => which.clone().prop_map(Step::Taken),
        1 => Just(Step::Answered),
        2 => (which.clone(), 0..30_u64).prop_map(|(n, wait)| Step::Limited(n, wait)),
        2 => which.clone().prop_map(Step::Overloaded),
        1 => (which.clone(), 0..30_u64).prop_map(|(n, wait)| Step::Broken(n, wait)),
        2 => which.clone().prop_map(Step::Leave),
        1 => which.prop_map(Step::Cancelled),
    ]
}

/// What anybody outside can know of a gate.
struct Watched {
    turnstile: Turnstile,
    now: Instant,
    inside: BTreeSet<Number>,
    shut_until: Instant,
    in_a_row: u32,
    /// How many passed since the gate was shut, and how many of them were taken.
    since: Option<(BTreeSet<Number>, usize)>,
}

impl Watched {
    fn learn(&mut self, lesson: Lesson) {
        let until = match lesson {
            Lesson::Limited(until) => Some(until),
            Lesson::Overloaded => {
                self.in_a_row += 1;
                (self.in_a_row >= OVERLOADS).then(|| self.now + OVERLOADED_FOR)
            }
            Lesson::Nothing => None,
        };
        assert_eq!(self.turnstile.learn(lesson, self.now), until.is_some());
        if let Some(until) = until {
            self.shut_until = if self.shut_until > self.now { self.shut_until.max(until) } else { until };
            self.since = Some((BTreeSet::new(), 0));
        }
    }

    fn let_in(&mut self) {
        let waited: Vec<Number> = self.turnstile.waiting().collect();
        let passed = self.turnstile.let_in(self.now);
        assert!(passed.is_sorted(), "in order: {passed:?}");
        assert!(passed.is_empty() || self.now >= self.shut_until, "nobody passes while it is shut");
        if let Some((tried, taken)) = &mut self.since {
            tried.extend(&passed);
            if tried.len() > 1 + 2 * *taken {
                assert!(*taken > 0 && waited.len() <= tried.len(), "all at once");
                self.since = None;
            }
        }
        self.inside.extend(passed);
    }

    fn nth(&self, n: usize) -> Option<Number> {
        self.inside.iter().nth(n % self.inside.len().max(1)).copied()
    }

    fn take(&mut self, step: &Step) {
        match *step {
            Step::Arrive => {
                self.turnstile.arrive(self.now);
            }
            Step::Pass(seconds) => self.now += SECOND * u32::try_from(seconds).unwrap(),
            Step::Taken(n) => {
                if let Some(number) = self.nth(n) {
                    self.turnstile.taken(number);
                    if let Some((tried, taken)) = &mut self.since
                        && tried.contains(&number)
                    {
                        *taken += 1;
                    }
                }
            }
            Step::Answered => {
                self.turnstile.answered();
                self.in_a_row = 0;
            }
            Step::Limited(n, wait) => {
                let until = self.now + SECOND * u32::try_from(wait).unwrap();
                self.again(n, Lesson::Limited(until), until);
            }
            Step::Overloaded(n) => self.again(n, Lesson::Overloaded, self.now + SECOND),
            Step::Broken(n, wait) => {
                self.again(n, Lesson::Nothing, self.now + SECOND * u32::try_from(wait).unwrap());
            }
            Step::Leave(n) => {
                if let Some(number) = self.nth(n) {
                    self.inside.remove(&number);
                    self.left(number);
                }
            }
            Step::Cancelled(n) => {
                let waiting: Vec<_> = self.turnstile.waiting().collect();
                if let Some(number) = waiting.get(n) {
                    self.turnstile.leave(*number);
                }
            }
        }
        self.let_in();
    }

    fn again(&mut self, n: usize, lesson: Lesson, not_before: Instant) {
        let Some(number) = self.nth(n) else { return };
        self.inside.remove(&number);
        self.learn(lesson);
        self.left(number);
        self.turnstile.come_again(number, not_before);
    }

    /// Who goes away gives its try back.
    fn left(&mut self, number: Number) {
        self.turnstile.leave(number);
        if let Some((tried, _)) = &mut self.since {
            tried.remove(&number);
        }
    }

    /// Everybody who passes is served; time goes on when nobody can pass without it. All of them come through.
    fn drain(&mut self) {
        let mut rounds = 0;
        while self.turnstile.waiting().next().is_some() {
            rounds += 1;
            assert!(rounds < 10_000, "somebody waits for ever: {:?}", self.turnstile);
            let inside: Vec<_> = std::mem::take(&mut self.inside).into_iter().collect();
            for number in &inside {
                self.turnstile.taken(*number);
                self.turnstile.leave(*number);
            }
            let waiting: Vec<_> = self.turnstile.waiting().collect();
            let next = waiting.iter().filter_map(|number| match self.turnstile.standing(*number, self.now) {
                Standing::Waiting(until) => until,
                Standing::Inside => panic!("it waits"),
            });
            let next = next.min();
            if inside.is_empty() {
                self.now = next.expect("somebody waits for others, and nobody is inside");
            }
            self.since = None;
            self.let_in();
        }
    }
}

proptest! {
    /// O-23: order kept, none lost, nobody before the gate opens, never all at once.
    #[test]
    fn whatever_happens_order_is_kept_and_nobody_is_lost(steps in prop::collection::vec(step(), 0..120)) {
        let now = Instant::now();
        let mut watched = Watched {
            turnstile: Turnstile::default(),
            now,
            inside: BTreeSet::new(),
            shut_until: now,
            in_a_row: 0,
            since: None,
        };
        for step in &steps {
            watched.take(step);
        }
        watched.drain();
    }
}
