//! Taking secrets out of whatever is written anywhere.
//!
//! Held: a known secret stands nowhere in what comes out, plain or as JSON writes it; redacting twice is redacting once;
//! the way a stream was cut changes nothing; JSON stays JSON.

use std::sync::Arc;

use domain::secret::{RedactingBytes, Redactor, Secret, find};
use serde_json::Value;

/// A value in several scripts, with signs that JSON escapes.
const SECRET: &str = "심은-비밀\"\\-0a1b2c3d";

/// The first byte says where the text is cut, the second where the secret is planted.
pub(super) fn check(bytes: &[u8]) {
    let [cut, at, bytes @ ..] = bytes else { return };
    let redactor = Arc::new(Redactor::new(vec![Secret::new(SECRET).expect("a secret")]));
    let planted = planted(bytes, usize::from(*at));
    let redacted = redactor.redact_bytes(&planted).into_owned();
    assert!(!holds(&redacted, SECRET.as_bytes()), "the secret is still there");
    assert_eq!(redactor.redact_bytes(&redacted), redacted, "a second time");
    assert_eq!(in_pieces(&redactor, &planted, usize::from(*cut).max(1)), redacted, "in pieces of {cut}");
    drop(find(&planted));
    let json = serde_json::to_string(&String::from_utf8_lossy(&planted)).expect("a text is JSON");
    let redacted = redactor.redact_json(&json);
    let read: Value = serde_json::from_str(&redacted).expect("JSON stays JSON");
    assert!(!read.as_str().expect("a text").contains(SECRET), "the secret is still there, as JSON");
    if let Ok(mut value) = serde_json::from_slice::<Value>(bytes) {
        redactor.redact_value(&mut value);
        assert!(!redactor.redact_value(&mut value), "a second time, as a value");
    }
}

fn planted(bytes: &[u8], at: usize) -> Vec<u8> {
    let (before, after) = bytes.split_at(at.min(bytes.len()));
    [before, SECRET.as_bytes(), after].concat()
}

fn holds(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.windows(wanted.len()).any(|window| window == wanted)
}

fn in_pieces(redactor: &Arc<Redactor>, bytes: &[u8], size: usize) -> Vec<u8> {
    let mut stream = RedactingBytes::new(Arc::clone(redactor));
    let mut out: Vec<u8> = bytes.chunks(size).flat_map(|piece| stream.push(piece)).collect();
    out.extend(stream.finish());
    out
}
