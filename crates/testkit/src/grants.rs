//! Rules that a person wanted kept, kept in memory.

use std::sync::Mutex;

use domain::{
    permission::Rule,
    ports::{GrantError, GrantPort},
};

/// Keeps rules, or fails to on request.
#[derive(Debug, Default)]
pub struct MemoryGrants {
    kept: Mutex<Vec<Rule>>,
    fails: bool,
}

impl MemoryGrants {
    /// Keeps every rule.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Keeps none.
    #[must_use]
    pub fn failing() -> Self {
        Self { fails: true, ..Self::default() }
    }

    /// What was kept, in order.
    #[must_use]
    pub fn kept(&self) -> Vec<Rule> {
        self.kept.lock().unwrap().clone()
    }
}

impl GrantPort for MemoryGrants {
    fn keep(&self, rule: &Rule) -> Result<(), GrantError> {
        if self.fails {
            let source = std::io::Error::new(std::io::ErrorKind::StorageFull, "a fault on request");
            return Err(GrantError { place: "memory".to_owned(), source: source.into() });
        }
        self.kept.lock().unwrap().push(rule.clone());
        Ok(())
    }
}
