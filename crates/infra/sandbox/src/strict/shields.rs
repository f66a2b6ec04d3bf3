//! The shield of a session, and when it is looked for anew: only while nothing lives under it.
//!
//! While a command or a server lives, nothing that it could have made is taken for a place of a mount, and nothing
//! that holds it is taken away. What went from outside meanwhile is left out, and compared instead.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use super::shield::Shield;
use crate::{
    protected::{GIT_PARTS, Guard},
    repositories::Extent,
    settings::SandboxSettings,
};

/// What mounts hold, and what is compared because none can.
#[derive(Clone)]
pub(crate) struct Shielded {
    pub(crate) shield: Arc<Shield>,
    pub(crate) guards: Vec<Arc<Guard>>,
}

/// Keeps one. Whoever lives under a shield holds it, too.
pub(super) struct Shields {
    settings: Arc<SandboxSettings>,
    /// None before the first command: looking for repositories takes time.
    kept: Mutex<Option<Shielded>>,
}

impl Shields {
    pub(super) const fn new(settings: Arc<SandboxSettings>) -> Self {
        Self { settings, kept: Mutex::new(None) }
    }

    /// The one for a command that is about to start.
    pub(super) fn for_the_next(&self) -> Shielded {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let renewed = match &*kept {
            Some(now) => {
                let is_lived_under = Arc::strong_count(&now.shield) > 1;
                match (now.shield.stands(), is_lived_under) {
                    (true, true) => return now.clone(),
                    (true, false) if now.shield.is_whole() => return now.clone(),
                    (false, true) => self.without_what_went(now),
                    (_, false) => self.raise(),
                }
            }
            None => self.raise(),
        };
        // The old one goes after the new one has come, so nobody takes this session for gone in between.
        kept.insert(renewed).clone()
    }

    /// The one that was asked for last.
    pub(super) fn current(&self) -> Arc<Shield> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&kept.get_or_insert_with(|| self.raise()).shield)
    }

    /// How far it was looked for repositories; none before the first command.
    pub(super) fn extent(&self) -> Option<Extent> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.as_ref().map(|now| now.shield.extent)
    }

    fn raise(&self) -> Shielded {
        let shield = Shield::raise(&self.settings);
        let guards = self.guards(&shield.watched);
        Shielded { shield: Arc::new(shield), guards }
    }

    /// The guards stay: they remember how everything looked before what lives now.
    fn without_what_went(&self, now: &Shielded) -> Shielded {
        let (shield, went) = now.shield.without_what_went();
        let went: Vec<_> = went.into_iter().flat_map(|path| self.compared(path)).collect();
        let guards = now.guards.iter().cloned().chain(self.guards(&went)).collect();
        Shielded { shield: Arc::new(shield), guards }
    }

    /// What is compared in place of a path that no mount holds: of a git dir the parts that count, nothing of what is
    /// not ours to put back.
    fn compared(&self, path: PathBuf) -> Vec<PathBuf> {
        let read_only = self.settings.add_dirs.iter().map(|added| &added.path);
        let mut others = self.settings.own.iter().chain(read_only);
        if others.any(|other| other.starts_with(&path) || path.starts_with(other)) {
            return Vec::new();
        }
        let is_git_dir = path.file_name().is_some_and(|name| name == ".git");
        if is_git_dir { GIT_PARTS.map(|part| path.join(part)).into() } else { vec![path] }
    }

    fn guards(&self, watched: &[PathBuf]) -> Vec<Arc<Guard>> {
        let of_root = |root| {
            let mut inside = watched.iter().filter_map(|path| path.strip_prefix(root).ok()).peekable();
            inside.peek()?;
            Some(Arc::new(Guard::of_paths(root, inside.map(Path::to_owned))))
        };
        self.settings.writable_roots().filter_map(of_root).collect()
    }
}
