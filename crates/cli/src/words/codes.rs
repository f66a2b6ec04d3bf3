//! The codes of `notice` and `error` events. What they mean to a person stands in [`super::happenings`].

use domain::model::ModelErrorKind;

/// A notice of the engine or of this program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoticeCode {
    /// The model's answer was cut.
    AnswerCut,
    /// A conversation was too long for its model and was cut.
    ConversationTooLong,
    /// The model stopped for a reason nobody knows.
    UnknownStopReason,
    /// A worker's time was up.
    WorkerTimeout,
    /// Not every file was looked at.
    EvidencePartial,
    /// No file was looked at.
    EvidenceMissing,
    /// A workspace's file wanted more than it may.
    NotTrusted,
    /// A `.env` file set what it may not set.
    VariableIgnored,
    /// A variable names no worker.
    NoSuchWorker,
    /// A variable holds a relative path.
    RelativeRoot,
    /// A `.env` is no file.
    NotRead,
    /// The workspace's configuration is not what was trusted.
    TrustChanged,
    /// Standard input held data that nobody asked for.
    InputUnread,
    /// What the person allowed for good holds for this session only.
    RuleNotKept,
    /// The state that a round left was not kept.
    EndStateNotKept,
    /// What changed since the last review cannot be told.
    ReviewStateUnknown,
    /// The folder's repository is not used.
    RepositoryIgnored,
    /// Folders outside are written in and not watched.
    AddedFolderUnwatched,
    /// The person's home folder lies in the workspace.
    WorkspaceHoldsHome,
    /// A round made or changed repositories that nothing protects.
    BareRepositoryChanged,
    /// A block of the model's is kept without a secret that stood in it.
    SealedBlock,
    /// What a command of a killed session changed was put back.
    ProtectedPutBack,
    /// What a command of a killed session changed stays.
    ProtectedLeft,
    /// Not every repository below the workspace is protected.
    NestedUnseen,
    /// What the person said came too late for the round.
    MessageUnread,
    /// The end of a round took too long, or had to be quick.
    EndCutShort,
    /// What a round's agents had no leave for.
    CallsDenied,
    /// A model has shown nothing for a while.
    ModelQuiet,
    /// A request waits for the account's limit.
    RequestHeld,
    /// Another model answers than the one that is out.
    FallbackUsed,
    /// The provider's own model answers in the place of another vendor's.
    ModelOfSameGrade,
    /// A model takes no effort.
    EffortUnused,
    /// Other programs cannot watch the session.
    SocketUnavailable,
    /// Rows of the journal of a session that is taken up again cannot be read.
    JournalDamaged,
    /// Earlier states of the files of such a session are gone.
    StatesGone,
    /// Another session is at work in the workspace.
    WorkspaceBusy,
    /// Whether another session is at work cannot be told.
    WorkspaceNotLocked,
    /// The session has a worktree of its own.
    WorktreeMade,
    /// The session goes on in its worktree.
    WorktreeUsed,
    /// Ignored files were copied into the worktree.
    WorktreeCopied,
    /// No filter was run for the worktree.
    WorktreeUnfiltered,
}

impl NoticeCode {
    /// Every notice.
    pub(crate) const ALL: [Self; 41] = [
        Self::AnswerCut,
        Self::ConversationTooLong,
        Self::UnknownStopReason,
        Self::WorkerTimeout,
        Self::EvidencePartial,
        Self::EvidenceMissing,
        Self::NotTrusted,
        Self::VariableIgnored,
        Self::NoSuchWorker,
        Self::RelativeRoot,
        Self::NotRead,
        Self::TrustChanged,
        Self::InputUnread,
        Self::RuleNotKept,
        Self::EndStateNotKept,
        Self::ReviewStateUnknown,
        Self::RepositoryIgnored,
        Self::AddedFolderUnwatched,
        Self::WorkspaceHoldsHome,
        Self::BareRepositoryChanged,
        Self::SealedBlock,
        Self::ProtectedPutBack,
        Self::ProtectedLeft,
        Self::NestedUnseen,
        Self::MessageUnread,
        Self::EndCutShort,
        Self::CallsDenied,
        Self::ModelQuiet,
        Self::RequestHeld,
        Self::FallbackUsed,
        Self::ModelOfSameGrade,
        Self::EffortUnused,
        Self::SocketUnavailable,
        Self::JournalDamaged,
        Self::StatesGone,
        Self::WorkspaceBusy,
        Self::WorkspaceNotLocked,
        Self::WorktreeMade,
        Self::WorktreeUsed,
        Self::WorktreeCopied,
        Self::WorktreeUnfiltered,
    ];

