//! Model back ends: adapters of [`domain::ports::ModelPort`].
//!
//! - [`AnthropicModel`] speaks the Messages API over HTTP and server-sent events.
//! - [`OpenAiModel`] speaks Chat Completions, as OpenAI and many servers of one's own do.
//! - [`ScriptModel`] plays a script (`script:FILE`); only the words of the models are scripted.
//! - [`OfflineModel`] says that no model is connected, and what would connect one.
//!
//! An adapter makes one attempt and says by [`domain::model::ModelErrorKind`] what went wrong. [`PatientModel`] goes
//! around it, tries again, and waits at the [`Gate`] of the account; [`PricedModel`] knows the person's prices, and
//! [`FallbackModel`] asks another one where one is out. Caching is not done here.

mod anthropic;
mod endpoint;
mod fallback;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod gate;
mod grade;
mod http_failure;
mod offline;
mod openai;
mod over_http;
mod priced;
mod proxies;
mod retry;
mod script;
mod sse;
#[cfg(test)]
mod test_support;
mod text;
mod unreached;

pub use anthropic::{AnthropicModel, AnthropicSettings};
pub use endpoint::InvalidEndpoint;
pub use fallback::{Candidate, FallbackModel};
pub use gate::{Account, Accounts, Gate};
pub use grade::is_stand_in;
pub use offline::{OfflineLanguage, OfflineModel};
pub use openai::{OpenAiModel, OpenAiSettings};
pub use priced::PricedModel;
pub use proxies::Proxies;
pub use retry::{Chance, PatientModel};
pub use script::{InvalidScript, Script, ScriptModel};
