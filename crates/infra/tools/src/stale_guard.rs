//! The guard against stale writes: who saw, and who changed, which version of a file in this session.
//!
//! A run that is about to write what it saw in another version, or what another run changed behind its back, is
//! refused and shown what stands there now. Nothing here opens a file or keeps a lock on one: whoever asks holds the
//! file from the question to the replacement.
//!
//! What counts are the paths that opened files really have. What a run learns from `grep`, `diff` or a command is not
//! counted as seen, and what commands change is only noticed by the content. All of it is forgotten with the session's
//! process; a run that goes on in another one is told apart by its id, which is older than the guard.

mod contents;
mod refusal;

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use domain::{agent::AgentName, id::RunId, permission::PathRules, ports::IdSource, tool::ToolOutcome};

pub(crate) use self::contents::LONGEST_KEPT;
use self::{contents::Contents, refusal::Refusal};
use crate::confined::{Confined, Place, Version};

/// Files whose history is kept. With one more, that of the file that nobody touched for longest is forgotten: a write
/// of it that is stale is no longer noticed, while an edit still has to find its text.
const MOST_FILES: usize = 4_096;
/// Runs whose sight of one file is kept; with one more, the oldest sight is forgotten.
const MOST_RUNS: usize = 64;

/// Who calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Caller {
    pub(crate) agent: AgentName,
    pub(crate) run: RunId,
}

/// What stands at a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct State {
    pub(crate) version: Version,
    /// None where there is no file, or a large one.
    pub(crate) content: Option<Vec<u8>>,
}

impl State {
    /// No file.
    pub(crate) const MISSING: Self = Self { version: Version::Missing, content: None };
}

/// What a call would do to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Doing {
    /// Put something else in its place, whatever it holds.
    Replace,
    /// Change a text that was found in it.
    Change,
}

/// Why a call is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Stale {
    /// The run saw another version, and this is who made the present one.
    Changed {
        by: Author,
        /// What the run saw, where that was kept.
        seen: Option<Arc<[u8]>>,
    },
    /// The run never saw the file, and another one changed it meanwhile.
    Unseen { by: Author },
    /// The run began in another process, so nobody knows what it saw.
    Resumed,
}

/// Who made a version of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Author {
    /// Another run of this session.
    Run(Caller),
    /// Another run, and then somebody who used no file tool.
    RunAndOthers(Caller),
    /// No file tool.
    Others,
}

/// What is known of the files of one session.
pub(crate) struct StaleGuard {
    ids: Arc<dyn IdSource>,
    /// Runs with an older id began before this process had the session.
    began: RunId,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    files: HashMap<PathBuf, History>,
    contents: Contents,
    /// How much has happened.
    now: u64,
}

/// What happened to one file. Numbers say in which order.
#[derive(Default)]
struct History {
    change: Option<Change>,
    sights: HashMap<RunId, Sight>,
    touched: u64,
}

/// The last change by a file tool.
struct Change {
    by: Caller,
    version: Version,
    at: u64,
    /// Minted then: runs with a newer id began later.
    mark: RunId,
}

struct Sight {
    version: Version,
    at: u64,
}

