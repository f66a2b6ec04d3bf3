//! What stands in writable folders and must not change: found here, mounted by `view`.
//!
//! A protected path is mounted onto itself, read-only. Every folder on the way to it is mounted onto itself, too,
//! because only a mount point can be neither renamed nor removed: without that, a command moves the folder away and
//! makes its own in its place. A missing `.git` or `.better-llm` is made first, as an empty folder (`made`), and removed
//! at the end, by the last one who lives there (`claim`). Where no mount can stand (a link, a missing file) the path
//! is only named: it is compared before and after each command, as at level `kernel`.
//!
//! Repositories below the writable folders are found by a walk with bounds, once. One that a command makes later has
//! no more power than any other folder of its.

use std::{
    collections::BTreeSet,
    ffi::OsStr,
    path::{Component, Path, PathBuf},
};

use super::{
    claim::Claim,
    made::{self, Made},
};
use crate::{
    folders::rest_inside,
    repositories::{Extent, Repositories},
    settings::SandboxSettings,
    settle::Settled,
    start_up,
};

/// Links that lead from one protected path to the next.
const MOST_LINKS: usize = 8;

/// Found and ready to be mounted. Dropping it is leaving the folders, and removes what was made where nobody is left.
#[derive(Debug, Default)]
pub(crate) struct Shield {
    /// Folders on the way, to be mounted writable.
    pub(super) ways: BTreeSet<PathBuf>,
    /// To be mounted read-only.
    pub(super) read_only: BTreeSet<PathBuf>,
    /// Absolute paths that no mount can hold.
    pub(super) watched: Vec<PathBuf>,
    /// How far it was looked for repositories: those beyond are not shielded.
    pub(super) extent: Extent,
    /// On every writable folder, taken before anything is made there.
    claims: Vec<Claim>,
    made: Vec<Made>,
}

impl Shield {
    /// Looks for everything that is protected, and makes what has to be there.
    pub(super) fn raise(settings: &SandboxSettings) -> Self {
        let mut shield = Self::default();
        shield.claims = settings.writable_roots().map(Claim::on).collect();
        for root in settings.writable_roots() {
            let ours = settings.protected.iter().chain(&settings.git_dirs);
            let inside = ours.filter_map(|path| rest_inside(path, root));
            let named = made::NAMES.into_iter().map(PathBuf::from).chain(start_up::inside(root, settings));
            for path in inside.chain(named) {
                shield.protect(root, &path, 0);
            }
            let read_only = settings.add_dirs.iter().filter(|added| !added.writable).map(|added| &added.path);
            for path in settings.own.iter().chain(read_only).filter_map(|path| rest_inside(path, root)) {
                let compared = shield.watched.len();
                shield.protect(root, &path, 0);
                shield.watched.truncate(compared);
            }
            let below = Repositories::below(root);
            shield.extent = shield.extent.and(below.extent());
            for git in below.git_dirs.iter().chain(&below.pointers) {
                shield.protect(root, git, 0);
            }
        }
        // In a read-only folder nothing needs a mount of its own, and a writable one would be a hole.
        let all = shield.read_only.clone();
        let is_held = |path: &PathBuf| path.ancestors().skip(1).any(|above| all.contains(above));
        shield.ways.retain(|way| !is_held(way) && !all.contains(way));
        shield.read_only.retain(|path| !is_held(path));
        shield
    }

    /// Whether everything that is mounted still stands where it was found.
    pub(super) fn stands(&self) -> bool {
        self.claims.iter().all(Claim::stands)
            && self.made.iter().all(Made::stands)
            && self.mounted().all(|path| may_be_mounted(path))
    }

    /// Whether nothing has come that could be mounted, too.
    pub(super) fn is_whole(&self) -> bool {
        self.watched.iter().all(|path| !may_be_mounted(path))
    }

    fn mounted(&self) -> impl Iterator<Item = &PathBuf> {
        self.ways.iter().chain(&self.read_only)
    }

