//! What may be done without asking (contract 6). The sandbox is the wall; this only decides whether to ask.

use serde::{Deserialize, Serialize};

use crate::tool::Access;

/// How much the team may do by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PermissionMode {
    /// Look only.
    Plan,
    /// Look; ask before everything else.
    Ask,
    /// Edit; run commands inside a sandbox.
    AutoEdit,
    /// Everything. Lifts asking, never the sandbox.
    Full,
}

impl PermissionMode {
    /// Every mode, from narrow to wide.
    pub const ALL: [Self; 4] = [Self::Plan, Self::Ask, Self::AutoEdit, Self::Full];

    /// The word of flags and configuration.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Plan => "plan",
            Self::Ask => "ask",
            Self::AutoEdit => "auto-edit",
            Self::Full => "full",
        }
    }
}

/// How commands are walled in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SandboxLevel {
    /// Namespaces, a read-only view, no network at all.
    Strict,
    /// Landlock and seccomp: no reads, writes or network outside.
    Kernel,
    /// Nothing.
    None,
}

impl SandboxLevel {
    /// The word of flags and configuration.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Strict => "strict",
            Self::Kernel => "kernel",
            Self::None => "none",
        }
    }
}

/// The level that is in force, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SandboxState {
    /// The level. `none` where no level works, too; then `usable` is false.
    pub level: SandboxLevel,
    /// Why this one, in words for people.
    pub reason: String,
    /// False where `auto` found no level that works: commands are denied.
    #[serde(default = "yes", skip_serializing_if = "is_true")]
    pub usable: bool,
}

const fn yes() -> bool {
    true
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's `skip_serializing_if` hands over a reference")]
const fn is_true(value: &bool) -> bool {
    *value
}

/// Whether a call may run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Leave {
    /// It may.
    Granted,
    /// The person has to be asked. The text is the rule that says so.
    Ask(String),
    /// It may not. The text says why, and what the person can do who wants it.
    Denied(String),
}

/// Decides by mode, the tool's column and the sandbox level alone: the table of contract 6.
#[must_use]
pub fn leave(mode: PermissionMode, access: Access, sandbox: &SandboxState) -> Leave {
    match (access, mode) {
        (Access::Coordinate | Access::Read, _)
        | (Access::Edit, PermissionMode::AutoEdit | PermissionMode::Full) => Leave::Granted,
        (Access::Edit | Access::Command, PermissionMode::Plan) => Leave::Denied(
            "permission mode `plan` only looks: nothing may be edited or run. \
             A person who wants this starts with `--permission-mode auto-edit`."
                .to_owned(),
        ),
        (Access::Command, _) if !sandbox.usable => Leave::Denied(format!(
            "no sandbox level works here ({}), so commands are denied. A person who wants them run without a \
             sandbox starts with `--sandbox none --permission-mode full`.",
            sandbox.reason
        )),
        (Access::Edit, PermissionMode::Ask) => {
            Leave::Ask("permission mode `ask` asks before every edit".to_owned())
        }
        (Access::Command, PermissionMode::Ask) => {
            Leave::Ask("permission mode `ask` asks before every command".to_owned())
        }
        (Access::Command, PermissionMode::AutoEdit) => match sandbox.level {
            SandboxLevel::Strict | SandboxLevel::Kernel => Leave::Granted,
            SandboxLevel::None => Leave::Ask(
                "permission mode `auto-edit` asks before every command that no sandbox holds; \
                 `--permission-mode full` lifts that"
                    .to_owned(),
            ),
        },
        (Access::Command, PermissionMode::Full) => Leave::Granted,
    }
}
