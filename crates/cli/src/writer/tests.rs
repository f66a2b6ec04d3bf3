//! Readers that are slow, that stop, and that go away.

use std::sync::Mutex;

use domain::secret::{Redactor, Secret};
use testkit::wait::bounded;

use super::*;

const PATIENCE: Duration = Duration::from_secs(2);

fn net() -> Net {
    Net::new(Redactor::new(Secret::new("hush-hush-비밀").into_iter().collect()))
}

/// What was written and flushed on the two streams, in order.
type Seen = Arc<Mutex<Vec<(Stream, String)>>>;

/// A stream that takes a write for each permit, and everything once nobody gives permits any more.
struct Reader {
    stream: Stream,
    permits: Option<mpsc::Receiver<()>>,
    unflushed: Vec<u8>,
    seen: Seen,
}

impl Reader {
    fn new(stream: Stream, seen: &Seen) -> Self {
        Self { stream, permits: None, unflushed: Vec::new(), seen: Arc::clone(seen) }
    }

    fn slow(stream: Stream, seen: &Seen) -> (mpsc::Sender<()>, Self) {
        let (permit, permits) = mpsc::channel();
        (permit, Self { permits: Some(permits), ..Self::new(stream, seen) })
    }
}

impl Write for Reader {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Some(permits) = &self.permits {
            permits.recv().unwrap_or_default();
        }
        self.unflushed.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let text = String::from_utf8(std::mem::take(&mut self.unflushed)).unwrap();
        self.seen.lock().unwrap().push((self.stream, text));
        Ok(())
    }
}

/// A stream that takes nothing, for this reason.
struct Broken(io::ErrorKind);