    /// One beside this one, for what starts while something lives, and what was read-only and it cannot hold any more.
    pub(super) fn without_what_went(&self) -> (Self, Vec<PathBuf>) {
        let claims = self.claims.iter().map(|claim| Claim::on(claim.root())).collect();
        let made = self.made.iter().filter_map(Made::again).collect();
        let gone: Vec<_> = self.mounted().filter(|path| !may_be_mounted(path)).collect();
        let is_there = |path: &&PathBuf| !gone.iter().any(|gone| path.starts_with(gone));
        let went = self.read_only.iter().filter(|path| !is_there(path)).cloned().collect();
        let shield = Self {
            ways: self.ways.iter().filter(is_there).cloned().collect(),
            read_only: self.read_only.iter().filter(is_there).cloned().collect(),
            watched: self.watched.clone(),
            extent: self.extent,
            claims,
            made,
        };
        (shield, went)
    }

    /// Sets aside what a command may have put where its mount came off, and names it.
    pub(crate) fn set_aside(&self) -> Settled {
        let mut settled = Settled::default();
        let root_of = |place: &Path| {
            let roots = self.claims.iter().map(Claim::root);
            roots.filter(|root| place.starts_with(root)).max_by_key(|root| root.as_os_str().len())
        };
        for made in &self.made {
            let root = root_of(made.place()).unwrap_or(Path::new("/"));
            match made.set_aside(root) {
                Ok(said) => settled.restored.extend(said),
                Err(failed) => settled.not_restored.push(failed),
            }
        }
        settled
    }

    /// Protects `path`, relative to `root`, as far as there is something to protect.
    fn protect(&mut self, root: &Path, path: &Path, links: usize) {
        let mut place = root.to_owned();
        let mut rest = path.components().peekable();
        while let Some(component) = rest.next() {
            let Component::Normal(name) = component else { continue };
            place.push(name);
            let is_last = rest.peek().is_none();
            match place.symlink_metadata() {
                Ok(found) if found.is_symlink() => {
                    self.watched.push(place.clone());
                    // What it leads to counts under its own name.
                    if links < MOST_LINKS
                        && let Ok(real) = root.join(path).canonicalize()
                        && let Ok(inside) = real.strip_prefix(root)
                    {
                        self.protect(root, inside, links + 1);
                    }
                    return;
                }
                Ok(_) if is_last => {
                    // As a session leaves it that was killed, or one that lives there, too.
                    if is_named(name) && place.parent() == Some(root) {
                        self.made.extend(Made::found(&place));
                    }
                    self.read_only.insert(place);
                    return;
                }
                Ok(found) if found.is_dir() => {
                    self.ways.insert(place.clone());
                }
                Err(_) if is_last && is_named(name) && self.make(&place) => {
                    self.read_only.insert(place);
                    return;
                }
                Ok(_) | Err(_) => {
                    self.watched.push(root.join(path));
                    return;
                }
            }
        }
    }

    fn make(&mut self, place: &Path) -> bool {
        Made::make(place, true).map(|made| self.made.push(made)).is_ok()
    }
}

fn is_named(name: &OsStr) -> bool {
    made::NAMES.iter().any(|made| name == *made)
}

/// No mount stands on a link.
fn may_be_mounted(path: &Path) -> bool {
    path.symlink_metadata().is_ok_and(|found| !found.is_symlink())
}

impl Drop for Shield {
    fn drop(&mut self) {
        let Settled { restored, not_restored } = self.set_aside();
        if !(restored.is_empty() && not_restored.is_empty()) {
            tracing::warn!(?restored, ?not_restored, "a command may have changed protected paths");
        }
        for claim in std::mem::take(&mut self.claims) {
            let root = claim.root().to_owned();
            let made: Vec<_> = self.made.iter().filter(|made| made.place().starts_with(&root)).collect();
            let places: Vec<_> = made.iter().map(|made| made.place()).collect();
            if !made.is_empty()
                && let Some(_last) = claim.of_the_last(&places)
            {
                made.iter().for_each(|made| made.remove());
            }
        }
    }
}
