//! From events to text. Everything here is pure: values in, strings out; who writes them where is
//! [`crate::output`]'s business.

pub(crate) mod call;
pub(crate) mod data;
pub(crate) mod demo;
pub(crate) mod diff;
#[cfg(test)]
pub(crate) mod fixtures;
pub(crate) mod help;
pub(crate) mod json;
pub(crate) mod permissions;
mod report;
mod screen;
pub(crate) mod start;
pub(crate) mod style;
pub(crate) mod text;
pub(crate) mod trust;
pub(crate) mod undo;
