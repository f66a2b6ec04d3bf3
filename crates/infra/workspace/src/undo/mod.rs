//! Taking back what changed between two states (O-29): what a file was, what stands in its place now, and the way back.
//!
//! Files are compared byte for byte and by their permissions, whatever git may convert or leave out. Nothing here
//! asks git; `observer::undo` does, and puts the parts together.

pub(crate) mod present;
pub(crate) mod was;
pub(crate) mod write;
