//! Lines that somebody types at the terminal.
//!
//! A thread of its own reads them, so that neither the runtime nor the end of the program ever waits for a person: it
//! ends with the program, in the middle of a wait where need be.

use std::{
    io::{self, BufRead, BufReader, Read, stdin},
    thread,
};

use rustix::termios::{QueueSelector, tcflush};
use tokio::sync::mpsc;

/// How many lines may wait. Where there are as many, the thread waits, and the terminal keeps what is typed.
const MOST_LINES: usize = 8;
/// The most bytes of a line; the rest of a longer one is the next line.
const LONGEST: u64 = 64 * 1024;

/// What is typed at standard input.
#[derive(Debug)]
pub(crate) struct Typed(mpsc::Receiver<String>);

impl Typed {
    /// Begins to read. What was typed before is forgotten.
    ///
    /// # Errors
    /// Where the system gives no thread.
    pub(crate) fn start() -> io::Result<Self> {
        discard();
        let (lines, receiver) = mpsc::channel(MOST_LINES);
        thread::Builder::new().name("typed".to_owned()).spawn(move || read(stdin(), &lines))?;
        Ok(Self(receiver))
    }

    /// The next line; none when the input has ended or cannot be read. Safe to drop.
    pub(crate) async fn next(&mut self) -> Option<String> {
        self.0.recv().await
    }

    /// Forgets what was typed up to now.
    pub(crate) fn forget(&mut self) {
        discard();
        while self.0.try_recv().is_ok() {}
    }
}

/// Throws away what the terminal holds. An error means that it is none, and holds nothing.
fn discard() {
    tcflush(stdin(), QueueSelector::IFlush).unwrap_or_default();
}

/// The thread: hands on lines until the input ends or nobody takes them.
fn read(input: impl Read, lines: &mpsc::Sender<String>) {
    let mut input = BufReader::new(input);
    loop {
        let mut line = Vec::new();
        let length = input.by_ref().take(LONGEST).read_until(b'\n', &mut line);
        let is_over = !length.is_ok_and(|length| length > 0);
        if is_over || lines.blocking_send(String::from_utf8_lossy(&line).into_owned()).is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_one_by_one_and_the_end_is_told() {
        let (lines, mut receiver) = mpsc::channel(MOST_LINES);
        read("o\n거부 이유\nhalf".as_bytes(), &lines);
        drop(lines);
        let read: Vec<String> = std::iter::from_fn(|| receiver.blocking_recv()).collect();
        assert_eq!(read, ["o\n", "거부 이유\n", "half"]);
    }

    #[test]
    fn a_line_without_end_comes_in_pieces() {
        let (lines, mut receiver) = mpsc::channel(MOST_LINES);
        let long = "x".repeat(usize::try_from(LONGEST).unwrap() + 1);
        read(long.as_bytes(), &lines);
        assert_eq!(receiver.blocking_recv().map(|line| line.len()), Some(long.len() - 1));
    }
}
