//! How a round ends: judged, and said once, on every path out (law 4).
//!
//! What an ending is called is decided in [`domain::workflow::Round`]; here the files are looked at for the last time.

use domain::{
    event::{CheckpointAt, EventBody, RoundResult, Scope},
    id::RunId,
    outcome::{Ending, FailReason},
    ports::JournalError,
    price::Cost,
    workflow::RoundInput,
    workspace::{Checkpoint, may_be_bare_repositories},
};
use futures_util::future::join_all;

use super::{RoundContext, chain::WorkEnd};
use crate::{
    stop::StopSignal,
    telling::{millis, with_causes},
};

/// The most repositories that one notice names; the rest is counted.
const MOST_REPOSITORIES: usize = 10;

/// Why a round could not come to its own end.
pub(crate) enum Broken {
    /// The journal takes nothing any more, or a fault of ours.
    Defect {
        /// What happened.
        text: String,
        /// Why.
        chain: Vec<String>,
    },
    /// It was stopped because of this, and took too long over it.
    Overdue(Ending),
}

impl RoundContext {
    /// Judges the round and says how it ended, durably, once.
    pub(crate) async fn finish(&self, end: WorkEnd, tests_passed: Option<bool>) -> Result<(), JournalError> {
        let (files_changed, are_all_seen) = self.files_changed().await?;
        self.observe(end.judged_with(tests_passed));
        let ended = self.state().ended.clone();
        let (ending, summary) = ended.unwrap_or((Ending::Failed(FailReason::Internal), String::new()));
        let result = RoundResult {
            status: ending.record_status().to_owned(),
            tests_passed,
            verified: self.state().machine.verified() && are_all_seen,
            files_changed,
        };
        self.keep_end_state().await?;
        self.append(self.finished(ending, summary, result)).await
    }

    /// Keeps the state that the round leaves, so that undoing it can tell what the person edits later.
    async fn keep_end_state(&self) -> Result<(), JournalError> {
        if self.bases().round.is_none() {
            return Ok(());
        }
        match self.stop.bound(self.ports.workspace.checkpoint()).await {
            Ok(checkpoint) => self.say_checkpoint(&checkpoint, CheckpointAt::End).await,
            Err(error) => {
                let text = with_causes(&error);
                self.append(EventBody::Notice { code: "end_state_not_kept".to_owned(), text }).await
            }
        }
    }

    /// Says that a state of the workspace was kept.
    pub(crate) async fn say_checkpoint(
        &self,
        checkpoint: &Checkpoint,
        at: CheckpointAt,
    ) -> Result<(), JournalError> {
        self.append(EventBody::Checkpoint { id: checkpoint.as_str().to_owned(), at }).await
    }

    /// Ends a round that cannot go on, on the last way out there is: journaled if the journal still takes it. `unsaid`:
    /// what had to be said before anything of the round, such as that it began.
    pub(crate) async fn break_off(
        &self,
        broken: Broken,
        unsaid: impl IntoIterator<Item = (Scope, EventBody)>,
    ) {
        let (ending, summary, error) = match broken {
            Broken::Defect { text, chain } => {
                // What would wait for an end of the round does not any more.
                self.stop.trigger(Ending::Failed(FailReason::Internal));
                let error = EventBody::Error { code: "internal".to_owned(), text: text.clone(), chain };
                (Ending::Failed(FailReason::Internal), text, error)
            }
            Broken::Overdue(ending) => {
                let text = "the round's end took too long and was cut short: what it had not looked at yet is not \
                            known, such as which files were changed last";
                let error = EventBody::Notice { code: "end_cut_short".to_owned(), text: text.to_owned() };
                (ending, String::new(), error)
            }
        };
        self.take_back_all();
        let open_runs = std::mem::take(&mut self.state().open_runs);
        join_all(open_runs.into_iter().map(|run| self.end_background(&self.stop, run))).await;
        let (files_changed, is_partial) = self.files_changed_at_last().await;
        let result = RoundResult {
            status: ending.record_status().to_owned(),
            tests_passed: None,
            verified: false,
            files_changed,
        };
        let partial = is_partial.then(|| EventBody::Notice {
            code: "evidence_partial".to_owned(),
            text: "the list of changed files holds only what file tools changed".to_owned(),
        });
        let end = self.finished(ending, summary, result);
        let own = |body| (Scope::round(self.number), body);
        let bodies = std::iter::once(error).chain(partial).chain([end]).map(own);
        self.ports.log.break_off(unsaid.into_iter().chain(bodies)).await;
    }

