//! Commands of a program as lines on standard input (`--input-format stream-json`). What a line says is
//! [`domain::order`]'s business.
//!
//! A thread of its own reads them, so that neither the runtime nor the end of the program ever waits for whoever holds
//! the pipe open. Whether a command fits to what goes on is not decided here.

use std::{
    io::{self, BufRead, BufReader, Read, stdin},
    thread,
};

use domain::order::{BadOrder, Order};
use tokio::sync::mpsc;

/// How many lines may wait. Where there are as many, the thread waits, and the pipe keeps what is written.
const MOST_LINES: usize = 8;
/// The most bytes of a line without its end.
const LONGEST: usize = 1 << 20;

/// A line that was read, counted from 1.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct OrderLine {
    /// Its number.
    pub(crate) number: u64,
    /// What it says.
    pub(crate) order: Result<Order, BadOrder>,
}

/// The commands that come on standard input.
#[derive(Debug)]
pub(crate) struct Orders(mpsc::Receiver<OrderLine>);

impl Orders {
    /// Begins to read.
    ///
    /// # Errors
    /// Where the system gives no thread.
    pub(crate) fn start() -> io::Result<Self> {
        let (lines, receiver) = mpsc::channel(MOST_LINES);
        thread::Builder::new().name("commands".to_owned()).spawn(move || read(stdin(), &lines))?;
        Ok(Self(receiver))
    }

    /// The next line that is not blank; none when the input has ended or cannot be read. Safe to drop.
    pub(crate) async fn next(&mut self) -> Option<OrderLine> {
        self.0.recv().await
    }
}

/// The thread: hands on lines until the input ends or nobody takes them.
fn read(input: impl Read, lines: &mpsc::Sender<OrderLine>) {
    let mut input = BufReader::new(input);
    for number in 1.. {
        let order = match next_line(&mut input) {
            Ok(None) | Err(_) => return,
            Ok(Some(Line::TooLong)) => Err(BadOrder::TooLong { most: LONGEST }),
            Ok(Some(Line::Whole(bytes))) if bytes.trim_ascii().is_empty() => continue,
            Ok(Some(Line::Whole(bytes))) => Order::parse(&bytes),
        };
        if lines.blocking_send(OrderLine { number, order }).is_err() {
            return;
        }
    }
}

enum Line {
    Whole(Vec<u8>),
    TooLong,
}

/// The next line without its end; of one that is too long nothing is kept.
fn next_line(input: &mut impl BufRead) -> io::Result<Option<Line>> {
    let mut line = Vec::new();
    let (mut is_too_long, mut has_begun) = (false, false);
    loop {
        let buffer = input.fill_buf()?;
        if buffer.is_empty() {
            break;
        }
        has_begun = true;
        let end = buffer.iter().position(|byte| *byte == b'\n');
        let piece = buffer.get(..end.unwrap_or(buffer.len())).unwrap_or_default();
        is_too_long |= line.len() + piece.len() > LONGEST;
        if is_too_long {
            line.clear();
        } else {
            line.extend_from_slice(piece);
        }
        let taken = piece.len() + usize::from(end.is_some());
        input.consume(taken);
        if end.is_some() {
            break;
        }
    }
    Ok(has_begun.then_some(if is_too_long { Line::TooLong } else { Line::Whole(line) }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_counted_bounded_and_read_to_the_end() {
        let long = "x".repeat(LONGEST + 1);
        let fits = format!("{{\"type\":\"message\",\"text\":\"{}\"}}", "가".repeat((LONGEST - 40) / 3));
        let text = format!("\n{{\"type\":\"pause\"}}\r\n{long}\n{fits}\n{{\"type\":\"stop\"}}");
        let mut bytes = text.into_bytes();
        bytes.extend(b"\n\xff\n");
        let (lines, mut receiver) = mpsc::channel(MOST_LINES);
        read(&bytes[..], &lines);
        drop(lines);
        let read: Vec<OrderLine> = std::iter::from_fn(|| receiver.blocking_recv()).collect();
        let numbers: Vec<u64> = read.iter().map(|line| line.number).collect();
        assert_eq!(numbers, [2, 3, 4, 5, 6]);
        let [pause, too_long, whole, stop, not_text] = &read[..] else { panic!("{}", read.len()) };
        assert_eq!(
            (&pause.order, &too_long.order),
            (&Ok(Order::Pause), &Err(BadOrder::TooLong { most: LONGEST }))
        );
        assert!(matches!(&whole.order, Ok(Order::Message(text)) if text.len() > LONGEST - 60));
        assert_eq!((&stop.order, &not_text.order), (&Ok(Order::Stop), &Err(BadOrder::NotText)));
    }
}
