use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::id::CallId;

/// The rules by which providers take a conversation, over what a run shows a model. Messages of one side that
/// follow each other count as one, as the services merge them.
///
/// The user speaks first; nothing is blank; calls are the assistant's, results the user's; every call has an id of
/// its own and exactly one result, in the very next message of the user's side, before anything else there.
pub(crate) fn check_pairing(messages: &[Arc<SealedMessage>]) -> Result<(), String> {
    let mut ids = BTreeSet::new();
    let mut open: Vec<&CallId> = Vec::new();
    let mut speaker = None;
    for (index, sealed) in messages.iter().enumerate() {
        let message = &sealed.message;
        if speaker.is_none() && message.role == Role::Assistant {
            return Err("the assistant speaks first".to_owned());
        }
        speaker = Some(message.role);
        check_parts(message).map_err(|rule| format!("message {index}: {rule}"))?;
        let results: Vec<&CallId> = message.tool_results().collect();
        if message.role == Role::User || !results.is_empty() {
            let wanted = std::mem::take(&mut open);
            if wanted != results {
                return Err(format!("message {index}: results of {results:?} where {wanted:?} are open"));
            }
        } else if !open.is_empty() {
            return Err(format!("message {index}: the assistant goes on while {open:?} are open"));
        }
        for (id, _, input) in message.tool_uses() {
            if !input.is_object() || !ids.insert(id) {
                return Err(format!("message {index}: {id} is there twice, or its input is no object"));
            }
            open.push(id);
        }
    }
    if speaker.is_none() || !open.is_empty() {
        return Err(format!("nothing is said, or {open:?} are open at the end"));
    }
    Ok(())
}

fn check_parts(message: &Message) -> Result<(), String> {
    if message.parts.is_empty() {
        return Err("it is empty".to_owned());
    }
    let mut other_than_result = false;
    for part in &message.parts {
        let is_in_place = match part {
            Part::Text { text } => !text.trim().is_empty(),
            Part::ToolResult { .. } => message.role == Role::User && !other_than_result,
            Part::ToolUse { .. } | Part::Thinking { .. } | Part::ProviderBlock { .. } => {
                message.role == Role::Assistant
            }
        };
        if !is_in_place {
            return Err(format!("a part is blank or out of place: {part:?}"));
        }
        other_than_result |= !matches!(part, Part::ToolResult { .. });
    }
    Ok(())
}

/// What may be said next in a conversation that is whole so far.
#[derive(Debug, Clone)]
enum Said {
    /// A run begins with these words.
    Task,
    /// The engine reminds.
    Reminder,
    /// The assistant writes prose, or, after its own prose, goes on with a paused turn.
    Prose,
    /// The assistant writes nothing but white space.
    Blank,
    /// The assistant thinks, and says nothing.
    Thought,
    /// The assistant calls tools, which answer; after some thought or none.
    Calls(u8, bool),
    /// The conversation may have to be cut.
    Cut(u32),
    /// The window fills up.
    Half,
}

fn said() -> impl Strategy<Value = Said> {
    prop_oneof![
        1 => Just(Said::Task),
        1 => Just(Said::Reminder),
        3 => Just(Said::Prose),
        1 => Just(Said::Blank),
        1 => Just(Said::Thought),
        6 => (1_u8..4, any::<bool>()).prop_map(|(calls, thinks)| Said::Calls(calls, thinks)),
        2 => (0_u32..14).prop_map(Said::Cut),
        1 => Just(Said::Half),
    ]
}

fn assistant(parts: Vec<Part>) -> Message {
    Message { role: Role::Assistant, parts }
}

fn thought() -> Part {
    Part::Thinking { text: "음".to_owned(), signature: Some("sealed".to_owned()) }
}

/// Whether it is nothing but thought.
fn is_thought(said: &Message) -> bool {
    said.parts.iter().all(|part| matches!(part, Part::Thinking { .. }))
}

/// Whether a turn begins with it.
fn begins(said: &Message) -> bool {
    said.tool_results().next().is_none()
}

