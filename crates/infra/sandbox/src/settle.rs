//! What is done when a command or a server is gone: protected files that nothing held are looked at again, what
//! changed is put back, and what cannot be is kept in mind until it can.

use std::{
    mem,
    sync::{Arc, Mutex, PoisonError},
};

use domain::command::NotRestored;

#[cfg(target_os = "linux")]
use crate::{protected::Baseline, strict::Shield};

/// Elsewhere no level compares anything.
#[cfg(not(target_os = "linux"))]
pub(crate) enum Baseline {}

#[cfg(not(target_os = "linux"))]
impl Baseline {
    fn put_back(&mut self) -> Settled {
        match *self {}
    }
}

/// What came of putting back.
#[derive(Debug, Default)]
pub(crate) struct Settled {
    /// What was changed and is as it was.
    pub(crate) restored: Vec<String>,
    /// What is still changed.
    pub(crate) not_restored: Vec<NotRestored>,
}

/// What commands changed and could not be put back so far. While there is something, how files look is nothing to go
/// back to, so no command should run.
#[derive(Default)]
pub(crate) struct Unsettled(Mutex<Vec<Baseline>>);

impl Unsettled {
    /// Tries once more, and names what stays changed. A person may have mended it meanwhile.
    pub(crate) fn look_again(&self) -> Vec<NotRestored> {
        let mut still_changed: Vec<NotRestored> = Vec::new();
        self.0.lock().unwrap_or_else(PoisonError::into_inner).retain_mut(|baseline| {
            let not_restored = baseline.put_back().not_restored;
            let stays = !not_restored.is_empty();
            still_changed.extend(not_restored);
            stays
        });
        // Commands that ran side by side share what they are held against.
        still_changed.sort_by(|one, other| one.path.cmp(&other.path));
        still_changed.dedup_by(|one, other| one.path == other.path);
        still_changed
    }

    fn keep(&self, baseline: Baseline) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(baseline);
    }
}

/// What is due when a command is gone. Dropped, it is done all the same.
pub(crate) struct Settlement {
    baselines: Vec<Baseline>,
    unsettled: Arc<Unsettled>,
    /// What the command lives under at `strict`.
    #[cfg(target_os = "linux")]
    shield: Option<Arc<Shield>>,
}

impl Settlement {
    /// Of a command that is about to be started.
    pub(crate) const fn new(baselines: Vec<Baseline>, unsettled: Arc<Unsettled>) -> Self {
        Self {
            baselines,
            unsettled,
            #[cfg(target_os = "linux")]
            shield: None,
        }
    }

    /// Of one that mounts hold.
    #[cfg(target_os = "linux")]
    pub(crate) fn under(mut self, shield: Option<Arc<Shield>>) -> Self {
        self.shield = shield;
        self
    }

    /// Puts back what the command changed, and says what.
    pub(crate) fn settle(mut self) -> Settled {
        self.put_back()
    }

    fn put_back(&mut self) -> Settled {
        let mut settled = Settled::default();
        for mut baseline in mem::take(&mut self.baselines) {
            let Settled { restored, not_restored } = baseline.put_back();
            if !not_restored.is_empty() {
                self.unsettled.keep(baseline);
            }
            settled.restored.extend(restored);
            settled.not_restored.extend(not_restored);
        }
        #[cfg(target_os = "linux")]
        if let Some(shield) = self.shield.take() {
            let Settled { restored, not_restored } = shield.set_aside();
            settled.restored.extend(restored);
            settled.not_restored.extend(not_restored);
        }
        settled
    }
}

impl Drop for Settlement {
    fn drop(&mut self) {
        let Settled { restored, not_restored } = self.put_back();
        if !restored.is_empty() {
            tracing::warn!(?restored, "a dropped command had changed protected files; they are put back");
        }
        for NotRestored { path, why, .. } in not_restored {
            tracing::error!(path, why, "a dropped command's change cannot be put back");
        }
    }
}
