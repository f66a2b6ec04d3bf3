//! Writers that die in the middle.

use std::{
    process::{Child, Command},
    time::{Duration, SystemTime},
};

use super::*;

const CHILD: &str = "confined::tests::leftovers::writes_until_it_is_killed";
const FOLDER: &str = "FOLDER_TO_WRITE_IN";
const SIZE: usize = 4 * 1024 * 1024;

/// The other process of the test below.
#[test]
#[ignore = "runs for ever; the test below starts and kills it"]
fn writes_until_it_is_killed() {
    let Ok(folder) = std::env::var(FOLDER) else { return };
    let files = Confined::open_roots(Path::new(&folder), &[], &[]).expect("a folder");
    for letter in (b'a'..=b'z').cycle() {
        let target = to_write(&files, "big").expect("a file");
        target.replace(&vec![letter; SIZE]).expect("written");
    }
}

fn temporaries(workspace: &Workspace) -> Vec<String> {
    let names = std::fs::read_dir(workspace.root()).expect("a folder");
    let names = names.map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8"));
    names.filter(|name| name.ends_with(".tmp")).collect()
}

/// Starts a writer and kills it (-9) when a temporary file stands there.
fn killed_in_the_middle(workspace: &Workspace) -> u32 {
    let program = std::env::current_exe().expect("this program");
    let mut command = Command::new(program);
    command.args(["--exact", CHILD, "--ignored", "--nocapture"]).env_clear().env(FOLDER, workspace.root());
    let mut writer: Child = command.stdout(std::process::Stdio::null()).spawn().expect("it starts");
    while temporaries(workspace).is_empty() {
        assert_eq!(writer.try_wait().expect("a child"), None, "it writes for ever");
        std::thread::yield_now();
    }
    writer.kill().expect("killed");
    writer.wait().expect("it ended");
    writer.id()
}

fn age(workspace: &Workspace, name: &str) {
    let file = std::fs::File::options().write(true).open(workspace.path(name)).expect("a file");
    let long_ago = SystemTime::now().checked_sub(Duration::from_secs(600)).expect("a time");
    file.set_modified(long_ago).expect("a time");
}

/// O-16: a kill -9 in the middle leaves the old content or the new, and who is to write in the folder next removes what
/// was left behind.
#[test]
fn a_killed_writer_leaves_a_whole_file_and_its_rest_is_removed() {
    let workspace = Workspace::new();
    workspace.put("big", vec![b'0'; SIZE]);
    let (writer, left) = loop {
        let writer = killed_in_the_middle(&workspace);
        let content = workspace.bytes("big");
        assert_eq!(content.len(), SIZE);
        assert!(content.iter().all(|byte| Some(byte) == content.first()), "a part of each");
        // The kill may have come a moment too late.
        if let Some(left) = temporaries(&workspace).pop() {
            break (writer, left);
        }
    };
    assert!(left.starts_with(&format!(".better-llm-{writer}-")), "{left}");
    workspace.put("other/a.txt", "");
    to_write(&workspace.files(), "other/a.txt").expect("a place");
    assert_eq!(temporaries(&workspace), [left.as_str()], "it lies in another folder");
    to_write(&workspace.files(), "a.txt").expect("a place");
    assert_eq!(temporaries(&workspace), <[String; 0]>::default());
}

/// Processes of other machines and containers cannot be seen.
#[test]
fn what_was_written_elsewhere_is_removed_when_it_is_old() {
    let workspace = Workspace::new();
    let gone = "2147483647";
    let left = format!(".better-llm-{gone}-0123456789abcdef.tmp");
    workspace.put(&left, "");
    to_write(&workspace.files(), "a.txt").expect("a place");
    assert_eq!(temporaries(&workspace), [left.as_str()], "it is too young to be nobody's for sure");
    age(&workspace, &left);
    to_write(&workspace.files(), "b.txt").expect("a place");
    assert_eq!(temporaries(&workspace), <[String; 0]>::default());
}

/// What looks alike and is someone's stays.
#[test]
fn only_what_killed_writers_left_behind_is_removed() {
    let workspace = Workspace::new();
    let own = format!(".better-llm-{}-0123456789abcdef.tmp", std::process::id());
    for name in [own.as_str(), ".better-llm-notes.tmp", "work.tmp"] {
        workspace.put(name, "");
        age(&workspace, name);
    }
    let files = workspace.files();
    to_write(&files, "a.txt").and_then(|target| target.replace(b"x")).expect("written");
    assert_eq!(temporaries(&workspace).len(), 3);
}
