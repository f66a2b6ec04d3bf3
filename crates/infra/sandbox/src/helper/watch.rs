//! What the helper does: it waits for the end of its session, and ends what is left.

use std::{
    io::{self, Read},
    path::Path,
};

use crate::leftover::Leftovers;

/// Watches over the session that wrote `note`. Standard input is the pipe that closes with the session.
pub(super) fn over(note: &Path) -> io::Result<()> {
    step_aside()?;
    io::stdin().lock().read_to_end(&mut Vec::new())?;
    match Leftovers::noted(note) {
        Ok(leftovers) => leftovers.end_after_their_owner(note),
        // The session took its note along: it ended in order.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

/// Out of reach of signals that a terminal sends, and of descriptors that a host left open.
fn step_aside() -> io::Result<()> {
    rustix::process::setsid()?;
    #[expect(unsafe_code, reason = "no safe wrapper closes a range of descriptors")]
    // SAFETY: this is the first thing the program does; nothing in it owns a descriptor but the standard three.
    let closed = unsafe { libc::syscall(libc::SYS_close_range, 3_u32, u32::MAX, 0_u32) };
    if closed == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
