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
    /// Each run under way; gone when it ends.
    runs: HashMap<RunId, Place>,
    speaker: Option<RunId>,
    open: Option<OpenLine>,
    /// Of each run that speaks beside others: the beginning of a line that has not ended yet.
    held: HashMap<RunId, Held>,
}

/// What has come of a line and is not shown yet.
#[derive(Debug)]
struct Held {
    stream: Stream,
    text: String,
}

/// The longest beginning of a line that is held back, in bytes; a longer one is shown.
const MOST_HELD: usize = 8 * 1024;

/// Where a run under way stands.
#[derive(Debug)]
struct Place {
    depth: usize,
    parent: Option<RunId>,
    /// Its agent's name; where that has other runs under way, too, with a number: `coder (2)`.
    name: String,
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
        Self {
            style,
            written: Markup::default(),
            runs: HashMap::new(),
            speaker: None,
            open: None,
            held: HashMap::new(),
        }
    }

    /// What was written since the last call.
    pub(super) fn take(&mut self) -> Markup {
        std::mem::take(&mut self.written)
    }

    /// A run begins: it has the word, its place in the tree is known.
    pub(super) fn enter(&mut self, run: &RunScope) {
        self.close();
        self.place(run);
        self.speaker = Some(run.run_id);
    }

    /// A run has ended; its caller goes on.
    pub(super) fn leave(&mut self, run: &RunScope) {
        self.say_held(run);
        self.close();
        self.runs.remove(&run.run_id);
        self.speaker = None;
    }

    /// What the run is called, so that no other one under way is called the same.
    pub(super) fn name(&mut self, run: &RunScope) -> String {
        self.place(run).name.clone()
    }

    /// Where the run stands. One that was never seen to begin stands under the root.
    fn place(&mut self, run: &RunScope) -> &Place {
        let (depth, parent) = (self.depth(Some(run)), run.parent_run_id);
        let agent = run.agent.as_str();
        let names =
            std::iter::once(agent.to_owned()).chain((2..).map(|number: u32| format!("{agent} ({number})")));
        let is_free = |name: &String| self.runs.values().all(|place| place.name != *name);
        let name = if self.runs.contains_key(&run.run_id) { None } else { names.into_iter().find(is_free) };
        self.runs.entry(run.run_id).or_insert_with(|| Place { depth, parent, name: name.unwrap_or_default() })
    }

    /// Columns that are left for text.
    pub(super) fn room(&self, run: Option<&RunScope>) -> usize {
        self.style.columns.saturating_sub(2 * self.depth(run)).max(20)
    }

    /// Whole lines: the spans one after the other; line breaks inside keep the indentation.
    pub(super) fn line(&mut self, run: Option<&RunScope>, spans: &[(Role, &str)]) {
        run.into_iter().for_each(|run| self.say_held(run));
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

    /// More of something; it goes on where it stopped if nothing came between. Where several speak at the same time each
    /// is shown in whole lines, so that they can be read.
    pub(super) fn stream(&mut self, run: &RunScope, stream: &Stream, text: &str) {
        if self.held.get(&run.run_id).is_some_and(|held| held.stream != *stream) {
            self.say_held(run);
        }
        let mut text = self.held.remove(&run.run_id).map(|held| held.text).unwrap_or_default() + text;
        if self.are_several_speaking() {
            let later = text.split_off(text.rfind('\n').map_or(0, |end| end + 1));
            if later.len() > MOST_HELD {
                text.push_str(&later);
            } else if !later.is_empty() {
                self.held.insert(run.run_id, Held { stream: stream.clone(), text: later });
            }
        }
        self.write(run, stream, &text);
    }

    /// Shows what was held back of the run.
    pub(super) fn say_held(&mut self, run: &RunScope) {
        if let Some(Held { stream, text }) = self.held.remove(&run.run_id) {
            self.write(run, &stream, &text);
        }
    }

    /// What was held back of the run is void.
    pub(super) fn forget_held(&mut self, run: &RunScope) {
        self.held.remove(&run.run_id);
    }

    fn write(&mut self, run: &RunScope, stream: &Stream, text: &str) {
        if text.is_empty() {
            return;
        }
        if !self.is_open(run, stream) {
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

    /// Whether more than one run is under way that waits for no other.
    fn are_several_speaking(&self) -> bool {
        let calls = |run: &RunId| self.runs.values().any(|place| place.parent == Some(*run));
        self.runs.keys().filter(|run| !calls(run)).count() > 1
    }

    /// Whether `stream` can go on where it stopped: what was shown of it stands there, and nothing after it, or ends with
    /// a whole line.
    pub(super) fn goes_on(&self, run: &RunScope, stream: &Stream) -> bool {
        self.is_open(run, stream) || self.held.get(&run.run_id).is_some_and(|held| held.stream == *stream)
    }

    /// Whether the last thing written is the beginning of `stream`.
    fn is_open(&self, run: &RunScope, stream: &Stream) -> bool {
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
        let name = self.name(run);
        let indent = self.indent(Some(run));
        self.written.append(&indent);
        self.written.append(&self.style.paint(Role::Name, &Sanitized::name(&name)).ended());
    }

    fn depth(&self, run: Option<&RunScope>) -> usize {
        let Some(run) = run else { return 0 };
        let known = |run: &RunId| self.runs.get(run).map(|place| place.depth);
        match (known(&run.run_id), run.parent_run_id) {
            (Some(depth), _) => depth,
            (None, None) => 0,
            // A parent that was never seen stands at the root.
            (None, Some(parent)) => known(&parent).unwrap_or_default() + 1,
        }
    }

    fn indent(&self, run: Option<&RunScope>) -> Markup {
        self.style.paint(Role::Faint, &Sanitized::name(&STEP.repeat(self.depth(run))))
    }
}
