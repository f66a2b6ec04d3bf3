//! The workspace inside a git repository. All of git is called from here, and nothing of a repository is run.

mod attributes;
pub(crate) mod belonging;
pub(crate) mod call;
pub(crate) mod commit;
mod compare;
pub(crate) mod entries;
pub(crate) mod identity;
pub(crate) mod index;
pub(crate) mod index_lock;
pub(crate) mod keeper;
pub(crate) mod message;
mod raw;
pub(crate) mod repository;
pub(crate) mod shadow;
mod share;
mod sort;
mod stage;
mod times;
pub(crate) mod tree;
mod undo;
mod unfit;
