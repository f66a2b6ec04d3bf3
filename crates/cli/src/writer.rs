//! Writing to readers that may be slow: what there is to say waits in a bounded queue, and a thread of its own writes
//! it, so that nothing else ever waits inside of a write (law 5).
//!
//! Both streams share the thread, so what was said first stands first, on a terminal too. What is written is flushed
//! piece by piece; before it waits, it goes through the net ([`crate::net`]). Nothing here knows what is said, and nothing
//! decides how long a reader deserves to be waited for.

use std::{
    io::{self, Write},
    sync::{Arc, mpsc},
    thread,
    time::Duration,
};

use domain::terminal::Sanitized;
use tokio::sync::{Notify, watch};

use crate::{net::Net, output::OutputError};

/// Where something is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stream {
    Out,
    Err,
}

/// Something to be written in one go.
#[derive(Debug)]
struct Piece {
    stream: Stream,
    bytes: Vec<u8>,
}

/// How far the writing is.
#[derive(Debug, Default)]
struct Level {
    /// Pieces that are not written yet, the one under way included.
    pieces: usize,
    /// Their bytes, as far as nobody has taken them.
    bytes: usize,
    /// Bytes taken since the beginning.
    taken: u64,
    /// Why standard output takes nothing any more, until somebody was told.
    failure: Option<io::Error>,
    /// Nobody waits any more; what comes now is dropped.
    is_given_up: bool,
    /// Log lines for which there was no room, until that is said.
    lost_lines: u64,
}

impl Level {
    const fn has_room(&self) -> bool {
        self.is_given_up || (self.pieces < Writer::MOST_PIECES && self.bytes < Writer::MOST_BYTES)
    }

    const fn is_drained(&self) -> bool {
        self.is_given_up || self.pieces == 0
    }
}

/// The queue, the thread behind it, and how far it is. The thread ends when the writer and all its lanes are gone.
#[derive(Debug)]
pub(crate) struct Writer {
    pieces: mpsc::Sender<Piece>,
    level: Arc<watch::Sender<Level>>,
    /// Rung when standard output has failed. Apart from the level, so that waiting for it costs nothing while it
    /// goes well.
    failed: Arc<Notify>,
    net: Net,
}

impl Writer {
    /// How many pieces may wait. Where there are as many, whoever awaits [`Writer::room`] goes on later.
    const MOST_PIECES: usize = 1024;
    /// How many bytes may wait before there is no room for another piece. The last piece may be longer: an event is
    /// never cut, and has bounds of its own.
    const MOST_BYTES: usize = 256 * 1024;
    /// How many bytes are written at once: a pipe takes as many as soon as its reader has freed a page.
    const CHUNK: usize = 4096;

    /// Starts the thread that writes to the two streams what `net` lets through.
    ///
    /// # Errors
    /// Where the system gives no thread.
    pub(crate) fn start(
        out: impl Write + Send + 'static,
        err: impl Write + Send + 'static,
        net: &Net,
    ) -> io::Result<Self> {
        // Not bounded by itself: the level counts what waits, and whoever says much awaits room.
        let (pieces, queue) = mpsc::channel();
        let level = Arc::new(watch::Sender::default());
        let failed = Arc::new(Notify::new());
        let (shown, told) = (Arc::clone(&level), Arc::clone(&failed));
        thread::Builder::new()
            .name("writer".to_owned())
            .spawn(move || write_all(&queue, &shown, &told, out, err))?;
        Ok(Self { pieces, level, failed, net: net.clone() })
    }

    /// Standard output, as something that never blocks and never fails.
    pub(crate) fn out(&self) -> Lane {
        self.lane(Stream::Out)
    }

    /// Standard error, as something that never blocks and never fails.
    pub(crate) fn err(&self) -> Lane {
        self.lane(Stream::Err)
    }

    /// Standard error for a log: a line for which there is no room is dropped, and how many were is said.
    pub(crate) fn log(&self) -> LogLane {
        LogLane(self.err())
    }

    fn lane(&self, stream: Stream) -> Lane {
        let (pieces, level) = (self.pieces.clone(), Arc::clone(&self.level));
        Lane { stream, pieces, level, net: self.net.clone() }
    }

    /// Waits until there is room for another piece. Safe to drop.
    pub(crate) async fn room(&self) {
        self.reached(Level::has_room).await;
    }

    /// Waits until everything is written. Safe to drop.
    pub(crate) async fn drained(&self) {
        self.reached(Level::is_drained).await;
    }

    /// Waits until standard output has failed. Safe to drop; whoever gets the answer is the only one.
    pub(crate) async fn failed(&self) -> OutputError {
        loop {
            if let Some(error) = self.take_failure() {
                return error;
            }
            self.failed.notified().await;
        }
    }

    /// Waits until nothing has been taken for `patience`. Safe to drop.
    pub(crate) async fn stuck(&self, patience: Duration) {
        loop {
            let before = self.level.borrow().taken;
            let taken = self.reached(|level| level.taken != before);
            if tokio::time::timeout(patience, taken).await.is_err() {
                return;
            }
        }
    }

