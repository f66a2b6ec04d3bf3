//! A sink that keeps what tools say while they run.

use std::sync::{Arc, Mutex};

use domain::ports::OutputSink;

/// Keeps every chunk, in order.
#[derive(Debug, Default)]
pub struct MemoryOutput {
    chunks: Mutex<Vec<String>>,
}

impl MemoryOutput {
    /// An empty one.
    #[must_use]
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// The chunks as they came.
    #[must_use]
    pub fn chunks(&self) -> Vec<String> {
        self.chunks.lock().unwrap().clone()
    }

    /// Everything that came, in one piece.
    #[must_use]
    pub fn text(&self) -> String {
        self.chunks.lock().unwrap().concat()
    }
}

impl OutputSink for MemoryOutput {
    fn chunk(&self, text: &str) {
        self.chunks.lock().unwrap().push(text.to_owned());
    }
}
