//! Ids of tool calls, so that each means one call: models number their calls as they like.

use std::collections::BTreeSet;

use super::{InvalidInput, ModelAnswer};
use crate::{id::CallId, message::Part};

/// The ids of all calls of a session so far.
#[derive(Debug, Default)]
pub struct CallIds(BTreeSet<CallId>);

impl CallIds {
    /// Knows that these ids were given.
    pub fn know<'c>(&mut self, ids: impl IntoIterator<Item = &'c CallId>) {
        self.0.extend(ids.into_iter().cloned());
    }

    /// Makes the ids of an answer's calls unique in the session, so that a result can only mean one call. Where several
    /// of its calls have the same id and the input of one cannot be read, nobody can tell which: none of them may run.
    pub fn admit(&mut self, answer: &mut ModelAnswer) {
        for part in &mut answer.message.parts {
            let Part::ToolUse { id, .. } = part else { continue };
            if self.0.insert(id.clone()) {
                continue;
            }
            let mut numbered = (2_u64..).map(|number| CallId::new(&format!("{id}-{number}")));
            let Some(free) = numbered.find(|free| self.0.insert(free.clone())) else { continue };
            let unreadable = answer.invalid_inputs.iter().rfind(|invalid| invalid.call == *id).cloned();
            let renamed = unreadable.map(|invalid| InvalidInput { call: free.clone(), ..invalid });
            answer.invalid_inputs.extend(renamed);
            *id = free;
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::message::{Message, Role, StopReason, Usage};

    /// An answer with calls of these ids, those in `invalid` with an input that could not be read.
    fn answer(ids: &[&str], invalid: &[&str]) -> ModelAnswer {
        let call =
            |id: &&str| Part::ToolUse { id: CallId::new(id), name: "read".to_owned(), input: json!({}) };
        let unreadable = |id: &&str| InvalidInput {
            call: CallId::new(id),
            raw: "{".to_owned(),
            error: "not JSON".to_owned(),
        };
        ModelAnswer {
            message: Message { role: Role::Assistant, parts: ids.iter().map(call).collect() },
            stop_reason: StopReason::ToolUse,
            usage: Usage::default(),
            model: "script".to_owned(),
            invalid_inputs: invalid.iter().map(unreadable).collect(),
        }
    }

    /// The ids that the calls get, each with whether the call may run.
    fn admitted(ids: &mut CallIds, mut answer: ModelAnswer) -> Vec<(String, bool)> {
        ids.admit(&mut answer);
        let is_readable = |id: &CallId| answer.invalid_inputs.iter().all(|invalid| invalid.call != *id);
        answer.message.tool_uses().map(|(id, _, _)| (id.to_string(), is_readable(id))).collect()
    }

    #[test]
    fn every_call_of_a_session_has_an_id_of_its_own_and_none_that_cannot_be_read_may_run() {
        let mut ids = CallIds::default();
        let mut check = |given: &[&str], invalid: &[&str], expected: &[(&str, bool)]| {
            let expected: Vec<_> =
                expected.iter().map(|(id, may_run)| ((*id).to_owned(), *may_run)).collect();
            assert_eq!(admitted(&mut ids, answer(given, invalid)), expected, "{given:?} {invalid:?}");
        };
        check(&["a", "b"], &[], &[("a", true), ("b", true)]);
        check(&["a", "a"], &[], &[("a-2", true), ("a-3", true)]);
        check(&["a", "b"], &["b"], &[("a-4", true), ("b-2", false)]);
        // The one of the two that cannot be read is the first or the second.
        check(&["c", "c"], &["c"], &[("c", false), ("c-2", false)]);
        check(&["d", "d"], &["d", "d"], &[("d", false), ("d-2", false)]);
    }
}
