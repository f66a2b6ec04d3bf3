//! Forks: they share a session up to where it stood, and go their own way.

use super::*;

async fn fork(world: &World, id: &str) -> Value {
    let ended = world.call(["session", "fork", id, "--json"]).run().await;
    assert_eq!(ended.code(), 0, "{}", ended.err);
    serde_json::from_str(&ended.out).expect("JSON")
}

/// A world whose session has changed a file, and its id.
async fn changed(server: &MockServer) -> (World, String) {
    let world = World::new();
    done(&call(&world, &["x"]).against(server).run().await);
    let id = id_of(&sessions(&world).await.remove(0)).to_string();
    (world, id)
}

fn two_rounds() -> Script {
    Script::new()
        .agent("manager", [ask("coder", "하나"), finish("done"), ask("coder", "둘"), finish("done")])
        .agent(
            "coder",
            [
                write("README.md", "# 하나\n"),
                coded(&["README.md"], &[]),
                Turn::call("read", json!({ "path": "README.md" })),
                write("README.md", "# 둘\n"),
                coded(&["README.md"], &[]),
            ],
        )
        .with_thoughts()
}

/// O-22: a fork goes on by itself, and the session that it comes from stays as it was.
#[tokio::test]
async fn a_fork_goes_its_own_way() {
    let server = MockServer::start(two_rounds()).await;
    let (world, id) = changed(&server).await;
    let parent = sessions(&world).await.remove(0);
    let made = fork(&world, &id).await;
    assert_eq!((&made["forked_from"], &made["seq"]), (&json!(id), &json!(parent.len())));
    let name = made["session_id"].as_str().expect("an id");
    assert_eq!(made.as_object().map(serde_json::Map::len), Some(3));
    let ended = call(&world, &["--resume", name, "y"]).against(&server).run().await;
    done(&ended);
    let said = ended.said();
    assert_eq!(said.result().files_changed, ["README.md"]);
    assert_eq!(said.the("round_started")["round"], 2);
    let all = sessions(&world).await;
    assert_eq!(all[0], parent, "nothing was added to the parent");
    assert_eq!(ends(&all[1]), [(1, Ending::Done), (2, Ending::Done)]);
    assert!(all[1].iter().all(|event| event.session_id.to_string() == name));
    said.check_kept(&world).await;
    server.assert_nothing_refused();
}

/// What a fork did is undone with it; what its parent did, with the parent.
#[tokio::test]
async fn a_fork_undoes_its_own_rounds_only() {
    let server = MockServer::start(two_rounds()).await;
    let (world, id) = changed(&server).await;
    let made = fork(&world, &id).await;
    let name = made["session_id"].as_str().expect("an id");
    let early = world.call(["session", "undo", name]).run().await;
    assert_eq!(early.code(), 16, "{}", early.err);
    assert!(early.err.contains(&format!("session undo {id}")), "{}", early.err);
    done(&call(&world, &["--resume", name, "y"]).against(&server).run().await);
    assert_eq!(world.read("README.md"), "# 둘\n");
    let undone = world.call(["session", "undo", name]).run().await;
    assert_eq!((undone.code(), world.read("README.md").as_str()), (0, "# 하나\n"), "{}", undone.err);
    let first = world.call(["session", "undo", name, "--round", "1"]).run().await;
    assert!(first.code() == 16 && first.err.contains(&id), "{}", first.err);
    let parents = world.call(["session", "undo", &id]).run().await;
    assert_eq!((parents.code(), world.read("README.md").as_str()), (0, "# 가계부\n"), "{}", parents.err);
}

/// ADR 28: the round is part of what is shared.
#[tokio::test]
async fn a_broken_off_round_goes_on_in_a_fork() {
    let world = World::new();
    let server = MockServer::start(cut_in_text([finish("done")])).await;
    killed_in_text(&world, &server).await;
    let parent = sessions(&world).await.remove(0);
    let made = fork(&world, &id_of(&parent).to_string()).await;
    let name = made["session_id"].as_str().expect("an id");
    let ended = call(&world, &["--resume", name]).against(&server).run().await;
    done(&ended);
    assert_eq!(ended.said().result().files_changed, ["환불.md"], "the round's first state is the parent's");
    let all = sessions(&world).await;
    assert_eq!((&all[0], ends(&all[1])), (&parent, vec![(1, Ending::Done)]));
    server.assert_nothing_refused();
}

#[tokio::test]
async fn a_fork_says_what_it_is_to_people_and_only_its_id_on_standard_output() {
    let world = World::new();
    done(&call(&world, &["--provider", "offline", "x"]).run().await);
    let id = id_of(&sessions(&world).await.remove(0)).to_string();
    let beginning: String = id.chars().take(12).collect();
    let ended = world.call(["session", "fork", &beginning]).run().await;
    let fork = ended.out.trim_end();
    assert!(ended.code() == 0 && fork.parse::<SessionId>().is_ok() && fork != id, "{ended:?}");
    for part in [&id, "better-llm-cli --resume"] {
        assert!(ended.err.contains(part), "{part}: {}", ended.err);
    }
    let unknown = world.call(["session", "fork", "ZZZZZZ"]).run().await;
    assert_eq!((unknown.code(), unknown.out.as_str()), (16, ""), "{}", unknown.err);
}
