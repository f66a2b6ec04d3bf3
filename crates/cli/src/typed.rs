//! What somebody types at the terminal: lines, and the keys of a line where that matters.
//!
//! A thread of its own reads them, so that neither the runtime nor the end of the program ever waits for a person: it
//! ends with the program, in the middle of a wait where need be. In the background it reads nothing, since the system
//! would stop the program for that.
//!
//! As a rule the terminal itself lets a line be edited and hands it over whole. [`Typed::watch_keys`] takes that over,
//! where the first key of a line has to be known: then a line is edited by `Editor`, and whoever listens shows it.

mod editor;
mod modes;
mod stops;

use std::{
    collections::VecDeque,
    io::{self, stdin},
    thread,
    time::{Duration, Instant},
};

use rustix::{
    event::{PollFd, PollFlags, poll},
    io::Errno,
    termios::{QueueSelector, tcflush, tcgetattr},
};
use tokio::sync::mpsc;

use self::{
    editor::{Editor, Step},
    modes::Modes,
    stops::{Stop, Stops},
};
pub(crate) use self::{
    editor::{LONGEST as LONGEST_LINE, Shown},
    modes::is_in_foreground,
};

/// How many pieces may wait. Where there are as many, the thread waits, and the terminal keeps what is typed.
const MOST_PIECES: usize = 8;
/// The most bytes of a piece.
const LONGEST: usize = 4096;
/// The most bytes of a line that the terminal edits itself, without its end. It leaves out the rest and does not tell, so
/// such a line may be longer.
const LONGEST_OF_TERMINAL: usize = 4095;
/// Between two looks in the background.
const IN_THE_BACKGROUND: Duration = Duration::from_millis(200);

/// What is typed at standard input.
#[derive(Debug)]
pub(crate) struct Typed {
    pieces: mpsc::Receiver<Piece>,
    editor: Editor,
    modes: Modes,
    /// Every key is to be heard, where the terminal lets us.
    wants_keys: bool,
    /// None: the system stops the program as it does any other.
    stops: Option<Stops>,
    heard: VecDeque<Heard>,
}

/// What was heard of whoever types.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Heard {
    /// A line, and when it was read.
    Line {
        /// Without its end.
        text: String,
        /// A question that was put later cannot have been meant.
        at: Instant,
    },
    /// A line that is too long to be taken.
    TooLong {
        /// The most bytes.
        most: usize,
    },
    /// The line under way changed while the terminal shows nothing by itself: what has to be shown.
    Keys(Vec<Shown>),
    /// The program had been stopped and goes on: the shell has written to the terminal.
    Resumed,
    /// Nothing more will be typed.
    Ended {
        /// The terminal went away.
        is_hung_up: bool,
    },
}

#[derive(Debug)]
enum Piece {
    Bytes(Vec<u8>, Instant),
    Over { is_hung_up: bool },
}

impl Typed {
    /// Begins to read. What was typed before is forgotten. Where the program breaks, the terminal gets its own modes back
    /// before that is said.
    ///
    /// # Errors
    /// Where the system gives no thread.
    pub(crate) fn start() -> io::Result<Self> {
        discard();
        let (sender, pieces) = mpsc::channel(MOST_PIECES);
        thread::Builder::new().name("typed".to_owned()).spawn(move || read(&sender))?;
        let modes = Modes::default();
        modes.give_back_on_panic();
        let (editor, heard) = (Editor::default(), VecDeque::new());
        Ok(Self { pieces, editor, modes, wants_keys: false, stops: None, heard })
    }

    /// From now on whoever puts the program aside (Ctrl+Z) gets the terminal with its own modes. [`Self::next`] has to
    /// be awaited for that.
    ///
    /// # Errors
    /// Where the system does not let us listen.
    pub(crate) fn heed_stops(&mut self) -> io::Result<()> {
        self.stops = Some(Stops::listen()?);
        Ok(())
    }

    /// What is heard next; the end again and again. Safe to drop.
    pub(crate) async fn next(&mut self) -> Heard {
        loop {
            if let Some(heard) = self.heard.pop_front() {
                return heard;
            }
            tokio::select! {
                biased;
                stop = next_stop(&mut self.stops) => self.heed(stop),
                piece = self.pieces.recv() => match piece {
                    Some(Piece::Bytes(bytes, at)) => self.take(&bytes, at),
                    Some(Piece::Over { is_hung_up }) => self.end(is_hung_up),
                    None => self.end(false),
                },
            }
        }
    }

    fn heed(&mut self, stop: Stop) {
        match stop {
            Stop::Aside => {
                self.modes.give_back();
                stops::stop();
                if self.wants_keys {
                    self.modes.watch_keys();
                }
            }
            Stop::Resumed => {
                if self.wants_keys {
                    self.modes.watch_keys_again();
                }
                self.heard.push_back(Heard::Resumed);
            }
        }
    }

    /// The next whole line; none when the input has ended. Safe to drop.
    pub(crate) async fn line(&mut self) -> Option<String> {
        loop {
            match self.next().await {
                Heard::Line { text, .. } => return Some(text),
                Heard::Keys(_) | Heard::Resumed | Heard::TooLong { .. } => {}
                Heard::Ended { .. } => return None,
            }
        }
    }

    /// From now on every key is heard. Where the terminal does not let us, lines are still heard whole.
    pub(crate) fn watch_keys(&mut self) {
        self.wants_keys = true;
        self.modes.watch_keys();
    }

    /// The terminal edits lines again. What was typed of one goes on being its beginning.
    pub(crate) fn watch_lines(&mut self) {
        self.wants_keys = false;
        self.modes.give_back();
    }

