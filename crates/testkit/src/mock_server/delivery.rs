//! From events to the bytes of a body, with everything that can go wrong on the way.

use std::{collections::VecDeque, fmt, time::Duration};

use bytes::Bytes;
use futures_util::stream;
use http_body_util::{BodyExt, Full, StreamBody, combinators::UnsyncBoxBody};
use hyper::body::Frame;
use serde_json::Value;

use super::{
    turn::{Ending, Framing, Pieces, Turn},
    wire::Told,
};
use crate::wait::Inside;

/// A body of an answer.
pub(super) type Body = UnsyncBoxBody<Bytes, HungUp>;

/// The server closes the connection in the middle.
#[derive(Debug)]
pub(super) struct HungUp;

impl fmt::Display for HungUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the script hangs up here")
    }
}

impl std::error::Error for HungUp {}

/// A body that is there at once.
pub(super) fn whole(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into()).map_err(|never| match never {}).boxed_unsync()
}

enum Step {
    Bytes(Bytes),
    /// Lets what is there be written first.
    Flush,
    Wait(Duration),
    Stall,
    /// Pings, for ever.
    Ping(&'static str, Duration),
    HangUp,
}

/// The answer as a body. `open` falls when it has been sent or the client has left.
pub(super) fn events(turn: &Turn, told: &Told, open: Inside) -> Body {
    let count = match turn.ending {
        Ending::Whole => told.steps.len(),
        Ending::Cut(after)
        | Ending::Stall(after)
        | Ending::Reset(after)
        | Ending::Ping { after, .. }
        | Ending::Short(after)
        | Ending::Error { after, .. } => after.min(told.most_of_a_failure),
    };
    let events = told.steps.iter().take(count).flatten();
    let mut frames: Vec<String> = events.map(|event| framed(turn.framing, event, told)).collect();
    let end = match &turn.ending {
        Ending::Whole | Ending::Short(_) => None,
        Ending::Cut(_) | Ending::Reset(_) => Some(Step::HangUp),
        Ending::Stall(_) => Some(Step::Stall),
        Ending::Ping { every, .. } => Some(Step::Ping(told.ping, *every)),
        Ending::Error { .. } => {
            let plain = Framing { crlf: turn.framing.crlf, ..Framing::default() };
            frames.extend(told.failure.iter().map(|event| framed(plain, event, told)));
            None
        }
    };
    let mut steps = VecDeque::new();
    match turn.between {
        None => cut(&frames, 0, &turn.pieces, &mut steps),
        Some(gap) => {
            let mut offset = 0;
            for frame in &frames {
                cut(std::slice::from_ref(frame), offset, &turn.pieces, &mut steps);
                steps.push_back(Step::Wait(gap));
                offset += frame.len();
            }
        }
    }
    steps.extend(end);
    body(dripping(steps, turn.between_pieces), open)
}

/// With a wait before each piece.
fn dripping(steps: VecDeque<Step>, every: Option<Duration>) -> VecDeque<Step> {
    let Some(every) = every else { return steps };
    let waited = steps.into_iter().flat_map(|step| {
        let wait = matches!(step, Step::Bytes(_)).then_some(Step::Wait(every));
        wait.into_iter().chain([step])
    });
    waited.collect()
}

/// These bytes as a body, in the turn's pieces.
pub(super) fn raw(turn: &Turn, bytes: &[u8], open: Inside) -> Body {
    let mut steps = VecDeque::new();
    cut_bytes(bytes, 0, &turn.pieces, &mut steps);
    body(dripping(steps, turn.between_pieces), open)
}

/// A message that is not streamed; a count of events of the turn's ending means nothing here but zero or half.
pub(super) fn message(turn: &Turn, message: &Value, open: Inside) -> Body {
    let text = message.to_string();
    let half = &text.as_bytes()[..text.len() / 2];
    let (bytes, end) = match &turn.ending {
        Ending::Whole => (text.as_bytes(), None),
        Ending::Cut(0) | Ending::Reset(0) => (&[][..], Some(Step::HangUp)),
        Ending::Cut(_) | Ending::Reset(_) => (half, Some(Step::HangUp)),
        Ending::Stall(0) => (&[][..], Some(Step::Stall)),
        // Where nothing is streamed there are no pings.
        Ending::Stall(_) | Ending::Ping { .. } => (half, Some(Step::Stall)),
        Ending::Short(_) | Ending::Error { .. } => (half, None),
    };
    let mut steps = VecDeque::new();
    cut_bytes(bytes, 0, &turn.pieces, &mut steps);
    steps.extend(end);
    body(steps, open)
}

fn framed(framing: Framing, event: &str, told: &Told) -> String {
    let comment = if framing.comments { ": a comment, 주석\n" } else { "" };
    let ping = if framing.pings { told.ping } else { "" };
    let unknown = if framing.unknown_events { told.unknown } else { "" };
    let frame = [comment, event, ping, unknown].concat();
    if framing.crlf { frame.replace('\n', "\r\n") } else { frame }
}

/// Cuts `frames`, which begin at `offset` of the whole, into pieces.
fn cut(frames: &[String], offset: usize, pieces: &Pieces, steps: &mut VecDeque<Step>) {
    if *pieces == Pieces::Events {
        steps.extend(frames.iter().map(|frame| Step::Bytes(Bytes::copy_from_slice(frame.as_bytes()))));
    } else {
        cut_bytes(frames.concat().as_bytes(), offset, pieces, steps);
    }
}

fn cut_bytes(bytes: &[u8], offset: usize, pieces: &Pieces, steps: &mut VecDeque<Step>) {
    let mut push = |piece: &[u8]| {
        if !piece.is_empty() {
            steps.push_back(Step::Bytes(Bytes::copy_from_slice(piece)));
        }
    };
    match pieces {
        Pieces::Whole | Pieces::Events => push(bytes),
        Pieces::Bytes(size) => bytes.chunks(*size).for_each(push),
        Pieces::At(offsets) => {
            let mut done = 0;
            let mut ends: Vec<usize> = offsets.iter().filter_map(|at| at.checked_sub(offset)).collect();
            ends.sort_unstable();
            for end in ends.into_iter().filter(|end| *end < bytes.len()).chain([bytes.len()]) {
                push(&bytes[done..end]);
                done = end;
            }
        }
    }
}

/// Gives the connection its turn to write what it holds: each piece becomes a write of its own, and an abort, which
/// drops what was not written, comes after the last one. (Up to what the socket's buffer takes.)
async fn flush() {
    tokio::task::yield_now().await;
}

fn body(steps: VecDeque<Step>, open: Inside) -> Body {
    let frames = stream::unfold((steps, open), |(mut steps, open)| async move {
        loop {
            match steps.pop_front()? {
                Step::Wait(delay) => tokio::time::sleep(delay).await,
                Step::Stall => std::future::pending().await,
                Step::Ping(ping, every) => {
                    tokio::time::sleep(every).await;
                    steps.push_front(Step::Ping(ping, every));
                    return Some((Ok(Frame::data(Bytes::from_static(ping.as_bytes()))), (steps, open)));
                }
                Step::HangUp => {
                    flush().await;
                    return Some((Err(HungUp), (VecDeque::new(), open)));
                }
                Step::Bytes(bytes) => {
                    if steps.front().is_some_and(|next| matches!(next, Step::Bytes(_))) {
                        steps.push_front(Step::Flush);
                    }
                    return Some((Ok(Frame::data(bytes)), (steps, open)));
                }
                Step::Flush => flush().await,
            }
        }
    });
    StreamBody::new(frames).boxed_unsync()
}
