//! What a round's agents wanted and had no leave for, told once more where the round ends. Nobody has to look through the
//! whole story to see that something was not done.

use domain::{event::EventBody, ports::JournalError, tool::CallTarget};

use super::RoundContext;
use crate::agent_run::RunContext;

/// Calls that were denied.
#[derive(Debug, Default)]
pub(crate) struct Denials {
    /// The first of them, each in a few words.
    named: Vec<String>,
    more: usize,
    /// It was said that the session has no right to write in the workspace.
    is_unclaimed_said: bool,
}

impl Denials {
    /// So many are named.
    const MOST: usize = 10;
    /// The most characters of what a call was about.
    const LONGEST: usize = 80;

    /// Keeps a call; the same one is told once. `target` holds no secret any more.
    fn keep(&mut self, agent: &str, tool: &str, target: &str) {
        let mut lines = target.lines();
        let first = lines.next().unwrap_or_default();
        let shown = domain::text::head(first, Self::LONGEST);
        let cut = if shown.len() < first.len() || lines.next().is_some() { "…" } else { "" };
        let subject = if shown.is_empty() { String::new() } else { format!(" `{shown}{cut}`") };
        let call = format!("{agent} {tool}{subject}");
        if self.named.contains(&call) {
            return;
        }
        match self.named.len() < Self::MOST {
            true => self.named.push(call),
            false => self.more += 1,
        }
    }

    /// Whether this is the first time in the round that the session has no right to write in the workspace.
    pub(crate) const fn is_first_without_claim(&mut self) -> bool {
        !std::mem::replace(&mut self.is_unclaimed_said, true)
    }

    fn in_words(&self) -> Option<String> {
        let more = if self.more > 0 { format!(", and {} more", self.more) } else { String::new() };
        (!self.named.is_empty()).then(|| format!("denied in this round: {}{more}", self.named.join(", ")))
    }
}

impl RunContext<'_> {
    /// A call has no leave, for whatever reason.
    pub(crate) fn was_denied(&self, tool: &str, target: &CallTarget) {
        let target = match target {
            CallTarget::Path(target) | CallTarget::Command(target) => target.as_str(),
            CallTarget::None => "",
        };
        self.round.was_denied(self.agent().as_str(), tool, target);
    }
}

impl RoundContext {
    /// Something that `agent` wanted was denied.
    pub(super) fn was_denied(&self, agent: &str, tool: &str, target: &str) {
        // Before it is cut, so that no half of a secret is left (law 10).
        let target = self.ports.log.redactor().redact(target);
        self.state().denials.keep(agent, tool, &target);
    }

    /// Says what was denied, where anything was.
    pub(super) async fn say_denials(&self) -> Result<(), JournalError> {
        let Some(text) = self.state().denials.in_words() else { return Ok(()) };
        self.append(EventBody::Notice { code: "calls_denied".to_owned(), text }).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_call_is_named_once_and_many_are_counted() {
        let mut denials = Denials::default();
        assert_eq!(denials.in_words(), None);
        denials.keep("coder", "write", "메모.txt");
        denials.keep("coder", "write", "메모.txt");
        denials.keep("tester", "bash", "make\nrm -rf build");
        denials.keep("committer", "commit", "");
        let words = "denied in this round: coder write `메모.txt`, tester bash `make…`, committer commit";
        assert_eq!(denials.in_words().as_deref(), Some(words));
        (0..9).for_each(|n| denials.keep("coder", "write", &n.to_string()));
        assert!(denials.in_words().is_some_and(|words| words.ends_with("coder write `6`, and 2 more")));
    }
}