    /// Whether every key is heard, and shown by us alone.
    pub(crate) fn watches_keys(&self) -> bool {
        self.modes.watch()
    }

    /// What is shown of the line under way, while every key is heard.
    pub(crate) fn so_far(&self) -> String {
        if self.modes.watch() { self.editor.shown() } else { String::new() }
    }

    /// Whether something stands in the line under way, as far as we know.
    pub(crate) const fn has_begun(&self) -> bool {
        !self.editor.is_empty()
    }

    /// Forgets what stands in the line under way: it was typed before somebody could see what it is an answer to.
    pub(crate) fn forget_line(&mut self) {
        discard();
        self.editor.clear();
    }

    fn take(&mut self, bytes: &[u8], at: Instant) {
        let watches = self.modes.watch();
        let steps = if watches { self.editor.feed_keys(bytes) } else { self.editor.feed_lines(bytes) };
        let mut shown = Vec::new();
        for step in steps {
            let heard = match step {
                Step::Shown(step) => {
                    shown.push(step);
                    continue;
                }
                Step::Line(text) if !watches && text.len() >= LONGEST_OF_TERMINAL => {
                    Heard::TooLong { most: LONGEST_OF_TERMINAL - 1 }
                }
                Step::Line(text) => Heard::Line { text, at },
                Step::TooLong => Heard::TooLong { most: LONGEST_LINE },
                Step::End => Heard::Ended { is_hung_up: false },
            };
            self.show(std::mem::take(&mut shown));
            self.heard.push_back(heard);
        }
        self.show(shown);
    }

    fn show(&mut self, shown: Vec<Shown>) {
        if self.modes.watch() && !shown.is_empty() {
            self.heard.push_back(Heard::Keys(shown));
        }
    }

    fn end(&mut self, is_hung_up: bool) {
        let rest = self.editor.clear();
        if !rest.is_empty() && !is_hung_up {
            self.heard.push_back(Heard::Line { text: rest, at: Instant::now() });
        }
        self.heard.push_back(Heard::Ended { is_hung_up });
    }
}

impl Drop for Typed {
    fn drop(&mut self) {
        self.modes.give_back();
    }
}

/// What happens next to the program as a whole; never anything where that is not listened to. Safe to drop.
async fn next_stop(stops: &mut Option<Stops>) -> Stop {
    match stops {
        Some(stops) => stops.next().await,
        None => std::future::pending().await,
    }
}

/// Throws away what the terminal holds. An error means that it is none, and holds nothing.
fn discard() {
    if is_in_foreground() {
        tcflush(stdin(), QueueSelector::IFlush).unwrap_or_default();
    }
}

/// The thread: hands on what is typed until the input ends or nobody takes it.
fn read(pieces: &mpsc::Sender<Piece>) {
    let mut buffer = [0; LONGEST];
    loop {
        // An error shows itself in the read that follows.
        poll(&mut [PollFd::new(&stdin(), PollFlags::IN)], None).unwrap_or_default();
        // Where there is no terminal, nobody is in the background of one.
        if tcgetattr(stdin()).is_ok() && !is_in_foreground() {
            thread::sleep(IN_THE_BACKGROUND);
            continue;
        }
        let read = rustix::io::read(stdin(), &mut buffer);
        let piece = match read {
            Err(Errno::INTR | Errno::AGAIN) => continue,
            Ok(0) | Err(_) => Piece::Over { is_hung_up: matches!(tcgetattr(stdin()), Err(Errno::IO)) },
            Ok(length) => Piece::Bytes(buffer.get(..length).unwrap_or_default().to_vec(), Instant::now()),
        };
        let is_over = matches!(piece, Piece::Over { .. });
        if pieces.blocking_send(piece).is_err() || is_over {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is heard of these pieces, the end included; no terminal is there whose keys could be watched.
    fn heard(pieces: &[&[u8]]) -> Vec<String> {
        let (_sender, receiver) = mpsc::channel(MOST_PIECES);
        let mut typed = Typed {
            pieces: receiver,
            editor: Editor::default(),
            modes: Modes::default(),
            wants_keys: false,
            stops: None,
            heard: VecDeque::new(),
        };
        pieces.iter().for_each(|piece| typed.take(piece, Instant::now()));
        typed.end(false);
        let lines = typed.heard.drain(..).map(|heard| match heard {
            Heard::Line { text, .. } => text,
            other => format!("{other:?}"),
        });
        lines.collect()
    }

    #[test]
    fn lines_come_one_by_one_and_the_end_is_told() {
        let end = "Ended { is_hung_up: false }";
        assert_eq!(heard(&[b"o\n", "거부 이유\nhalf".as_bytes()]), ["o", "거부 이유", "half", end]);
        let hangul = "한글".as_bytes();
        let (first, rest) = hangul.split_at(4);
        assert_eq!(heard(&[first, rest, b"\r\n\n"]), ["한글", "", end]);
    }

    /// The terminal cuts what is longer, and does not tell.
    #[test]
    fn a_line_that_the_terminal_may_have_cut_is_not_taken() {
        let end = "Ended { is_hung_up: false }";
        let (fits, may_be_cut) = ("x".repeat(4094), "x".repeat(4095));
        let pieces = [format!("{fits}\n"), format!("{may_be_cut}\n")];
        let pieces: Vec<&[u8]> = pieces.iter().map(|piece| piece.as_bytes()).collect();
        assert_eq!(heard(&pieces), [fits.as_str(), "TooLong { most: 4094 }", end]);
    }
}
