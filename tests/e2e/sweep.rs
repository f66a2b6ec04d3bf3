//! Kill -9 of the built program at every durable step of the demo's story: however often it dies, who goes on with the
//! session ends where the run ended that was not killed.
//!
//! The gate kills after each of the steps, and otherwise at some; `BETTER_LLM_SWEEP=1` takes all deaths, those at whatever
//! else leaves something in a file among them (`scripts/full.sh sweep`).
//!
//! Not here: what a single state of a journal comes to (the tests of `domain::past` and of the application), and a
//! machine that loses power, which also forgets what was written and not yet made durable.

mod death;
mod place;
mod rules;
mod upshot;

use std::{
    any::Any,
    io::Write,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use domain::{
    event::{Event, EventBody},
    outcome::Ending,
};
use testkit::requirement;

use self::{
    death::{Death, Shim, Steps, When},
    place::{Beginning, Place},
    rules::{check_journal, check_place},
    upshot::{End, Upshot},
};

/// What every run of the sweep is held against, and how it is made.
struct Sweep {
    beginning: Beginning,
    shim: Shim,
    sandbox: &'static str,
    reference: Upshot,
    /// The steps of the run that was not killed, and how many lines it said.
    durable: Vec<String>,
    lines: usize,
    /// How many programs died so far.
    died: AtomicUsize,
}

/// What is done after a death.
#[derive(Debug, Clone, Copy)]
enum Then {
    /// The session goes on.
    GoOn,
    /// The session goes on, and dies once more at this step.
    DieAgain(Death),
    /// The session goes on with a new task.
    NewTask,
}

impl Sweep {
    /// The run that is not killed; none where nothing can be made to die here.
    async fn new(sandbox: &'static str) -> Option<Self> {
        if cfg!(not(target_os = "linux")) {
            requirement::skip("programs are made to die by what the Linux loader preloads");
            return None;
        }
        let (beginning, shim) = (Beginning::new(), Shim::compile());
        if sandbox != "none" && !beginning.has_walls().await {
            return None;
        }
        let place = beginning.place(sandbox).await;
        let ended = shim.watch(place.begin(), Steps::Durable).run().await;
        assert_eq!(ended.code(), 0, "{}", ended.err);
        let watched = shim.watched();
        // Nothing but the program and its helper is told to die: what they start has an environment of its own.
        let strangers: Vec<&String> =
            watched.loaded.iter().filter(|loaded| !loaded.starts_with("better-llm-cli ")).collect();
        assert_eq!(strangers, Vec::<&String>::new());
        let events = the_session(&place).await;
        check_journal(&events);
        check_place(&place, &events);
        place.server.assert_nothing_refused();
        let reference = Upshot::of(&place, &events);
        assert!(watched.steps.len() > 20, "the shim sees the program's calls: {:?}", watched.steps);
        let (died, lines) = (AtomicUsize::new(0), ended.out.lines().count());
        Some(Self { beginning, shim, sandbox, reference, durable: watched.steps, lines, died })
    }

    /// Everything that a run that is not killed leaves in files.
    async fn all_steps(&self) -> Vec<String> {
        let place = self.beginning.place(self.sandbox).await;
        assert_eq!(self.shim.watch(place.begin(), Steps::Any).run().await.code(), 0);
        self.shim.watched().steps
    }

    /// Dies, and does what comes then; the end has to be the reference's.
    async fn check(&self, death: Death, then: Then) {
        let place = match then {
            Then::NewTask => self.beginning.place_of_two_tasks(self.sandbox).await,
            _ => self.beginning.place(self.sandbox).await,
        };
        let died = self.shim.kill(place.begin(), death).await;
        self.died.fetch_add(usize::from(died), Ordering::Relaxed);
        let kept = begun_session(&place).await;
        let rounds_ended = kept.iter().filter(|event| event.body.ends_round()).count();
        match (kept.is_empty(), rounds_ended, then) {
            // The task was not even written down: the person gives it again.
            (true, _, _) => {
                assert_eq!(place.begin().run().await.code(), 0, "the task is given again");
            }
            // Nothing is left to be done, and that is said.
            (_, 1.., _) => assert_eq!(place.go_on().run().await.code(), 2, "there is nothing to go on with"),
            (_, _, Then::NewTask) => return self.check_new_task(&place).await,
            (_, _, Then::GoOn) => {
                let ended = place.go_on().run().await;
                assert_eq!(ended.code(), 0, "{}\n{}", ended.out, ended.err);
            }
            (_, _, Then::DieAgain(death)) => {
                self.shim.kill(place.go_on(), death).await;
                let is_over = begun_session(&place).await.iter().any(|event| event.body.ends_round());
                let ended = place.go_on().run().await;
                assert_eq!(ended.code(), if is_over { 2 } else { 0 }, "{}\n{}", ended.out, ended.err);
            }
        }
        let events = the_session(&place).await;
        assert_eq!(events.get(..kept.len()), Some(&kept[..]), "what was written stays");
        check_journal(&events);
        check_place(&place, &events);
        place.server.assert_nothing_refused();
        Upshot::of(&place, &events).check_same(&self.reference);
    }

    /// The round that broke off is closed as interrupted, and the new one ends well.
    async fn check_new_task(&self, place: &Place) {
        let ended = place.go_on_with("Go on with the refunds.").run().await;
        assert_eq!(ended.code(), 0, "{}\n{}", ended.out, ended.err);
        let events = the_session(place).await;
        check_journal(&events);
        check_place(place, &events);
        place.server.assert_nothing_refused();
        let ends: Vec<Ending> = events
            .iter()
            .filter_map(|event| match &event.body {
                EventBody::RoundFinished { ending, .. } => Some(*ending),
                _ => None,
            })
            .collect();
        assert_eq!(ends, [Ending::Interrupted, End::of(&events).ending]);
        Upshot::of(place, &events).check_same_work(&self.reference);
    }

    /// Tries all of these deaths, as many at once as there are processors, and says which of them were not survived.
    fn check_all(&self, deaths: impl IntoIterator<Item = (Death, Then)>) {
        let deaths: Vec<_> = deaths.into_iter().collect();
        let (next, failures) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
        let processors = thread::available_parallelism().map_or(1, usize::from);
        thread::scope(|scope| {
            for _ in 0..processors {
                scope.spawn(|| {
                    while let Some((death, then)) = deaths.get(next.fetch_add(1, Ordering::Relaxed)) {
                        let tried = catch_unwind(AssertUnwindSafe(|| run(self.check(*death, *then))));
                        if let Err(panic) = tried {
                            let failure = format!("{} {then:?}: {}", self.describe(*death), reason(&*panic));
                            failures.lock().expect("no panic holds it").push(failure);
                        }
                    }
                });
            }
        });
        let mut failures = failures.into_inner().expect("no panic holds it");
        failures.sort();
        let died = self.died.load(Ordering::Relaxed);
        say(&format!("{}: {} durable steps, {died} deaths", self.sandbox, self.durable.len()));
        // The last steps of one run are not there in another.
        assert!(died * 10 >= deaths.len() * 9, "only {died} of {} died", deaths.len());
        assert!(failures.is_empty(), "{} of {}:\n{}", failures.len(), deaths.len(), failures.join("\n\n"));
    }

    fn describe(&self, death: Death) -> String {
        let step = match death {
            Death::At(at, _, Steps::Durable) => self.durable.get(at - 1).map_or("", String::as_str),
            _ => "",
        };
        format!("{death:?} {step}")
    }

    /// A death after each of the durable steps from `first`, or after every `every`-th of them.
    fn after_steps(&self, first: usize, every: usize) -> impl Iterator<Item = Death> {
        (first..=self.durable.len()).step_by(every).map(|at| Death::At(at, When::After, Steps::Durable))
    }

    /// So many deaths from outside, spread over the lines of a run.
    fn after_lines(&self, count: usize) -> impl Iterator<Item = Death> {
        let lines = self.lines * 9 / 10;
        (1..=count).map(move |number| Death::AfterLines(lines * number / count))
    }
}

/// The events of the session with a round; none where nothing was written down.
async fn begun_session(place: &Place) -> Vec<Event> {
    let mut journals = place.journals().await;
    journals.retain(|events| events.iter().any(|event| matches!(event.body, EventBody::RoundStarted { .. })));
    assert!(journals.len() < 2, "two sessions: {journals:?}");
    journals.pop().unwrap_or_default()
}

async fn the_session(place: &Place) -> Vec<Event> {
    let events = begun_session(place).await;
    assert!(!events.is_empty(), "no session");
    events
}

/// On a runtime of its own, so that runs do not wait for each other's checks.
fn run<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(future)
}

