//! Tool calls: that they begin, what they print, and how they end where that is worth a line.

use std::collections::HashMap;

use domain::{event::RunScope, id::CallId, permission::SandboxState, terminal::Sanitized, tool::ToolStatus};
use serde_json::Value;

use crate::{
    render::{
        call::{CallWords, call_words},
        screen::{Screen, Stream},
        style::Role,
    },
    words::Language,
};

/// Lines of one call's output that are shown while it runs; the rest is counted.
const MOST_LINES: usize = 40;
/// Columns of a failed call's text.
const LONGEST_FAILURE: usize = 400;

/// The calls under way.
#[derive(Debug, Default)]
pub(super) struct Calls(HashMap<CallId, Call>);

#[derive(Debug)]
struct Call {
    words: CallWords,
    /// Line breaks of output that came.
    lines: usize,
    /// Line breaks of output that were shown.
    lines_shown: usize,
}

/// How a call ended.
pub(super) struct CallEnd<'a> {
    pub(super) status: ToolStatus,
    pub(super) output: &'a str,
    pub(super) omitted_bytes: u64,
    pub(super) exit_code: Option<i32>,
    /// The sandbox in force, where it is known.
    pub(super) sandbox: Option<&'a SandboxState>,
}

impl Calls {
    /// A model asks for a call, which may yet be refused.
    pub(super) fn announced(&mut self, id: &CallId, tool: &str, input: &Value) {
        let call = Call { words: call_words(tool, input), lines: 0, lines_shown: 0 };
        self.0.insert(id.clone(), call);
    }

    /// A call begins.
    pub(super) fn started(
        &mut self,
        screen: &mut Screen,
        run: Option<&RunScope>,
        id: &CallId,
        tool: &str,
        input: &Value,
    ) {
        self.announced(id, tool, input);
        let (sign, name, argument) = match call_words(tool, input) {
            CallWords::Silent => return,
            CallWords::Worker(agent, task) => ("→", format!("{agent}:"), task),
            CallWords::Tool(tool, argument) => ("·", tool.to_string(), argument),
        };
        let line = Sanitized::name(&format!("{name} {argument}")).within(screen.room(run).saturating_sub(2));
        let line = line.as_str();
        // The cut may fall into the name of a tool, which is as long as its owner liked.
        let (name, argument) = match line.strip_prefix(&name) {
            Some(argument) => (name.as_str(), argument),
            None => (line, ""),
        };
        screen.line(run, &[(Role::Action, &format!("{sign} {name}")), (Role::Faint, argument.trim_end())]);
    }

    /// A call prints something.
    pub(super) fn output(&mut self, screen: &mut Screen, run: &RunScope, id: &CallId, text: &str) {
        let Some(call) = self.0.get_mut(id) else {
            screen.stream(run, &Stream::Output(id.clone()), text);
            return;
        };
        call.lines += text.matches('\n').count();
        for piece in text.split_inclusive('\n') {
            if call.lines_shown >= MOST_LINES {
                return;
            }
            screen.stream(run, &Stream::Output(id.clone()), piece);
            call.lines_shown += usize::from(piece.ends_with('\n'));
        }
    }

    /// A call has ended.
    pub(super) fn finished(
        &mut self,
        screen: &mut Screen,
        language: Language,
        run: Option<&RunScope>,
        id: &CallId,
        end: &CallEnd<'_>,
    ) {
        let call = self.0.remove(id);
        screen.close();
        let hidden = call.as_ref().map_or(0, |call| call.lines.saturating_sub(call.lines_shown));
        if hidden > 0 {
            screen.line(run, &[(Role::Faint, &language.more_lines(hidden))]);
        }
        if let Some(status) = language.tool_status(end.status) {
            let words = call.map(|call| call.words);
            let text = why_not_ok(language, words.as_ref(), end);
            let name = match words {
                Some(CallWords::Tool(name, _) | CallWords::Worker(name, _)) => name.to_string(),
                Some(CallWords::Silent) | None => String::new(),
            };
            let text = Sanitized::line(&text).within(LONGEST_FAILURE);
            let head = format!("✗ {name} {status}").replace("  ", " ");
            screen.line(run, &[(Role::Bad, &head), (Role::Prose, &format!(": {text}"))]);
        } else if let Some(code) = end.exit_code {
            let role = if code == 0 { Role::Good } else { Role::Bad };
            screen.line(run, &[(role, &format!("  {}", language.exit_code(code)))]);
        }
        if end.omitted_bytes > 0 {
            screen.line(run, &[(Role::Faint, &format!("  {}", language.omitted(end.omitted_bytes)))]);
        }
    }
}

/// Why a call did not go well, for people.
fn why_not_ok(language: Language, call: Option<&CallWords>, end: &CallEnd<'_>) -> String {
    if end.status == ToolStatus::Denied {
        return language.denial(end.output, end.sandbox);
    }
    // A worker that failed answers with its result as JSON, for the manager; the sentence in it is for everybody.
    let result: Option<Value> =
        matches!(call, Some(CallWords::Worker(..))).then(|| serde_json::from_str(end.output).ok()).flatten();
    let sentence = result.as_ref().and_then(|result| result.get("text")).and_then(Value::as_str);
    language.detail(sentence.unwrap_or(end.output)).into_owned()
}
