//! Lines of several agents on one stream: who is speaking, how deep it stands in the tree, and what is still being
//! written. Every text is sanitized here, whatever its origin. What the lines say is [`super::text`]'s business.

use std::collections::HashMap;

use domain::{
    event::RunScope,
    id::{CallId, RunId},
    terminal::{Sanitized, Sanitizer},
};

use super::style::{Markup, Role, Style};

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
    written: Markup,
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
    indent: Markup,
    /// Nothing stands on it yet, not even its indentation.
    is_blank: bool,
    /// Knows the end of the piece before, so that a character cut in two is one.
    sanitizer: Sanitizer,
}

impl OpenLine {
    fn write(&mut self, text: &Sanitized, style: Style, written: &mut Markup) {
        for (number, piece) in text.split_lines().enumerate() {
            if number > 0 {
                if self.is_blank {
                    written.append(&self.indent);
                }
                written.words("\n");
                self.is_blank = true;
            }
            if piece.is_empty() {
                continue;
            }
            if self.is_blank {
                written.append(&self.indent);
                self.is_blank = false;
            }
            written.append(&style.paint(self.stream.role(), &piece));
        }
    }
}

impl Screen {
    pub(super) fn new(style: Style) -> Self {
        Self { style, written: Markup::default(), depths: HashMap::new(), speaker: None, open: None }
    }

    /// What was written since the last call.
    pub(super) fn take(&mut self) -> Markup {
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
        self.written.append(&indent);
        for (role, text) in spans {
            let text = Sanitized::lines(text.trim_end_matches(['\r', '\n']));
            for (number, piece) in text.split_lines().enumerate() {
                if number > 0 {
                    self.written.words("\n");
                    self.written.append(&indent);
                }
                self.written.append(&self.style.paint(*role, &piece));
            }
        }
        self.written.words("\n");
    }

    /// More of something; it goes on where it stopped if nothing came between.
    pub(super) fn stream(&mut self, run: &RunScope, stream: &Stream, text: &str) {
        if !self.goes_on(run, stream) {
            self.close();
            self.give_the_word(Some(run));
            let (run, stream, indent) = (run.run_id, stream.clone(), self.indent(Some(run)));
            let sanitizer = Sanitizer::default();
            self.open = Some(OpenLine { run, stream, indent, is_blank: true, sanitizer });
        }
        if let Some(open) = &mut self.open {
            let piece = open.sanitizer.push(text);
            open.write(&piece, self.style, &mut self.written);
        }
    }

    /// Whether the last thing written is the beginning of `stream`.
    pub(super) fn goes_on(&self, run: &RunScope, stream: &Stream) -> bool {
        self.open.as_ref().is_some_and(|open| open.run == run.run_id && open.stream == *stream)
    }

    /// Ends the line that more might have followed on.
    pub(super) fn close(&mut self) {
        let Some(mut open) = self.open.take() else { return };
        let rest = std::mem::take(&mut open.sanitizer).finish();
        open.write(&rest, self.style, &mut self.written);
        if !open.is_blank {
            self.written.words("\n");
        }
    }

    /// Names the agent where another one spoke last.
    fn give_the_word(&mut self, run: Option<&RunScope>) {
        let Some(run) = run else { return };
        if self.speaker == Some(run.run_id) {
            return;
        }
        self.speaker = Some(run.run_id);
        let indent = self.indent(Some(run));
        self.written.append(&indent);
        self.written.append(&self.style.paint(Role::Name, &Sanitized::name(run.agent.as_str())).ended());
    }

    fn depth(&self, run: Option<&RunScope>) -> usize {
        let Some(run) = run else { return 0 };
        let unseen = usize::from(run.parent_run_id.is_some());
        self.depths.get(&run.run_id).copied().unwrap_or(unseen)
    }

    fn indent(&self, run: Option<&RunScope>) -> Markup {
        self.style.paint(Role::Faint, &Sanitized::name(&STEP.repeat(self.depth(run))))
    }
}
