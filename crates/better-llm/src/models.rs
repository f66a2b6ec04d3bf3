//! Which model answers whom: for each provider of a session one stack of adapter and decorators, shared by its agents.
//!
//! From the outside in, a stack is [`llm::FallbackModel`] (only where others stand in) around candidates, each
//! [`llm::PricedModel`] around [`llm::PatientModel`] around an adapter. What decorates every request of a provider belongs
//! around the whole stack ([`SessionModels::connect`]), what belongs to one account around its adapter
//! ([`Models::account`]). Adapters, and with them HTTP clients, and gates are one for each account and serve all sessions.

mod accounts;
mod session;

use std::sync::{Arc, Mutex};

use domain::ports::ModelPort;
use llm::{Account, Accounts, Chance};

use self::accounts::Adapter;
pub(crate) use self::session::{Asking, SessionModels};
use crate::host::random_fraction;

/// What an engine's sessions know together about the accounts behind their models.
pub(crate) struct Models {
    /// A model of the embedding program, instead of every provider.
    given: Option<Arc<dyn ModelPort>>,
    accounts: Accounts,
    /// One for each account that was asked for.
    connected: Mutex<Vec<(Account, Adapter)>>,
    chance: Chance,
}

impl Models {
    pub(crate) fn new(given: Option<Arc<dyn ModelPort>>) -> Self {
        Self {
            given,
            accounts: Accounts::default(),
            connected: Mutex::default(),
            chance: Arc::new(random_fraction),
        }
    }
}
