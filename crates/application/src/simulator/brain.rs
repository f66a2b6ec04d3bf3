//! What simulated agents say: whatever a model may say, sensible or not, and sooner or later an end.

use domain::{
    message::{Message, Part, Role, StopReason},
    model::ModelRequest,
};
use serde_json::{Value, json};
use testkit::Answer;

use super::{faults::Fault, ports, world::World};

const PATHS: [&str; 5] = ["a/sum.sh", "b/sum.sh", "c.txt", "한글.txt", "a/new.txt"];
const WRITES: [&[&str]; 5] = [&["a/**"], &["b/**"], &["a/**", "c.txt"], &["**"], &[]];
const COMMANDS: [&str; 3] = ["make test", "touch touched.txt", "echo 안녕"];
const WORKERS: [&str; 6] = ["planner", "coder", "reviewer", "tester", "committer", "helper"];

/// What the agent that asks is answered.
pub(super) fn answer(world: &World, request: &ModelRequest) -> Answer {
    let dice = &world.dice;
    let mut answer = Answer::empty();
    if dice.percent(20) {
        answer = answer.and_thinking("생각 중 …");
    }
    if dice.percent(10) {
        answer = answer.and_block("script", "{\"sealed\":  true}");
    }
    if dice.percent(30) {
        answer = answer.and_text("좋아요, I'll go on.");
    }
    if dice.percent(3) {
        answer = answer.and_text("  ");
    }
    let answer = if world.brings(Fault::ModelMisbehaves) {
        misbehaves(world, answer)
    } else if request.agent.as_str() == "manager" {
        manages(world, answer, said_since_task(request))
    } else {
        works(world, answer, request)
    };
    let answer = if dice.percent(50) { answer.in_chunks(7) } else { answer };
    let answer = answer.costing(ports::usage(world));
    match world.brings(Fault::ModelStopsOddly) {
        true => answer.stopping(odd_stop(world)),
        false => answer,
    }
}

fn odd_stop(world: &World) -> StopReason {
    world
        .dice
        .pick(&[
            StopReason::MaxTokens,
            StopReason::PauseTurn,
            StopReason::Refusal,
            StopReason::ContextWindowExceeded,
            StopReason::Other("new_reason".to_owned()),
            StopReason::StopSequence,
        ])
        .clone()
}

/// How many answers an agent has given since it was told what to do.
fn said_since_task(request: &ModelRequest) -> u64 {
    let is_task = |message: &Message| {
        let says_task = |part: &Part| matches!(part, Part::Text { text } if text.starts_with("과제"));
        message.role == Role::User && message.parts.iter().any(says_task)
    };
    let messages = request.messages.iter().rev().map(|sealed| &sealed.message);
    let since = messages.take_while(|message| !is_task(message));
    since.filter(|message| message.role == Role::Assistant).count() as u64
}

/// A manager calls workers, asks, talks, and finishes: the longer it goes on, the sooner.
fn manages(world: &World, answer: Answer, said: u64) -> Answer {
    let dice = &world.dice;
    if dice.percent(5 + 12 * said.min(8)) {
        let status = *dice.pick(&["done", "done", "done", "partial", "failed"]);
        let finish = json!({"summary": "끝", "status": status});
        return match dice.below(8) {
            0 => answer.and_call("read", json!({})).and_call("finish", finish),
            1 => answer.and_call("finish", finish.clone()).and_call("finish", finish),
            _ => answer.and_call("finish", finish),
        };
    }
    match dice.below(20) {
        0 => answer.and_text("다 됐습니다."),
        1 => answer.and_call("read", json!({})),
        2 | 3 => {
            let options = if dice.percent(50) { vec!["하나", "둘"] } else { Vec::new() };
            answer.and_call("ask_user", json!({"question": "어떻게 할까요?", "options": options}))
        }
        _ => {
            let count = *dice.pick(&[1, 1, 2, 3, 4]);
            (0..count).fold(answer, |answer, _| calls_worker(world, answer))
        }
    }
}

fn calls_worker(world: &World, answer: Answer) -> Answer {
    let dice = &world.dice;
    let worker = *dice.pick(&WORKERS);
    let mut brief = json!({"task_description": format!("할 일 {}", dice.below(100))});
    if dice.percent(60) {
        brief["writes"] = json!(dice.pick(&WRITES));
    }
    answer.and_call(&format!("execute_{worker}_task"), brief)
}

/// A worker uses its tools, and reports: the longer it goes on, the sooner.
fn works(world: &World, answer: Answer, request: &ModelRequest) -> Answer {
    let dice = &world.dice;
    let said = request.messages.iter().filter(|sealed| sealed.message.role == Role::Assistant).count() as u64;
    if dice.percent(25 + 15 * said.min(4)) {
        return answer.and_call("report", report(world, request.agent.as_str()));
    }
    if dice.percent(5) {
        return answer.and_text("다 했어요.");
    }
    let tools: Vec<&str> =
        request.tools.iter().map(|tool| &*tool.name).filter(|tool| *tool != "report").collect();
    let count = *dice.pick(&[1, 1, 1, 2, 3]);
    (0..count).fold(answer, |answer, _| {
        let tool = *dice.pick(&tools);
        answer.and_call(tool, input(world, tool))
    })
}

fn input(world: &World, tool: &str) -> Value {
    match tool {
        "write" => json!({"path": world.dice.pick(&PATHS), "content": "x"}),
        "bash" => json!({"command": world.dice.pick(&COMMANDS)}),
        "process" => json!({"command": "serve"}),
        "commit" => json!({"message": "고침"}),
        _ => json!({}),
    }
}

fn report(world: &World, agent: &str) -> Value {
    let dice = &world.dice;
    match agent {
        "planner" => json!({"summary": "계획", "steps": [{"title": "하나", "detail": "둘"}]}),
        "coder" => json!({"summary": "썼다", "files_changed": [dice.pick(&PATHS)]}),
        "reviewer" => {
            let severity = *dice.pick(&["critical", "warning", "info"]);
            let finding = json!({"severity": severity, "message": "틀림", "file": dice.pick(&PATHS)});
            match dice.percent(50) {
                true => json!({"summary": "봤다", "verdict": "request_changes", "findings": [finding]}),
                false => json!({"summary": "봤다", "verdict": "approve", "findings": []}),
            }
        }
        "tester" => {
            json!({"summary": "시험", "passed": dice.percent(60), "commands": [dice.pick(&COMMANDS)]})
        }
        "committer" => json!({"summary": "커밋"}),
        _ => json!({"summary": "끝", "status": dice.pick(&["success", "partial", "failure"])}),
    }
}

/// What a model says that does not keep to its form.
fn misbehaves(world: &World, answer: Answer) -> Answer {
    match world.dice.below(8) {
        0 => answer.and_broken_call("bash", "{\"command\": \"rm"),
        1 => answer.and_call("no_such_tool", json!({"a": 1})),
        2 => answer.and_call_named("same", "read", json!({})).and_call_named("same", "read", json!({})),
        3 => answer.and_call_named("same", "bash", json!({"command": COMMANDS[0]})),
        4 => (0..70).fold(answer, |answer, _| answer.and_call("read", json!({}))),
        5 => answer.and_call("finish", json!({"status": 1})).and_call("report", json!({"summary": 1})),
        6 => answer.and_call("execute_coder_task", json!({"task": "?"})),
        _ => Answer::empty(),
    }
}
