//! What is said of a request while it is under way: attempts that fail, waits, silence.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use better_llm_application::{Published, SessionHandle};
use domain::{
    event::{Event, EventBody},
    message::{Message, Part, Role, StopReason, Usage},
    model::{
        Answerer, ModelAnswer, ModelError, ModelErrorKind, ModelFacts, ModelItem, ModelRequest, ModelStream,
        Outage, Retrying,
    },
    outcome::{Ending, FailReason, Signal},
    ports::ModelPort,
    price::Price,
    session::{Command, Request},
};
use futures_util::{StreamExt, stream};
use testkit::{ScriptedModel, wait::bounded};

use crate::stage::*;

/// One thing that a model behind a patient decorator does.
enum Step {
    Item(Result<ModelItem, ModelError>),
    Wait(u64),
}

/// Plays one list of steps for each request.
struct Patient(Mutex<Vec<Vec<Step>>>);

#[async_trait]
impl ModelPort for Patient {
    fn provider(&self) -> &str {
        "patient"
    }

    fn resolve(&self, _wanted: Option<&str>) -> String {
        "scripted".to_owned()
    }

    async fn stream(&self, _request: ModelRequest) -> Result<ModelStream, ModelError> {
        let steps = self.0.lock().unwrap().remove(0);
        let items = stream::iter(steps).filter_map(|step| async {
            match step {
                Step::Item(item) => Some(item),
                Step::Wait(seconds) => {
                    tokio::time::sleep(Duration::from_secs(seconds)).await;
                    None
                }
            }
        });
        Ok(items.boxed())
    }
}

const USED: Usage =
    Usage { input_tokens: 100, output_tokens: 1, cache_read_tokens: 7, cache_write_tokens: 0 };

fn shows(text: &str) -> Step {
    Step::Item(Ok(ModelItem::TextDelta { index: 0, text: text.to_owned() }))
}

fn retries(attempt: u32, seconds: u64) -> [Step; 3] {
    let (wait, reason) = (Duration::from_secs(seconds), "it broke: reset".to_owned());
    let retrying = Retrying { attempt, max_attempts: 3, wait, reason, code: "model_stream_cut", usage: USED };
    [
        Step::Item(Ok(ModelItem::Retrying(retrying))),
        Step::Wait(seconds),
        Step::Item(Ok(ModelItem::Attempt { attempt })),
    ]
}

fn held(seconds: u64) -> [Step; 2] {
    [Step::Item(Ok(ModelItem::Held { wait: Duration::from_secs(seconds) })), Step::Wait(seconds)]
}

fn answers(text: &str) -> Step {
    let message = Message { role: Role::Assistant, parts: vec![Part::Text { text: text.to_owned() }] };
    Step::Item(Ok(ModelItem::Answer(ModelAnswer {
        message,
        stop_reason: StopReason::EndTurn,
        usage: USED,
        model: "m".to_owned(),
        invalid_inputs: Vec::new(),
    })))
}

fn fails() -> Step {
    Step::Item(Err(ModelError::new(ModelErrorKind::Cut, "it broke").having_used(USED)))
}

/// An event that tells of requests, in short.
fn told(event: &Event) -> Option<String> {
    Some(match &event.body {
        EventBody::RequestStarted { attempt, .. } => format!("request {attempt}"),
        EventBody::Retry { attempt, max_attempts, wait_ms, reason, code, .. }
            if code == "model_stream_cut" =>
        {
            format!("retry {attempt}/{max_attempts} in {wait_ms} ms: {reason}")
        }
        EventBody::TextReplaced { .. } => "void".to_owned(),
        EventBody::Notice { code, text } if code == "fallback_used" => format!("{code}: {text}"),
        EventBody::Notice { code, .. } => code.clone(),
        EventBody::Error { code, .. } => code.clone(),
        EventBody::Message { message, .. } if message.role == Role::Assistant => message.text(),
        _ => return None,
    })
}