/// A conversation beside everything that was ever said in it.
#[derive(Default)]
struct Story {
    conversation: Conversation,
    /// Turned into one message where the assistant goes on.
    history: Vec<Message>,
    task: String,
    counter: u32,
    dropped: u32,
}

impl Story {
    fn next(&mut self) -> u32 {
        self.counter += 1;
        self.counter
    }

    fn push(&mut self, message: Message) {
        match self.history.last_mut() {
            Some(last) if last.role == Role::Assistant && message.role == Role::Assistant => {
                last.parts.extend(message.parts.clone());
            }
            _ => self.history.push(message.clone()),
        }
        let sealed = self.conversation.push(message.clone()).expect("it says something");
        assert_eq!(*sealed.message, message, "what is given back is what was said");
    }

    fn begin(&mut self) {
        self.task = format!("task {}: 환불 기능을 추가해 줘", self.next());
        self.history.push(Message::user(&self.task));
        self.conversation.begin(Message::user(&self.task));
    }

    fn calls(&mut self, calls: u8, thinks: bool) {
        let ids: Vec<CallId> = (0..calls).map(|_| CallId::new(&format!("call-{}", self.next()))).collect();
        let uses = ids.iter().map(|id| Part::ToolUse {
            id: id.clone(),
            name: "read".to_owned(),
            input: json!({"path": "src/lib.rs"}),
        });
        self.push(assistant(thinks.then(thought).into_iter().chain(uses).collect()));
        let results = ids.into_iter().map(|id| Part::ToolResult {
            id,
            content: "fn main() {}".to_owned(),
            is_error: false,
        });
        self.push(Message { role: Role::User, parts: results.collect() });
    }

    fn take(&mut self, said: &Said) -> Result<(), String> {
        match said {
            Said::Task => self.begin(),
            Said::Reminder => self.push(Message::user("You called no tool.")),
            Said::Prose => {
                let text = format!("answer {}", self.next());
                self.push(assistant(vec![Part::Text { text }]));
            }
            Said::Blank => {
                let blank = assistant(vec![Part::Text { text: " \n".to_owned() }]);
                if self.conversation.push(blank).is_some() {
                    return Err("a blank message joined".to_owned());
                }
            }
            Said::Thought => self.push(assistant(vec![thought()])),
            Said::Calls(calls, thinks) => self.calls(*calls, *thinks),
            Said::Cut(most) => {
                let before = self.conversation.messages().len();
                let allowed = (*most).max(Conversation::SMALLEST_LIMIT) as usize;
                let cut = self.conversation.cut_if_longer_than(*most);
                if cut.is_some() != (before > allowed) {
                    return Err(format!("{before} messages, {allowed} allowed, and the cut is {cut:?}"));
                }
                self.check_cut(before, allowed, allowed / 2, cut)?;
            }
            Said::Half => {
                let messages = self.conversation.messages();
                let before = messages.len();
                let can_be_cut = messages.iter().skip(2).any(|message| begins(&message.message));
                let cut = self.conversation.cut_to_half();
                if cut.is_some() != can_be_cut {
                    return Err(format!("{before} messages come to {cut:?}"));
                }
                self.check_cut(before, before, before / 2, cut)?;
            }
        }
        self.check()
    }

