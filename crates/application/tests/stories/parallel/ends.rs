//! O-16: the end of a round at any moment ends all workers, those that wait for a place included, and leaves nothing.

use domain::{outcome::Signal, person::Presence};

use super::*;
use crate::cancel::{By, check_every_moment};

/// Two coders, a reviewer and a planner, two at a time; commands overlap, and the person may step in.
fn busy() -> Stage {
    let calls: [Task<'_>; 4] = [
        ("coder", "one", Some(&["a/**"])),
        ("coder", "two", Some(&["b/**"])),
        ("reviewer", "three", None),
        ("planner", "four", None),
    ];
    let model = manager(ScriptedModel::new().with_longest_answer(32_000), &calls);
    let model = worker(model, "one", [write("a/1", "1"), run("touch a/2"), coded(&["a/1"])]);
    let model = worker(model, "two", [run("touch b/2"), write("b/1", "1"), coded(&["b/1"])]);
    let model = worker(model, "three", [reviewed("approve", &[])]);
    let mut stage = Stage::new(worker(model, "four", [Answer::call("read", json!({})), planned()]));
    stage.processes = Arc::new(FakeProcesses::new().holding_commands());
    stage.limits.max_parallel_workers = 2;
    // At most two requests at a time find room, and later one: the others wait.
    stage.limits.max_tokens = Some(45_000);
    let (question_timeout, intervention) = (Duration::from_secs(1), Duration::ZERO);
    stage.presence = Presence::Present { question_timeout, intervention };
    stage
}

#[tokio::test]
async fn a_cancel_at_every_await_of_several_workers_leaves_nothing_behind() {
    check_every_moment(busy, 150, By::Command, Signal::Terminate).await;
}

#[tokio::test]
async fn a_dropped_handle_at_every_await_of_several_workers_leaves_nothing_behind() {
    check_every_moment(busy, 150, By::DroppedHandle, Signal::Interrupt).await;
}

#[tokio::test]
async fn a_second_cancel_at_every_await_of_several_workers_leaves_nothing_behind() {
    check_every_moment(busy, 150, By::CommandTwice, Signal::Interrupt).await;
}
