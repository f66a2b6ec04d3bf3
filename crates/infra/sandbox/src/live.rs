//! Shows output while it is produced, at a bounded rate: people read it, nothing depends on it.

use std::{future, sync::Arc, time::Duration};

use domain::ports::OutputSink;
use tokio::time::{Instant, sleep_until};

/// Between two chunks.
const PAUSE: Duration = Duration::from_millis(25);
/// The longest chunk, in bytes. What comes faster than a chunk per pause is left out and counted.
const LONGEST: usize = 32 * 1024;

/// Gathers text and hands it on in chunks.
pub(crate) struct Live {
    sink: Arc<dyn OutputSink>,
    waiting: String,
    left_out: u64,
    due: Instant,
}

impl Live {
    pub(crate) fn new(sink: Arc<dyn OutputSink>) -> Self {
        Self { sink, waiting: String::new(), left_out: 0, due: Instant::now() }
    }

    /// Takes more text; shows it at once where the last chunk is long enough ago.
    pub(crate) fn push(&mut self, text: &str) {
        let room = LONGEST - self.waiting.len();
        let (shown, left_out) = text.split_at(text.floor_char_boundary(room));
        if self.left_out == 0 {
            self.waiting.push_str(shown);
            self.left_out += left_out.len() as u64;
        } else {
            self.left_out += text.len() as u64;
        }
        if Instant::now() >= self.due {
            self.flush();
        }
    }

    /// Resolves when waiting text should be shown; never where none waits.
    pub(crate) async fn due(&self) {
        if self.waiting.is_empty() {
            future::pending::<()>().await;
        }
        sleep_until(self.due).await;
    }

    /// Shows what waits.
    pub(crate) fn flush(&mut self) {
        if self.waiting.is_empty() {
            return;
        }
        if self.left_out > 0 {
            self.waiting.push_str(&format!("\n[... {} bytes]\n", self.left_out));
        }
        self.sink.chunk(&self.waiting);
        self.waiting.clear();
        self.left_out = 0;
        self.due = Instant::now() + PAUSE;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[derive(Default)]
    struct Kept(Mutex<Vec<String>>);

    impl OutputSink for Kept {
        fn chunk(&self, text: &str) {
            self.0.lock().expect("no test panics while it holds this").push(text.to_owned());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_flood_is_shown_in_chunks_of_bounded_size_and_what_is_left_out_is_counted() {
        let kept = Arc::new(Kept::default());
        let mut live = Live::new(Arc::clone(&kept) as Arc<dyn OutputSink>);
        live.push("first");
        for _ in 0..100 {
            live.push(&"한".repeat(1_000));
        }
        live.push("last");
        live.due().await;
        live.flush();
        let shown = "한".repeat(LONGEST / 3);
        let left_out = 300_000 - shown.len() + "last".len();
        let expected = ["first".to_owned(), format!("{shown}\n[... {left_out} bytes]\n")];
        assert_eq!(*kept.0.lock().expect("no test panics while it holds this"), expected);
    }
}
