//! The diagrams in `docs/architecture.md` are those of the machines: each is driven with everything that it can be told,
//! and every state and every way from one to another that it takes stands in its diagram, and no other.
//!
//! A new kind of input does not compile here before it has a word and is told.

mod chain;
mod finding;
mod round;
mod run;
mod window;
