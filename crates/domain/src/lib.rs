//! What can happen in better-llm, decided without touching anything.
//!
//! This crate does no IO, reads no clock, draws no random number and knows no runtime. It holds the vocabulary
//! ([`agent`], [`message`], [`event`], [`brief`], [`report`], [`outcome`]), the decisions ([`run`], [`workflow`],
//! [`review`], [`context`], [`evidence`], [`permission`], [`person`]) and the [`ports`] through which the application
//! reaches the world.

pub mod agent;
pub mod artifact;
pub mod brief;
pub mod budget;
pub mod command;
pub mod context;
pub mod event;
pub mod evidence;
pub mod file_system;
pub mod id;
pub mod limits;
pub mod mention;
pub mod message;
pub mod model;
pub mod order;
pub mod outcome;
pub mod past;
pub mod permission;
pub mod person;
pub mod ports;
pub mod price;
#[cfg(test)]
mod properties;
pub mod record;
pub mod report;
pub mod review;
pub mod run;
pub mod schema;
pub mod secret;
pub mod session;
pub mod terminal;
pub mod text;
pub mod time;
pub mod tool;
pub mod workflow;
pub mod workspace;
