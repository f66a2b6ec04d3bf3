//! The terminal's modes: whether it hands over lines or keys, and says which of them are pasted. Its own modes come back whatever happens, but for a death
//! that nobody can do anything before (`kill -9`).

use std::{
    io::stdin,
    panic,
    sync::{Arc, Mutex, PoisonError},
};

use rustix::{
    fs::{Mode, OFlags, open},
    process::getpgrp,
    termios::{
        LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcgetpgrp, tcsetattr, ttyname,
    },
};

use crate::surroundings::understands_sequences;

/// Bracketed paste on, and off.
const MARKS_PASTES: &[u8] = b"\x1b[?2004h";
const PASTES_PLAINLY: &[u8] = b"\x1b[?2004l";

/// The modes of the terminal at standard input. Clones are the same.
#[derive(Debug, Clone, Default)]
pub(super) struct Modes(Arc<Mutex<Option<Termios>>>);

impl Modes {
    /// Whether every key is handed over.
    pub(super) fn watch(&self) -> bool {
        self.own().is_some()
    }

    /// Lets the terminal hand over every key and show none. Nothing changes where it is none, or we are not in its
    /// foreground.
    pub(super) fn watch_keys(&self) {
        let mut own = self.own();
        if own.is_some() || !is_in_foreground() {
            return;
        }
        let Ok(before) = tcgetattr(stdin()) else { return };
        if hand_over_keys(before.clone()) {
            *own = Some(before);
        }
    }

    /// The same after a time in which somebody else had the terminal: whatever its modes are now, its own stay those that
    /// it had first.
    pub(super) fn watch_keys_again(&self) {
        if self.own().is_none() {
            self.watch_keys();
        } else if is_in_foreground()
            && let Ok(now) = tcgetattr(stdin())
        {
            hand_over_keys(now);
        }
    }

    /// Gives the terminal its own modes back.
    pub(super) fn give_back(&self) {
        if let Some(before) = self.own().take()
            && is_in_foreground()
        {
            // An error means that the terminal is gone.
            tcsetattr(stdin(), OptionalActions::Now, &before).unwrap_or_default();
            tell(PASTES_PLAINLY);
        }
    }

    /// Does that from now on before a panic is said.
    pub(super) fn give_back_on_panic(&self) {
        let (modes, said) = (self.clone(), panic::take_hook());
        panic::set_hook(Box::new(move |what| {
            modes.give_back();
            said(what);
        }));
    }

    fn own(&self) -> std::sync::MutexGuard<'_, Option<Termios>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether the terminal took it.
fn hand_over_keys(mut modes: Termios) -> bool {
    // Ctrl+C and Ctrl+Z stay what they are.
    modes.local_modes.remove(LocalModes::ICANON | LocalModes::ECHO);
    modes.special_codes[SpecialCodeIndex::VMIN] = 1;
    modes.special_codes[SpecialCodeIndex::VTIME] = 0;
    let is_set = tcsetattr(stdin(), OptionalActions::Now, &modes).is_ok();
    if is_set {
        tell(MARKS_PASTES);
    }
    is_set
}

/// Writes a sequence to the terminal at standard input, where it understands such. Never waits: a terminal that somebody
/// has halted (Ctrl+S) misses it.
fn tell(sequence: &[u8]) {
    if !understands_sequences() {
        return;
    }
    let flags = OFlags::WRONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let terminal = ttyname(stdin(), Vec::new()).and_then(|name| open(name, flags, Mode::empty()));
    // An error means that it is gone, or halted.
    terminal.and_then(|terminal| rustix::io::write(terminal, sequence)).map(drop).unwrap_or_default();
}

/// Whether the terminal at standard input listens to us: who touches it from the background is stopped by the system.
pub(crate) fn is_in_foreground() -> bool {
    tcgetpgrp(stdin()).is_ok_and(|group| group == getpgrp())
}