/// Plays a round whose manager's requests come to these steps: what was said (deltas in quotes, joined), how it ended,
/// what it took.
async fn play(requests: Vec<Vec<Step>>) -> (Vec<String>, Ending, Usage) {
    let stage = Stage::new(ScriptedModel::new());
    let model: Arc<dyn ModelPort> = Arc::new(Patient(Mutex::new(requests)));
    let session = SessionHandle::start(stage.parts_with(&model, |tool| tool));
    let mut events = session.subscribe();
    session.send(Command::Start(Request::new("go"))).await.unwrap();
    let mut said = Vec::new();
    loop {
        match bounded("an event", events.next()).await.unwrap().unwrap() {
            Published::Delta(delta) => {
                let before = said.pop_if(|last: &mut String| last.starts_with('“')).unwrap_or_default();
                said.push(format!("“{}{}”", before.trim_matches(['“', '”']), delta.text));
            }
            Published::Event(event) => {
                said.extend(told(&event));
                if let EventBody::RoundFinished { ending, usage, .. } = &event.body {
                    bounded("the session to close", session.close()).await.unwrap();
                    return (said, *ending, *usage);
                }
            }
        }
    }
}

fn times(usage: Usage, count: usize) -> Usage {
    std::iter::repeat_n(usage, count).fold(Usage::default(), |mut sum, usage| {
        sum += usage;
        sum
    })
}

/// P26, P39: what a failed attempt had shown is void; what it took is counted.
#[tokio::test(start_paused = true)]
async fn an_attempt_that_fails_is_told_and_what_it_had_shown_is_void() {
    let mut steps = vec![shows("ha"), shows("lf")];
    steps.extend(retries(2, 1));
    steps.extend(retries(3, 2));
    steps.extend([shows("whole"), answers("whole")]);
    let (said, ending, used) = play(vec![steps]).await;
    let expected = [
        "request 1",
        "“half”",
        "retry 2/3 in 1000 ms: it broke: reset",
        "void",
        "request 2",
        "retry 3/3 in 2000 ms: it broke: reset",
        "request 3",
        "“whole”",
        "whole",
    ];
    assert_eq!((said, ending), (expected.map(str::to_owned).to_vec(), Ending::Answered));
    assert_eq!(used, times(USED, 3));
}

/// P39: also where no attempt succeeds.
#[tokio::test(start_paused = true)]
async fn the_last_failure_is_told_and_what_it_took_is_counted() {
    let mut steps: Vec<Step> = retries(2, 1).into();
    steps.extend([shows("half"), fails()]);
    let (said, ending, used) = play(vec![steps]).await;
    let expected = [
        "request 1",
        "retry 2/3 in 1000 ms: it broke: reset",
        "request 2",
        "“half”",
        "void",
        "model_stream_cut",
    ];
    assert_eq!((said, ending), (expected.map(str::to_owned).to_vec(), Ending::Failed(FailReason::Provider)));
    assert_eq!(used, times(USED, 2));
}

/// Who answers; instead of another one where `is_instead`.
fn answered_by(model: &str, price: Option<Price>, is_instead: bool) -> Step {
    let outage = is_instead.then(|| Outage {
        provider: "patient".to_owned(),
        model: "scripted".to_owned(),
        reason: "529: overloaded".to_owned(),
        code: "model_unavailable",
        usage: USED,
        rest: Duration::from_secs(300),
    });
    Step::Item(Ok(ModelItem::Answerer(Box::new(Answerer {
        provider: "other".to_owned(),
        model: model.to_owned(),
        facts: ModelFacts { price, ..ModelFacts::default() },
        outage,
    }))))
}

