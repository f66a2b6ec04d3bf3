//! Server-sent events, parsed from whatever pieces the network delivers.
//!
//! The parser is pushed bytes and calls back once per event, with borrowed data: after its buffers have grown to the
//! size of an event it allocates nothing. It knows nothing of JSON and leaves UTF-8 to whoever reads the data, which is
//! whole by then. `id` and `retry` fields are skipped: model calls are not resumed.
//!
//! Format: <https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream>.

#[cfg(test)]
mod tests;

/// How much a stream may hold (contract 10).
#[derive(Debug, Clone, Copy)]
pub(crate) struct SseLimits {
    /// The most bytes of one event.
    pub(crate) event: usize,
    /// The most bytes of all events' data together.
    pub(crate) message: usize,
}

impl SseLimits {
    /// The bounds of the contract: 8 MiB an event, 32 MiB a message.
    pub(crate) const CONTRACT: Self = Self { event: 8 << 20, message: 32 << 20 };
}

/// A stream that is larger than its bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SseError {
    /// One event, or one line of it.
    #[error("an event of the stream is larger than {limit} bytes")]
    EventTooLarge {
        /// The bound.
        limit: usize,
    },
    /// All events together.
    #[error("the events of the stream are larger than {limit} bytes together")]
    MessageTooLarge {
        /// The bound.
        limit: usize,
    },
}

/// One event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SseEvent<'a> {
    /// The `event` field; empty where there was none.
    pub(crate) name: &'a [u8],
    /// The `data` fields, joined by line feeds.
    pub(crate) data: &'a [u8],
}

/// Turns bytes into events, for any split of the bytes the same.
#[derive(Debug)]
pub(crate) struct SseParser {
    limits: SseLimits,
    /// The beginning of a line whose end has not come yet.
    line: Vec<u8>,
    name: Vec<u8>,
    data: Vec<u8>,
    has_data: bool,
    /// Bytes of data handed out so far.
    handed_out: usize,
    /// The last byte was a carriage return: a line feed right after it belongs to the same line end.
    after_return: bool,
    at_first_line: bool,
}

const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

impl SseParser {
    /// A parser at the beginning of a stream.
    pub(crate) fn new(limits: SseLimits) -> Self {
        Self {
            limits,
            line: Vec::new(),
            name: Vec::new(),
            data: Vec::new(),
            has_data: false,
            handed_out: 0,
            after_return: false,
            at_first_line: true,
        }
    }

    /// Takes the next bytes and calls `on_event` for every event that they complete, in order.
    ///
    /// # Errors
    /// [`SseError`] where a bound is passed, or the first error of `on_event`. The parser is of no use afterwards.
    pub(crate) fn feed<E: From<SseError>>(
        &mut self,
        bytes: &[u8],
        mut on_event: impl FnMut(SseEvent<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut rest = bytes;
        if self.after_return && !rest.is_empty() {
            self.after_return = false;
            rest = rest.strip_prefix(b"\n").unwrap_or(rest);
        }
        while let Some((line, ending)) =
            memchr::memchr2(b'\n', b'\r', rest).and_then(|at| rest.split_at_checked(at))
        {
            rest = self.skip_line_end(ending);
            if self.line.is_empty() {
                self.take_line(line, &mut on_event)?;
            } else {
                self.keep(line)?;
                let mut whole = std::mem::take(&mut self.line);
                self.take_line(&whole, &mut on_event)?;
                whole.clear();
                self.line = whole;
            }
        }
        Ok(self.keep(rest)?)
    }

    /// What follows the line end that `ending` begins with.
    fn skip_line_end<'a>(&mut self, ending: &'a [u8]) -> &'a [u8] {
        let Some(after) = ending.strip_prefix(b"\r") else {
            return ending.strip_prefix(b"\n").unwrap_or(ending);
        };
        self.after_return = after.is_empty();
        after.strip_prefix(b"\n").unwrap_or(after)
    }

    /// Keeps the beginning of a line until its end comes.
    fn keep(&mut self, piece: &[u8]) -> Result<(), SseError> {
        self.check_event(self.line.len().saturating_add(piece.len()))?;
        self.line.extend_from_slice(piece);
        Ok(())
    }

    /// Takes a line without its end.
    fn take_line<E: From<SseError>>(
        &mut self,
        line: &[u8],
        on_event: &mut impl FnMut(SseEvent<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        self.check_event(line.len())?;
        let first = std::mem::replace(&mut self.at_first_line, false);
        let line = if first { line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(line) } else { line };
        if line.is_empty() {
            return self.dispatch(on_event);
        }
        let (field, value) = match memchr::memchr(b':', line).and_then(|at| line.split_at_checked(at)) {
            Some((field, value)) => {
                let value = value.strip_prefix(b":").unwrap_or(value);
                (field, value.strip_prefix(b" ").unwrap_or(value))
            }
            None => (line, &[][..]),
        };
        match field {
            b"data" => self.take_data(value)?,
            b"event" => {
                self.name.clear();
                self.name.extend_from_slice(value);
            }
            // Not of the format: older builds of llama.cpp say so that they failed.
            b"error" => {
                self.name.clear();
                self.name.extend_from_slice(field);
                self.take_data(value)?;
            }
            _ => {}
        }
        Ok(())
    }

    fn take_data(&mut self, value: &[u8]) -> Result<(), SseError> {
        self.check_event(self.data.len().saturating_add(value.len()))?;
        if self.has_data {
            self.data.push(b'\n');
        }
        self.has_data = true;
        self.data.extend_from_slice(value);
        Ok(())
    }

    fn dispatch<E: From<SseError>>(
        &mut self,
        on_event: &mut impl FnMut(SseEvent<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        if self.has_data {
            self.handed_out = self.handed_out.saturating_add(self.data.len());
            if self.handed_out > self.limits.message {
                return Err(SseError::MessageTooLarge { limit: self.limits.message }.into());
            }
            on_event(SseEvent { name: &self.name, data: &self.data })?;
        }
        self.name.clear();
        self.data.clear();
        self.has_data = false;
        Ok(())
    }

    fn check_event(&self, bytes: usize) -> Result<(), SseError> {
        let limit = self.limits.event;
        if bytes > limit { Err(SseError::EventTooLarge { limit }) } else { Ok(()) }
    }
}
