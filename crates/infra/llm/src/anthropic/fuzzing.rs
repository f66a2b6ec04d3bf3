//! A way in for fuzzing: the reading of an answer without a network or a clock. Behind the feature `fuzzing`, which no
//! product asks for.

use domain::model::ModelItem;

use super::answer::{AnswerError, Assembler};
use crate::{
    over_http::Fold,
    sse::{SseLimits, SseParser},
};

/// What came of an answer.
#[derive(Debug)]
pub struct ReadAnswer {
    /// What there was to show, and the answer where it came to its end.
    pub items: Vec<ModelItem>,
    /// Why it did not, where bytes could not be read.
    pub error: Option<String>,
}

/// Reads an answer of the Messages API that arrives in `pieces`, with at most `event` bytes an event and `message`
/// bytes in all.
pub fn read_answer<'p>(
    pieces: impl IntoIterator<Item = &'p [u8]>,
    event: usize,
    message: usize,
) -> ReadAnswer {
    let mut parser = SseParser::new(SseLimits { event, message });
    let mut assembler = Assembler::default();
    let mut items = Vec::new();
    for piece in pieces {
        let fed: Result<(), AnswerError> = parser.feed(piece, |event| {
            if !matches!(items.last(), Some(ModelItem::Answer(_))) {
                items.extend(assembler.take(event)?);
            }
            Ok(())
        });
        if matches!(items.last(), Some(ModelItem::Answer(_))) {
            break;
        }
        if let Err(error) = fed {
            return ReadAnswer { items, error: Some(error.to_string()) };
        }
    }
    ReadAnswer { items, error: None }
}
