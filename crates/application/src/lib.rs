//! Carries the domain's decisions out, through ports.
