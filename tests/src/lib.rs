//! Architecture, integration and end-to-end tests.
