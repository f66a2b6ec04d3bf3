use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use domain::{
    message::{Message, Part, Role, StopReason, Usage},
    model::ModelAnswer,
    price::Price,
};

use super::*;
use crate::test_support::{assistant, request, text, user};

/// A provider that answers or fails as told, and notes what it was asked.
struct Provider {
    name: &'static str,
    fails: Mutex<Option<ModelErrorKind>>,
    asked: Mutex<Vec<ModelRequest>>,
}

const USED: Usage = Usage { input_tokens: 9, output_tokens: 1, cache_read_tokens: 0, cache_write_tokens: 0 };

#[async_trait]
impl ModelPort for Provider {
    fn provider(&self) -> &str {
        self.name
    }

    fn resolve(&self, wanted: Option<&str>) -> String {
        format!("{}:{}", self.name, wanted.unwrap_or("standard"))
    }

    fn facts(&self, _wanted: Option<&str>) -> ModelFacts {
        let price = Price::new(u64::try_from(self.name.len()).unwrap(), 0, 0, 0);
        ModelFacts { price: Some(price), ..ModelFacts::default() }
    }

    async fn stream(&self, request: ModelRequest) -> Result<ModelStream, ModelError> {
        self.asked.lock().unwrap().push(request);
        let fails = self.fails.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(kind) = fails {
            let source = std::io::Error::other("reset by peer");
            return Err(ModelError::caused(kind, "it failed", source).having_used(USED));
        }
        let parts = vec![
            Part::Thinking { text: "음".to_owned(), signature: Some("s".to_owned()) },
            Part::ProviderBlock { provider: self.name.to_owned(), raw: "{}".to_owned() },
            text("답"),
        ];
        let message = Message { role: Role::Assistant, parts };
        let (stop_reason, model) = (StopReason::EndTurn, self.name.to_owned());
        let answer = ModelAnswer { message, stop_reason, usage: USED, model, invalid_inputs: Vec::new() };
        Ok(stream::iter([Ok(ModelItem::Answer(answer))]).boxed())
    }
}

struct Team {
    model: FallbackModel,
    providers: Vec<Arc<Provider>>,
}

impl Team {
    /// Providers `a`, `bb`, ... in this order; the last is asked for its model `own`.
    fn of(names: &[&'static str]) -> Self {
        let make = |name: &&'static str| {
            Arc::new(Provider { name, fails: Mutex::default(), asked: Mutex::default() })
        };
        let providers: Vec<_> = names.iter().map(make).collect();
        let mut candidates: Vec<Candidate> = providers
            .iter()
            .map(|provider| Candidate { model: Arc::clone(provider) as _, name: None })
            .collect();
        if let Some(last) = candidates.last_mut() {
            last.name = Some("own".into());
        }
        let first = candidates.remove(0);
        Self { model: FallbackModel::new(first, candidates), providers }
    }

    fn fails(&self, at: usize, kind: Option<ModelErrorKind>) {
        *self.providers[at].fails.lock().unwrap() = kind;
    }

    /// Asks once; what is said, in short.
    async fn ask(&self) -> Vec<String> {
        let items: Vec<Item> = self.model.stream(request("coder", &[])).await.unwrap().collect().await;
        let told = |item: &Item| match item {
            Ok(ModelItem::Answerer(answerer)) => {
                let Answerer { provider, model, outage, .. } = &**answerer;
                let Some(outage) = outage else { return format!("{provider} {model}") };
                let Outage { model: before, reason, rest, usage, .. } = outage;
                assert_eq!(*usage, USED);
                format!("{model} for {before} in {rest:?}: {reason}")
            }
            Ok(ModelItem::Answer(answer)) => format!("answer of {}", answer.model),
            Ok(other) => format!("{other:?}"),
            Err(error) => format!("{:?}", error.kind),
        };
        items.iter().map(told).collect()
    }
}

const DOWN: ModelErrorKind = ModelErrorKind::Unavailable { retry_after: None };

#[tokio::test(start_paused = true)]
async fn the_next_answers_where_one_is_out_and_says_so_once() {
    let team = Team::of(&["a", "bb"]);
    assert_eq!(team.ask().await, ["a a:standard", "answer of a"]);
    team.fails(0, Some(DOWN));
    let instead = "bb:own for a:standard in 300s: it failed: reset by peer";
    assert_eq!(team.ask().await, ["a a:standard", instead, "answer of bb"]);
    assert_eq!(team.ask().await, ["bb bb:own", "answer of bb"]);
    assert_eq!(team.providers[0].asked.lock().unwrap().len(), 2, "it is left alone");
    assert_eq!(team.providers[1].asked.lock().unwrap()[0].model.as_deref(), Some("own"));
}

