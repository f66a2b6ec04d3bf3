//! Pieces of something that is still being produced, on their way to listeners: a secret that is split over pieces does
//! not pass (law 10).

use std::sync::Arc;

use domain::{
    event::{DeltaBody, Scope},
    secret::RedactingStream,
};

use crate::event_log::EventLog;

/// How the pieces of one thing are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Index {
    /// All belong to this part of a message.
    Part(u32),
    /// Each has a number of its own; this is the next one's.
    Next(u32),
}

/// The pieces of what one call or one answer produces.
pub(crate) struct Deltas {
    log: Arc<EventLog>,
    scope: Scope,
    stream: RedactingStream,
    /// What is being produced; none before the first piece.
    open: Option<(DeltaBody, Index)>,
}

impl Deltas {
    /// Nothing has come yet.
    pub(crate) fn new(log: &Arc<EventLog>, scope: &Scope) -> Self {
        let stream = RedactingStream::new(Arc::clone(log.redactor()));
        Self { log: Arc::clone(log), scope: scope.clone(), stream, open: None }
    }

    /// Takes a piece of a message's part; publishes what of it is decided.
    pub(crate) fn part(&mut self, body: DeltaBody, index: u32, text: &str) {
        self.take(body, Index::Part(index), text);
    }

    /// Takes a piece of an output; publishes what of it is decided.
    pub(crate) fn output(&mut self, body: &DeltaBody, text: &str) {
        let index = match &self.open {
            Some((_, Index::Next(next))) => Index::Next(*next),
            _ => Index::Next(0),
        };
        self.take(body.clone(), index, text);
    }

    /// Nothing more comes of it.
    pub(crate) fn finish(&mut self) {
        let rest = self.stream.finish();
        self.publish(&rest);
        self.open = None;
    }

    fn take(&mut self, body: DeltaBody, index: Index, text: &str) {
        if self.open.as_ref().is_some_and(|(open, at)| *open != body || *at != index) {
            self.finish();
        }
        self.open = Some((body, index));
        let decided = self.stream.push(text);
        self.publish(&decided);
    }

    fn publish(&mut self, text: &str) {
        let Some((body, index)) = &mut self.open else { return };
        if text.is_empty() {
            return;
        }
        match index {
            Index::Part(part) => self.log.delta(&self.scope, body.clone(), *part, text),
            Index::Next(next) => {
                self.log.delta(&self.scope, body.clone(), *next, text);
                *next += 1;
            }
        }
    }
}
