//! What tools did in a round, in order.

use super::ObservedCommand;
use crate::{agent::AgentName, id::RunId};

/// The fewest digits that name a commit; git takes no fewer.
const SHORTEST_COMMIT: usize = 4;

/// Everything that happened to the workspace in a round, in order.
///
/// Whoever looks at the files sees that some changed since the last look, not who changed them. Where nothing else was
/// under way it is told of what was; else of nobody, so that it counts as a change from outside for all of them.
#[derive(Debug, Clone, Default)]
pub struct Observations {
    pub(super) effects: Vec<Effect>,
    pub(super) runs: Vec<Begun>,
    changes: Vec<Change>,
    commits: Vec<String>,
    now: u64,
}

/// A run that began.
#[derive(Debug, Clone)]
pub(super) struct Begun {
    pub(super) run: RunId,
    pub(super) agent: AgentName,
    pub(super) at: u64,
}

/// A command, or a call of a tool that changes files.
#[derive(Debug, Clone)]
pub(super) struct Effect {
    pub(super) run: Option<RunId>,
    pub(super) started: u64,
    /// None while it is under way.
    pub(super) ended: Option<u64>,
    pub(super) what: What,
}

#[derive(Debug, Clone)]
pub(super) enum What {
    Command {
        seen: ObservedCommand,
        /// What differs between its start and its end; none where nobody looked.
        paths: Option<Vec<String>>,
    },
    Edit {
        /// What it changes; none where that is no single file.
        path: Option<String>,
        is_done: bool,
    },
}

#[derive(Debug, Clone, Copy)]
struct Change {
    at: u64,
    /// The place of what alone can have made it in `effects`.
    by: Option<usize>,
}

/// An effect that is under way. Given back when it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EffectTicket(usize);

/// The state of the files is being kept. Given back when that is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "changes that only the kept state has seen would be lost"]
pub struct Keeping(u64);

impl Observations {
    /// A run begins. What happens from here on may be another's, where others are at work.
    pub fn run_began(&mut self, run: RunId, agent: &AgentName) {
        let at = self.tick();
        self.runs.push(Begun { run, agent: agent.clone(), at });
    }

    /// A command starts; `run` is none for the engine's own verification.
    pub fn command_started(&mut self, run: Option<RunId>, command: &str) -> EffectTicket {
        let seen = ObservedCommand { command: command.trim().to_owned(), exit_code: None };
        self.started(run, What::Command { seen, paths: None })
    }

    /// A command has ended. `has_changed`: files of the workspace differ from the last look at them. Whether they
    /// differ from before the command.
    pub fn command_ended(&mut self, ticket: EffectTicket, exit_code: Option<i32>, has_changed: bool) -> bool {
        if let Some(Effect { what: What::Command { seen, .. }, .. }) = self.effects.get_mut(ticket.0) {
            seen.exit_code = exit_code;
        }
        self.ended(ticket, has_changed)
    }

    /// A tool of `run` begins to change the file `path`, relative to the workspace as observed paths are; none: nobody
    /// knows which.
    pub fn edit_started(&mut self, run: RunId, path: Option<&str>) -> EffectTicket {
        let path = path.map(str::to_owned);
        self.started(Some(run), What::Edit { path, is_done: false })
    }

    /// It has ended; `is_done`: by doing what was asked. The rest as for [`Observations::command_ended`].
    pub fn edit_ended(&mut self, ticket: EffectTicket, is_done: bool, has_changed: bool) -> bool {
        if let Some(Effect { what: What::Edit { is_done: done, .. }, .. }) = self.effects.get_mut(ticket.0) {
            *done = is_done;
        }
        // What it did may have been seen, or kept, by somebody else.
        let has_changed = has_changed || (is_done && !self.was_alone(ticket.0));
        self.ended(ticket, has_changed)
    }

    /// What differs between the start and the end of a command. It counts where nothing else was under way meanwhile.
    pub fn command_changed(&mut self, ticket: EffectTicket, changed: Vec<String>) {
        if let Some(Effect { what: What::Command { paths, .. }, .. }) = self.effects.get_mut(ticket.0) {
            *paths = Some(changed);
        }
    }

    /// The present state of the files is about to be kept, and the next look will compare with it.
    pub fn keeping_begins(&mut self) -> Keeping {
        Keeping(self.tick())
    }

    /// It was kept. What was under way meanwhile may have changed files that nobody will see change; not so `own`, an
    /// effect that waited for this.
    pub fn kept(&mut self, Keeping(began): Keeping, own: Option<EffectTicket>) {
        let mut others = self.effects.iter().enumerate().filter(|(at, _)| Some(EffectTicket(*at)) != own);
        if others.any(|(_, effect)| effect.ended.is_none_or(|ended| ended > began)) {
            self.files_changed();
        }
    }

