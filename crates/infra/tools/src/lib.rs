//! The tools agents work with: one tool, one file.