/// What a check that failed said.
fn reason(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or_default()
}

/// Past the harness, which hides what passing tests print; where standard error is closed nobody is told.
fn say(line: &str) {
    std::io::stderr().write_all(format!("sweep at {line}\n").as_bytes()).unwrap_or_default();
}

/// Whether all deaths are to be tried.
fn is_long() -> bool {
    std::env::var_os("BETTER_LLM_SWEEP").is_some_and(|value| value == "1")
}

fn going_on(deaths: impl Iterator<Item = Death>) -> impl Iterator<Item = (Death, Then)> {
    deaths.map(|death| (death, Then::GoOn))
}

/// O-16, O-22.
#[test]
fn a_session_that_is_killed_at_any_durable_step_ends_as_if_it_had_not_been() {
    let Some(sweep) = run(Sweep::new("auto")) else { return };
    sweep.check_all(going_on(sweep.after_steps(1, 1)));
}

/// P40: what had been said and done before is not said and done again, and what was half said is said anew.
#[test]
fn a_session_that_is_killed_while_text_streams_ends_as_if_it_had_not_been() {
    let Some(sweep) = run(Sweep::new("auto")) else { return };
    sweep.check_all(going_on(sweep.after_lines(if is_long() { 200 } else { 12 })));
}

/// O-22: without a wall, where a helper ends what commands leave.
#[test]
fn a_session_without_a_wall_that_is_killed_ends_as_if_it_had_not_been() {
    let Some(sweep) = run(Sweep::new("none")) else { return };
    sweep.check_all(going_on(sweep.after_steps(3, if is_long() { 1 } else { 7 })));
}