    /// The present state of the files was kept in one moment, and the next look compares with it.
    pub fn state_kept(&mut self) {
        let keeping = self.keeping_begins();
        self.kept(keeping, None);
    }

    /// Files changed, and not by anything that is under way alone.
    pub fn files_changed(&mut self) {
        let at = self.tick();
        self.changes.push(Change { at, by: None });
    }

    /// The engine made a commit.
    pub fn committed(&mut self, id: &str) {
        self.commits.push(id.to_owned());
    }

    /// Whether anything changed a file so far.
    #[must_use]
    pub fn any_change(&self) -> bool {
        !self.changes.is_empty()
    }

    /// The commands that `run` ran, in order.
    #[must_use]
    pub fn commands_of(&self, run: RunId) -> Vec<ObservedCommand> {
        let own = self.effects.iter().filter(|effect| effect.run == Some(run));
        own.filter_map(Effect::command).cloned().collect()
    }

    /// Whether the named test commands passed in the present state of the files (contract 2): of each the last run
    /// decides, and it counts only if nothing but itself changed a file after it started. Some counting run failed:
    /// false; all of them passed: true; else nothing is known.
    #[must_use]
    pub fn tests_passed(&self, named: &[String]) -> Option<bool> {
        let verdicts: Vec<Option<bool>> = named.iter().map(|command| self.last_run_passed(command)).collect();
        if verdicts.contains(&Some(false)) {
            Some(false)
        } else if !verdicts.is_empty() && verdicts.iter().all(|verdict| *verdict == Some(true)) {
            Some(true)
        } else {
            None
        }
    }

    fn last_run_passed(&self, named: &str) -> Option<bool> {
        let mut runs = self.effects.iter().enumerate().rev().filter(|(_, effect)| effect.ran(named));
        let (index, last) = runs.next()?;
        let is_stale = self.changes.iter().any(|change| change.at > last.started && change.by != Some(index));
        (!is_stale).then(|| last.command().is_some_and(|seen| seen.exit_code == Some(0)))
    }

    pub(super) fn has_run(&self, named: &str) -> bool {
        self.effects.iter().any(|effect| effect.ran(named))
    }

    pub(super) fn has_committed(&self, named: &str) -> bool {
        let named = named.trim().to_ascii_lowercase();
        named.len() >= SHORTEST_COMMIT && self.commits.iter().any(|id| id.starts_with(&named))
    }

    /// Whether nothing else was under way at any time of an effect that has ended or ends now.
    pub(super) fn was_alone(&self, index: usize) -> bool {
        let Some(own) = self.effects.get(index) else { return false };
        let others = self.effects.iter().enumerate().filter(|(at, _)| *at != index).map(|(_, other)| other);
        !others.into_iter().any(|other| {
            other.ended.is_none_or(|ended| ended > own.started)
                && own.ended.is_none_or(|ended| other.started < ended)
        })
    }

    fn started(&mut self, run: Option<RunId>, what: What) -> EffectTicket {
        let started = self.tick();
        self.effects.push(Effect { run, started, ended: None, what });
        EffectTicket(self.effects.len() - 1)
    }

    /// Whether files differ from before the effect: its own look may see nothing of it, because another one, made while
    /// it was under way, has seen it before.
    fn ended(&mut self, EffectTicket(index): EffectTicket, has_changed: bool) -> bool {
        let at = self.tick();
        if has_changed {
            let by = self.was_alone(index).then_some(index);
            self.changes.push(Change { at, by });
        }
        if let Some(effect) = self.effects.get_mut(index) {
            effect.ended = Some(at);
        }
        self.may_have_changed(index)
    }

    /// Whether files changed since an effect started, as far as that may have been by it.
    pub(super) fn may_have_changed(&self, index: usize) -> bool {
        let Some(effect) = self.effects.get(index) else { return false };
        let since = self.changes.iter().filter(|change| change.at > effect.started);
        since.into_iter().any(|change| change.by.is_none_or(|by| by == index))
    }

    fn tick(&mut self) -> u64 {
        self.now += 1;
        self.now
    }
}

impl Effect {
    const fn command(&self) -> Option<&ObservedCommand> {
        match &self.what {
            What::Command { seen, .. } => Some(seen),
            What::Edit { .. } => None,
        }
    }

    fn ran(&self, named: &str) -> bool {
        self.command().is_some_and(|seen| seen.command == named.trim())
    }
}
