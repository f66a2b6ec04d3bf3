//! Broken promises that a fake has seen, kept until the test looks, and shouted where it does not.

use std::{
    sync::{Mutex, PoisonError},
    thread,
};

/// What the other side did wrong. Dropping it unlooked-at with something in it panics, so that a violation fails
/// the test even where the code under test turned the refusal into an ordinary error.
#[derive(Debug)]
pub struct Violations {
    subject: &'static str,
    found: Mutex<Vec<String>>,
}

impl Violations {
    /// Nothing wrong so far. `subject` is who watches, for the message.
    #[must_use]
    pub fn watched_by(subject: &'static str) -> Self {
        Self { subject, found: Mutex::default() }
    }

    /// Keeps a violation.
    pub fn report(&self, violation: impl Into<String>) {
        self.found.lock().unwrap_or_else(PoisonError::into_inner).push(violation.into());
    }

    /// Takes what was found, for a test that provoked it.
    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.found.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for Violations {
    fn drop(&mut self) {
        let found = self.take();
        if !found.is_empty() && !thread::panicking() {
            panic!("{} saw: {}", self.subject, found.join("; "));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[should_panic(expected = "the journal saw: 3 after 1")]
    fn a_violation_that_nobody_looked_at_panics() {
        Violations::watched_by("the journal").report("3 after 1");
    }

    #[test]
    fn a_violation_that_was_taken_is_quiet() {
        let violations = Violations::watched_by("the journal");
        violations.report("3 after 1");
        assert_eq!(violations.take(), ["3 after 1"]);
    }
}
