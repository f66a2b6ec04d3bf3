//! Phrases against the texts that the library really writes.
