//! The shape of the code, held by tests (design 2): who may depend on whom, what each layer never touches, how
//! large a file may be, and that every capability that is said to be done is named by a test.
//!
//! Spec O-27: these run in the gate with everything else.

mod capabilities;
mod cases;
mod files;
mod machines;
mod ranks;
mod sources;
