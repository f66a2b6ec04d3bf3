//! The calls of one message, until each has its result. Who may run them is not decided here.

use super::{CallResult, Closing, FinishStatus, doctor::Asked};
use crate::{id::CallId, message::Part};

/// A call of the message.
#[derive(Debug)]
pub(super) struct OpenCall {
    pub(super) id: CallId,
    pub(super) asked: Asked,
    pub(super) result: Option<CallResult>,
}

/// The calls of one message: each waits for its result, in the order of the message.
#[derive(Debug, Default)]
pub(super) struct OpenCalls {
    pub(super) calls: Vec<OpenCall>,
    pub(super) closing: Option<(CallId, Closing)>,
}

/// What stands in the way of a closing call beside the other calls of its message.
#[derive(Debug, Clone, Copy)]
pub(super) struct Obstacles<'a> {
    /// The person said something that the model had not seen when it answered.
    pub(super) has_unread_words: bool,
    /// Why the round cannot end as done.
    pub(super) holds_back: Option<&'a str>,
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
        let waiting = self.calls.iter_mut().find(|open| open.id == *call && open.result.is_none());
        if let (Some(open), false) = (waiting, is_closing) {
            open.result = Some(result);
        }
    }

    pub(super) fn is_answered(&self) -> bool {
        let closing = self.closing.as_ref().map(|(call, _)| call);
        self.calls.iter().all(|open| open.result.is_some() || Some(&open.id) == closing)
    }

    /// Decides about the closing call, if there is one, and answers it: it holds where every other call of the message
    /// went well and nothing stands in its way.
    pub(super) fn close(&mut self, obstacles: Obstacles<'_>) -> Option<Closing> {
        let (call, closing) = self.closing.take()?;
        let objection = self.objection(&closing, obstacles);
        let result = match &objection {
            None => CallResult::ok("accepted"),
            Some(why) => CallResult::error(format!("not accepted: {why}")),
        };
        if let Some(open) = self.calls.iter_mut().find(|open| open.id == call) {
            open.result = Some(result);
        }
        objection.is_none().then_some(closing)
    }

    /// Why a closing call does not hold. Nothing but unread words keeps a manager from giving up.
    fn objection(&self, closing: &Closing, obstacles: Obstacles<'_>) -> Option<String> {
        let mut others = self.calls.iter().filter_map(|open| open.result.as_ref());
        if others.any(|result| result.is_error) {
            let words =
                "another call of the same message failed. Read the results, then call this again, alone";
            return Some(words.to_owned());
        }
        if obstacles.has_unread_words {
            let words = "the person has said something meanwhile. Read it below, then decide whether to end";
            return Some(words.to_owned());
        }
        match closing {
            Closing::Finish(finish) if finish.status == FinishStatus::Done => {
                obstacles.holds_back.map(ToOwned::to_owned)
            }
            Closing::Finish(_) | Closing::Report(_) => None,
        }
    }

    pub(super) fn take_results(&mut self) -> Vec<Part> {
        let calls = std::mem::take(&mut self.calls);
        calls
            .into_iter()
            .map(|OpenCall { id, result, .. }| {
                let result =
                    result.unwrap_or_else(|| CallResult::error("the run ended before this call did"));
                Part::ToolResult { id, content: result.content, is_error: result.is_error }
            })
            .collect()
    }
}