/// O-22: the person may also want something else than what broke off.
#[test]
fn a_round_that_was_killed_is_interrupted_where_the_person_gives_another_task() {
    let Some(sweep) = run(Sweep::new("auto")) else { return };
    let deaths = sweep.after_steps(5, if is_long() { 1 } else { 6 });
    sweep.check_all(deaths.map(|death| (death, Then::NewTask)));
}

/// O-22: going on is no better protected than beginning.
#[test]
fn a_session_that_is_killed_twice_ends_as_if_it_had_not_been() {
    let Some(sweep) = run(Sweep::new("auto")) else { return };
    let again = |at: usize| Then::DieAgain(Death::At(at, When::After, Steps::Durable));
    let deaths = sweep.after_steps(4, if is_long() { 1 } else { 6 });
    sweep.check_all(deaths.enumerate().map(|(number, death)| (death, again(1 + number * 7 % 20))));
}

/// O-22: the same at whatever else leaves something in a file, or half of it.
#[test]
fn a_session_that_is_killed_at_any_write_ends_as_if_it_had_not_been() {
    if !is_long() {
        return;
    }
    let Some(sweep) = run(Sweep::new("auto")) else { return };
    let before = (1..=sweep.durable.len()).map(|at| Death::At(at, When::Before, Steps::Durable));
    let writes = run(sweep.all_steps());
    let after = (1..=writes.len()).map(|at| Death::At(at, When::After, Steps::Any));
    let is_write = |at: &usize| writes.get(at - 1).is_some_and(|step| step.contains("write"));
    let half = (1..=writes.len()).filter(is_write).map(|at| Death::At(at, When::Half, Steps::Any));
    sweep.check_all(going_on(before.chain(after).chain(half)));
}
