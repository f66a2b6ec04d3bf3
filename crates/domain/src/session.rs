//! What a person, or a program in their place, can tell a session.

use crate::{
    event::Decision,
    id::{CallId, QuestionId},
    outcome::Signal,
};

/// A command to a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Begin a round. Refused while one is under way.
    Start(Request),
    /// Go on with the round in which a session broke off that was taken up again. Refused where there is none.
    GoOn,
    /// End the round from outside: children go, the record is saved, the session may go on.
    Cancel(Signal),
    /// End the round by the person's wish (`/stop`).
    Stop,
    /// Answer a call that waits for the person's leave. Refused where none of that id waits.
    Permission {
        /// The call, as `permission_asked` names it.
        call: CallId,
        /// The answer.
        decision: Decision,
        /// What the agent should know: why not, what instead.
        note: Option<String>,
    },
    /// Answer a question. Refused where none of that id waits.
    Answer {
        /// The question, as `question` names it.
        question: QuestionId,
        /// One of its options, or the person's own words.
        text: String,
    },
    /// Tell the manager something: it reads it next. In an intervention window this goes on at once. Refused where no
    /// round is under way, or too much is unread; what a round leaves unread the next one's manager reads first.
    Message(String),
    /// Let the clock of the intervention window stand still; outside of one, the next window of the round opens like
    /// that, whatever its length. The person types, or thinks.
    Pause,
    /// Go on: the intervention window closes; outside of one, a pause that was wished for is taken back.
    Continue,
    /// The person is typing, and has not said it yet: what waits for them has its whole time again from now on. Changes
    /// nothing else. A front end need not send one for every key.
    Typing,
    /// Nobody is there any more, for the rest of the session: what waits for the person is settled at once, as if nobody
    /// had ever been there. For a front end whose input has ended.
    Unattended,
}

/// What a round is about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Request {
    /// What the person said.
    pub text: String,
    /// Whether the person typed the text, so that it may call workers by name ([`crate::mention`]). What came through a
    /// pipe, from a file or out of a program never does.
    pub is_typed: bool,
    /// Data that goes with it.
    pub context: Vec<ContextItem>,
}

impl Request {
    /// A request to the manager, without further data.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), is_typed: false, context: Vec::new() }
    }

    /// A request in words that the person typed: `@coder ...` calls that worker.
    #[must_use]
    pub fn typed(text: impl Into<String>) -> Self {
        Self { is_typed: true, ..Self::new(text) }
    }

    /// The request as the manager's message: the person's words, then each item of context, marked as data.
    #[must_use]
    pub fn to_text(&self) -> String {
        format!("{}{}", self.text.trim(), self.data_text())
    }

    /// The data that goes with it alone, marked as such; each item begins with an empty line.
    #[must_use]
    pub fn data_text(&self) -> String {
        let mut text = String::new();
        for item in &self.context {
            text.push_str("\n\n<context name=\"");
            text.push_str(&item.name.replace('"', "'"));
            text.push_str("\">\n");
            text.push_str(item.text.trim_end());
            text.push_str("\n</context>");
        }
        text
    }
}

/// Data that goes with a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContextItem {
    /// Where it comes from: a file's name, `-` for standard input.
    pub name: String,
    /// The data.
    pub text: String,
}
