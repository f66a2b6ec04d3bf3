//! What can be wrong with what the person typed. The words for it stand in [`crate::words`].

use super::OutputFormat;
use crate::words::Language;

/// A call that cannot be carried out (exit code 2), with all that is needed to say so.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Rejected {
    /// What was wrong.
    pub(crate) error: UsageError,
    /// The language that the call asked for, where it did.
    pub(crate) language: Option<Language>,
    /// The output that the call asked for, where it did; a program that reads JSON gets its error as JSON.
    pub(crate) output: OutputFormat,
}

/// What was wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum UsageError {
    /// No task and no verb.
    NothingToDo,
    /// The task is empty or blank.
    EmptyTask,
    /// An argument is not UTF-8.
    NotUnicode {
        /// The argument, as far as it can be shown.
        argument: String,
    },
    /// No such option.
    UnknownOption {
        /// As typed.
        option: String,
        /// What may have been meant.
        nearest: Option<String>,
    },
    /// An option of a later version.
    LaterOption {
        /// As typed.
        option: String,
    },
    /// An option that does nothing with this verb.
    NoEffect {
        /// The option.
        option: String,
        /// The verb.
        verb: String,
    },
    /// An option stands too often.
    Repeated {
        /// The option.
        option: String,
        /// How often it may.
        most: usize,
    },
    /// An option without its value.
    MissingValue {
        /// The option.
        option: String,
    },
    /// A value for an option that takes none.
    UnexpectedValue {
        /// The option.
        option: String,
        /// The value.
        value: String,
    },
    /// A value of another kind.
    BadValue {
        /// The option.
        option: String,
        /// The value.
        value: String,
        /// What would have been right.
        wanted: Wanted,
    },
    /// A word that is not among the option's words.
    UnknownChoice {
        /// The option.
        option: String,
        /// The word.
        value: String,
        /// The option's words.
        known: Vec<&'static str>,
        /// What may have been meant.
        nearest: Option<&'static str>,
    },
    /// A word that the option has in a later version.
    LaterChoice {
        /// The option.
        option: String,
        /// The word.
        value: String,
    },
    /// Two models for the same agent, or two for all.
    TwoModels {
        /// The agent; none: all.
        agent: Option<String>,
    },
    /// The words call no verb, or not as it wants to be called.
    Verb(VerbError),
    /// Two sessions to go on with.
    TwoSessions,
    /// Data, and no task that it could go with.
    ContextWithoutTask,
    /// Standard input is named twice.
    StandardInputTwice,
    /// `--partial` without `stream-json`.
    PartialAlone,
    /// The arguments cannot be taken apart.
    Unreadable {
        /// Why.
        why: String,
    },
}

/// What was wrong with the words that are no options.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum VerbError {
    /// A single word that looks like a mistyped verb.
    Mistyped {
        /// As typed.
        word: String,
        /// What may have been meant.
        nearest: Known,
    },
    /// A word that is an option here.
    IsOption {
        /// The word, without dashes.
        word: &'static str,
    },
    /// A verb of a later version.
    Later {
        /// Its words.
        verb: String,
    },
    /// A group of verbs without the verb.
    Incomplete {
        /// The group.
        group: &'static str,
        /// Its verbs.
        known: Vec<&'static str>,
    },
    /// A group of verbs with a word that is none of them.
    Unknown {
        /// The group.
        group: &'static str,
        /// As typed.
        word: String,
        /// Its verbs.
        known: Vec<&'static str>,
        /// What may have been meant.
        nearest: Option<Known>,
    },
    /// A verb without what it needs.
    MissingOperand {
        /// The verb.
        verb: String,
        /// What it needs.
        operand: &'static str,
    },
    /// One argument too many.
    ExtraArgument {
        /// The argument.
        argument: String,
    },
    /// Not the name of an agent.
    BadAgentName {
        /// As typed.
        name: String,
    },
    /// Neither the id of a session nor the beginning of one.
    BadSession {
        /// As typed.
        given: String,
    },
}

/// A verb's word, in this version or a later one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Known {
    /// The word.
    pub(crate) name: &'static str,
    /// It comes in a later version.
    pub(crate) later: bool,
}

impl From<VerbError> for UsageError {
    fn from(error: VerbError) -> Self {
        Self::Verb(error)
    }
}

/// What would have been right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// A whole number from 1.
    PositiveNumber,
    /// US dollars, more than 0.
    Dollars,
    /// Seconds, more than 0.
    Seconds,
    /// Seconds, 0 included.
    SecondsOrNone,
    /// Any text that is not blank.
    Text,
    /// A model, or an agent and a model.
    Model,
    /// A file's name.
    File,
    /// A folder, perhaps to read only.
    Folder,
    /// The name of a variable.
    Variable,
    /// The id of a session, or its beginning.
    Session,
}
