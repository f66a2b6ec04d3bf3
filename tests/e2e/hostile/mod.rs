//! A model that obeys every hostile instruction of a hostile repository, against the real program: what it reaches,
//! at every level of the sandbox that works here, as whoever runs the tests and, where that is root, as a plain user.
//!
//! `docs/cases.md` says which case is held by which test. Not here: what the walls themselves do, call by call
//! (`crates/infra/sandbox`), redaction, permissions, undo and trust, which have files of their own.

mod arena;
mod attacks;
mod commands;
mod elsewhere;
mod escape;
mod files;
mod later;
mod links;
mod memory;
mod repository;
mod rules;
mod toolchains;