    /// The notice of a word in events; none for a word of another version.
    pub(crate) fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|code| code.as_str() == word)
    }

    /// The word in events.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::AnswerCut => "answer_cut",
            Self::ConversationTooLong => "conversation_too_long",
            Self::UnknownStopReason => "unknown_stop_reason",
            Self::WorkerTimeout => "worker_timeout",
            Self::EvidencePartial => "evidence_partial",
            Self::EvidenceMissing => "evidence_missing",
            Self::NotTrusted => "config_not_trusted",
            Self::VariableIgnored => "config_variable_ignored",
            Self::NoSuchWorker => "config_no_such_worker",
            Self::RelativeRoot => "config_relative_root",
            Self::NotRead => "config_not_read",
            Self::TrustChanged => "config_trust_changed",
            Self::InputUnread => "input_unread",
            Self::RuleNotKept => "rule_not_kept",
            Self::EndStateNotKept => "end_state_not_kept",
            Self::ReviewStateUnknown => "review_state_unknown",
            Self::RepositoryIgnored => "repository_ignored",
            Self::AddedFolderUnwatched => "added_folder_unwatched",
            Self::WorkspaceHoldsHome => "workspace_holds_home",
            Self::BareRepositoryChanged => "bare_repository_changed",
            Self::SealedBlock => "sealed_block_redacted",
            Self::ProtectedPutBack => "protected_files_put_back",
            Self::ProtectedLeft => "protected_files_left_changed",
            Self::NestedUnseen => "nested_repositories_unseen",
            Self::MessageUnread => "message_unread",
            Self::EndCutShort => "end_cut_short",
            Self::CallsDenied => "calls_denied",
            Self::ModelQuiet => "model_quiet",
            Self::RequestHeld => "request_held",
            Self::FallbackUsed => "fallback_used",
            Self::ModelOfSameGrade => "model_of_same_grade",
            Self::EffortUnused => "effort_unused",
            Self::SocketUnavailable => "socket_unavailable",
            Self::JournalDamaged => "journal_damaged",
            Self::StatesGone => "states_gone",
            Self::WorkspaceBusy => "workspace_busy",
            Self::WorkspaceNotLocked => "workspace_not_locked",
            Self::WorktreeMade => "worktree_made",
            Self::WorktreeUsed => "worktree_used",
            Self::WorktreeCopied => "worktree_copied",
            Self::WorktreeUnfiltered => "worktree_unfiltered",
        }
    }
}

/// An error in the middle of a round.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ErrorCode {
    /// A request to a model failed.
    Model(ModelErrorKind),
    /// Our own fault.
    Internal,
    /// Changes in the workspace cannot be seen.
    WorkspaceUnobserved,
    /// A command's change to protected files stays.
    ProtectedFilesChanged,
}

impl ErrorCode {
    /// Every error.
    pub(crate) const ALL: [Self; 13] = [
        Self::Model(ModelErrorKind::Credentials),
        Self::Model(ModelErrorKind::Rejected),
        Self::Model(ModelErrorKind::RateLimited { retry_after: None }),
        Self::Model(ModelErrorKind::TooLong),
        Self::Model(ModelErrorKind::Unavailable { retry_after: None }),
        Self::Model(ModelErrorKind::Unreachable),
        Self::Model(ModelErrorKind::Silent),
        Self::Model(ModelErrorKind::Cut),
        Self::Model(ModelErrorKind::Malformed),
        Self::Model(ModelErrorKind::Script),
        Self::Internal,
        Self::WorkspaceUnobserved,
        Self::ProtectedFilesChanged,
    ];

    /// The error of a word in events; none for a word of another version.
    pub(crate) fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|code| code.as_str() == word)
    }

    /// The word in events.
    pub(crate) const fn as_str(&self) -> &'static str {
        match self {
            Self::Model(kind) => kind.code(),
            Self::Internal => "internal",
            Self::WorkspaceUnobserved => "workspace_unobserved",
            Self::ProtectedFilesChanged => "protected_files_changed",
        }
    }
}
