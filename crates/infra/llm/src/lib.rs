//! Model back ends: adapters of [`domain::ports::ModelPort`].
//!
//! - [`AnthropicModel`] speaks the Messages API over HTTP and server-sent events.
//!
//! An adapter makes one attempt and says by [`domain::model::ModelErrorKind`] what went wrong. Retrying, caching and
//! rate limits are decorators around it and not here.

mod anthropic;
mod endpoint;
mod http_failure;
mod sse;
#[cfg(test)]
mod test_support;
mod text;

pub use anthropic::{AnthropicModel, AnthropicSettings};
pub use endpoint::InvalidEndpoint;