/// O-8: who answers instead is said with the reason; what the first had shown is void, what it took is counted, and
/// attempts go on counting.
#[tokio::test(start_paused = true)]
async fn another_model_that_answers_instead_is_named_and_its_attempts_go_on_counting() {
    let mut steps: Vec<Step> = retries(2, 1).into();
    steps.extend([shows("half"), answered_by("m2", None, true)]);
    steps.extend(retries(2, 1));
    steps.extend([shows("whole"), answers("whole")]);
    let (said, ending, used) = play(vec![steps]).await;
    let expected = [
        "request 1",
        "retry 2/3 in 1000 ms: it broke: reset",
        "request 2",
        "“half”",
        "fallback_used: m2 of provider other answers instead of scripted of provider patient, which is asked again in \
         5 min: 529: overloaded",
        "void",
        "request 3",
        "retry 4/5 in 1000 ms: it broke: reset",
        "request 4",
        "“whole”",
        "whole",
    ];
    assert_eq!((said, ending), (expected.map(str::to_owned).to_vec(), Ending::Answered));
    assert_eq!(used, times(USED, 4));
}

/// Nothing new: it answers since an earlier request.
#[tokio::test(start_paused = true)]
async fn a_model_that_answers_instead_since_an_earlier_request_is_not_named_again() {
    let (said, ..) = play(vec![vec![answered_by("m2", None, false), answers("hi")]]).await;
    assert_eq!(said, ["request 1", "hi"]);
}

/// P33: a request that is held says so once, and the time counts for no silence.
#[tokio::test(start_paused = true)]
async fn a_request_that_is_held_says_so_once() {
    let mut steps: Vec<Step> = held(200).into();
    steps.extend(held(100));
    steps.extend([Step::Wait(29), answers("hi")]);
    let (said, ending, _) = play(vec![steps]).await;
    let expected = ["request 1", "request_held", "hi"].map(str::to_owned).to_vec();
    assert_eq!((said, ending), (expected, Ending::Answered));
}

/// P32: no silence without a word; once is enough.
#[tokio::test(start_paused = true)]
async fn a_request_that_shows_nothing_for_half_a_minute_is_spoken_of_once() {
    let steps = vec![
        Step::Wait(29),
        shows("a"),
        Step::Wait(29),
        shows("b"),
        Step::Wait(31),
        shows("c"),
        Step::Wait(500),
        answers("abc"),
    ];
    let (said, _, _) = play(vec![steps]).await;
    let expected = ["request 1", "“ab”", "model_quiet", "“c”", "abc"];
    assert_eq!(said, expected.map(str::to_owned).to_vec());
}

#[tokio::test(start_paused = true)]
async fn each_attempt_that_shows_nothing_is_spoken_of() {
    let steps = vec![Step::Wait(60)].into_iter().chain(retries(2, 1)).chain([Step::Wait(60), answers("abc")]);
    let (said, _, _) = play(vec![steps.collect()]).await;
    assert_eq!(said.iter().filter(|said| *said == "model_quiet").count(), 2, "{said:?}");
}

/// P33: whoever waits can be stopped at once.
#[tokio::test(start_paused = true)]
async fn a_wait_before_another_attempt_can_be_cancelled() {
    for steps in [Vec::from(retries(2, 300)), Vec::from(held(300)), vec![Step::Wait(300)]] {
        let stage = Stage::new(ScriptedModel::new());
        let model: Arc<dyn ModelPort> = Arc::new(Patient(Mutex::new(vec![steps])));
        let session = SessionHandle::start(stage.parts_with(&model, |tool| tool));
        let began = tokio::time::Instant::now();
        session.send(Command::Start(Request::new("go"))).await.unwrap();
        tokio::time::sleep(Duration::from_secs(3)).await;
        session.send(Command::Cancel(Signal::Interrupt)).await.unwrap();
        stage.journal.wait_for("the round's end", |event| event.body.ends_round()).await;
        assert_eq!(began.elapsed().as_secs(), 3);
        assert_eq!(stage.played().ending(), Ending::Cancelled(Signal::Interrupt));
        bounded("the session to close", session.close()).await.unwrap();
    }
}