    /// Waits for nobody any more: what has not been written is lost.
    pub(crate) fn give_up(&self) {
        self.level.send_modify(|level| level.is_given_up = true);
    }

    /// Waits until everything is written, at most for `patience` where there is one; gives up then.
    ///
    /// # Errors
    /// Where standard output has failed, and nobody was told yet.
    pub(crate) async fn finish(&self, patience: Option<Duration>) -> Result<(), OutputError> {
        self.log().own_up();
        match patience {
            None => self.drained().await,
            Some(patience) => {
                if tokio::time::timeout(patience, self.drained()).await.is_err() {
                    self.give_up();
                }
            }
        }
        self.take_failure().map_or(Ok(()), Err)
    }

    fn take_failure(&self) -> Option<OutputError> {
        let mut failure = None;
        self.level.send_if_modified(|level| {
            failure = level.failure.take();
            false
        });
        failure.map(OutputError::from)
    }

    async fn reached(&self, wanted: impl Fn(&Level) -> bool) {
        // An error would mean that the sender is gone, and it is ours.
        self.level.subscribe().wait_for(|level| wanted(level)).await.map(drop).unwrap_or_default();
    }
}

/// One of the two streams: takes all that comes, at once.
#[derive(Debug, Clone)]
pub(crate) struct Lane {
    stream: Stream,
    pieces: mpsc::Sender<Piece>,
    level: Arc<watch::Sender<Level>>,
    net: Net,
}

impl Lane {
    /// What is said here goes through it.
    pub(crate) const fn net(&self) -> &Net {
        &self.net
    }

    fn put(&self, bytes: &[u8]) {
        let bytes = self.net.catch(bytes);
        let mut is_wanted = false;
        self.level.send_if_modified(|level| {
            is_wanted = !level.is_given_up && !bytes.is_empty();
            if is_wanted {
                level.pieces += 1;
                level.bytes += bytes.len();
            }
            // Nobody waits for there to be more.
            false
        });
        if is_wanted {
            // The thread lives as long as there are lanes.
            self.pieces.send(Piece { stream: self.stream, bytes: bytes.into_owned() }).unwrap_or_default();
        }
    }
}

impl Write for Lane {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.put(bytes);
        Ok(bytes.len())
    }

    /// Does nothing: the thread flushes after each piece.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Standard error for lines that may be lost; they are sanitized here.
#[derive(Debug, Clone)]
pub(crate) struct LogLane(Lane);

impl LogLane {
    /// Says how many lines were lost since that was last said.
    fn own_up(&self) {
        let mut lost = 0;
        self.0.level.send_if_modified(|level| {
            lost = std::mem::take(&mut level.lost_lines);
            false
        });
        if lost > 0 {
            self.0.put(format!("{lost} lines of the log were lost: nobody read them in time\n").as_bytes());
        }
    }
}

impl Write for LogLane {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut has_room = true;
        self.0.level.send_if_modified(|level| {
            has_room = level.has_room();
            level.lost_lines += u64::from(!has_room);
            false
        });
        if has_room {
            self.own_up();
            // A record quotes whatever it is about.
            self.0.put(Sanitized::lines(&String::from_utf8_lossy(bytes)).as_str().as_bytes());
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The thread: writes what comes until nobody can say anything any more.
fn write_all(
    queue: &mpsc::Receiver<Piece>,
    level: &watch::Sender<Level>,
    failed: &Notify,
    out: impl Write,
    err: impl Write,
) {
    let (mut out, mut err) = (Some(out), Some(err));
    for Piece { stream, bytes } in queue {
        let mut left = bytes.len();
        let mut took = |length: usize| {
            left -= length;
            level.send_if_modified(|level| {
                level.bytes -= length;
                level.taken += length as u64;
                // The end of the piece is told below.
                left > 0
            });
        };
        let written = match stream {
            Stream::Out => write_piece(&mut out, &bytes, &mut took),
            Stream::Err => write_piece(&mut err, &bytes, &mut took),
        };
        level.send_modify(|level| {
            level.pieces -= 1;
            level.bytes -= left;
            // A silent standard error is no fault (reliability P51), and there is no place where to say it.
            if let (Stream::Out, Err(error)) = (stream, written) {
                level.failure = Some(error);
                failed.notify_one();
            }
        });
    }
}

/// Writes a piece and flushes it; a target that failed gets nothing any more.
fn write_piece(target: &mut Option<impl Write>, bytes: &[u8], mut took: impl FnMut(usize)) -> io::Result<()> {
    let Some(open) = target else { return Ok(()) };
    let mut chunks = bytes.chunks(Writer::CHUNK);
    let written = chunks.try_for_each(|chunk| open.write_all(chunk).map(|()| took(chunk.len())));
    let written = written.and_then(|()| open.flush());
    if written.is_err() {
        *target = None;
    }
    written
}

#[cfg(test)]
mod tests;
