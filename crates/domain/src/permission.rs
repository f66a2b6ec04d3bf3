//! What may be done without asking (contract 6). The sandbox is the wall; this only decides whether to ask.
//!
//! A mode has a row for each kind of tool; a person's [`Rules`] go before it; a [`Ceiling`] holds both, and what is
//! forbidden in it stays so further down (law 6).

use serde::{Deserialize, Serialize};

use crate::tool::Access;

mod ceiling;
mod command_text;
mod path_pattern;
mod path_rules;
mod rule;

pub use ceiling::{Ceiling, Policy, Ruling};
pub use path_rules::{PathRules, PathUse};
pub use rule::{CallFacts, Effect, InvalidRule, Rule, Rules};

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

#[cfg(test)]
mod tests {
    use super::*;

    /// Yes, ask, no: a cell of the table.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    enum Cell {
        Yes,
        Ask,
        No,
    }

    fn cell(leave: &Leave) -> Cell {
        match leave {
            Leave::Granted => Cell::Yes,
            Leave::Ask(_) => Cell::Ask,
            Leave::Denied(_) => Cell::No,
        }
    }

    fn sandbox(level: SandboxLevel, usable: bool) -> SandboxState {
        SandboxState { level, reason: "this kernel has no Landlock".to_owned(), usable }
    }

    /// Contract 6, row by row: read, edit, command at `strict`, at `kernel`, at `none`, and where no level works.
    const TABLE: [(PermissionMode, [Cell; 6]); 4] = {
        use Cell::{Ask, No, Yes};
        [
            (PermissionMode::Plan, [Yes, No, No, No, No, No]),
            (PermissionMode::Ask, [Yes, Ask, Ask, Ask, Ask, No]),
            (PermissionMode::AutoEdit, [Yes, Yes, Yes, Yes, Ask, No]),
            (PermissionMode::Full, [Yes, Yes, Yes, Yes, Yes, No]),
        ]
    };

    #[test]
    fn every_cell_of_the_table_is_as_the_contract_has_it() {
        let walls = [
            sandbox(SandboxLevel::Strict, true),
            sandbox(SandboxLevel::Kernel, true),
            sandbox(SandboxLevel::None, true),
            sandbox(SandboxLevel::None, false),
        ];
        for (mode, [read, edit, commands @ ..]) in TABLE {
            for (wall, command) in walls.iter().zip(commands) {
                let decided = |access| cell(&leave(mode, access, wall));
                let row = [Access::Read, Access::Edit, Access::Command, Access::Coordinate].map(decided);
                assert_eq!(row, [read, edit, command, Cell::Yes], "{mode:?} {wall:?}");
            }
        }
        assert_eq!(TABLE.map(|(mode, _)| mode), PermissionMode::ALL);
    }

    /// A denial says what a person can type who wants it.
    #[test]
    fn every_denial_names_the_way_out() {
        let text = |mode, wall: &SandboxState| match leave(mode, Access::Command, wall) {
            Leave::Denied(text) => text,
            other => panic!("{other:?}"),
        };
        let nothing_works = sandbox(SandboxLevel::None, false);
        let out = text(PermissionMode::Full, &nothing_works);
        assert!(out.contains("--sandbox none --permission-mode full"), "{out}");
        assert!(out.contains("this kernel has no Landlock"), "{out}");
        let plan = text(PermissionMode::Plan, &nothing_works);
        assert!(plan.contains("--permission-mode auto-edit"), "{plan}");
    }

    #[test]
    fn modes_and_levels_are_written_as_flags_spell_them() {
        for mode in PermissionMode::ALL {
            assert_eq!(serde_json::to_value(mode).expect("a mode is a word"), mode.as_str());
        }
        for level in [SandboxLevel::Strict, SandboxLevel::Kernel, SandboxLevel::None] {
            assert_eq!(serde_json::to_value(level).expect("a level is a word"), level.as_str());
        }
    }
}
