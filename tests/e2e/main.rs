//! The built programs, as a person or a script runs them: over real HTTP, on real repositories.
