//! The example of embedding the library: it is built with the project, and does what it says.

use crate::support::World;

/// O-9, design law 12: what the programs can do, an embedding program can, and be asked in the person's place.
#[tokio::test]
async fn the_embedding_example_runs_a_round_of_its_own() {
    let world = World::new();
    let ended = world.call_of("examples/embed", [&world.repository]).run().await;
    assert_eq!(ended.code(), 0, "{}", ended.err);
    let lines: Vec<&str> = ended.out.lines().collect();
    assert_eq!(
        lines,
        [
            "manager asks: In which file shall the notes stand? TODO.md",
            "coder begins",
            "coder wants to call write (permission mode `ask` asks before every edit)",
            "coder: done",
            "manager: partial",
            "partial: The notes are yours to write.",
        ],
        "{}",
        ended.err
    );
}
