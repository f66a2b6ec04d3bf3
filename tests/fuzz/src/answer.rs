//! Server-sent events and the answer they make up: what an endpoint sends.
//!
//! Held: nothing panics; the way the network cut the bytes changes nothing; bounds are kept.

use llm::fuzzing::read_answer;

/// Small bounds, so that small inputs reach them.
const EVENT: usize = 512;
const MESSAGE: usize = 4_096;

/// The first byte says where the bytes are cut.
pub(super) fn check(bytes: &[u8]) {
    let Some((cut, bytes)) = bytes.split_first() else { return };
    let whole = read([bytes].into_iter());
    let cut_at = usize::from(*cut).max(1);
    assert_eq!(read(bytes.chunks(cut_at)), whole, "in pieces of {cut_at}");
    assert_eq!(read(bytes.chunks(1)), whole, "byte by byte");
    assert!(whole.len() < 64 * (MESSAGE + 1), "{} bytes came of {}", whole.len(), bytes.len());
}

/// What came of it, in words that can be compared.
fn read<'p>(pieces: impl Iterator<Item = &'p [u8]>) -> String {
    format!("{:?}", read_answer(pieces, EVENT, MESSAGE))
}