    /// `aim`: how many messages should stay, the first included.
    fn check_cut(
        &mut self,
        before: usize,
        allowed: usize,
        aim: usize,
        cut: Option<Cut>,
    ) -> Result<(), String> {
        let Some(cut) = cut else { return Ok(()) };
        let after = self.conversation.messages().len();
        let counted = (cut.dropped + cut.kept) as usize;
        if after > allowed || cut.kept as usize != after || counted != before || cut.dropped == 0 {
            return Err(format!("{before} messages, {allowed} allowed, {cut:?}, {after} left"));
        }
        // A message that was all thought goes with its thought.
        if !self.history.iter().any(is_thought) {
            let tail = self.history.iter().rev().skip(after - 1);
            let with_one_more_turn = after + 1 + tail.take_while(|said| !begins(said)).count();
            if with_one_more_turn <= aim && with_one_more_turn < before {
                return Err(format!("{after} of {before} are kept where {with_one_more_turn} have room"));
            }
        }
        self.history.retain(|said| !is_thought(said));
        for said in &mut self.history {
            said.parts.retain(|part| !matches!(part, Part::Thinking { .. }));
        }
        self.dropped += cut.dropped;
        let first = &self.conversation.messages()[0].message.text();
        if !first.contains(&format!("[{} older messages were dropped", self.dropped)) {
            return Err(format!("{} messages were dropped, and it says: {first}", self.dropped));
        }
        Ok(())
    }

