//! What narrows, and the words for what does not.

use std::fmt;

use domain::{permission::PermissionMode, report::Severity};

use crate::system_file::SandboxChoice;

/// What a file in an untrusted folder asked for and did not get.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Widening {
    /// A limit or timeout above the one in force.
    Limit,
    /// A permission mode that allows more.
    PermissionMode,
    /// A sandbox that holds less.
    Sandbox,
    /// Commands that the engine runs by itself.
    Commands,
    /// Where model calls go.
    Endpoint,
    /// The person's own taste.
    Taste,
    /// Tools that the agent does not have.
    Tools,
    /// An agent that the team does not have.
    NewAgent,
    /// Another model, or thinking.
    Model,
    /// Another kind.
    Kind,
    /// A prompt file outside of the workspace.
    PromptOutside,
    /// A rule that allows.
    Rules,
    /// Hosts that commands reach.
    Network,
    /// Folders outside of the workspace.
    Folders,
    /// Variables that commands get.
    PassEnv,
    /// Reviews that let more pass.
    Reviews,
    /// More attempts at a model call, or other pauses between them.
    Retries,
    /// What tokens cost, by which a limit of costs is kept.
    Prices,
}

impl fmt::Display for Widening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Limit => "its files may only make limits smaller",
            Self::PermissionMode => "its files may only narrow the permission mode",
            Self::Sandbox => "its files may only make the sandbox stronger",
            Self::Commands => "its files may not decide which commands are run",
            Self::Endpoint => "its files may not decide where model calls go",
            Self::Taste => "its files may not change your preferences",
            Self::Tools => "its files may not give tools to an agent",
            Self::NewAgent => "its files may not add agents",
            Self::Model => "its files may not choose models",
            Self::Kind => "its files may not change what an agent is for",
            Self::PromptOutside => "its prompts must lie inside of it",
            Self::Rules => "its rules may only deny or ask",
            Self::Network => "its files may not decide which hosts commands reach",
            Self::Folders => "its files may not add folders",
            Self::PassEnv => "its files may not hand variables of yours to commands",
            Self::Reviews => "its files may only make reviews stricter",
            Self::Retries => "its files may only make retries fewer",
            Self::Prices => "its files may not decide what tokens cost",
        })
    }
}

/// Whether a number is a tighter limit than the one in force.
pub(crate) fn is_smaller<T: PartialOrd>(wanted: &T, in_force: &T) -> bool {
    wanted < in_force
}

/// Whether a limit that need not be there is tighter than the one in force, where there is one.
pub(crate) fn is_tighter<T: PartialOrd>(wanted: &Option<T>, in_force: &Option<T>) -> bool {
    match (wanted, in_force) {
        (Some(wanted), Some(in_force)) => wanted < in_force,
        (Some(_), None) => true,
        (None, _) => false,
    }
}

/// Whether a mode allows less than the one in force.
pub(crate) fn is_narrower(wanted: &PermissionMode, in_force: &PermissionMode) -> bool {
    let width = |mode| PermissionMode::ALL.iter().position(|known| known == mode);
    width(wanted) < width(in_force)
}

/// Whether a sandbox holds more than the one in force.
pub(crate) fn is_stronger(wanted: &SandboxChoice, in_force: &SandboxChoice) -> bool {
    wanted > in_force
}

/// Whether reviews that force another cycle on findings from the first severity up let less pass than those in force.
pub(crate) fn is_stricter(wanted: &Severity, in_force: &Severity) -> bool {
    wanted < in_force
}

/// Nothing of this kind is narrower than anything.
pub(crate) fn never<T>(_wanted: &T, _in_force: &T) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn narrower_means_less_and_never_the_same() {
        use PermissionMode::{Ask, AutoEdit, Full, Plan};
        let narrower = [(Plan, Ask), (Ask, AutoEdit), (AutoEdit, Full), (Full, Plan), (Ask, Ask)];
        assert_eq!(
            narrower.map(|(wanted, now)| is_narrower(&wanted, &now)),
            [true, true, true, false, false]
        );

        use SandboxChoice::{Auto, Kernel, None as Off, Strict};
        let stronger =
            [(Auto, Off), (Kernel, Off), (Strict, Auto), (Kernel, Auto), (Auto, Strict), (Off, Off)];
        assert_eq!(
            stronger.map(|(wanted, now)| is_stronger(&wanted, &now)),
            [true, true, true, false, false, false]
        );

        let tighter = [(Some(1.0), None), (Some(1.0), Some(2.0)), (None, Some(2.0)), (Some(2.0), Some(2.0))];
        assert_eq!(tighter.map(|(wanted, now)| is_tighter(&wanted, &now)), [true, true, false, false]);

        use Severity::{Critical, Info, Warning};
        let stricter = [(Info, Critical), (Warning, Critical), (Critical, Info), (Info, Info)];
        assert_eq!(stricter.map(|(wanted, now)| is_stricter(&wanted, &now)), [true, true, false, false]);
    }
}
