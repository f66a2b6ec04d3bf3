//! The events that are written: each can be told from its session and its place alone.

use std::sync::Arc;

use domain::{
    event::{Event, EventBody, Scope, VERSION},
    id::{SessionId, Ulid},
    time::Timestamp,
};

/// A writer's `nth` session.
pub(crate) fn session(writer: u64, nth: u64) -> SessionId {
    SessionId::new(Ulid::from_parts(writer, u128::from(nth)))
}

/// Most are short, some are outputs of tools, and a few are large.
pub(crate) fn event(session: SessionId, seq: u64) -> Arc<Event> {
    let length = match seq % 97 {
        0 => 2_000,
        1..10 => 600,
        _ => 12,
    };
    let text = format!("{session} {seq} {}", "가나다 שלום 👩🏽‍🚀 ".repeat(length));
    Arc::new(Event {
        v: VERSION,
        seq,
        ts: Timestamp::from_micros(seq),
        session_id: session,
        scope: Scope::default(),
        body: EventBody::Notice { code: "soak".to_owned(), text },
    })
}