impl StaleGuard {
    /// For a session whose runs get their ids from `ids`, too.
    pub(crate) fn new(ids: Arc<dyn IdSource>) -> Self {
        Self { began: RunId::new(ids.next()), ids, known: Mutex::default() }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Remembers that a run saw what stands at a path.
    pub(crate) fn saw(&self, run: RunId, path: &Path, state: State) {
        self.known().saw(run, path, state);
    }

    /// Remembers that a caller put something at a path, which it has seen then, too.
    pub(crate) fn changed(&self, by: &Caller, path: &Path, state: State) {
        let version = state.version.clone();
        let mut known = self.known();
        let mark = RunId::new(self.ids.next());
        let (history, at) = known.saw(by.run, path, state);
        history.change = Some(Change { by: by.clone(), version, at, mark });
    }

    /// Judges what a caller is about to do to a path where `now` stands.
    pub(crate) fn judge(
        &self,
        caller: &Caller,
        path: &Path,
        now: &Version,
        doing: Doing,
    ) -> Result<(), Stale> {
        let known = self.known();
        let history = known.files.get(path);
        let change = history.and_then(|history| history.change.as_ref());
        let by_another = change.filter(|change| change.by.run != caller.run);
        if let Some(sight) = history.and_then(|history| history.sights.get(&caller.run)) {
            if sight.version == *now {
                return Ok(());
            }
            let by = by_another.filter(|change| change.version == *now || change.at > sight.at);
            let by = Author::of(by, now);
            let seen = match &sight.version {
                Version::Content(digest) => known.contents.get(digest),
                Version::Missing | Version::Large(_) => None,
            };
            return Err(Stale::Changed { by, seen });
        }
        if doing == Doing::Change || *now == Version::Missing {
            return Ok(());
        }
        match by_another.filter(|change| change.mark > caller.run) {
            Some(change) => Err(Stale::Unseen { by: Author::of(Some(change), now) }),
            None if caller.run < self.began => Err(Stale::Resumed),
            None => Ok(()),
        }
    }
}

/// The files, as one call may write them.
pub(crate) struct Guarded {
    pub(crate) files: Arc<Confined>,
    pub(crate) guard: Arc<StaleGuard>,
    pub(crate) caller: Caller,
    pub(crate) rules: PathRules,
}

impl Guarded {
    /// Judges what is about to be done to a place where `now` stands. A refusal shows what stands there, and from then
    /// on the caller has seen it.
    pub(crate) fn judge(
        &self,
        place: &Place,
        path: &Path,
        now: State,
        doing: Doing,
    ) -> Result<(), ToolOutcome> {
        let Err(stale) = self.guard.judge(&self.caller, path, &now.version, doing) else { return Ok(()) };
        let refusal = Refusal { files: &self.files, place, rules: &self.rules, now: &now };
        let told = refusal.told(&stale);
        self.guard.saw(self.caller.run, path, now);
        Err(told)
    }
}

impl Author {
    fn of(change: Option<&Change>, now: &Version) -> Self {
        match change {
            Some(change) if change.version == *now => Self::Run(change.by.clone()),
            Some(change) => Self::RunAndOthers(change.by.clone()),
            None => Self::Others,
        }
    }
}

impl Known {
    /// Gives the history of the path, and when this was.
    fn saw(&mut self, run: RunId, path: &Path, state: State) -> (&mut History, u64) {
        self.now = self.now.saturating_add(1);
        let at = self.now;
        if let (Version::Content(digest), Some(content)) = (&state.version, state.content) {
            self.contents.keep(*digest, content);
        }
        let history = self.history(path, at);
        history.see(run, Sight { version: state.version, at });
        (history, at)
    }

    /// That of a path, which is touched by it.
    fn history(&mut self, path: &Path, at: u64) -> &mut History {
        if self.files.len() >= MOST_FILES && !self.files.contains_key(path) {
            let oldest = self.files.iter().min_by_key(|(_, history)| history.touched);
            if let Some(oldest) = oldest.map(|(path, _)| path.clone()) {
                self.files.remove(&oldest);
            }
        }
        let history = self.files.entry(path.to_owned()).or_default();
        history.touched = at;
        history
    }
}

impl History {
    fn see(&mut self, run: RunId, sight: Sight) {
        if self.sights.len() >= MOST_RUNS && !self.sights.contains_key(&run) {
            let oldest = self.sights.iter().min_by_key(|(_, sight)| sight.at);
            if let Some(oldest) = oldest.map(|(run, _)| *run) {
                self.sights.remove(&oldest);
            }
        }
        self.sights.insert(run, sight);
    }
}

#[cfg(test)]
mod tests;
