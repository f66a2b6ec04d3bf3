//! System prompt and tools as bytes, encoded once per run instead of once per turn.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use domain::{model::ModelRequest, tool::ToolSpec};

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

/// How a wire writes system prompt and tools.
type Encode = fn(system: &str, tools: &[ToolSpec]) -> Vec<u8>;

/// Keeps encoded prefixes as long as somebody holds what they were made from.
#[derive(Debug)]
pub(crate) struct PrefixCache {
    encode: Encode,
    kept: Mutex<HashMap<Key, Kept>>,
}

impl PrefixCache {
    /// An empty one of a wire.
    pub(crate) fn new(encode: Encode) -> Self {
        Self { encode, kept: Mutex::default() }
    }

    /// The encoded prefix of a request.
    pub(crate) fn encoded(&self, request: &ModelRequest) -> Arc<[u8]> {
        let key = (request.system.as_ptr() as usize, request.tools.as_ptr() as usize);
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = kept.get(&key).filter(|known| known.is_in_use()) {
            return Arc::clone(&known.bytes);
        }
        let bytes: Arc<[u8]> = (self.encode)(&request.system, &request.tools).into();
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::request;

    fn encode_prefix(system: &str, _: &[ToolSpec]) -> Vec<u8> {
        system.as_bytes().to_vec()
    }

    fn asking(system: &str) -> ModelRequest {
        ModelRequest { system: system.into(), ..request("coder", &[]) }
    }

    #[test]
    fn a_run_encodes_its_prefix_once_and_another_run_its_own() {
        let cache = PrefixCache::new(encode_prefix);
        let (one, other) = (asking("one"), asking("other"));
        let first = cache.encoded(&one);
        assert!(Arc::ptr_eq(&first, &cache.encoded(&one.clone())));
        assert_eq!(*cache.encoded(&other), *encode_prefix("other", &[]));
        assert_eq!(*first, *encode_prefix("one", &[]));
    }

    #[test]
    fn prefixes_of_ended_runs_are_forgotten_and_too_many_are_not_kept() {
        let cache = PrefixCache::new(encode_prefix);
        let kept = || cache.kept.lock().unwrap().len();
        for _ in 0..MOST_KEPT {
            cache.encoded(&asking("ended"));
        }
        let running: Vec<ModelRequest> = (0..=MOST_KEPT).map(|run| asking(&run.to_string())).collect();
        for (run, request) in running.iter().enumerate() {
            assert_eq!(*cache.encoded(request), *encode_prefix(&run.to_string(), &[]));
            assert!(kept() <= MOST_KEPT);
        }
        let is_kept = |request| Arc::ptr_eq(&cache.encoded(request), &cache.encoded(request));
        assert!(is_kept(&running[0]) && !is_kept(&running[MOST_KEPT]));
    }
}
