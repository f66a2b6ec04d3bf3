//! `domain::workflow::Chain`.

use better_llm_tests::machine::{Dice, Machine, check_diagram};
use domain::{
    agent::AgentName,
    mention::{MentionedTask, Mentions},
    outcome::Ending,
    report::Report,
    run::RunEnd,
    workflow::{Chain, ChainInput},
};
use serde_json::json;

struct Driven(Chain);

impl Driven {
    fn begin(dice: &mut Dice) -> Self {
        let agent = AgentName::parse("coder").expect("a name");
        let task = MentionedTask { agent, text: "환불".to_owned() };
        let tasks = vec![task; 1 + dice.below(3)];
        Self(Chain::new(Mentions { introduction: String::new(), tasks }))
    }
}

const fn kind(input: &ChainInput) -> &'static str {
    match input {
        ChainInput::Begin => "Begin",
        ChainInput::Ended { .. } => "Ended",
        ChainInput::GoOn(_) => "GoOn",
        ChainInput::Stop(_) => "Stop",
    }
}

fn ended(dice: &mut Dice) -> RunEnd {
    let report = json!({ "summary": "끝", "status": dice.one_of(&["success", "partial", "failure"]) });
    match dice.below(4) {
        0 => RunEnd::OutOfTurns,
        _ => RunEnd::Reported(Report::parse(domain::agent::WorkerKind::General, &report).expect("it fits")),
    }
}

impl Machine for Driven {
    const KINDS: &'static [&'static str] = &["Begin", "Ended", "GoOn", "Stop"];

    fn phase(&self) -> String {
        self.0.phase().to_owned()
    }

    fn step(&mut self, dice: &mut Dice) -> (&'static str, bool) {
        let input = match dice.below(8) {
            0 | 1 => ChainInput::Begin,
            2..5 => ChainInput::Ended { end: ended(dice), result: String::new() },
            5 | 6 => ChainInput::GoOn(Vec::new()),
            _ => ChainInput::Stop(Ending::Stopped),
        };
        (kind(&input), self.0.step(input).is_some())
    }
}

#[test]
fn the_chain_is_drawn_as_it_is() {
    check_diagram("chain", Driven::begin);
}
