//! Contents that were seen, kept so that a refusal can show what changed in a file too long to be shown whole.

use std::{collections::VecDeque, sync::Arc};

use crate::text::count;

/// A shorter content is shown whole, so nothing has to be compared.
const SHORTEST_KEPT: u64 = 32 * 1024;
/// The largest content that is kept, in bytes.
pub(crate) const LONGEST_KEPT: u64 = 1024 * 1024;
/// Bytes of all that are kept. With more, the oldest go, and a refusal shows the beginning of the file instead.
const MOST: u64 = 16 * 1024 * 1024;

/// Contents by their SHA-256, the oldest first.
#[derive(Default)]
pub(super) struct Contents {
    kept: VecDeque<([u8; 32], Arc<[u8]>)>,
    bytes: u64,
}

impl Contents {
    /// Keeps a content, where that is of use.
    pub(super) fn keep(&mut self, digest: [u8; 32], content: Vec<u8>) {
        let size = count(content.len());
        if !(SHORTEST_KEPT..=LONGEST_KEPT).contains(&size) || self.get(&digest).is_some() {
            return;
        }
        self.bytes = self.bytes.saturating_add(size);
        self.kept.push_back((digest, content.into()));
        while self.bytes > MOST {
            let Some((_, oldest)) = self.kept.pop_front() else { break };
            self.bytes = self.bytes.saturating_sub(count(oldest.len()));
        }
    }

    /// The content with this SHA-256, where it is kept.
    pub(super) fn get(&self, digest: &[u8; 32]) -> Option<Arc<[u8]>> {
        let found = self.kept.iter().find(|(other, _)| other == digest);
        found.map(|(_, content)| Arc::clone(content))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_contents_go_first_and_short_ones_are_not_kept() {
        let mut contents = Contents::default();
        let size = usize::try_from(LONGEST_KEPT).expect("a size");
        contents.keep([255; 32], vec![0; size + 1]);
        contents.keep([254; 32], vec![0; 1_000]);
        for number in 0..20 {
            contents.keep([number; 32], vec![number; size]);
        }
        contents.keep([19; 32], vec![19; size]);
        let kept: Vec<u8> = (0..=255).filter(|number| contents.get(&[*number; 32]).is_some()).collect();
        assert_eq!(kept, (4..20).collect::<Vec<_>>());
        assert_eq!(contents.bytes, MOST);
    }
}
