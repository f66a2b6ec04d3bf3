//! Baseline, evidence and commits: what really happened to the person's files.
