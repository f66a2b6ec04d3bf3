//! A round that was broken off, as the manager is told of it who goes on after it with something else.

use super::{BrokenRound, PastRun};
use crate::{outcome::Ending, text::bounded};

/// The most characters of a task or an input.
const LONGEST: usize = 1_000;
/// So many calls are named.
const MOST_CALLS: usize = 20;

impl BrokenRound {
    /// What happened, as far as anybody knows.
    #[must_use]
    pub fn account(&self) -> String {
        let short = |text: &str| bounded(text.trim(), LONGEST);
        let mut told = format!(
            "[The round before this was broken off: the program died in it. The person had asked: {}\nWhat was under way \
             has ended, and what it did is not known: look at the files before you do any of it again.",
            short(&self.text)
        );
        if !self.mentions.is_empty() {
            told.push_str("\nThe person had called workers directly, without you.");
        }
        let manager = self.manager().map(|run| run.scope.run_id);
        for run in self.runs.iter().filter(|run| Some(run.scope.run_id) != manager) {
            let how = match run.end.as_ref().map(|end| end.ending).filter(|end| *end != Ending::Interrupted) {
                Some(ending) => format!("ended as `{}`", ending.outcome()),
                None => "had not ended".to_owned(),
            };
            told.push_str(&format!("\n{} {how}: {}", run.scope.agent, short(&run.brief.task_description)));
        }
        let calls = self.runs.iter().flat_map(PastRun::broken_calls);
        let calls = calls.filter(|(_, call, ..)| self.run_for(call).is_none());
        for (run, _, tool, input) in calls.take(MOST_CALLS) {
            told.push_str(&format!(
                "\nUnder way, by {}: `{tool}` {}",
                run.scope.agent,
                short(&input.to_string())
            ));
        }
        told.push(']');
        told
    }
}
