//! What every test of secrets needs.

mod events;
mod forms;
mod known;
mod pieces;

use std::sync::Arc;

use super::{RedactingStream, Redactor, Secret};

fn knowing<'a>(values: impl IntoIterator<Item = &'a str>) -> Redactor {
    Redactor::new(values.into_iter().filter_map(Secret::new).collect())
}

/// What a stream makes of pieces.
fn in_pieces<'a>(redactor: &Arc<Redactor>, pieces: impl IntoIterator<Item = &'a str>) -> String {
    let mut stream = RedactingStream::new(Arc::clone(redactor));
    let mut written: String = pieces.into_iter().map(|piece| stream.push(piece)).collect();
    written.push_str(&stream.finish());
    written
}
