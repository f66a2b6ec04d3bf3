//! Runs a command inside limits and always gets it back.
