//! Limits of tokens and money over all runs of a round (O-14, contract 3).

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use better_llm_application::SessionHandle;
use domain::{
    budget::{InputGauge, bytes_of},
    event::EventBody,
    limits::LimitValue,
    message::Usage,
    model::{ModelError, ModelFacts, ModelItem, ModelRequest, ModelStream, Retrying},
    outcome::{Ending, LimitReason},
    ports::ModelPort,
    price::{Cost, Price},
    session::{Command, Request},
};
use futures_util::{StreamExt, stream};
use testkit::{Answer, ScriptedModel, wait::bounded};

use crate::stage::*;

const PRICE: Price = Price::new(4_000, 20_000, 200, 5_000);

const fn usage(input: u64, output: u64) -> Usage {
    Usage { input_tokens: input, output_tokens: output, cache_read_tokens: 0, cache_write_tokens: 0 }
}

/// The limits that were said to be reached.
fn reached(played: &Played) -> Vec<(String, LimitValue)> {
    let reached = played.events.iter().filter_map(|event| match &event.body {
        EventBody::LimitReached { limit, value } => Some((limit.clone(), *value)),
        _ => None,
    });
    reached.collect()
}

/// How the runs ended, in that order, and what each took: agent, ending, tokens, money.
fn runs(played: &Played) -> Vec<(&str, Ending, u64, Option<f64>)> {
    let runs = played.events.iter().filter_map(|event| match &event.body {
        EventBody::RunFinished { ending, usage, cost_usd, .. } => {
            Some((event.scope.run.as_ref()?.agent.as_str(), *ending, usage.total(), *cost_usd))
        }
        _ => None,
    });
    runs.collect()
}

/// What the round took: tokens, money.
fn spent(played: &Played) -> (u64, Option<f64>) {
    match &played.events.last().unwrap().body {
        EventBody::RoundFinished { usage, cost_usd, .. } => (usage.total(), *cost_usd),
        other => panic!("{other:?}"),
    }
}

/// A manager that calls a coder for ever, who writes for ever. Every answer is counted as 10,000 tokens of input and
/// 2,000 of output.
fn endless() -> ScriptedModel {
    ScriptedModel::new()
        .with_longest_answer(32_000)
        .agent("manager", [task("coder", "go on").costing(usage(10_000, 2_000))])
        .repeating_last()
        .agent(
            "coder",
            [write("a", "1").costing(usage(10_000, 2_000)), coded(&["a"]).costing(usage(10_000, 2_000))],
        )
        .repeating_last()
}

/// O-14: the limit is the round's. A worker comes upon it, and every run ends.
#[tokio::test(start_paused = true)]
async fn a_worker_that_finds_no_room_ends_the_round() {
    let mut stage = Stage::new(endless());
    stage.limits.max_tokens = Some(35_000);
    let played = stage.play("go").await;
    let limit = Ending::Limit(LimitReason::Tokens);
    assert_eq!(reached(&played), [("max_tokens".to_owned(), LimitValue::Count(35_000))]);
    assert_eq!(runs(&played), [("coder", limit, 12_000, None), ("manager", limit, 12_000, None)]);
    assert_eq!((played.ending(), spent(&played)), (limit, (24_000, None)));
}

/// O-14: the answer is lowered to what is left, and is not lowered while there is enough.
#[tokio::test(start_paused = true)]
async fn answers_are_lowered_to_what_the_round_has_left() {
    let mut stage = Stage::new(endless());
    stage.limits.max_tokens = Some(44_000);
    stage.play("go").await;
    let requests = stage.model.requests();
    let by_bytes = |request: &ModelRequest| InputGauge::default().estimate(bytes_of(request));
    let joined = bytes_of(&requests[2]) - bytes_of(&requests[1]);
    let expected = [
        None,
        Some(44_000 - 12_000 - by_bytes(&requests[1])),
        Some(44_000 - 24_000 - 10_000 - joined.div_ceil(3)),
    ];
    let granted: Vec<_> = requests.iter().map(|request| request.max_tokens).collect();
    assert_eq!(granted, expected);
    assert!(granted[1] < Some(32_000) && granted[2] < granted[1], "{granted:?}");
}

/// O-14: 1,024 tokens are the shortest answer that is asked for.
#[tokio::test(start_paused = true)]
async fn no_request_goes_out_for_an_answer_below_1024_tokens() {
    let free = Stage::new(ScriptedModel::answering([finish("done")]));
    free.play("go").await;
    let input = InputGauge::default().estimate(bytes_of(&free.model.requests()[0]));
    for (left, asked) in [(1_024, vec![Some(1_024)]), (1_023, vec![])] {
        let mut stage = Stage::new(ScriptedModel::answering([finish("done")]));
        stage.limits.max_tokens = Some(input + left);
        let played = stage.play("go").await;
        let granted: Vec<_> = stage.model.requests().iter().map(|request| request.max_tokens).collect();
        assert_eq!(granted, asked);
        assert_eq!(reached(&played).is_empty(), left == 1_024);
        let started =
            played.events.iter().filter(|event| matches!(event.body, EventBody::RequestStarted { .. }));
        assert_eq!(started.count(), asked.len());
    }
}

