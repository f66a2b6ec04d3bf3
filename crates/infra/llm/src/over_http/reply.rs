//! Reads one answer off the network: bytes to events to domain items, with a deadline on every wait.
//!
//! What arrived whole is given before the error that follows it, so the items do not depend on how the bytes were split.

use std::{collections::VecDeque, pin::Pin, time::Duration};

use bytes::Bytes;
use domain::{
    message::Usage,
    model::{ModelAnswer, ModelError, ModelErrorKind, ModelItem, ModelStream},
};
use futures_util::{Stream, StreamExt, stream};
use tokio::time::{Instant, timeout, timeout_at};

use super::Place;
use crate::sse::{SseError, SseEvent, SseLimits, SseParser};

#[cfg(test)]
mod tests;

/// How long we wait for the end of the body once the answer is whole. A connection whose body was read to its end is
/// used again; one that lingers is not worth waiting for.
const LINGER: Duration = Duration::from_millis(250);

/// The longest time in which bytes may come and nothing of the answer with them (reliability 1.4).
const LONGEST_WITHOUT_CONTENT: Duration = Duration::from_secs(600);

/// A body as it arrives.
pub(crate) type Chunks =
    Pin<Box<dyn Stream<Item = Result<Bytes, Box<dyn std::error::Error + Send + Sync>>> + Send>>;

/// Puts an answer together from its events.
pub(crate) trait Fold: Send {
    /// Why there is no answer.
    type Error: From<SseError>;

    /// Takes the next event. Gives what there is to show; the answer itself is the last item.
    ///
    /// # Errors
    /// The answer is lost then.
    fn take(&mut self, event: SseEvent<'_>) -> Result<Option<ModelItem>, Self::Error>;

    /// The answer, where the end of the body is its end and it is whole by then. Asked at most once.
    fn at_the_end(&mut self) -> Option<ModelAnswer> {
        None
    }

    /// How many events have carried something of the answer so far.
    fn contents(&self) -> u64;

    /// What the answer has taken so far, as far as the provider said so.
    fn usage(&self) -> Usage;

    /// The error, for people and for code.
    fn lost(place: &Place, error: Self::Error) -> ModelError;
}

/// An answer that is being read.
pub(crate) struct Reply<F> {
    chunks: Chunks,
    parser: SseParser,
    fold: F,
    /// Items of the last chunk that were not taken yet: bounded by what a chunk can hold.
    ready: VecDeque<ModelItem>,
    ended: Option<Result<ModelAnswer, ModelError>>,
    /// When the next byte must be here.
    byte_by: Instant,
    idle_timeout: Duration,
    /// When something more of the answer must be here; pings and comments do not count.
    content_by: Instant,
    place: Place,
}

impl<F: Fold + 'static> Reply<F> {
    /// Reads `chunks`, whose first byte must come before `first_byte_by`, each later one within `idle_timeout` of the
    /// one before; comments and pings count, but they alone keep nothing alive for longer than
    /// [`LONGEST_WITHOUT_CONTENT`].
    pub(crate) fn new(
        fold: F,
        chunks: Chunks,
        first_byte_by: Instant,
        idle_timeout: Duration,
        place: Place,
    ) -> Self {
        Self {
            chunks,
            parser: SseParser::new(SseLimits::CONTRACT),
            fold,
            ready: VecDeque::new(),
            ended: None,
            byte_by: first_byte_by,
            idle_timeout,
            content_by: Instant::now() + LONGEST_WITHOUT_CONTENT,
            place,
        }
    }

    /// The items, ending with the answer or an error.
    pub(crate) fn into_stream(self) -> ModelStream {
        Box::pin(stream::unfold(Some(Box::new(self)), |reply| async {
            let mut reply = reply?;
            let item = reply.next().await;
            let goes_on = matches!(item, Ok(ModelItem::TextDelta { .. } | ModelItem::ThinkingDelta { .. }));
            Some((item, goes_on.then_some(reply)))
        }))
    }

    async fn next(&mut self) -> Result<ModelItem, ModelError> {
        loop {
            if let Some(item) = self.ready.pop_front() {
                return Ok(item);
            }
            match self.ended.take() {
                Some(Ok(answer)) => {
                    self.read_to_the_end().await;
                    return Ok(ModelItem::Answer(answer));
                }
                Some(Err(error)) => return Err(error),
                None => match self.chunk().await {
                    Ok(Some(bytes)) => self.take(&bytes),
                    Ok(None) => self.ended = Some(self.at_the_end()),
                    Err(error) => self.ended = Some(Err(error.having_used(self.fold.usage()))),
                },
            }
        }
    }

    /// The next bytes; none at the end of the body.
    async fn chunk(&mut self) -> Result<Option<Bytes>, ModelError> {
        match timeout_at(self.byte_by.min(self.content_by), self.chunks.next()).await {
            Ok(Some(Ok(bytes))) => Ok(Some(bytes)),
            Ok(Some(Err(source))) => Err(self.place.caused(
                ModelErrorKind::Cut,
                "the connection broke in the middle of the answer",
                source,
            )),
            Ok(None) => Ok(None),
            Err(_) if self.byte_by <= self.content_by => {
                let problem = "the answer stalled: no byte came for too long";
                Err(self.place.error(ModelErrorKind::Silent, problem))
            }
            Err(_) => {
                let minutes = LONGEST_WITHOUT_CONTENT.as_secs() / 60;
                let problem = format!(
                    "the answer stalled: the connection lives, but nothing of the answer came for {minutes} minutes"
                );
                Err(self.place.error(ModelErrorKind::Silent, &problem))
            }
        }
    }

    fn at_the_end(&mut self) -> Result<ModelAnswer, ModelError> {
        self.fold.at_the_end().ok_or_else(|| {
            let error = self.place.error(ModelErrorKind::Cut, "the stream ended before the answer did");
            error.having_used(self.fold.usage())
        })
    }

    fn take(&mut self, bytes: &[u8]) {
        let now = Instant::now();
        self.byte_by = now + self.idle_timeout;
        let Self { parser, fold, ready, ended, .. } = self;
        let before = fold.contents();
        let fed = parser.feed(bytes, |event| {
            // What follows the answer is not ours to judge.
            if ended.is_none() {
                match fold.take(event)? {
                    Some(ModelItem::Answer(answer)) => *ended = Some(Ok(answer)),
                    Some(item) => ready.push_back(item),
                    None => {}
                }
            }
            Ok(())
        });
        if self.fold.contents() != before {
            self.content_by = now + LONGEST_WITHOUT_CONTENT;
        }
        if let (Err(error), None) = (fed, &self.ended) {
            self.ended = Some(Err(F::lost(&self.place, error).having_used(self.fold.usage())));
        }
    }

    async fn read_to_the_end(&mut self) {
        let end = async { while let Some(Ok(_)) = self.chunks.next().await {} };
        if timeout(LINGER, end).await.is_err() {
            tracing::debug!(url = %self.place.url, "the body goes on after the answer; its connection is closed");
        }
    }
}