    /// The first words and the task are there, the rest is the end of what was said, word for word but for what
    /// was thought before a cut.
    fn check(&self) -> Result<(), String> {
        let messages = self.conversation.messages();
        check_pairing(messages)?;
        if messages[0].message.parts[0] != self.history[0].parts[0] {
            return Err("the first words are gone".to_owned());
        }
        if !messages.iter().any(|message| message.message.text().contains(&self.task)) {
            return Err(format!("{} is gone", self.task));
        }
        let tail: Vec<&Message> = messages[1..].iter().map(|sealed| &*sealed.message).collect();
        let said: Vec<&Message> = self.history[self.history.len() - tail.len()..].iter().collect();
        if tail != said {
            return Err(format!("{tail:?} instead of {said:?}"));
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(crate::properties::cases())]

    /// O-15: cut so that calls and their results stay paired.
    #[test]
    fn a_cut_keeps_the_first_words_the_task_and_the_newest_whole_turns(
        words in prop::collection::vec(said(), 0..40),
    ) {
        let mut story = Story::default();
        story.begin();
        for said in &words {
            story.take(said).map_err(TestCaseError::fail)?;
        }
    }
}

/// A conversation in which a worker ran one command per turn.
fn turns(commands: impl IntoIterator<Item = String>) -> Conversation {
    let mut conversation = Conversation::default();
    conversation.begin(Message::user("# Task\nrun them all"));
    for command in commands {
        let id = CallId::new(&command);
        let call =
            Part::ToolUse { id: id.clone(), name: "bash".to_owned(), input: json!({"command": command}) };
        conversation.push(assistant(vec![call]));
        let result = Part::ToolResult { id, content: "ok".to_owned(), is_error: false };
        conversation.push(Message { role: Role::User, parts: vec![result] });
    }
    conversation
}

#[test]
fn a_conversation_is_cut_to_half_of_its_limit() {
    let mut conversation = turns((0..25).map(|turn| format!("make test{turn}")));
    assert_eq!(conversation.messages().len(), 51);
    assert_eq!(conversation.cut_if_longer_than(51), None);
    assert_eq!(conversation.cut_if_longer_than(50), Some(Cut { dropped: 26, kept: 25 }));
    assert_eq!(conversation.cut_if_longer_than(50), None);
}

#[test]
fn what_was_cut_is_summed_up_from_calls_and_reports_never_from_prose() {
    let mut conversation = Conversation::default();
    conversation.begin(Message::user("환불 기능을 추가해 줘"));
    let call =
        |name: &str, input: Value| Part::ToolUse { id: CallId::new(name), name: name.to_owned(), input };
    let calls = vec![
        Part::Text { text: "I changed secret.rs".to_owned() },
        call("write", json!({"path": "src/환불.rs", "content": "..."})),
        call("bash", json!({"command": "cargo test"})),
        call("execute_reviewer_task", json!({"task_description": "look at it"})),
    ];
    conversation.push(assistant(calls));
    let report = json!({
        "agent": "reviewer", "status": "reported",
        "report": {"summary": "하나가 남았다", "verdict": "request_changes",
            "findings": [{"severity": "critical", "message": "음수 금액을 거르지 않는다"}]},
        "review": {"cycle": 1, "open": [
            {"id": "F2", "severity": "critical", "file": "src/환불.rs", "message": "음수 금액을 거르지 않는다"}]},
    });
    let result =
        |id: &str, content: String| Part::ToolResult { id: CallId::new(id), content, is_error: false };
    let results = vec![
        result("write", "written".to_owned()),
        result("bash", "0".to_owned()),
        result("execute_reviewer_task", report.to_string()),
    ];
    conversation.push(Message { role: Role::User, parts: results });
    conversation.push(assistant(vec![Part::Text { text: "next".to_owned() }]));
    conversation.push(Message::user("go on"));

    assert_eq!(conversation.cut_to_half(), Some(Cut { dropped: 3, kept: 2 }));
    assert_eq!(
        conversation.messages()[0].message.text(),
        "환불 기능을 추가해 줘\n\
         [3 older messages were dropped to save room.\n\
         Files written in them:\n- src/환불.rs\n\
         Commands run in them:\n- cargo test\n\
         Tasks given in them:\n- execute_reviewer_task: look at it\n\
         Reports received in them:\n- reviewer: 하나가 남았다\n\
         Findings that the last review in them left open:\n\
         - F2 [critical] (src/환불.rs): 음수 금액을 거르지 않는다]",
    );
}

#[test]
fn a_summary_keeps_the_newest_forty_of_a_kind_and_counts_the_rest() {
    let mut conversation = turns((1..=50).map(|turn| format!("make test{turn}")));
    conversation.cut_if_longer_than(4);
    let summary = conversation.messages()[0].message.text();
    // The last turn stays whole, so that 49 commands are summed up.
    assert_eq!(summary.matches("\n- make test").count(), 40);
    assert!(summary.contains("\n- make test10\n") && !summary.contains("\n- make test9\n"), "{summary}");
    assert!(summary.contains("\n(and 9 before these)"), "{summary}");
}

/// A person's later request must not be lost to the work on it.
#[test]
fn the_words_of_the_present_round_survive_a_cut_beside_those_of_the_first() {
    let mut conversation = turns((0..10).map(|turn| format!("make first{turn}")));
    conversation.begin(Message::user("이제 영수증도 보내 줘"));
    for turn in 0..10 {
        let id = CallId::new(&format!("second{turn}"));
        let call = Part::ToolUse { id: id.clone(), name: "read".to_owned(), input: json!({}) };
        conversation.push(assistant(vec![call]));
        let result = Part::ToolResult { id, content: "ok".to_owned(), is_error: false };
        conversation.push(Message { role: Role::User, parts: vec![result] });
    }
    for _ in 0..2 {
        conversation.cut_to_half().expect("there is something to cut");
        let first = conversation.messages()[0].message.text();
        assert!(
            first.starts_with("# Task\nrun them all\n[") && first.ends_with("\n이제 영수증도 보내 줘"),
            "{first}"
        );
    }
}

#[test]
fn a_cut_drops_thinking_because_no_seal_holds_any_more() {
    let mut conversation = Conversation::default();
    conversation.begin(Message::user("task"));
    for turn in 0..4 {
        let call = crate::id::CallId::new(&format!("call_{turn}"));
        let thinking = Part::Thinking { text: "hm".to_owned(), signature: Some("sealed".to_owned()) };
        let tool_use =
            Part::ToolUse { id: call.clone(), name: "read".to_owned(), input: serde_json::json!({}) };
        conversation.push(Message { role: Role::Assistant, parts: vec![thinking, tool_use] });
        let result = Part::ToolResult { id: call, content: "text".to_owned(), is_error: false };
        conversation.push(Message { role: Role::User, parts: vec![result] });
    }
    assert!(conversation.cut_to_half().is_some());
    let is_thinking = |part: &Part| matches!(part, Part::Thinking { .. });
    let kept = conversation.messages();
    assert!(kept.len() > 2 && !kept.iter().flat_map(|message| &message.message.parts).any(is_thinking));
}
