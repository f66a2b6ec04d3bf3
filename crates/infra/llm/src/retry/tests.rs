use std::sync::Mutex;

use domain::message::{Message, Part, Role, StopReason, Usage};
use domain::model::ModelAnswer;
use futures_util::{StreamExt, stream};

use super::*;
use crate::test_support::request;

const SECOND: Duration = Duration::from_secs(1);

/// What an attempt comes to.
#[derive(Clone)]
enum Attempt {
    /// No stream.
    Refused(ModelErrorKind),
    /// A stream that shows this and fails.
    Broken(&'static str, ModelErrorKind),
    /// A stream that shows this and just ends.
    Ended(&'static str),
    /// A stream that shows this and says nothing more.
    Stalled(&'static str),
    Answered(&'static str),
}

/// Plays attempts in order, and notes when each came.
struct Attempts {
    script: Mutex<Vec<Attempt>>,
    began: Instant,
    came: Mutex<Vec<u64>>,
}

const USED: Usage = Usage { input_tokens: 9, output_tokens: 1, cache_read_tokens: 0, cache_write_tokens: 0 };

fn error(kind: ModelErrorKind) -> ModelError {
    let source = std::io::Error::other("reset by peer");
    ModelError::caused(kind, "https://api.test: it failed", source).having_used(USED)
}

fn shown(text: &str) -> Item {
    Ok(ModelItem::TextDelta { index: 0, text: text.to_owned() })
}

fn answer(text: &str) -> ModelAnswer {
    let message = Message { role: Role::Assistant, parts: vec![Part::Text { text: text.to_owned() }] };
    let (stop_reason, model) = (StopReason::EndTurn, "m".to_owned());
    ModelAnswer { message, stop_reason, usage: USED, model, invalid_inputs: Vec::new() }
}

#[async_trait]
impl ModelPort for Attempts {
    fn provider(&self) -> &str {
        "anthropic"
    }

    fn resolve(&self, _wanted: Option<&str>) -> String {
        "m".to_owned()
    }

    async fn stream(&self, _request: ModelRequest) -> Result<ModelStream, ModelError> {
        self.came.lock().unwrap().push(u64::try_from(self.began.elapsed().as_millis()).unwrap());
        let attempt = {
            let mut script = self.script.lock().unwrap();
            if script.len() > 1 { script.remove(0) } else { script[0].clone() }
        };
        Ok(match attempt {
            Attempt::Refused(kind) => return Err(error(kind)),
            Attempt::Broken(text, kind) => stream::iter([shown(text), Err(error(kind))]).boxed(),
            Attempt::Ended(text) => stream::iter([shown(text)]).boxed(),
            Attempt::Stalled(text) => stream::iter([shown(text)]).chain(stream::pending()).boxed(),
            Attempt::Answered(text) => {
                stream::iter([shown(text), Ok(ModelItem::Answer(answer(text)))]).boxed()
            }
        })
    }
}

/// A patient model and what it asks.
fn patient(
    settings: RetrySettings,
    gate: &Arc<Gate>,
    script: impl IntoIterator<Item = Attempt>,
) -> (PatientModel, Arc<Attempts>) {
    let script = Mutex::new(script.into_iter().collect());
    let attempts = Arc::new(Attempts { script, began: Instant::now(), came: Mutex::default() });
    let model = Arc::clone(&attempts) as Arc<dyn ModelPort>;
    (PatientModel::new(model, Arc::clone(gate), settings, Arc::new(|| 0.5)), attempts)
}

/// What an item says, in short.
fn told(item: &Item) -> String {
    match item {
        Ok(ModelItem::TextDelta { text, .. } | ModelItem::ThinkingDelta { text, .. }) => text.clone(),
        Ok(ModelItem::Held { wait }) => format!("held {wait:?}"),
        Ok(ModelItem::Retrying(Retrying { attempt, max_attempts, wait, .. })) => {
            format!("{attempt}/{max_attempts} in {wait:?}")
        }
        Ok(ModelItem::Answerer(answerer)) => format!("{answerer:?}"),
        Ok(ModelItem::Attempt { attempt }) => format!("attempt {attempt}"),
        Ok(ModelItem::Answer(answer)) => format!("answer {}", answer.message.text()),
        Err(error) => format!("{:?}", error.kind),
    }
}

async fn play(model: &PatientModel) -> Vec<String> {
    let items: Vec<Item> = model.stream(request("coder", &[])).await.unwrap().collect().await;
    items.iter().map(told).collect()
}

/// What comes of a script, and when its attempts came, in milliseconds.
async fn check(settings: RetrySettings, script: Vec<Attempt>, items: &[&str], came: &[u64]) {
    let (model, attempts) = patient(settings, &Arc::default(), script);
    assert_eq!(play(&model).await, items);
    assert_eq!(*attempts.came.lock().unwrap(), came);
}

fn limited(seconds: Option<u64>) -> ModelErrorKind {
    ModelErrorKind::RateLimited { retry_after: seconds.map(Duration::from_secs) }
}

fn unavailable(seconds: Option<u64>) -> ModelErrorKind {
    ModelErrorKind::Unavailable { retry_after: seconds.map(Duration::from_secs) }
}

#[tokio::test(start_paused = true)]
async fn what_works_at_once_passes_as_it_is() {
    check(RetrySettings::default(), vec![Attempt::Answered("hi")], &["hi", "answer hi"], &[0]).await;
}

/// O-23, P26, P34: each kind that may pass is tried again, with growing waits.
#[tokio::test(start_paused = true)]
async fn what_may_pass_is_tried_again() {
    for kind in [unavailable(None), ModelErrorKind::Unreachable, ModelErrorKind::Silent, ModelErrorKind::Cut]
    {
        let script = vec![
            Attempt::Refused(kind.clone()),
            Attempt::Broken("half", kind.clone()),
            Attempt::Answered("whole"),
        ];
        let items = ["2/3 in 1s", "attempt 2", "half", "3/3 in 2s", "attempt 3", "whole", "answer whole"];
        check(RetrySettings::default(), script, &items, &[0, 1_000, 3_000]).await;
    }
    let script = vec![Attempt::Ended("half"), Attempt::Answered("whole")];
    let items = ["half", "2/3 in 1s", "attempt 2", "whole", "answer whole"];
    check(RetrySettings::default(), script, &items, &[0, 1_000]).await;
}

/// P35: asking again would not help.
#[tokio::test(start_paused = true)]
async fn what_stays_wrong_is_asked_once() {
    for kind in [
        ModelErrorKind::Credentials,
        ModelErrorKind::Rejected,
        ModelErrorKind::TooLong,
        ModelErrorKind::Malformed,
        ModelErrorKind::Script,
    ] {
        let told = format!("{kind:?}");
        check(RetrySettings::default(), vec![Attempt::Refused(kind)], &[&told], &[0]).await;
    }
}

/// O-23.
#[tokio::test(start_paused = true)]
async fn tries_are_bounded_and_can_be_switched_off() {
    let broken = || vec![Attempt::Refused(ModelErrorKind::Cut)];
    let items = ["2/3 in 1s", "attempt 2", "3/3 in 2s", "attempt 3", "Cut"];
    check(RetrySettings::default(), broken(), &items, &[0, 1_000, 3_000]).await;
    let off = RetrySettings { enabled: false, ..RetrySettings::default() };
    check(off, broken(), &["Cut"], &[0]).await;
    let (model, _) = patient(RetrySettings::default(), &Arc::default(), broken());
    let last = model.stream(request("coder", &[])).await.unwrap().collect::<Vec<_>>().await.pop();
    let error = last.unwrap().unwrap_err();
    assert_eq!(error.what, "https://api.test: it failed; given up after 3 attempts");
    assert_eq!(error.usage, USED);
    assert_eq!(error.source.unwrap().to_string(), "reset by peer");
}

/// P33: at least as long as the server wants, however short the settings' own waits are.
#[tokio::test(start_paused = true)]
async fn a_servers_waiting_time_is_a_minimum() {
    let script = vec![
        Attempt::Refused(limited(Some(3))),
        Attempt::Refused(unavailable(Some(40))),
        Attempt::Answered("whole"),
    ];
    let quick = RetrySettings { base_delay: Duration::ZERO, ..RetrySettings::default() };
    let items = ["2/3 in 3s", "attempt 2", "3/3 in 40s", "attempt 3", "whole", "answer whole"];
    check(quick, script, &items, &[0, 3_000, 43_000]).await;
}

/// Reliability 1.4: ten minutes in all; the error says when to come back.
#[tokio::test(start_paused = true)]
async fn a_waiting_time_beyond_what_is_left_fails_now() {
    let settings = RetrySettings { jitter: 0.0, ..RetrySettings::default() };
    let (model, attempts) = patient(settings, &Arc::default(), [Attempt::Refused(limited(Some(3_600)))]);
    let failure = |items: Vec<Item>| items.into_iter().next_back().unwrap().unwrap_err();
    let first = failure(model.stream(request("coder", &[])).await.unwrap().collect().await);
    assert_eq!(first.kind, limited(Some(3_600)));
    let what = "https://api.test: it failed; given up after 1 of 3 attempts: try again in 60 minutes; a request is \
                waited for no longer than 10 minutes";
    assert_eq!(first.what, what);

    let second = failure(model.stream(request("coder", &[])).await.unwrap().collect().await);
    let what = "anthropic: held back, because the account's limit is reached; nothing was sent: try again in 60 \
                minutes; a request is waited for no longer than 10 minutes";
    assert_eq!(second.what, what);
    assert_eq!(*attempts.came.lock().unwrap(), [0], "nobody sends before the limit is over");
    assert_eq!(attempts.began.elapsed(), Duration::ZERO);
}

/// Our own next delay is no time that a person has to wait for.
#[tokio::test(start_paused = true)]
async fn where_no_time_is_left_only_a_servers_waiting_time_is_advice() {
    let long = Duration::from_secs(700);
    let settings = RetrySettings { base_delay: long, max_delay: long, ..RetrySettings::default() };
    let (model, _) = patient(settings, &Arc::default(), [Attempt::Refused(ModelErrorKind::Silent)]);
    let items: Vec<Item> = model.stream(request("coder", &[])).await.unwrap().collect().await;
    let what = "https://api.test: it failed; given up after 1 of 3 attempts: a request is waited for no longer than 10 \
                minutes; try again later";
    assert_eq!(items.into_iter().next_back().unwrap().unwrap_err().what, what);
}

/// Reliability 1.4: a number that nobody means is longer than anybody waits.
#[tokio::test(start_paused = true)]
async fn an_absurd_waiting_time_fails_now_and_is_called_one() {
    let absurd = ModelErrorKind::RateLimited { retry_after: Some(Duration::MAX) };
    let (model, _) = patient(RetrySettings::default(), &Arc::default(), [Attempt::Refused(absurd)]);
    let items: Vec<Item> = model.stream(request("coder", &[])).await.unwrap().collect().await;
    let what = "https://api.test: it failed; given up after 1 of 3 attempts: it wants to be left alone for more than a \
                year: check the base URL and what stands before it; a request is waited for no longer than 10 minutes";
    assert_eq!(items.into_iter().next_back().unwrap().unwrap_err().what, what);
}

/// O-23: what one worker learns, the other heeds.
#[tokio::test(start_paused = true)]
async fn two_workers_share_what_they_learn() {
    let gate = Arc::default();
    let script = [Attempt::Refused(limited(Some(5))), Attempt::Answered("one")];
    let (one, asked_one) = patient(RetrySettings::default(), &gate, script);
    let (two, asked_two) = patient(RetrySettings::default(), &gate, [Attempt::Answered("two")]);
    let mut first = one.stream(request("coder", &[])).await.unwrap();
    assert_eq!(told(&first.next().await.unwrap()), "2/3 in 5.05s");
    tokio::time::advance(SECOND).await;
    let later = async {
        let items = play(&two).await;
        assert_eq!(items, ["held 4.05s", "two", "answer two"]);
    };
    let rest = async {
        let items: Vec<Item> = first.collect().await;
        assert_eq!(items.iter().map(told).collect::<Vec<_>>(), ["attempt 2", "one", "answer one"]);
    };
    tokio::join!(later, rest);
    assert_eq!(*asked_one.came.lock().unwrap(), [0, 5_050]);
    assert!(asked_two.came.lock().unwrap()[0] >= 5_050);
}

/// Law 5: dropped at whatever moment, a request leaves nothing behind at the gate.
#[tokio::test(start_paused = true)]
async fn a_request_that_is_dropped_leaves_its_place() {
    for items in 0..=4 {
        let gate = Arc::new(Gate::default());
        let script = [
            Attempt::Refused(limited(Some(3))),
            Attempt::Broken("half", limited(Some(3))),
            Attempt::Stalled("more"),
        ];
        let (model, _) = patient(RetrySettings::default(), &gate, script);
        let mut stream = model.stream(request("coder", &[])).await.unwrap();
        for _ in 0..items {
            assert!(stream.next().await.unwrap().is_ok());
        }
        drop(stream);
        let (next, _) = patient(RetrySettings::default(), &gate, [Attempt::Answered("next")]);
        assert_eq!(play(&next).await.last().unwrap(), "answer next", "after {items} items");
    }
}

#[tokio::test(start_paused = true)]
async fn what_failed_is_told_with_its_causes_and_its_cost() {
    let script = [Attempt::Broken("half", unavailable(None)), Attempt::Answered("whole")];
    let (model, _) = patient(RetrySettings::default(), &Arc::default(), script);
    let mut stream = model.stream(request("coder", &[])).await.unwrap();
    stream.next().await;
    let Some(Ok(ModelItem::Retrying(retrying))) = stream.next().await else { panic!("it is tried again") };
    let reason = "https://api.test: it failed: reset by peer".to_owned();
    let expected = Retrying {
        attempt: 2,
        max_attempts: 3,
        wait: SECOND,
        reason,
        code: "model_unavailable",
        usage: USED,
    };
    assert_eq!(retrying, expected);
}
