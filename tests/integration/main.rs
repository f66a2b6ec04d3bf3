//! Crates working together: the library over real files, processes, git and SQLite.

mod demo;
mod engines;
