use proptest::prelude::*;

use super::*;
use crate::{
    agent::WorkerKind,
    outcome::{LimitReason, Signal},
    run::RunFailure,
};

fn agent(name: &str) -> AgentName {
    AgentName::parse(name).expect("it is a name")
}

fn chain(introduction: &str, tasks: &[(&str, &str)]) -> Chain {
    let tasks =
        tasks.iter().map(|(name, text)| MentionedTask { agent: agent(name), text: (*text).to_owned() });
    Chain::new(Mentions { introduction: introduction.to_owned(), tasks: tasks.collect() })
}

fn general(summary: &str, status: &str) -> RunEnd {
    let report = serde_json::json!({ "summary": summary, "status": status });
    RunEnd::Reported(Report::parse(WorkerKind::General, &report).expect("it fits"))
}

fn ended(summary: &str) -> ChainInput {
    ChainInput::Ended { end: general(summary, "success"), result: format!("{{{summary}}}") }
}

/// The brief of the worker that is run.
fn brief(effect: Option<ChainEffect>, name: &str) -> Brief {
    match effect {
        Some(ChainEffect::Run { agent, brief }) if agent.as_str() == name => brief,
        other => panic!("{name} is not run: {other:?}"),
    }
}

fn end(ending: Ending, summary: &str) -> Option<ChainEffect> {
    Some(ChainEffect::End { ending, summary: summary.to_owned() })
}

/// O-11: each worker gets its text and the earlier reports; the last report ends the chain.
#[test]
fn each_worker_is_told_its_part_and_what_came_before() {
    let mut chain = chain("환불은 음수다", &[("coder", "추가해"), ("reviewer", "검토해"), ("tester", "")]);
    let first = brief(chain.step(ChainInput::Begin), "coder");
    assert_eq!((first.task_description.as_str(), first.context), ("환불은 음수다\n\n추가해", None));

    assert_eq!(chain.step(ended("추가했다")), Some(ChainEffect::LetStepIn { next: agent("reviewer") }));
    let second = brief(chain.step(ChainInput::GoOn(vec!["음수만 봐".to_owned()])), "reviewer");
    assert_eq!(second.task_description, "환불은 음수다\n\n검토해");
    assert_eq!(
        second.context.as_deref(),
        Some(
            "The person called these workers before you, one after the other.\n\n## coder\nAsked: 추가해\nResult: \
             {추가했다}\n\n## The person said then\n음수만 봐"
        )
    );

    assert_eq!(chain.step(ended("좋다")), Some(ChainEffect::LetStepIn { next: agent("tester") }));
    let third = brief(chain.step(ChainInput::GoOn(Vec::new())), "tester");
    let context = third.context.expect("two reports");
    assert!(context.contains("{추가했다}") && context.contains("{좋다}") && context.contains("음수만 봐"));
    assert_eq!(
        chain.step(ended("통과")),
        end(Ending::Done, "coder: 추가했다\n\nreviewer: 좋다\n\ntester: 통과")
    );
    assert_eq!(chain.step(ChainInput::Stop(Ending::Stopped)), None);
    let account = chain.account();
    assert!(account.contains("The person: @reviewer 검토해\nreviewer (done): 좋다"), "{account}");
    assert!(account.ends_with("That ended as `done`.]"), "{account}");
}

#[test]
fn one_worker_speaks_for_itself() {
    let mut chain = chain("", &[("coder", "add")]);
    assert_eq!(brief(chain.step(ChainInput::Begin), "coder").task_description, "add");
    assert_eq!(chain.step(ended("added")), end(Ending::Done, "added"));
}

#[test]
fn a_worker_without_words_of_its_own_is_sent_to_the_reports() {
    let mut chain = chain("", &[("coder", "add"), ("reviewer", "")]);
    chain.step(ChainInput::Begin);
    chain.step(ended("added"));
    let brief = brief(chain.step(ChainInput::GoOn(Vec::new())), "reviewer");
    assert!(brief.task_description.contains("the reports below"), "{}", brief.task_description);
}