impl Write for Broken {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(self.0.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A writer whose reader of standard output takes what it is permitted to.
fn slow() -> (mpsc::Sender<()>, Writer, Seen) {
    let seen = Seen::default();
    let (permit, out) = Reader::slow(Stream::Out, &seen);
    (permit, Writer::start(out, Reader::new(Stream::Err, &seen), &net()).unwrap(), seen)
}

fn say(lane: &mut impl Write, text: &str) {
    lane.write_all(text.as_bytes()).unwrap();
}

async fn drained(writer: &Writer) {
    bounded("everything to be written", writer.drained()).await;
}

#[tokio::test]
async fn both_streams_are_written_in_the_order_of_what_was_said() {
    let seen = Seen::default();
    let (out, err) = (Reader::new(Stream::Out, &seen), Reader::new(Stream::Err, &seen));
    let writer = Writer::start(out, err, &net()).unwrap();
    let long = "합계 👨\u{200d}👩\u{200d}👧 סך\n".repeat(Writer::CHUNK);
    let said = [(Stream::Err, "하나\n"), (Stream::Out, &long), (Stream::Err, "둘\n"), (Stream::Out, "셋\n")];
    for (stream, text) in said {
        say(&mut writer.lane(stream), text);
    }
    drained(&writer).await;
    assert_eq!(*seen.lock().unwrap(), said.map(|(stream, text)| (stream, text.to_owned())));
}

#[tokio::test]
async fn what_is_said_waits_for_no_reader_and_is_kept_for_it() {
    let (permit, writer, seen) = slow();
    let said: Vec<String> = (0..3 * Writer::MOST_PIECES).map(|number| format!("{number}\n")).collect();
    for line in &said {
        say(&mut writer.out(), line);
    }
    drop(permit);
    drained(&writer).await;
    let lines: Vec<String> = seen.lock().unwrap().iter().map(|(_, line)| line.clone()).collect();
    assert_eq!(lines, said);
}

#[tokio::test]
async fn there_is_room_again_when_the_reader_has_taken_something() {
    for (pieces, length) in [(Writer::MOST_PIECES, 1), (1, Writer::MOST_BYTES)] {
        let (permit, writer, _) = slow();
        bounded("room", writer.room()).await;
        for _ in 0..pieces {
            say(&mut writer.out(), &"x".repeat(length));
        }
        tokio::select! {
            biased;
            () = writer.room() => panic!("{pieces} pieces of {length} bytes wait"),
            () = tokio::task::yield_now() => permit.send(()).unwrap(),
        }
        bounded("room", writer.room()).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_takes_nothing_is_told_from_a_slow_one() {
    let (permit, writer, _) = slow();
    say(&mut writer.out(), "x\ny\n");
    writer.stuck(PATIENCE).await;
    let is_stuck = {
        let mut stuck = std::pin::pin!(writer.stuck(PATIENCE));
        tokio::select! {
            biased;
            () = &mut stuck => true,
            () = tokio::task::yield_now() => false,
        }
    };
    assert!(!is_stuck, "no time has passed");
    drop(permit);
    drained(&writer).await;
}

#[tokio::test(start_paused = true)]
async fn the_end_waits_for_no_reader_that_takes_nothing() {
    let (permit, writer, seen) = slow();
    say(&mut writer.out(), "하나\n");
    assert!(writer.finish(Some(PATIENCE)).await.is_ok());
    say(&mut writer.out(), "둘\n");
    assert!(writer.finish(None).await.is_ok(), "whoever gave up waits no more");
    drop(permit);
    bounded("the line under way", async {
        while seen.lock().unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_eq!(*seen.lock().unwrap(), [(Stream::Out, "하나\n".to_owned())]);
}

/// Reliability P51.
#[tokio::test]
async fn a_reader_that_is_gone_is_told_once_and_the_other_stream_goes_on() {
    let seen = Seen::default();
    let broken = Broken(io::ErrorKind::BrokenPipe);
    let writer = Writer::start(broken, Reader::new(Stream::Err, &seen), &net()).unwrap();
    for _ in 0..2 {
        say(&mut writer.out(), "답\n");
        say(&mut writer.err(), "말\n");
    }
    assert!(matches!(bounded("the failure", writer.failed()).await, OutputError::ReaderGone));
    assert!(writer.finish(None).await.is_ok());
    assert_eq!(*seen.lock().unwrap(), [(Stream::Err, "말\n".to_owned()), (Stream::Err, "말\n".to_owned())]);
}

#[tokio::test]
async fn an_unwritable_output_is_told_at_the_end_and_unread_messages_are_not() {
    let (full, gone) = (Broken(io::ErrorKind::StorageFull), Broken(io::ErrorKind::BrokenPipe));
    let writer = Writer::start(full, gone, &net()).unwrap();
    say(&mut writer.err(), "말\n");
    assert!(writer.finish(None).await.is_ok());
    say(&mut writer.out(), "답\n");
    let Err(OutputError::Write(error)) = writer.finish(None).await else { panic!("no error") };
    assert_eq!(error.kind(), io::ErrorKind::StorageFull);
}

/// Law 8.
#[tokio::test]
async fn lines_of_a_log_that_nobody_reads_are_dropped_and_counted() {
    let seen = Seen::default();
    let (permit, err) = Reader::slow(Stream::Err, &seen);
    let writer = Writer::start(io::sink(), err, &net()).unwrap();
    for _ in 0..Writer::MOST_PIECES + 3 {
        say(&mut writer.log(), "기록\n");
    }
    drop(permit);
    drained(&writer).await;
    say(&mut writer.log(), "다시\n");
    assert!(writer.finish(None).await.is_ok());
    let seen = seen.lock().unwrap();
    let (kept, rest) = seen.split_at(Writer::MOST_PIECES);
    assert!(kept.iter().all(|(_, line)| line == "기록\n"));
    let rest: Vec<&str> = rest.iter().map(|(_, line)| line.as_str()).collect();
    assert_eq!(rest, ["3 lines of the log were lost: nobody read them in time\n", "다시\n"]);
}

/// Spec O-8, P62: what is said, what fails and what is logged.
#[tokio::test]
async fn no_lane_lets_a_secret_through() {
    let seen = Seen::default();
    let (out, err) = (Reader::new(Stream::Out, &seen), Reader::new(Stream::Err, &seen));
    let writer = Writer::start(out, err, &net()).unwrap();
    writer.out().write_all(b"{\"text\":\"AKIAQ3EGRY6JQ7C2XQ4N\"}\n").unwrap();
    writer.err().write_all("error: no key hush-hush-비밀\n".as_bytes()).unwrap();
    writer.log().write_all("DEBUG hush-hush-비밀\n".as_bytes()).unwrap();
    bounded("the end", writer.finish(None)).await.unwrap();
    let expected = [
        (Stream::Out, "{\"text\":\"[redacted:aws-access-key-id]\"}\n"),
        (Stream::Err, "error: no key [redacted:secret]\n"),
        (Stream::Err, "DEBUG [redacted:secret]\n"),
    ];
    assert_eq!(*seen.lock().unwrap(), expected.map(|(stream, text)| (stream, text.to_owned())));
}
