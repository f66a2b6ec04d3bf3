//! Lines of several agents on one stream: who is speaking, how deep it stands in the tree, and what is still being
//! written. Every text is cleaned here, so no caller can forget it. What the lines say is [`super::text`]'s business.

use std::collections::HashMap;

use domain::{
    event::RunScope,
    id::{CallId, RunId},
};

use super::style::{Role, Style};
use crate::sanitize::clean;

/// A step of indentation: a worker under the agent that called it.
const STEP: &str = "│ ";

/// What is being written piece by piece.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Stream {
    /// A part of a model's answer.
    Part(u32, Role),
    /// A call's output.
    Output(CallId),
}

impl Stream {
    const fn role(&self) -> Role {
        match self {
            Self::Part(_, role) => *role,
            Self::Output(_) => Role::Faint,
        }
    }
}

/// The stream, as far as it has been written.
#[derive(Debug)]
pub(super) struct Screen {
    style: Style,
    written: String,
    /// How deep each run under way stands; gone when it ends.
    depths: HashMap<RunId, usize>,
    speaker: Option<RunId>,
    open: Option<OpenLine>,
}

/// A line that more may follow on.
#[derive(Debug)]
struct OpenLine {
    run: RunId,
    stream: Stream,
    /// Nothing stands on it yet, not even its indentation.
    is_blank: bool,
}

impl Screen {
    pub(super) fn new(style: Style) -> Self {
        Self { style, written: String::new(), depths: HashMap::new(), speaker: None, open: None }
    }

    /// What was written since the last call.
    pub(super) fn take(&mut self) -> String {
        std::mem::take(&mut self.written)
    }

    /// A run begins: it has the word, its place in the tree is known.
    pub(super) fn enter(&mut self, run: &RunScope) {
        let depth = match run.parent_run_id {
            None => 0,
            // A parent that was never seen stands at the root.
            Some(parent) => self.depths.get(&parent).copied().unwrap_or_default() + 1,
        };
        self.depths.insert(run.run_id, depth);
        self.close();
        self.speaker = Some(run.run_id);
    }

    /// A run has ended; its caller goes on.
    pub(super) fn leave(&mut self, run: &RunScope) {
        self.close();
        self.depths.remove(&run.run_id);
        self.speaker = None;
    }

    /// Columns that are left for text.
    pub(super) fn room(&self, run: Option<&RunScope>) -> usize {
        self.style.columns.saturating_sub(2 * self.depth(run)).max(20)
    }

    /// Whole lines: the spans one after the other; line breaks inside keep the indentation.
    pub(super) fn line(&mut self, run: Option<&RunScope>, spans: &[(Role, &str)]) {
        self.close();
        self.give_the_word(run);
        let indent = self.indent(run);
        self.written.push_str(&indent);
        for (role, text) in spans {
            for (number, piece) in clean(text).trim_end_matches('\n').split('\n').enumerate() {
                if number > 0 {
                    self.written.push('\n');
                    self.written.push_str(&indent);
                }
                self.written.push_str(&self.style.paint(*role, piece));
            }
        }
        self.written.push('\n');
    }

    /// More of something; it goes on where it stopped if nothing came between.
    pub(super) fn stream(&mut self, run: &RunScope, stream: &Stream, text: &str) {
        if !self.goes_on(run, stream) {
            self.close();
            self.give_the_word(Some(run));
            self.open = Some(OpenLine { run: run.run_id, stream: stream.clone(), is_blank: true });
        }
        let indent = self.indent(Some(run));
        let Some(open) = &mut self.open else { return };
        for (number, piece) in clean(text).split('\n').enumerate() {
            if number > 0 {
                if open.is_blank {
                    self.written.push_str(&indent);
                }
                self.written.push('\n');
                open.is_blank = true;
            }
            if piece.is_empty() {
                continue;
            }
            if open.is_blank {
                self.written.push_str(&indent);
                open.is_blank = false;
            }
            self.written.push_str(&self.style.paint(stream.role(), piece));
        }
    }

    /// Whether the last thing written is the beginning of `stream`.
    pub(super) fn goes_on(&self, run: &RunScope, stream: &Stream) -> bool {
        self.open.as_ref().is_some_and(|open| open.run == run.run_id && open.stream == *stream)
    }

    /// Ends the line that more might have followed on.
    pub(super) fn close(&mut self) {
        if self.open.take().is_some_and(|open| !open.is_blank) {
            self.written.push('\n');
        }
    }

    /// Names the agent where another one spoke last.
    fn give_the_word(&mut self, run: Option<&RunScope>) {
        let Some(run) = run else { return };
        if self.speaker == Some(run.run_id) {
            return;
        }
        self.speaker = Some(run.run_id);
        let name = self.style.paint(Role::Name, run.agent.as_str());
        self.written.push_str(&format!("{}{name}\n", self.indent(Some(run))));
    }

    fn depth(&self, run: Option<&RunScope>) -> usize {
        let Some(run) = run else { return 0 };
        let unseen = usize::from(run.parent_run_id.is_some());
        self.depths.get(&run.run_id).copied().unwrap_or(unseen)
    }

    fn indent(&self, run: Option<&RunScope>) -> String {
        self.style.paint(Role::Faint, &STEP.repeat(self.depth(run)))
    }
}
