//! `domain::run::AgentRun`, of the manager and of workers.

use better_llm_tests::machine::{Dice, Machine, check_diagram};
use domain::{
    agent::WorkerKind,
    context::Conversation,
    id::CallId,
    message::{Message, Part, Role, StopReason, Usage},
    model::ModelAnswer,
    outcome::{Ending, FailReason},
    run::{AgentRun, CallResult, RunEffect, RunFailure, RunInput, RunLimits, RunRole, Standing},
};
use serde_json::{Value, json};

struct Driven {
    run: AgentRun,
    /// Calls that wait for their result.
    open: Vec<CallId>,
    calls: u32,
}

impl Driven {
    fn begin(dice: &mut Dice) -> Self {
        let role = dice.one_of(&[RunRole::Manager, RunRole::Worker(WorkerKind::General)]);
        let max_turns = dice.one_of(&[2, 5, 9]);
        let limits = RunLimits { max_turns, max_messages: 10, loop_repeats: 2 };
        Self { run: AgentRun::new(role, limits, Conversation::default()), open: Vec::new(), calls: 0 }
    }

    fn input(&mut self, dice: &mut Dice) -> RunInput {
        let failure = || RunFailure { reason: FailReason::Provider, text: "끊김".to_owned() };
        match dice.below(16) {
            0..3 => RunInput::Begin(Message::user(dice.one_of(&["환불", "환불", " "]))),
            3..9 => RunInput::Answered { answer: self.answer(dice), standing: standing(dice) },
            9 => RunInput::RequestFailed(failure()),
            10 => RunInput::TooLong(failure()),
            11 => RunInput::Said("잠깐".to_owned()),
            12..15 => {
                let call = self.open.pop().unwrap_or_else(|| CallId::new("nobody's"));
                let result = CallResult { is_error: dice.below(4) == 0, ..CallResult::ok("같다") };
                RunInput::CallEnded { call, result, standing: standing(dice) }
            }
            _ => RunInput::Stop(Ending::Stopped),
        }
    }

    fn answer(&mut self, dice: &mut Dice) -> ModelAnswer {
        let parts = match dice.below(6) {
            0 => vec![Part::Text { text: dice.one_of(&["답", ""]).to_owned() }],
            1 => vec![self.closing(dice)],
            2 => vec![self.call("read", json!({})), self.closing(dice)],
            _ => (0..=dice.below(2)).map(|_| self.call("read", json!({}))).collect(),
        };
        let stop_reason = match dice.below(12) {
            0 => StopReason::Refusal,
            1 => StopReason::PauseTurn,
            2 => StopReason::ContextWindowExceeded,
            _ => StopReason::EndTurn,
        };
        ModelAnswer {
            message: Message { role: Role::Assistant, parts },
            stop_reason,
            usage: Usage::default(),
            model: "script".to_owned(),
            invalid_inputs: Vec::new(),
        }
    }

    /// A call that ends the run, or one that would if its input fitted.
    fn closing(&mut self, dice: &mut Dice) -> Part {
        let tool = dice.one_of(&["finish", "report"]);
        let status = dice.one_of(&["done", "success", "great"]);
        self.call(tool, json!({ "summary": "끝", "status": status }))
    }

    fn call(&mut self, tool: &str, input: Value) -> Part {
        self.calls += 1;
        Part::ToolUse { id: CallId::new(&format!("call-{}", self.calls)), name: tool.to_owned(), input }
    }
}

fn standing(dice: &mut Dice) -> Standing {
    let holds_back = (dice.below(4) == 0).then(|| "열린 지적이 있다".to_owned());
    Standing { work_done: dice.coin(), holds_back }
}

const fn kind(input: &RunInput) -> &'static str {
    match input {
        RunInput::Begin(_) => "Begin",
        RunInput::Answered { .. } => "Answered",
        RunInput::RequestFailed(_) => "RequestFailed",
        RunInput::TooLong(_) => "TooLong",
        RunInput::Said(_) => "Said",
        RunInput::CallEnded { .. } => "CallEnded",
        RunInput::Stop(_) => "Stop",
    }
}

impl Machine for Driven {
    const KINDS: &'static [&'static str] =
        &["Begin", "Answered", "RequestFailed", "TooLong", "Said", "CallEnded", "Stop", "show"];

    fn phase(&self) -> String {
        self.run.phase().to_owned()
    }

    fn step(&mut self, dice: &mut Dice) -> (&'static str, bool) {
        // As the driver does: a request that is wanted goes out, but for words that come in between.
        if self.run.phase() == "Asking" && dice.below(4) > 0 {
            self.run.show();
            return ("show", false);
        }
        let input = self.input(dice);
        let kind = kind(&input);
        let effects = self.run.step(input);
        for effect in &effects {
            if let RunEffect::Call { call, .. } = effect {
                self.open.push(call.clone());
            }
        }
        (kind, !effects.is_empty())
    }
}

#[test]
fn the_run_is_drawn_as_it_is() {
    check_diagram("run", Driven::begin);
}
