//! Who may do what with files: of each state, the permissions that git's trees do not hold.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};

use crate::{path::FilePath, scan::Table};

/// The bits of a mode that say who may do what.
pub(crate) const PERMISSIONS: u32 = 0o7777;
const OWNER_RUNS: u32 = 0o100;

/// The permissions of every file of a state. Most files have the usual ones of their kind, so only others are named.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Modes {
    usual: Usual,
    others: Vec<(FilePath, u32)>,
}

/// What most files have: those that are programs, and those that are not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Usual {
    file: u32,
    program: u32,
}

impl Usual {
    /// What most files of a table have.
    pub(crate) fn of(table: &Table) -> Self {
        let mut counts = HashMap::<u32, usize>::new();
        for seen in table.files.iter().filter(|seen| !seen.stat.is_link()) {
            let count = counts.entry(seen.stat.mode & PERMISSIONS).or_default();
            *count = count.saturating_add(1);
        }
        let most = |runs: bool, otherwise: u32| {
            let of_kind = counts.iter().filter(|(mode, _)| (*mode & OWNER_RUNS != 0) == runs);
            of_kind.max_by_key(|(mode, count)| (**count, **mode)).map_or(otherwise, |(mode, _)| *mode)
        };
        Self { file: most(false, 0o644), program: most(true, 0o755) }
    }

    const fn get(self, runs: bool) -> u32 {
        if runs { self.program } else { self.file }
    }
}

impl Modes {
    pub(crate) fn of(table: &Table, usual: Usual) -> Self {
        let files = table.files.iter().filter(|seen| !seen.stat.is_link());
        let others = files
            .map(|seen| (&seen.path, seen.stat.mode & PERMISSIONS))
            .filter(|(_, mode)| *mode != usual.get(mode & OWNER_RUNS != 0))
            .map(|(path, mode)| (path.clone(), mode));
        Self { usual, others: others.collect() }
    }

    /// The permissions of a file that is there; `runs`: git's tree says that it is a program.
    pub(crate) fn get(&self, path: &FilePath, runs: bool) -> u32 {
        let at = self.others.binary_search_by(|(other, _)| other.cmp(path)).ok();
        at.and_then(|at| self.others.get(at)).map_or(self.usual.get(runs), |(_, mode)| *mode)
    }

    /// The files whose permissions may differ between two states; none where any may.
    pub(crate) fn may_differ<'a>(&'a self, other: &'a Self) -> Option<Vec<&'a FilePath>> {
        if self.usual != other.usual {
            return None;
        }
        let here = self.others.iter().map(|(path, mode)| (path, *mode)).collect::<BTreeMap<_, _>>();
        let there = other.others.iter().map(|(path, mode)| (path, *mode)).collect::<BTreeMap<_, _>>();
        let paths = here.keys().chain(there.keys());
        Some(paths.filter(|path| here.get(*path) != there.get(*path)).copied().collect())
    }
}