/// O-11: the first failure stops the chain; what is not begun is said to the manager.
#[test]
fn the_first_failure_ends_the_chain_with_its_reason() {
    let failed = |reason| RunEnd::Failed(RunFailure { reason, text: "왜냐하면".to_owned() });
    for (run_end, ending, words) in [
        (failed(FailReason::Provider), Ending::Failed(FailReason::Provider), "coder: 왜냐하면"),
        (failed(FailReason::Credentials), Ending::Failed(FailReason::Credentials), "coder: 왜냐하면"),
        (RunEnd::Malformed("prose".to_owned()), Ending::Failed(FailReason::MalformedReport), "coder: prose"),
        (RunEnd::OutOfTurns, Ending::Limit(LimitReason::Turns), ""),
        (RunEnd::Stopped(Ending::Limit(LimitReason::Time)), Ending::Limit(LimitReason::Time), ""),
        (general("not possible", "failure"), Ending::Failed(FailReason::WorkerFailed), "coder: not possible"),
        (general("half", "partial"), Ending::Failed(FailReason::WorkerFailed), "coder: half"),
    ] {
        let mut chain = chain("", &[("coder", "a"), ("tester", "b")]);
        chain.step(ChainInput::Begin);
        assert_eq!(chain.step(ChainInput::Ended { end: run_end, result: String::new() }), end(ending, words));
        assert!(chain.account().contains("@tester b\n(not begun)"), "{}", chain.account());
    }
}

#[test]
fn a_stop_between_two_workers_ends_the_chain() {
    let mut chain = chain("", &[("coder", "a"), ("tester", "b")]);
    chain.step(ChainInput::Begin);
    assert_eq!(chain.step(ChainInput::Stop(Ending::Stopped)), None, "the worker stops by itself");
    chain.step(ended("written"));
    let cancelled = Ending::Cancelled(Signal::Interrupt);
    assert_eq!(chain.step(ChainInput::Stop(cancelled)), end(cancelled, "coder: written"));
}

#[test]
fn what_later_workers_and_the_manager_read_is_bounded() {
    let long = "가족 👨‍👩‍👧 ".repeat(20_000);
    let mut chain = chain("", &[("coder", &long), ("tester", "b")]);
    chain.step(ChainInput::Begin);
    chain.step(ended(&long));
    let context = brief(chain.step(ChainInput::GoOn(Vec::new())), "tester").context.expect("a report");
    assert!(context.chars().count() < Chain::LONGEST_RESULT + 2_000, "{}", context.chars().count());
    assert!(context.contains("more bytes were cut"));
    assert!(chain.account().chars().count() < 3_000);
}

fn input() -> impl Strategy<Value = ChainInput> {
    prop_oneof![
        Just(()).prop_map(|()| ChainInput::Begin),
        Just(()).prop_map(|()| ended("보고")),
        Just(()).prop_map(|()| ChainInput::Ended { end: RunEnd::OutOfTurns, result: String::new() }),
        Just(()).prop_map(|()| ChainInput::GoOn(vec!["말".to_owned()])),
        Just(()).prop_map(|()| ChainInput::Stop(Ending::Stopped)),
    ]
}

proptest! {
    #![proptest_config(crate::properties::cases())]

    /// Whatever comes in whatever order: workers run in the order written, none twice, one end, and nothing after it.
    #[test]
    fn a_chain_runs_each_worker_once_in_order_and_ends_once(
        inputs in prop::collection::vec(input(), 0..20),
        length in 1_usize..5,
    ) {
        let names = ["planner", "coder", "reviewer", "tester"];
        let tasks: Vec<(&str, &str)> = names.iter().take(length).map(|name| (*name, "x")).collect();
        let mut chain = chain("", &tasks);
        let mut run = Vec::new();
        let mut ended = false;
        for input in inputs {
            match chain.step(input) {
                Some(effect) if ended => prop_assert!(false, "after the end: {effect:?}"),
                Some(ChainEffect::Run { agent, .. }) => run.push(agent.to_string()),
                Some(ChainEffect::End { .. }) => ended = true,
                Some(ChainEffect::LetStepIn { .. }) | None => {}
            }
        }
        let expected: Vec<&str> = names.iter().take(run.len()).copied().collect();
        prop_assert_eq!(run, expected);
    }
}
