//! What the log says of a whole story. A program of its own: which call sites are logged is known to a whole process,
//! so other stories beside this one would decide it, too.

#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests fail by panicking")]
#![expect(dead_code, reason = "the stage serves other stories, too")]

#[path = "../stories/stage.rs"]
mod stage;

use std::{
    io::{self, Write},
    sync::{Arc, Mutex},
};

use tracing_subscriber::{filter::LevelFilter, fmt::MakeWriter};

use crate::stage::{Stage, good_day};

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

/// A whole story at DEBUG: every kind of step with its duration, and nothing that anybody said or wrote (law 10).
#[tokio::test(start_paused = true)]
async fn the_log_names_every_step_and_holds_no_contents() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(LevelFilter::DEBUG)
        .with_ansi(false)
        .with_writer(log.clone())
        .finish();
    let watching = tracing::subscriber::set_default(subscriber);
    Stage::new(good_day()).play("합계를 더해줘").await;
    drop(watching);

    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    let count = |words: &str| text.lines().filter(|line| line.contains(words)).count();
    assert_eq!((count("round started"), count("round ended outcome=\"done\"")), (1, 1), "{text}");
    assert_eq!((count("run started"), count("run ended")), (8, 8), "{text}");
    assert_eq!((count("request started"), count("request answered")), (21, 21), "{text}");
    assert_eq!(count("tool call started"), count("tool call ended"), "{text}");
    assert!(
        count("tool=\"bash\"") > 0 && count("checkpoint taken") > 0 && count("journal is on disk") > 0,
        "{text}"
    );
    let timed = ["round ended", "run ended", "request answered", "tool call ended", "checkpoint taken"];
    for line in text.lines().filter(|line| timed.iter().any(|words| line.contains(words))) {
        assert!(line.contains("elapsed_ms="), "{line}");
    }
    for contents in ["합계", "plan a sum", "sum.sh", "wrong", "echo", "it is wrong", "Add sum"] {
        assert!(!text.contains(contents), "{contents}:\n{text}");
    }
}
