//! How state is shared between tasks: held for lines that do not panic, never across an await.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Takes the lock. A poisoned one still holds whole values: nothing panics half-way through changing them.
pub(crate) fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
