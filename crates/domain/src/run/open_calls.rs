//! The calls of one message, until each has its result. Who may run them is not decided here.

use super::{CallResult, Closing};
use crate::{id::CallId, message::Part};

/// The calls of one message: each waits for its result, in the order of the message.
#[derive(Debug, Default)]
pub(super) struct OpenCalls {
    pub(super) calls: Vec<(CallId, Option<CallResult>)>,
    pub(super) closing: Option<(CallId, Closing)>,
}

impl OpenCalls {
    /// Takes the call that closes the run; a second one is answered at once.
    pub(super) fn close_by(&mut self, call: &CallId, tool: &str, closing: Closing) -> Option<CallResult> {
        if self.closing.is_some() {
            return Some(CallResult::error(format!("`{tool}` was already called in this message")));
        }
        self.closing = Some((call.clone(), closing));
        None
    }

    pub(super) fn answer(&mut self, call: &CallId, result: CallResult) {
        let is_closing = self.closing.as_ref().is_some_and(|(closing, _)| closing == call);
        let waiting = self.calls.iter_mut().find(|(id, answered)| id == call && answered.is_none());
        if let (Some((_, answered)), false) = (waiting, is_closing) {
            *answered = Some(result);
        }
    }

    pub(super) fn is_answered(&self) -> bool {
        let closing = self.closing.as_ref().map(|(call, _)| call);
        self.calls.iter().all(|(call, answered)| answered.is_some() || Some(call) == closing)
    }

    /// Decides about the closing call, if there is one: it holds where every other call of the message went well.
    pub(super) fn close(&mut self) -> Option<Closing> {
        let (call, closing) = self.closing.take()?;
        let others_went_well =
            self.calls.iter().all(|(_, answered)| answered.as_ref().is_none_or(|result| !result.is_error));
        let result = if others_went_well {
            CallResult::ok("accepted")
        } else {
            CallResult::error(
                "not accepted: another call of the same message failed. Read the results, then call this again, alone",
            )
        };
        if let Some((_, answered)) = self.calls.iter_mut().find(|(id, _)| *id == call) {
            *answered = Some(result);
        }
        others_went_well.then_some(closing)
    }

    pub(super) fn take_results(&mut self) -> Vec<Part> {
        let calls = std::mem::take(&mut self.calls);
        calls
            .into_iter()
            .map(|(id, answered)| {
                let result =
                    answered.unwrap_or_else(|| CallResult::error("the run ended before this call did"));
                Part::ToolResult { id, content: result.content, is_error: result.is_error }
            })
            .collect()
    }
}
