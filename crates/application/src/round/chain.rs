//! A round without the manager: workers that the person called by name, one after the other (spec O-11).
//!
//! What each is told and when the chain breaks is decided in [`domain::workflow::Chain`]; their runs are the same as
//! those that a manager calls, with nobody above them.

use domain::{
    agent::AgentName,
    brief::Brief,
    mention::Mentions,
    outcome::{Ending, FailReason},
    ports::JournalError,
    run::{RunEnd, RunFailure},
    session::Request,
    workflow::{Chain, ChainEffect, ChainInput, RoundInput},
};

use super::RoundContext;
use crate::agent_run::RunContext;

/// How the work of a round ended, before it is judged.
#[derive(Debug)]
pub(crate) enum WorkEnd {
    /// As the manager's run did.
    Manager(RunEnd),
    /// As the workers did that the person called by name.
    Workers {
        ending: Ending,
        /// What they said last.
        summary: String,
    },
}

impl WorkEnd {
    /// How, as far as those who worked say.
    pub(crate) const fn ending(&self) -> Ending {
        match self {
            Self::Manager(end) => end.ending(),
            Self::Workers { ending, .. } => *ending,
        }
    }

    /// What the round is told, to be judged.
    pub(crate) fn judged_with(self, tests_passed: Option<bool>) -> RoundInput {
        match self {
            Self::Manager(end) => RoundInput::ManagerEnded { end, tests_passed },
            Self::Workers { ending, summary } => RoundInput::ChainEnded { ending, summary, tests_passed },
        }
    }
}

impl RoundContext {
    /// Runs the workers that `request` mentions. What happened is kept for the manager of the next round.
    pub(crate) async fn run_chain(
        &self,
        mentions: &Mentions,
        request: &Request,
    ) -> Result<WorkEnd, JournalError> {
        self.set_words_aside().await;
        let data = request.data_text();
        let mut chain = Chain::new(mentions.clone());
        let first = self.stop.ending().map_or(ChainInput::Begin, ChainInput::Stop);
        let next = chain.step(first);
        self.take_chain(chain, next, &data).await
    }

    /// Goes on with a chain that wants `next` done, to its end.
    pub(super) async fn take_chain(
        &self,
        mut chain: Chain,
        mut next: Option<ChainEffect>,
        data: &str,
    ) -> Result<WorkEnd, JournalError> {
        loop {
            let input = match next {
                Some(ChainEffect::Run { agent, brief }) => self.run_mentioned(&agent, brief, data).await?,
                Some(ChainEffect::LetStepIn { next }) => {
                    self.let_step_in(&self.stop, &next).await?;
                    self.stepped_in().await
                }
                Some(ChainEffect::End { ending, summary }) => {
                    self.keep_account(chain.account());
                    return Ok(WorkEnd::Workers { ending, summary });
                }
                // Every path of the machine goes through `End`; a chain without one is our own fault, and said so.
                None => {
                    let text = "the chain of workers stopped without an end".to_owned();
                    return Ok(WorkEnd::Manager(defect(text)));
                }
            };
            next = chain.step(input);
        }
    }

    /// The moment between two workers has passed.
    pub(super) async fn stepped_in(&self) -> ChainInput {
        match self.stop.ending() {
            Some(ending) => ChainInput::Stop(ending),
            None => ChainInput::GoOn(self.words_said().await),
        }
    }

    async fn run_mentioned(
        &self,
        agent: &AgentName,
        brief: Brief,
        data: &str,
    ) -> Result<ChainInput, JournalError> {
        let Some(worker) = self.team.worker(agent) else {
            let end = defect(format!("there is no worker `{agent}`"));
            return Ok(ChainInput::Ended { end, result: String::new() });
        };
        let mut worked = match self.open_mention() {
            Some(past) => {
                Box::pin(RunContext::recalled(self, worker, past, None).work_on(past, data)).await?
            }
            None => {
                self.apply(RoundInput::WorkerMentioned).await?;
                Box::pin(RunContext::new(self, worker, None).work(brief, data)).await?
            }
        };
        // The first net: no result that a model reads holds a secret (law 10).
        self.ports.log.redactor().redact_in(&mut worked.content);
        Ok(ChainInput::Ended { end: worked.end, result: worked.content })
    }
}

pub(super) fn defect(text: String) -> RunEnd {
    RunEnd::Failed(RunFailure { reason: FailReason::Internal, text })
}
