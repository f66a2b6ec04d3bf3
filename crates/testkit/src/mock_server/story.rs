//! Turns that are chosen by what the conversation shows, so that a program that died in the middle of a script can go
//! on with it, however much of it was kept.
//!
//! A turn of the script is over when each of its calls has been answered by anything but `interrupted`. The first one
//! that is not is what the model says next: as the script has it where it is new, else only the calls that are missing;
//! after a change of a file that was interrupted it looks first. An edit whose text the model has read in the file is not
//! made. A call that fails because it had taken effect before counts as answered. So does any other failure: what a story
//! comes to is for the test to judge.
//!
//! Which of a worker's runs asks is told by its brief: the run of the manager's n-th call of that worker that had these
//! words. A run ends with the turn that closes it (`report`, `finish`), which is played again for as long as it is
//! asked for. A report claims no file that the run was to change and did not.
//!
//! What the script expects (`expect`) has to stand somewhere in the conversation, not only in its last message.

use serde_json::{Value, json};

use super::turn::{Block, Expectation, Input, Turn};

mod conversation;
#[cfg(test)]
mod tests;

pub(super) use conversation::Conversation;
use conversation::{Answered, Made};

/// Calls that end a run.
const CLOSING: [&str; 2] = ["report", "finish"];

/// The turns of one run among all turns of its lane: the n-th stretch that ends with a closing call, where the manager
/// briefed the lane's agent for the n-th time with words that the conversation begins with.
pub(super) fn run_of<'t>(
    turns: &'t [Turn],
    agent: &str,
    manager: &[Turn],
    conversation: &Conversation,
) -> Result<&'t [Turn], String> {
    let mut runs: Vec<&[Turn]> = turns.split_inclusive(closes).collect();
    if runs.len() < 2 {
        return Ok(turns);
    }
    let tool = format!("execute_{agent}_task");
    let calls = manager.iter().flat_map(calls_of).filter(|(name, _)| *name == tool);
    let briefs = calls.map(|(_, input)| input["task_description"].as_str().unwrap_or_default().trim());
    let number = briefs.into_iter().position(|brief| conversation.begins_with(brief));
    match number {
        Some(number) if number < runs.len() => Ok(runs.swap_remove(number)),
        Some(number) => Err(format!("{agent} has {} runs, and run {} came", runs.len(), number + 1)),
        None => Err(format!("no brief of the script for {agent} begins the conversation")),
    }
}

/// What the model says next.
pub(super) fn next(turns: &[Turn], conversation: &Conversation) -> Result<Turn, String> {
    let mut rest: Vec<&Made> = conversation.calls.iter().collect();
    for turn in turns {
        let state = State::of(turn, &mut rest, conversation);
        if state.missing.is_empty() && !closes(turn) {
            continue;
        }
        expect(&turn.expectation, conversation)?;
        return Ok(match state.interrupted_last() {
            Some(look) if !closes(turn) => look,
            _ => state.turn(turn, turns, conversation),
        });
    }
    Err("the story has no turn that ends it".to_owned())
}

/// How far a turn is.
struct State<'a> {
    /// Its calls that have not been answered for good.
    missing: Vec<Missing<'a>>,
    /// Whether any of its calls was made.
    began: bool,
}

struct Missing<'a> {
    name: &'a str,
    input: &'a Value,
    /// Its interrupted attempt, where that is what the model has just been told.
    just_interrupted: bool,
}

impl<'a> State<'a> {
    /// Takes the calls of `turn` out of what is left of the conversation's.
    fn of(turn: &'a Turn, rest: &mut Vec<&Made>, conversation: &Conversation) -> Self {
        let (mut missing, mut began) = (Vec::new(), false);
        for (name, input) in calls_of(turn) {
            let mut just_interrupted = false;
            let is_answered = loop {
                let Some(at) = rest.iter().position(|made| made.is_of(name, input)) else { break false };
                let made = rest.remove(at);
                began = true;
                just_interrupted = made.is_last;
                if made.answered != Answered::Interrupted {
                    break true;
                }
            };
            if !is_answered && !conversation.has_read_edited(name, input) {
                missing.push(Missing { name, input, just_interrupted });
            }
        }
        Self { missing, began }
    }

    /// A look at the files whose change was interrupted just now; none where there is nothing to look at.
    fn interrupted_last(&self) -> Option<Turn> {
        let changes = self.missing.iter().filter(|call| call.just_interrupted && changes_file(call.name));
        let paths: Vec<&Value> = changes.map(|call| &call.input["path"]).collect();
        let look = Turn::text("That was interrupted. I look at what came of it.");
        let looks = |turn: Turn, path: &&Value| turn.and_call("read", json!({ "path": path }));
        (!paths.is_empty()).then(|| paths.iter().fold(look, looks))
    }

    /// The turn as the script has it, or what is missing of it. `run`: all turns of the run.
    fn turn(&self, scripted: &Turn, run: &[Turn], conversation: &Conversation) -> Turn {
        let mut turn = Turn { expectation: Expectation::default(), ..scripted.clone() };
        if !closes(scripted) {
            turn.blocks.retain(|block| match block {
                Block::Call { name, input: Input::Json(input), .. } => {
                    self.missing.iter().any(|call| (call.name, call.input) == (name, input))
                }
                _ => !self.began,
            });
        }
        for block in &mut turn.blocks {
            if let Block::Call { name, input: Input::Json(input), .. } = block
                && name == "report"
            {
                claim_honestly(input, run, conversation);
            }
        }
        turn
    }
}

/// Leaves out of a report the files that the run was to change and did not.
fn claim_honestly(report: &mut Value, run: &[Turn], conversation: &Conversation) {
    let Some(files) = report.get_mut("files_changed").and_then(Value::as_array_mut) else { return };
    files.retain(|file| {
        let is_change = |name: &str, input: &Value| changes_file(name) && input["path"] == *file;
        let was_to = run.iter().flat_map(calls_of).any(|(name, input)| is_change(name, input));
        let mut changes = conversation.calls.iter().filter(|made| is_change(&made.name, &made.input));
        !was_to || changes.any(|made| made.answered != Answered::Failed)
    });
}

fn expect(expectation: &Expectation, conversation: &Conversation) -> Result<(), String> {
    let Expectation { tool_result, last_user } = expectation;
    if let Some(wanted) = tool_result
        && !conversation.results.iter().any(|result| result.contains(wanted))
    {
        return Err(format!("no tool result holds {wanted:?}: {:?}", conversation.results));
    }
    if let Some(wanted) = last_user
        && !conversation.results.iter().chain(&conversation.words).any(|words| words.contains(wanted))
    {
        return Err(format!("nothing that was said holds {wanted:?}: {:?}", conversation.words));
    }
    Ok(())
}

fn changes_file(tool: &str) -> bool {
    ["edit", "write"].contains(&tool)
}

fn closes(turn: &Turn) -> bool {
    calls_of(turn).any(|(name, _)| CLOSING.contains(&name))
}

/// Names and inputs of a turn's calls.
fn calls_of(turn: &Turn) -> impl Iterator<Item = (&str, &Value)> {
    turn.blocks.iter().filter_map(|block| match block {
        Block::Call { name, input: Input::Json(input), .. } => Some((name.as_str(), input)),
        _ => None,
    })
}
