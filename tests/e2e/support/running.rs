//! A program that still runs: read line by line, signalled, awaited.

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use testkit::wait;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    process::{Child, ChildStdin, ChildStdout, Command},
    sync::watch,
    task::JoinHandle,
};

use super::Ended;

/// A program under way.
pub(crate) struct Running {
    child: Child,
    /// There is one where the call has a pipe for it.
    input: Option<ChildStdin>,
    out: BufReader<ChildStdout>,
    read: String,
    err: JoinHandle<()>,
    told: watch::Sender<String>,
}

impl Running {
    pub(super) fn start(mut command: Command) -> Self {
        let mut child = command.spawn().expect("the program starts");
        let input = child.stdin.take();
        let out = BufReader::new(child.stdout.take().expect("a pipe"));
        let pipe = child.stderr.take().expect("a pipe");
        let told = watch::Sender::new(String::new());
        let teller = told.clone();
        let err = tokio::spawn(async move {
            let mut lines = BufReader::new(pipe);
            let mut bytes = Vec::new();
            while lines.read_buf(&mut bytes).await.expect("standard error can be read") > 0 {
                let text = String::from_utf8_lossy(&bytes).into_owned();
                teller.send_replace(text);
            }
        });
        Self { child, input, out, read: String::new(), err, told }
    }

    /// Writes a line to its standard input.
    pub(crate) async fn send(&mut self, line: impl std::fmt::Display) {
        let input = self.input.as_mut().expect("a pipe");
        let line = format!("{line}\n");
        wait::bounded("the program to read", input.write_all(line.as_bytes())).await.expect("it reads");
    }

    /// Ends its standard input.
    pub(crate) fn end_input(&mut self) {
        self.input = None;
    }

    /// Reads on until a line of JSON is as wanted, and gives it.
    pub(crate) async fn until(&mut self, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let reading = async {
            loop {
                let mut line = String::new();
                let length = self.out.read_line(&mut line).await.expect("UTF-8 on standard output");
                assert!(length > 0, "the output ended before {what}:\n{}", self.read);
                self.read.push_str(&line);
                let value: Value = serde_json::from_str(&line).expect("a line of JSON");
                if wanted(&value) {
                    return value;
                }
            }
        };
        wait::bounded(what, reading).await
    }

    /// Reads on until a line of this type.
    pub(crate) async fn until_type(&mut self, name: &str) -> Value {
        self.until(name, |line| line["type"] == name).await
    }

    /// Waits until these words stand on standard error.
    pub(crate) async fn until_err(&mut self, words: &str) {
        let mut told = self.told.subscribe();
        wait::bounded(words, told.wait_for(|text| text.contains(words))).await.expect("the sender lives");
    }

    /// Sends a signal to the program alone, as a supervisor does.
    pub(crate) fn signal(&self, signal: Signal) {
        let pid = self.child.id().and_then(|pid| Pid::from_raw(pid.cast_signed())).expect("it runs");
        kill_process(pid, signal).expect("it takes signals");
    }

    /// Waits until the program listens to a signal: it would be ended by it before.
    pub(crate) async fn until_listening(&self, signal: Signal) {
        let pid = self.child.id().expect("it runs");
        let bit = 1_u64 << (signal.as_raw() - 1);
        let listens = || {
            let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("a process's figures");
            let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).expect("it runs");
            u64::from_str_radix(caught.trim(), 16).expect("a mask") & bit != 0
        };
        let waiting = async {
            while !listens() {
                tokio::task::yield_now().await;
            }
        };
        wait::bounded("the program to listen", waiting).await;
    }

    /// Sends a signal again and again, until the program has ended: two at once would count as one.
    pub(crate) async fn signal_until_the_end(&mut self, signal: Signal) {
        let ending = async {
            while self.child.try_wait().expect("it was started").is_none() {
                self.signal(signal);
                tokio::task::yield_now().await;
            }
        };
        wait::bounded("the program's end", ending).await;
    }

    /// The most memory that the program has had so far, in KiB; what it started is not counted.
    pub(crate) fn peak_memory(&self) -> u64 {
        let pid = self.child.id().expect("it runs");
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("a process's figures");
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("it runs");
        line.split_whitespace().next().and_then(|figure| figure.parse().ok()).expect("a number")
    }

    /// Nobody reads its standard output any more.
    pub(crate) fn stop_reading(self) -> Deaf {
        Deaf { child: self.child, err: self.err, told: self.told }
    }

    /// Waits for its end without reading its standard output before.
    pub(crate) async fn end_unread(mut self) -> Ended {
        wait::bounded("the program's end", self.child.wait()).await.expect("it was started");
        let mut bytes = Vec::new();
        wait::bounded("what it wrote", self.out.read_to_end(&mut bytes)).await.expect("a pipe");
        wait::bounded("the end of standard error", self.err).await.expect("it is read");
        let status = self.child.wait().await.expect("it was started");
        // Its last line may be cut, even within a character.
        let out = String::from_utf8_lossy(&bytes).into_owned();
        Ended { status, out, err: self.told.borrow().clone() }
    }

    /// Waits for its end.
    pub(crate) async fn end(mut self) -> Ended {
        let ending = async {
            self.out.read_to_string(&mut self.read).await.expect("UTF-8 on standard output");
            self.child.wait().await.expect("it was started")
        };
        let status = wait::bounded("the program's end", ending).await;
        wait::bounded("the end of standard error", self.err).await.expect("it is read");
        Ended { status, out: self.read, err: self.told.borrow().clone() }
    }
}

/// A program whose reader has gone away.
pub(crate) struct Deaf {
    child: Child,
    err: JoinHandle<()>,
    told: watch::Sender<String>,
}

impl Deaf {
    /// Waits for its end; its standard output is lost.
    pub(crate) async fn end(mut self) -> Ended {
        let status = wait::bounded("the program's end", self.child.wait()).await.expect("it was started");
        wait::bounded("the end of standard error", self.err).await.expect("it is read");
        Ended { status, out: String::new(), err: self.told.borrow().clone() }
    }
}
