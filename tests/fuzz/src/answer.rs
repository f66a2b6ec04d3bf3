//! Server-sent events and the answer they make up: what an endpoint sends, over each wire.
//!
//! Held: nothing panics; the way the network cut the bytes changes nothing; bounds are kept.

use llm::fuzzing::{ReadAnswer, read_answer, read_chat_answer};

/// Small bounds, so that small inputs reach them.
const EVENT: usize = 512;
const MESSAGE: usize = 4_096;

/// The Messages API.
pub(super) fn check(bytes: &[u8]) {
    check_with(bytes, |pieces| read_answer(pieces.iter().copied(), EVENT, MESSAGE));
}

/// Chat Completions.
pub(super) fn check_chat(bytes: &[u8]) {
    check_with(bytes, |pieces| read_chat_answer(pieces.iter().copied(), EVENT, MESSAGE));
}

/// The first byte says where the bytes are cut.
fn check_with(bytes: &[u8], read: impl Fn(&[&[u8]]) -> ReadAnswer) {
    let Some((cut, bytes)) = bytes.split_first() else { return };
    // In words that can be compared.
    let read = |pieces: &[&[u8]]| format!("{:?}", read(pieces));
    let whole = read(&[bytes]);
    let cut_at = usize::from(*cut).max(1);
    assert_eq!(read(&bytes.chunks(cut_at).collect::<Vec<_>>()), whole, "in pieces of {cut_at}");
    assert_eq!(read(&bytes.chunks(1).collect::<Vec<_>>()), whole, "byte by byte");
    assert!(whole.len() < 64 * (MESSAGE + 1), "{} bytes came of {}", whole.len(), bytes.len());
}
