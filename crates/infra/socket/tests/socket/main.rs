//! The server over real sockets, with sessions that do as the test says.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "helpers of tests; the lints know test functions only"
)]

mod clients;
mod ends;
mod requests;
mod support;
