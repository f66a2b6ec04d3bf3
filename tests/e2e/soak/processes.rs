//! The children: started, heard, killed in the middle of their work, started again.

use std::{
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
    sync::mpsc::{Receiver, SyncSender, sync_channel},
    thread::{self, JoinHandle},
    time::Instant,
};

use domain::id::SessionId;

use super::{
    account::Account,
    child::{PLACE, WORK, Work},
};

/// Something that a child said.
pub(crate) enum Heard {
    Durable {
        session: SessionId,
        seq: u64,
        /// How long the barrier was waited for, in microseconds.
        wait: u64,
    },
    Read,
    Checked,
    Complaint(String),
}

impl Heard {
    /// None where it is the test program's own line.
    fn parse(line: &str) -> Option<Self> {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        match word {
            "durable" => {
                let mut fields = rest.split(' ');
                let session = fields.next()?.parse().ok()?;
                Some(Self::Durable {
                    session,
                    seq: fields.next()?.parse().ok()?,
                    wait: fields.next()?.parse().ok()?,
                })
            }
            "read" => Some(Self::Read),
            "checked" => Some(Self::Checked),
            "complaint" => Some(Self::Complaint(rest.to_owned())),
            _ => None,
        }
    }
}

/// The children that run.
pub(crate) struct Processes {
    place: PathBuf,
    running: Vec<Running>,
    said: SyncSender<Heard>,
    heard: Receiver<Heard>,
}

struct Running {
    work: Work,
    child: Child,
    listener: JoinHandle<()>,
}

impl Processes {
    pub(crate) fn new(place: &Path) -> Self {
        let (said, heard) = sync_channel(1024);
        Self { place: place.to_owned(), running: Vec::new(), said, heard }
    }

    /// Starts a child.
    pub(crate) fn start(&mut self, work: Work) {
        let running = self.launch(work);
        self.running.push(running);
    }

    fn launch(&self, work: Work) -> Running {
        let program = std::env::current_exe().expect("this test's own path");
        // Other tests run beside this one, and do not wait for it.
        let mut child = Command::new("nice")
            .args(["-n", "19"])
            .arg(program)
            .args(["--exact", "soak::the_child", "--nocapture", "--test-threads=1"])
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env(PLACE, &self.place)
            .env(WORK, work.to_word())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .expect("a child");
        let output = child.stdout.take().expect("a pipe");
        let said = self.said.clone();
        let listener = thread::spawn(move || listen(output, &said));
        Running { work, child, listener }
    }

    /// What a child says next; none when the time is up.
    pub(crate) fn hear(&self, until: Instant) -> Option<Heard> {
        let left = until.checked_duration_since(Instant::now())?;
        self.heard.recv_timeout(left).ok()
    }

    /// Kills the `nth` child in the middle of its work, hears its last words, and starts another one in its place.
    pub(crate) fn kill_and_start_again(&mut self, nth: usize, account: &mut Account) {
        let nth = nth % self.running.len();
        let running = self.running.swap_remove(nth);
        let work = running.work;
        account.kills += 1;
        self.kill(running, account);
        self.start(work);
        let last = self.running.len() - 1;
        self.running.swap(nth, last);
    }

    /// Kills them all.
    pub(crate) fn end(mut self, mut account: Account) -> Account {
        for running in std::mem::take(&mut self.running) {
            self.kill(running, &mut account);
        }
        account
    }

    fn kill(&self, mut running: Running, account: &mut Account) {
        running.child.kill().expect("it runs, or has ended");
        running.child.wait().expect("it ends");
        // What it said before it died was true. Others go on talking meanwhile.
        while !running.listener.is_finished() {
            self.heard.try_iter().for_each(|heard| account.add(heard));
            thread::yield_now();
        }
        running.listener.join().expect("the listener");
        self.heard.try_iter().for_each(|heard| account.add(heard));
    }
}

impl Drop for Processes {
    fn drop(&mut self) {
        for running in &mut self.running {
            drop(running.child.kill());
            drop(running.child.wait());
        }
    }
}

/// Hands on what a child says, to its end.
fn listen(output: ChildStdout, said: &SyncSender<Heard>) {
    // A line that a kill cut off says nothing.
    let mut lines = BufReader::new(output);
    let mut line = String::new();
    while lines.read_line(&mut line).is_ok_and(|length| length > 0) {
        if line.ends_with('\n')
            && let Some(heard) = Heard::parse(line.trim_end())
            && said.send(heard).is_err()
        {
            return;
        }
        line.clear();
    }
}
