//! Tells which version of a file was read, while it is read.

use std::io::{self, Read};

use sha2::{Digest as _, Sha256};

use crate::{
    confined::{VERSIONED, Version},
    off_thread::Stop,
    stale_guard::{LONGEST_KEPT, State},
    text::count,
};

/// A reader that remembers what came out of it: its fingerprint, and what may be compared later.
pub(super) struct Witness<R> {
    inner: R,
    digest: Sha256,
    bytes: u64,
    /// Nothing, once there was more than is kept.
    kept: Option<Vec<u8>>,
}

impl<R: Read> Witness<R> {
    /// Of a file at its beginning.
    pub(super) fn of(inner: R) -> Self {
        Self { inner, digest: Sha256::new(), bytes: 0, kept: Some(Vec::new()) }
    }

    /// Reads what is left. None where that was not waited for, or where the file grew past all bounds meanwhile.
    pub(super) fn finish(mut self, stop: &Stop) -> io::Result<Option<State>> {
        let mut rest = [0; 64 * 1024];
        loop {
            if stop.is_set() || self.bytes > VERSIONED {
                return Ok(None);
            }
            match self.read(&mut rest) {
                Ok(0) => break,
                Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
                _ => {}
            }
        }
        let version = Version::Content(self.digest.finalize().into());
        Ok(Some(State { version, content: self.kept }))
    }
}

impl<R: Read> Read for Witness<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        let part = buffer.get(..read).unwrap_or_default();
        self.digest.update(part);
        self.bytes = self.bytes.saturating_add(count(read));
        if self.bytes > LONGEST_KEPT {
            self.kept = None;
        }
        if let Some(kept) = &mut self.kept {
            kept.extend_from_slice(part);
        }
        Ok(read)
    }
}
