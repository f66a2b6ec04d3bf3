//! What both sides do.
//!
//! A script's last step ends the conversation, so a side that ends well has done every turn before it; one turn more
//! and the script is used up, which is an error.

use serde_json::{Value, json};

/// One thing both sides do.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    /// Turns of work in it, beside those of an answer at once.
    pub(crate) turns: u32,
    pub(crate) kind: Kind,
}

pub(crate) enum Kind {
    /// A call that ends by itself: the product's argument and the limit's.
    Call(&'static str, &'static str),
    /// From the start to the first byte of the first request; the server never answers.
    FirstRequest,
    /// So many conversations with this script at the same time, in one process.
    Sessions { script: Value, count: u32 },
    /// A conversation with this script.
    Conversation { script: Value, level: &'static str, folder: Folder },
}

/// The folder that a conversation is about.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Folder {
    /// One file.
    Small,
    /// Files enough for one each turn, so that no two turns are alike.
    Large,
    /// The same, in a git repository.
    Repository,
}

impl Folder {
    /// How many files it holds.
    pub(crate) const fn files(self) -> usize {
        match self {
            Self::Small => 1,
            Self::Large | Self::Repository => 200,
        }
    }
}

/// The name of the file with that number.
pub(crate) fn file(number: usize) -> String {
    format!("notes-{number}.txt")
}

/// In the order in which they are run.
pub(crate) fn cases() -> Vec<Case> {
    let call = |name, product, limit| Case { name, turns: 0, kind: Kind::Call(product, limit) };
    let conversation = |name, turns, level, folder, script| {
        let kind = Kind::Conversation { script, level, folder };
        Case { name, turns, kind }
    };
    // Each of them the same, so that what more of them cost is theirs alone.
    let sessions = |name, count| {
        let kind = Kind::Sessions { script: looks(SESSION_TURNS), count };
        Case { name, turns: 0, kind }
    };
    vec![
        call("version", "--version", "version"),
        call("help", "--help", "help"),
        Case { name: "first-request", turns: 0, kind: Kind::FirstRequest },
        conversation("one-shot", 0, "none", Folder::Small, answer()),
        conversation("one-shot-kernel", 0, "kernel", Folder::Small, answer()),
        conversation("50-tool-turns", 50, "none", Folder::Large, looks(50)),
        conversation("200-tool-turns", 200, "none", Folder::Large, looks(200)),
        conversation("50-shell-turns", 50, "none", Folder::Small, shells(50)),
        conversation("50-shell-turns-kernel", 50, "kernel", Folder::Small, shells(50)),
        conversation("50-shell-turns-repository", 50, "none", Folder::Repository, shells(50)),
        conversation("5-workers-of-10-turns", 55, "none", Folder::Large, workers(5, 9)),
        sessions("1-session", 1),
        sessions("1000-sessions", 1_000),
    ]
}

/// Requests of a session beside the one that ends it.
const SESSION_TURNS: usize = 9;

/// Requests that so many sessions make.
pub(crate) fn requests_of(sessions: u32) -> f64 {
    f64::from(sessions) * (SESSION_TURNS + 1) as f64
}

/// The manager answers at once.
fn answer() -> Value {
    script(vec![json!({ "text": "42" })], vec![])
}

fn script(manager: Vec<Value>, coder: Vec<Value>) -> Value {
    json!({ "v": 1, "agents": { "manager": manager, "coder": coder } })
}

fn step(tool: &str, input: Value) -> Value {
    json!({ "tool_calls": [{ "name": tool, "input": input }] })
}

fn read(number: usize) -> Value {
    step("read", json!({ "path": file(number) }))
}

fn coder() -> Value {
    step("execute_coder_task", json!({ "task_description": "work" }))
}

fn report() -> Value {
    step("report", json!({ "summary": "s", "files_changed": [] }))
}

fn finish() -> Value {
    step("finish", json!({ "summary": "s", "status": "done" }))
}

/// The manager reads files.
fn looks(turns: usize) -> Value {
    script((0..turns).map(read).chain([finish()]).collect(), vec![])
}

/// A worker runs commands.
fn shells(turns: usize) -> Value {
    let shell = |number| step("bash", json!({ "command": format!("echo {number}") }));
    script(vec![coder(), finish()], (0..turns).map(shell).chain([report()]).collect())
}

/// Workers, one after the other, read files and report.
fn workers(workers: usize, reads: usize) -> Value {
    let work = |worker| (0..reads).map(move |number| read(worker * reads + number)).chain([report()]);
    script(
        std::iter::repeat_n(coder(), workers).chain([finish()]).collect(),
        (0..workers).flat_map(work).collect(),
    )
}
