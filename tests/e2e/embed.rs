//! The example of embedding the library: it is built with the project, and does what it says.

use crate::support::World;

/// Design law 12: what the programs can do, an embedding program can.
#[tokio::test]
async fn the_embedding_example_runs_a_round_of_its_own() {
    let world = World::new();
    let ended = world.call_of("examples/embed", [&world.repository]).run().await;
    assert_eq!(ended.code(), 0, "{}", ended.err);
    let lines: Vec<&str> = ended.out.lines().collect();
    assert_eq!(
        lines,
        ["planner begins", "planner: done", "manager: done", "done: Nothing is missing; two lines would do."],
        "{}",
        ended.err
    );
}
