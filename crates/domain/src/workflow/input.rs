//! What can happen in a round.

use crate::{
    agent::{AgentName, WorkerKind},
    evidence::CheckedClaims,
    id::CallId,
    outcome::Ending,
    report::Report,
    review::{ChangedFiles, ReviewDecision},
    run::RunEnd,
};

/// What happened in a round.
#[derive(Debug)]
pub enum RoundInput {
    /// The manager calls a worker.
    WorkerCalled {
        /// The manager's call.
        call: CallId,
        /// The worker.
        agent: AgentName,
        /// Its kind.
        kind: WorkerKind,
    },
    /// The person calls a worker by name. No limit of what a manager may try again stands in its way, and its reviews are
    /// counted anew.
    WorkerMentioned,
    /// A worker's run ended.
    WorkerEnded {
        /// The worker.
        agent: AgentName,
        /// Its kind.
        kind: WorkerKind,
        /// How.
        end: WorkerEnd,
    },
    /// A file of the workspace changed.
    FilesChanged,
    /// A command ran, or a commit was made. What changed of the files by it is [`RoundInput::FilesChanged`].
    EffectSeen,
    /// Something was denied because nobody could be asked, or because another session is at work in the workspace: only
    /// a person can see to it.
    DeniedUnasked,
    /// What the round changed can no longer be told, so that nothing about it is proven.
    EvidenceLost,
    /// What came of asking about the reviews. Changes nothing where that was not asked.
    ReviewsDecided(ReviewDecision),
    /// The manager asks the person, and nobody is there.
    QuestionUnanswered,
    /// The manager's run ended. The round is judged.
    ManagerEnded {
        /// How.
        end: RunEnd,
        /// Whether the named test commands passed in the final state.
        tests_passed: Option<bool>,
    },
    /// The workers that the person called by name have ended. The round is judged.
    ChainEnded {
        /// How, as far as they say themselves.
        ending: Ending,
        /// What they said last.
        summary: String,
        /// Whether the named test commands passed in the final state.
        tests_passed: Option<bool>,
    },
}

/// How a worker's run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WorkerEnd {
    /// With a report, held against what was seen.
    Reported {
        /// The report.
        report: Report,
        /// Its claims.
        claims: CheckedClaims,
        /// The files that changed since the last review. Asked of reviewers only.
        changed: ChangedFiles,
    },
    /// Without one.
    Failed,
    /// Without one, because its model could not be asked or did not answer rightly, for all that was tried.
    ModelFailed {
        /// What happened.
        text: String,
    },
    /// Because the endpoint does not accept our credentials: no other run will do better.
    CredentialsRefused,
}
