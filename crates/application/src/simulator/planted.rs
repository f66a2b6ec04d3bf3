//! Mistakes that a test plants in the product, to see that the simulator finds them: one for each invariant at least.
//!
//! Each stands at the place in the product where it would be made, and exists in no build but that of this crate's own
//! unit tests.

/// A mistake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bug {
    /// An event is told before the journal has it.
    ToldBeforeAppended,
    /// The disk is not awaited for what must be durable.
    DiskNotAwaited,
    /// An event gets the number after the next.
    NumberSkipped,
    /// The record is made of all events but the last.
    RecordShort,
    /// A round's end is said twice.
    RoundEndsTwice,
    /// A round's end is not said.
    RoundEndForgotten,
    /// A run's end is not said.
    RunEndForgotten,
    /// A run names itself as its caller.
    ParentInvented,
    /// A tool that does not end is waited for.
    NoDeadline,
    /// A run's servers are not ended.
    ServersForgotten,
    /// A result is said twice.
    ResultTwice,
    /// A call is run again when it has ended.
    EffectTwice,
    /// The disk is not awaited before a call with effects begins.
    StartNotAwaited,
    /// A call is run without leave.
    LeaveForgotten,
    /// A brief's `writes` are not handed on.
    GrantForgotten,
    /// The last result is not shown to the model.
    ResultForgotten,
    /// Results are shown in the order of their calls, backwards.
    ResultsReversed,
    /// Results join a conversation and not the journal.
    ResultsUnjournaled,
    /// What an answer took is not counted.
    UsageForgotten,
    /// What failed attempts took is counted twice.
    AttemptsTwice,
}

impl Bug {
    pub(crate) const ALL: [Self; 20] = [
        Self::ToldBeforeAppended,
        Self::DiskNotAwaited,
        Self::NumberSkipped,
        Self::RecordShort,
        Self::RoundEndsTwice,
        Self::RoundEndForgotten,
        Self::RunEndForgotten,
        Self::ParentInvented,
        Self::NoDeadline,
        Self::ServersForgotten,
        Self::ResultTwice,
        Self::EffectTwice,
        Self::StartNotAwaited,
        Self::LeaveForgotten,
        Self::GrantForgotten,
        Self::ResultForgotten,
        Self::ResultsReversed,
        Self::ResultsUnjournaled,
        Self::UsageForgotten,
        Self::AttemptsTwice,
    ];
}

/// What a test planted: nothing, as a rule.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Planted(Option<Bug>);

impl Planted {
    /// Plants a mistake.
    pub(crate) const fn with(bug: Option<Bug>) -> Self {
        Self(bug)
    }

    /// Whether this mistake is to be made.
    pub(crate) fn is(self, bug: Bug) -> bool {
        self.0 == Some(bug)
    }
}
