//! What a file was in a kept state, and how its content is told from others.

use sha1::Sha1;
use sha2::{Digest as _, Sha256};

use crate::file::{Digest, Stat};

/// What a file was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Was {
    Missing,
    Held(Held),
    /// It was there, and its content was not kept.
    NotKept(Known),
}

/// A file or a link whose content can be had again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Held {
    pub(crate) is_link: bool,
    /// Of a link they mean nothing.
    pub(crate) permissions: u32,
    pub(crate) source: Source,
}

/// Where a content is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Source {
    /// Among git's objects: its name, and its length in bytes.
    Object(String, u64),
    Copy(Digest),
}

/// What is known of a content that was not kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Known {
    Digest(Digest),
    Stat(Stat),
    Nothing,
}

impl Source {
    /// Whether this is the content.
    pub(crate) fn is(&self, content: &[u8]) -> bool {
        match self {
            Self::Copy(digest) => *digest == <Digest>::from(Sha256::digest(content)),
            Self::Object(id, size) => *size == content.len() as u64 && *id == object_id(content, id.len()),
        }
    }
}

/// The name that git gives a content, in the object format whose names have `length` letters.
pub(crate) fn object_id(content: &[u8], length: usize) -> String {
    let head = format!("blob {}\0", content.len());
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    if length == 40 {
        hex(&Sha1::new().chain_update(head).chain_update(content).finalize())
    } else {
        hex(&Sha256::new().chain_update(head).chain_update(content).finalize())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contents_bear_the_names_that_git_gives_them() {
        let source = Source::Object("ce013625030ba8dba906f756967f9e9ca394464a".to_owned(), 6);
        assert!(source.is(b"hello\n"));
        assert!(!source.is(b"hallo\n"));
        let long = "2cf8d83d9ee29543b34a87727421fdecb7e3f3a183d337639025de576db9ebb4";
        assert!(Source::Object(long.to_owned(), 6).is(b"hello\n"));
    }
}
