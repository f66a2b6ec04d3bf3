//! System prompt and tools as bytes, encoded once per run instead of once per turn.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use domain::{model::ModelRequest, tool::ToolSpec};

use super::request::encode_prefix;

/// The most prefixes kept: one per run that is under way. Past it, those of ended runs are forgotten; if none ended,
/// the newest are encoded at every turn.
const MOST_KEPT: usize = 4_096;

/// The addresses of system prompt and tools.
type Key = (usize, usize);

/// An address is not given to anything else while a weak reference to it exists, so a key means what it meant.
#[derive(Debug)]
struct Kept {
    system: Weak<str>,
    tools: Weak<[ToolSpec]>,
    bytes: Arc<[u8]>,
}

impl Kept {
    fn is_in_use(&self) -> bool {
        self.system.strong_count() > 0 && self.tools.strong_count() > 0
    }
}

/// Keeps encoded prefixes as long as somebody holds what they were made from.
#[derive(Debug, Default)]
pub(super) struct PrefixCache {
    kept: Mutex<HashMap<Key, Kept>>,
}

impl PrefixCache {
    /// The encoded prefix of a request.
    pub(super) fn encoded(&self, request: &ModelRequest) -> Arc<[u8]> {
        let key = (request.system.as_ptr() as usize, request.tools.as_ptr() as usize);
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = kept.get(&key).filter(|known| known.is_in_use()) {
            return Arc::clone(&known.bytes);
        }
        let bytes: Arc<[u8]> = encode_prefix(&request.system, &request.tools).into();
        if kept.len() >= MOST_KEPT {
            kept.retain(|_, known| known.is_in_use());
        }
        if kept.len() < MOST_KEPT {
            let (system, tools) = (Arc::downgrade(&request.system), Arc::downgrade(&request.tools));
            kept.insert(key, Kept { system, tools, bytes: Arc::clone(&bytes) });
        }
        bytes
    }
}