/// Budgets go by the model that answers.
#[tokio::test(start_paused = true)]
async fn name_and_facts_are_those_of_the_one_that_answers() {
    let team = Team::of(&["a", "bb"]);
    let price = |units| Some(Price::new(units, 0, 0, 0));
    assert_eq!((team.model.resolve(None), team.model.facts(None).price), ("a:standard".to_owned(), price(1)));
    team.fails(0, Some(ModelErrorKind::Unreachable));
    team.ask().await;
    assert_eq!(
        (team.model.resolve(Some("x")), team.model.facts(None).price),
        ("bb:own".to_owned(), price(2))
    );
    assert_eq!(team.model.provider(), "a");
}

#[tokio::test(start_paused = true)]
async fn whoever_was_out_is_tried_by_one_request_when_its_rest_is_over() {
    let team = Team::of(&["a", "bb"]);
    team.fails(0, Some(ModelErrorKind::RateLimited { retry_after: Some(Duration::from_secs(900)) }));
    assert!(team.ask().await[1].contains("in 900s"));
    tokio::time::advance(Duration::from_secs(899)).await;
    assert_eq!(team.ask().await, ["bb bb:own", "answer of bb"]);
    tokio::time::advance(Duration::from_secs(1)).await;
    let trying = team.model.stream(request("coder", &[])).await.unwrap();
    assert_eq!(team.ask().await, ["bb bb:own", "answer of bb"], "one is enough to try");
    team.fails(0, None);
    let items: Vec<Item> = trying.collect().await;
    assert!(matches!(items.last(), Some(Ok(ModelItem::Answer(answer))) if answer.model == "a"));
    assert_eq!(team.ask().await, ["a a:standard", "answer of a"]);
}

#[tokio::test(start_paused = true)]
async fn what_a_person_has_to_mend_is_no_outage() {
    use ModelErrorKind::{Credentials, Malformed, Rejected, Script, TooLong};
    let team = Team::of(&["a", "bb"]);
    for kind in [Credentials, Rejected, TooLong, Malformed, Script] {
        team.fails(0, Some(kind.clone()));
        assert_eq!(team.ask().await, ["a a:standard".to_owned(), format!("{kind:?}")]);
    }
    assert!(team.providers[1].asked.lock().unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn where_all_are_out_each_is_tried_again_and_the_last_error_is_told() {
    let team = Team::of(&["a", "bb", "ccc"]);
    for at in 0..3 {
        team.fails(at, Some(DOWN));
    }
    assert_eq!(team.ask().await.len(), 4);
    // At once again: nobody is passed over because of a rest that all have.
    team.fails(2, None);
    assert_eq!(team.ask().await.last().unwrap(), "answer of ccc");
    assert_eq!(team.ask().await, ["ccc ccc:own", "answer of ccc"]);
}

/// Reliability: signed thinking is bound to its model.
#[tokio::test(start_paused = true)]
async fn what_one_model_sealed_is_sent_to_no_other() {
    let team = Team::of(&["a", "bb"]);
    let sealed = assistant(vec![
        Part::Thinking { text: "음".to_owned(), signature: Some("s".to_owned()) },
        Part::ProviderBlock { provider: "a".to_owned(), raw: "{}".to_owned() },
        text("첫 답"),
    ]);
    let plain = user(vec![text("물음")]);
    team.fails(0, Some(DOWN));
    let asked = request("coder", &[Arc::clone(&plain), Arc::clone(&sealed)]);
    let items: Vec<Item> = team.model.stream(asked).await.unwrap().collect().await;
    let first = &team.providers[0].asked.lock().unwrap()[0].messages;
    assert!(Arc::ptr_eq(&first[1], &sealed));
    let other = &team.providers[1].asked.lock().unwrap()[0].messages;
    let unsigned = Part::Thinking { text: "음".to_owned(), signature: None };
    assert!(Arc::ptr_eq(&other[0], &plain), "what holds no seal keeps its bytes");
    assert_eq!(other[1].message.parts, [unsigned.clone(), text("첫 답")]);
    let Some(Ok(ModelItem::Answer(answer))) = items.last() else { panic!("{items:?}") };
    assert_eq!(answer.message.parts, [unsigned, text("답")], "nor does the first get what the other sealed");
}
