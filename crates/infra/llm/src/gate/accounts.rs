//! The gates that an engine knows: one for each account.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use domain::secret::Secret;

use super::Gate;

/// Whose limit it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The provider's name.
    pub provider: String,
    /// Its address; none where there is only one.
    pub base_url: Option<String>,
    /// The key; none where the provider takes none.
    pub key: Option<Secret>,
}

/// One gate for each account that was asked for. Kept by whoever owns the sessions that share accounts, as long as they
/// may share them: what was learned about a limit goes with it.
#[derive(Default)]
pub struct Accounts {
    /// As many as configurations name; one, mostly.
    gates: Mutex<Vec<(Account, Arc<Gate>)>>,
}

impl Accounts {
    /// The gate of an account.
    #[must_use]
    pub fn gate(&self, account: &Account) -> Arc<Gate> {
        let mut gates = self.gates.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, gate)) = gates.iter().find(|(known, _)| known == account) {
            return Arc::clone(gate);
        }
        let gate = Arc::new(Gate::default());
        gates.push((account.clone(), Arc::clone(&gate)));
        gate
    }
}

impl fmt::Debug for Accounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Accounts")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_shares_provider_address_and_key_shares_a_gate() {
        let accounts = Accounts::default();
        let account = |key: &str| Account {
            provider: "anthropic".to_owned(),
            base_url: Some("https://api.test".to_owned()),
            key: Secret::new(key),
        };
        let gate = accounts.gate(&account("a"));
        assert!(Arc::ptr_eq(&gate, &accounts.gate(&account("a"))));
        let others = [
            account("b"),
            Account { base_url: None, ..account("a") },
            Account { provider: "openai".to_owned(), ..account("a") },
        ];
        for other in others {
            assert!(!Arc::ptr_eq(&gate, &accounts.gate(&other)), "{other:?}");
        }
    }
}
