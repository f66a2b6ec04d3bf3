//! The journal in SQLite and the finished records.
