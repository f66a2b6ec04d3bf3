//! A way in for fuzzing: the reading of an answer without a network or a clock. Behind the feature `fuzzing`, which no
//! product asks for.

use std::fmt::Display;

use domain::model::ModelItem;

use crate::{
    anthropic, openai,
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
    read(anthropic::Assembler::default(), pieces, SseLimits { event, message })
}

/// Reads an answer of Chat Completions in the same way.
pub fn read_chat_answer<'p>(
    pieces: impl IntoIterator<Item = &'p [u8]>,
    event: usize,
    message: usize,
) -> ReadAnswer {
    let assembler = openai::Assembler::answering_as("asked".to_owned());
    read(assembler, pieces, SseLimits { event, message })
}

fn read<'p, F: Fold<Error: Display>>(
    mut fold: F,
    pieces: impl IntoIterator<Item = &'p [u8]>,
    limits: SseLimits,
) -> ReadAnswer {
    let mut parser = SseParser::new(limits);
    let mut items = Vec::new();
    for piece in pieces {
        let fed: Result<(), F::Error> = parser.feed(piece, |event| {
            if !matches!(items.last(), Some(ModelItem::Answer(_))) {
                items.extend(fold.take(event)?);
            }
            Ok(())
        });
        if matches!(items.last(), Some(ModelItem::Answer(_))) {
            return ReadAnswer { items, error: None };
        }
        if let Err(error) = fed {
            return ReadAnswer { items, error: Some(error.to_string()) };
        }
    }
    items.extend(fold.at_the_end().map(ModelItem::Answer));
    ReadAnswer { items, error: None }
}
