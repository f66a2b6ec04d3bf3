//! Work that blocks, where it may.

use std::{
    io,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// Runs what blocks where it may. Its own bounds end it where nobody waits for it any more.
pub(crate) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)
}

/// What is locked here stays whole whatever happens inside, so a panic there leaves it usable.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