    /// Ends what a run left in the background. Where the end has to be quick it is told to end, and is not waited for.
    pub(crate) async fn end_background(&self, stop: &StopSignal, run: RunId) {
        #[cfg(test)]
        if self.ports.planted.is(crate::simulator::Bug::ServersForgotten) {
            return;
        }
        stop.in_grace(self.ports.servers.end_run(run)).await.unwrap_or_default();
    }

    /// The files that differ from the round's start, as far as that can be seen without the journal, and whether these
    /// may not be all.
    async fn files_changed_at_last(&self) -> (Vec<String>, bool) {
        let Some(base) = self.bases().round else { return (Vec::new(), false) };
        let seen = self.stop.bound(self.ports.workspace.changes_since(&base)).await;
        match seen {
            Ok(changes) => (changes.paths(), changes.partial.is_some()),
            Err(_) => (self.state().edited.iter().cloned().collect(), true),
        }
    }

    fn finished(&self, ending: Ending, summary: String, result: RoundResult) -> EventBody {
        let state = self.state();
        let spent = state.budget.spent();
        EventBody::RoundFinished {
            ending,
            exit_code: ending.exit_code(),
            summary,
            result,
            total_turns: state.turns,
            agents_used: state.agents_used.clone(),
            usage: spent.usage(),
            cost_usd: spent.cost().map(Cost::as_usd),
            elapsed_ms: millis(self.began.elapsed()),
        }
    }

    /// Says which repositories without a `.git` the round made, or changed what git runs in: nothing protects them.
    async fn say_bare_repositories(&self, changed: &[String]) -> Result<(), JournalError> {
        let folders = may_be_bare_repositories(changed.iter().map(String::as_str));
        if folders.is_empty() {
            return Ok(());
        }
        let looked = self.stop.bound(self.ports.workspace.bare_repositories(folders.into_iter().collect()));
        let text = match looked.await {
            Ok(found) if found.is_empty() => return Ok(()),
            Ok(found) => {
                let more = found.len().saturating_sub(MOST_REPOSITORIES);
                let named = found.iter().take(MOST_REPOSITORIES).map(|folder| format!("`{folder}`"));
                let named = named.collect::<Vec<_>>().join(", ");
                let more = if more > 0 { format!(" and {more} more") } else { String::new() };
                format!(
                    "this round made a git repository without a `.git`, or changed its settings or hooks: {named}{more}; \
                     git that runs in there obeys them"
                )
            }
            Err(error) => {
                format!("whether the round made git repositories is not known: {}", with_causes(&error))
            }
        };
        self.append(EventBody::Notice { code: "bare_repository_changed".to_owned(), text }).await
    }

    /// The files that differ from the round's start, and whether these are all.
    async fn files_changed(&self) -> Result<(Vec<String>, bool), JournalError> {
        let Some(base) = self.bases().round else { return Ok((Vec::new(), true)) };
        match self.stop.bound(self.ports.workspace.changes_since(&base)).await {
            Ok(changes) => {
                if let Some(why) = &changes.partial {
                    let text = format!("the list of changed files may be incomplete: {why}");
                    self.append(EventBody::Notice { code: "evidence_partial".to_owned(), text }).await?;
                }
                let paths = changes.paths();
                self.say_bare_repositories(&paths).await?;
                Ok((paths, changes.partial.is_none()))
            }
            Err(error) => {
                let text = with_causes(&error);
                self.append(EventBody::Notice { code: "evidence_missing".to_owned(), text }).await?;
                self.observe(RoundInput::EvidenceLost);
                Ok((self.state().edited.iter().cloned().collect(), false))
            }
        }
    }
}
