//! What the manager does not know yet: what rounds came to in which it had no word, or no end.

use std::collections::VecDeque;

/// Accounts of rounds, in order, until the manager is told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Accounts {
    kept: VecDeque<String>,
    forgotten: usize,
}

impl Accounts {
    /// So many are kept at most; of older ones only the number is told.
    const MOST: usize = 8;

    /// Keeps another one.
    pub fn keep(&mut self, account: String) {
        self.kept.push_back(account);
        if self.kept.len() > Self::MOST {
            self.kept.pop_front();
            self.forgotten += 1;
        }
    }

    /// What is to be told now, in order.
    pub fn take(&mut self) -> Vec<String> {
        let Self { kept, forgotten } = std::mem::take(self);
        let before = (forgotten > 0)
            .then(|| format!("[Before that the person called workers directly {forgotten} more times.]"));
        before.into_iter().chain(kept).collect()
    }
}
