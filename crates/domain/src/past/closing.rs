//! The ends of what a broken-off round left open, where the session does not go on with it: one for each call, each run,
//! and the round.

use super::{BrokenRound, PastRun};
use crate::{
    context::{INTERRUPTED, NOT_RUN},
    event::{EventBody, RoundResult, Scope},
    id::CallId,
    outcome::Ending,
    price::{Cost, Price, Spending},
    time::Timestamp,
    tool::ToolStatus,
};

impl BrokenRound {
    /// The events that end what is open, in order; the last one ends the round. `price_of`: of an agent's model;
    /// `files_changed`: those that differ from the round's start.
    #[must_use]
    pub fn closing(
        &self,
        price_of: impl Fn(&PastRun) -> Option<Price>,
        files_changed: Vec<String>,
    ) -> Vec<(Scope, EventBody)> {
        let mut events = Vec::new();
        let own = Scope::round(self.number);
        for call in self.open_verifications() {
            events.push((own.clone(), call_ended(call.clone(), INTERRUPTED)));
        }
        // Those that were called end before those that called them.
        for run in self.runs.iter().rev().filter(|run| run.end.is_none()) {
            let scope = Scope::run(self.number, run.scope.clone());
            for call in run.open_calls() {
                let output = if call.has_begun { INTERRUPTED } else { NOT_RUN };
                events.push((scope.clone(), call_ended(call.id, output)));
            }
            let spent = run.spent(price_of(run).as_ref());
            events.push((
                scope,
                EventBody::RunFinished {
                    ending: Ending::Interrupted,
                    turns: run.turns(),
                    usage: spent.usage(),
                    cost_usd: spent.cost().map(Cost::as_usd),
                    elapsed_ms: self.elapsed_ms(Some(run.began)),
                    summary: String::new(),
                },
            ));
        }
        events.push((own, self.end(price_of, files_changed)));
        events
    }

    fn end(&self, price_of: impl Fn(&PastRun) -> Option<Price>, files_changed: Vec<String>) -> EventBody {
        let mut spent = Spending::default();
        for run in &self.runs {
            run.add_to(&mut spent, price_of(run).as_ref());
        }
        EventBody::RoundFinished {
            ending: Ending::Interrupted,
            exit_code: Ending::Interrupted.exit_code(),
            summary: String::new(),
            result: RoundResult {
                status: Ending::Interrupted.record_status().to_owned(),
                tests_passed: None,
                verified: false,
                files_changed,
            },
            total_turns: self.runs.iter().map(PastRun::turns).fold(0, u32::saturating_add),
            agents_used: self.agents_used(),
            usage: spent.usage(),
            cost_usd: spent.cost().map(Cost::as_usd),
            elapsed_ms: self.elapsed_ms(self.began()),
        }
    }

    fn began(&self) -> Option<Timestamp> {
        self.events.first().map(|event| event.ts)
    }

    fn elapsed_ms(&self, since: Option<Timestamp>) -> u64 {
        let Some((since, last)) = since.zip(self.events.last().map(|event| event.ts)) else { return 0 };
        u64::try_from(last.since(since).as_millis()).unwrap_or(u64::MAX)
    }
}

fn call_ended(call_id: CallId, output: &str) -> EventBody {
    EventBody::ToolFinished {
        call_id,
        status: ToolStatus::Interrupted,
        output: output.to_owned(),
        omitted_bytes: 0,
        exit_code: None,
        elapsed_ms: 0,
        changed: false,
        artifact: None,
        malformed: false,
        commit: None,
    }
}

impl PastRun {
    /// What it took, at this price.
    #[must_use]
    pub fn spent(&self, price: Option<&Price>) -> Spending {
        let mut spent = Spending::default();
        self.add_to(&mut spent, price);
        spent
    }

    fn add_to(&self, spent: &mut Spending, price: Option<&Price>) {
        for (usage, _) in self.taken() {
            spent.add(usage, price);
        }
    }
}
