//! Model back ends: anthropic, offline, script.
