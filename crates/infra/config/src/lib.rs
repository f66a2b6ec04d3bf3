//! Files, environment and flags become valid domain values, or a located error.
