//! What is said of a round that ended without anybody's last words: which number tripped, and what raises it.
//!
//! English, as all of the engine's own texts; a front end has words of its own for each ending.

use super::{Lead, Round};
use crate::{
    limits::LimitValue,
    outcome::{Ending, LimitReason, NeedReason, PartialReason},
    report::{self, ReportedFinding},
};

/// So many open findings are named; of more the number is told.
const MOST_FINDINGS: usize = 20;

/// The summary of a round whose manager ended it without a word.
pub const NOTHING_SAID: &str = "the manager's last answers held neither words nor a call of a tool";

impl Round {
    /// The summary of a round that ended so, after these `last_words`.
    pub(super) fn summary(&self, ending: Ending, last_words: String) -> String {
        let own = match ending {
            Ending::Limit(reason) => self.limit_in_words(reason),
            Ending::Partial(PartialReason::EndedInProse) if last_words.trim().is_empty() => {
                NOTHING_SAID.to_owned()
            }
            Ending::NeedsPerson(NeedReason::ReviewLimit) => {
                let findings = self.ledger().open();
                let findings = report::listed(&findings, MOST_FINDINGS, ReportedFinding::in_a_line);
                format!(
                    "the reviews came to their limit, and nobody was there to decide; open are:{findings}"
                )
            }
            _ => return last_words,
        };
        if last_words.trim().is_empty() { own } else { format!("{last_words}\n\n{own}") }
    }

    fn limit_in_words(&self, reason: LimitReason) -> String {
        let limits = &self.limits;
        let value =
            |value: Option<LimitValue>| value.map_or_else(String::new, |value| format!(" is {value}"));
        match (reason, self.lead) {
            (LimitReason::Turns, Lead::Manager) => format!(
                "the manager used up its turns: `--max-turns` (max_turns is {}) gives more{}",
                limits.max_turns,
                self.refusal_in_words()
            ),
            (LimitReason::Turns, Lead::Person) => format!(
                "the worker used up its turns: workflow_limits.max_worker_turns (it is {}) gives more",
                limits.max_worker_turns
            ),
            (LimitReason::Tokens, _) => format!(
                "what is left of the limit of tokens (max_tokens{}) is too little for another request: `--max-tokens` gives \
                 more",
                value(limits.max_tokens.map(Into::into))
            ),
            (LimitReason::Cost, _) => format!(
                "what is left of the limit of costs (max_cost_usd{}) is too little for another request: `--max-cost-usd` \
                 gives more",
                value(limits.max_cost_usd.map(Into::into))
            ),
            (LimitReason::Time, _) => format!(
                "the time was up: `--timeout` (timeout_seconds{}) gives a round more, WORKER_TIMEOUT_<NAME> a worker",
                value(limits.timeout_seconds.map(Into::into))
            ),
        }
    }

    /// The limit that refused what the manager went on asking for.
    fn refusal_in_words(&self) -> String {
        let refused = |limit| format!("; coders were refused because of workflow_limits.{limit}");
        self.limit_said.map_or_else(String::new, refused)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{agent::WorkerKind, limits::Limits, price::Cost, run::RunEnd, workflow::*};

    #[track_caller]
    fn check(round: &mut Round, end: RunEnd, words: &[&str]) {
        let effects = round.step(RoundInput::ManagerEnded { end, tests_passed: None });
        let [RoundEffect::End { summary, .. }] = &effects[..] else { panic!("{effects:?}") };
        for words in words {
            assert!(summary.contains(words), "{words}: {summary}");
        }
    }

    fn limited() -> Round {
        Round::new(Limits {
            max_tokens: Some(5_000),
            max_cost_usd: Cost::from_usd(0.25),
            timeout_seconds: Some(std::time::Duration::from_millis(1_500)),
            ..Limits::default()
        })
    }

    /// O-15: each trip names the limit and how to raise it, also where the last line is all that is read.
    #[test]
    fn a_limit_names_itself_its_value_and_what_raises_it() {
        let stopped = |reason| RunEnd::Stopped(Ending::Limit(reason));
        check(&mut limited(), RunEnd::OutOfTurns, &["max_turns is 50", "`--max-turns`"]);
        check(&mut limited(), stopped(LimitReason::Tokens), &["max_tokens is 5000", "`--max-tokens`"]);
        check(&mut limited(), stopped(LimitReason::Cost), &["max_cost_usd is 0.25", "`--max-cost-usd`"]);
        check(&mut limited(), stopped(LimitReason::Time), &["timeout_seconds is 1.5", "`--timeout`"]);
    }

    #[test]
    fn a_limit_that_refused_what_used_up_the_turns_is_named() {
        let mut round = Round::new(Limits { max_coder_retries: 0, ..Limits::default() });
        let agent = || AgentName::parse("coder").expect("it is a name");
        round.step(RoundInput::WorkerEnded {
            agent: agent(),
            kind: WorkerKind::Coder,
            end: WorkerEnd::Failed,
        });
        let call = CallId::new("c");
        round.step(RoundInput::WorkerCalled { call, agent: agent(), kind: WorkerKind::Coder });
        check(&mut round, RunEnd::OutOfTurns, &["workflow_limits.max_coder_retries"]);
    }

    #[test]
    fn last_words_stay_and_their_absence_is_said() {
        check(&mut limited(), RunEnd::EndedInProse(" ".to_owned()), &["neither words nor a call"]);
        check(&mut limited(), RunEnd::EndedInProse("끝".to_owned()), &["끝"]);
    }
}
