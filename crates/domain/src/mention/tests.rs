use proptest::prelude::*;

use super::*;

mod examples;
mod properties;

fn agent(name: &str) -> AgentName {
    AgentName::parse(name).expect("it is a name")
}

fn team() -> Vec<AgentName> {
    ["planner", "coder", "reviewer", "tester", "committer", "dev-ops"].map(agent).to_vec()
}

/// What a message says to workers: the introduction, then each name with its words.
fn calls(introduction: &str, tasks: &[(&str, &str)]) -> Result<Addressee, MentionError> {
    let tasks =
        tasks.iter().map(|(name, text)| MentionedTask { agent: agent(name), text: (*text).to_owned() });
    Ok(Addressee::Workers(Mentions { introduction: introduction.to_owned(), tasks: tasks.collect() }))
}
