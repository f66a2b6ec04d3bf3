//! What goes wrong in a simulation: kinds of fault at every port, and how often each came up.

use std::{collections::BTreeMap, sync::Mutex};

use super::dice::Dice;
use crate::locking::lock;

/// A kind of fault. Its port is the first word of its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Fault {
    /// A request is refused before anything streams.
    ModelRefuses,
    /// The credentials are refused.
    ModelForbids,
    /// A request is too long.
    ModelTooLong,
    /// A request is held back by the rate gate.
    ModelHolds,
    /// An attempt fails and is tried again behind the port.
    ModelRetries,
    /// The stream breaks before its answer.
    ModelCuts,
    /// The stream says nothing for longer than is waited for.
    ModelFallsSilent,
    /// The answer cannot be read.
    ModelGarbles,
    /// The answer takes minutes.
    ModelDawdles,
    /// An answer breaks the rules of its form: inputs that cannot be read, unknown tools, an id twice, too many calls.
    ModelMisbehaves,
    /// The answer ends in a way that is not an everyday one.
    ModelStopsOddly,
    /// A tool fails.
    ToolFails,
    /// A tool ends only when it is cancelled.
    ToolHangs,
    /// A tool ends only when it is dropped.
    ToolHearsNothing,
    /// A tool panics.
    ToolPanics,
    /// A command dies of a signal.
    ProcessDies,
    /// A command does not end by itself.
    ProcessHangs,
    /// The shell does not start.
    ProcessDoesNotStart,
    /// A command changes protected files.
    ProcessBreaksWall,
    /// Ending a run's servers takes long.
    ProcessLingers,
    /// A look at the files fails.
    WorkspaceFails,
    /// A look at the files takes minutes.
    WorkspaceDawdles,
    /// Another session writes in the workspace.
    WorkspaceIsHeld,
    /// The lock of the workspace cannot be taken.
    WorkspaceLockBreaks,
    /// An append waits.
    StoreDawdles,
    /// The disk is full: no append is taken any more.
    StoreFillsUp,
    /// The disk takes long to write.
    StoreDiskDawdles,
    /// The disk fails.
    StoreDiskFails,
    /// The session's record cannot be written.
    StoreLosesRecord,
    /// A row of the journal cannot be read any more.
    StoreLosesRow,
    /// The wall clock goes back.
    ClockBack,
    /// The wall clock goes forth.
    ClockForth,
    /// The person answers when their time is up.
    PersonLate,
    /// The person does not answer.
    PersonSilent,
    /// The person goes away for good.
    PersonLeaves,
    /// The person ends the round, once or twice.
    PersonCancels,
    /// The front end drops the session in the middle of a round.
    PersonHangsUp,
    /// The program dies.
    ProgramDies,
}

impl Fault {
    pub(super) const ALL: [Self; 38] = [
        Self::ModelRefuses,
        Self::ModelForbids,
        Self::ModelTooLong,
        Self::ModelHolds,
        Self::ModelRetries,
        Self::ModelCuts,
        Self::ModelFallsSilent,
        Self::ModelGarbles,
        Self::ModelDawdles,
        Self::ModelMisbehaves,
        Self::ModelStopsOddly,
        Self::ToolFails,
        Self::ToolHangs,
        Self::ToolHearsNothing,
        Self::ToolPanics,
        Self::ProcessDies,
        Self::ProcessHangs,
        Self::ProcessDoesNotStart,
        Self::ProcessBreaksWall,
        Self::ProcessLingers,
        Self::WorkspaceFails,
        Self::WorkspaceDawdles,
        Self::WorkspaceIsHeld,
        Self::WorkspaceLockBreaks,
        Self::StoreDawdles,
        Self::StoreFillsUp,
        Self::StoreDiskDawdles,
        Self::StoreDiskFails,
        Self::StoreLosesRecord,
        Self::StoreLosesRow,
        Self::ClockBack,
        Self::ClockForth,
        Self::PersonLate,
        Self::PersonSilent,
        Self::PersonLeaves,
        Self::PersonCancels,
        Self::PersonHangsUp,
        Self::ProgramDies,
    ];

    /// How many times in a thousand it may come up at most: those that end a session are rare.
    const fn most_often(self) -> u64 {
        match self {
            Self::ModelForbids | Self::ToolPanics | Self::StoreFillsUp | Self::StoreDiskFails => 15,
            Self::ModelRefuses | Self::ModelTooLong | Self::ModelGarbles | Self::ToolHearsNothing => 60,
            Self::PersonCancels
            | Self::PersonLeaves
            | Self::PersonHangsUp
            | Self::PersonLate
            | Self::PersonSilent
            | Self::StoreLosesRecord
            | Self::StoreLosesRow => 300,
            _ => 150,
        }
    }
}

/// How often each fault comes up in one simulation, and how often it did.
#[derive(Debug)]
pub(super) struct Weather {
    often: BTreeMap<Fault, u64>,
    came: Mutex<BTreeMap<Fault, u64>>,
}

impl Weather {
    /// Some sessions meet nothing, most a few kinds of fault, some everything at once.
    pub(super) fn of(dice: &Dice) -> Self {
        let kinds = *dice.pick(&[0, 5, 15, 15, 30, 60]);
        let often = Fault::ALL.into_iter().filter(|_| dice.percent(kinds));
        let often = often.map(|fault| (fault, 1 + dice.below(fault.most_often()))).collect();
        Self { often, came: Mutex::default() }
    }

    /// Whether `fault` comes up now.
    pub(super) fn brings(&self, dice: &Dice, fault: Fault) -> bool {
        let Some(often) = self.often.get(&fault) else { return false };
        let comes = dice.permille(*often);
        if comes {
            self.count(fault);
        }
        comes
    }

    /// Counts a fault that was brought about by other means.
    pub(super) fn count(&self, fault: Fault) {
        *lock(&self.came).entry(fault).or_default() += 1;
    }

    /// How often each came up.
    pub(super) fn came(&self) -> BTreeMap<Fault, u64> {
        lock(&self.came).clone()
    }
}