/// O-14: a back end that counts nothing is held to the limit by what it was sent and said.
#[tokio::test(start_paused = true)]
async fn a_limit_holds_where_the_provider_counts_nothing() {
    let looks = Answer::text(&"가".repeat(30_000)).and_call("read", serde_json::json!({}));
    let mut stage = Stage::new(ScriptedModel::answering([looks]).repeating_last());
    stage.limits.max_tokens = Some(500_000);
    let played = stage.play("go").await;
    assert_eq!((played.ending(), spent(&played)), (Ending::Limit(LimitReason::Tokens), (0, None)));
    assert!((3..=7).contains(&stage.model.requests().len()), "{}", stage.model.requests().len());
}

/// Contract 5: money is said where every model has a price.
#[tokio::test(start_paused = true)]
async fn what_runs_and_the_round_cost_is_said() {
    let script = || {
        ScriptedModel::new()
            .agent(
                "manager",
                [task("coder", "x").costing(usage(1_000, 100)), finish("done").costing(usage(2_000, 100))],
            )
            .agent("coder", [coded(&[]).costing(usage(500, 1_000))])
    };
    let played = Stage::new(script().with_price(PRICE)).play("go").await;
    let costs: Vec<_> = runs(&played).iter().map(|(agent, _, _, cost)| (*agent, *cost)).collect();
    assert_eq!(costs, [("coder", Some(0.022)), ("manager", Some(0.016))]);
    assert_eq!(spent(&played), (4_700, Some(0.038)));

    let stage = Stage::new(script());
    let played = stage.play("go").await;
    assert!(runs(&played).iter().all(|(_, _, _, cost)| cost.is_none()));
    assert_eq!(spent(&played), (4_700, None));
}

/// Contract 7: the record holds what its rounds cost.
#[tokio::test(start_paused = true)]
async fn the_record_holds_what_the_session_cost() {
    let answer = finish("done").costing(usage(1_000, 1_000));
    let stage = Stage::new(ScriptedModel::answering([answer]).with_price(PRICE));
    stage.play("go").await;
    assert_eq!(stage.records.saved().last().map(|record| record.cost_usd), Some(Some(0.024)));
}

/// O-14: money is a limit like tokens.
#[tokio::test(start_paused = true)]
async fn a_round_ends_where_its_money_is_used_up() {
    let mut stage = Stage::new(endless().with_price(PRICE));
    stage.limits.max_cost_usd = Cost::from_usd(0.3);
    let played = stage.play("go").await;
    let limit = Ending::Limit(LimitReason::Cost);
    assert_eq!(reached(&played), [("max_cost_usd".to_owned(), LimitValue::Amount(0.3))]);
    // An answer costs 0.08 dollars.
    assert_eq!((played.ending(), spent(&played)), (limit, (36_000, Some(0.24))));
    let granted: Vec<_> = stage.model.requests().iter().map(|request| request.max_tokens.unwrap()).collect();
    assert!(granted.is_sorted_by(|before, after| before > after) && granted[0] < 15_000, "{granted:?}");
}

/// Fails an attempt of each request at this cost, then never answers.
struct Failing {
    usage: Usage,
    asked: Mutex<u32>,
}

#[async_trait]
impl ModelPort for Failing {
    fn provider(&self) -> &str {
        "failing"
    }

    fn resolve(&self, _wanted: Option<&str>) -> String {
        "scripted".to_owned()
    }

    fn facts(&self, _wanted: Option<&str>) -> ModelFacts {
        ModelFacts { price: Some(PRICE), ..ModelFacts::default() }
    }

    async fn stream(&self, _request: ModelRequest) -> Result<ModelStream, ModelError> {
        *self.asked.lock().unwrap() += 1;
        let (wait, reason) = (std::time::Duration::ZERO, "it broke".to_owned());
        let retrying = Retrying { attempt: 2, max_attempts: 3, wait, reason, code: "c", usage: self.usage };
        Ok(stream::iter([Ok(ModelItem::Retrying(retrying))]).chain(stream::pending()).boxed())
    }
}

/// O-14: what failed attempts took counts, and no further one goes out where it leaves no room.
#[tokio::test(start_paused = true)]
async fn failed_attempts_count_against_the_limit() {
    let mut stage = Stage::new(ScriptedModel::new());
    stage.limits.max_tokens = Some(60_000);
    let failing = Arc::new(Failing { usage: usage(40_000, 10), asked: Mutex::new(0) });
    let model: Arc<dyn ModelPort> = Arc::clone(&failing) as _;
    let session = SessionHandle::start(stage.parts_with(&model, |tool| tool));
    session.send(Command::Start(Request::new("go"))).await.unwrap();
    stage.journal.wait_for("the round's end", |event| event.body.ends_round()).await;
    assert_eq!(bounded("the session to close", session.close()).await, Ok(()));
    let played = stage.played();
    assert_eq!(reached(&played), [("max_tokens".to_owned(), LimitValue::Count(60_000))]);
    assert_eq!(
        (played.ending(), spent(&played)),
        (Ending::Limit(LimitReason::Tokens), (40_010, Some(0.1602)))
    );
    assert_eq!(*failing.asked.lock().unwrap(), 1);
}
