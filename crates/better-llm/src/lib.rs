//! A team of language-model agents that finishes software work and can prove it.
