use std::{
    io::{BufRead, BufReader},
    os::unix::process::CommandExt,
    process::{Child, Command, Stdio},
};

use super::*;
use crate::mark::Marks;

/// A folder for everything, and an owner that is gone.
struct Bench {
    root: tempfile::TempDir,
    leftovers: Leftovers,
}

impl Bench {
    fn new(mark: Option<SessionMark>) -> Self {
        let root = tempfile::tempdir().expect("a folder");
        let path = |name: &str| root.path().join(name);
        let mut owner = Owner::this_process().expect("we live");
        owner.started += 1;
        let session = "01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().expect("a session id");
        let leftovers = Leftovers { owner, mark, session, workspace: path("작업"), cache: path("cache") };
        Self { leftovers, root }
    }

    fn run_folder(&self) -> PathBuf {
        self.root.path().join("state/run")
    }

    /// Leaves the note as a killed owner does.
    fn leave_note(&self) {
        std::mem::forget(Note::write(&self.run_folder(), &self.leftovers).expect("it is written"));
    }

    /// A shell, a child of its, and a daemon that left both.
    fn start(&self, shape: impl FnOnce(&mut Command)) -> (Child, Vec<Kin>) {
        let mut shell = Command::new("/bin/sh");
        shell
            .args([
                "-c",
                "setsid -f sh -c 'echo $$; exec sleep 600'; sleep 600 & echo $!; echo $$; exec 1>&-; wait",
            ])
            .env("TMPDIR", &self.leftovers.folders().temporary)
            .stdout(Stdio::piped())
            .process_group(0);
        shape(&mut shell);
        let mut shell = shell.spawn().expect("a shell");
        let lines = BufReader::new(shell.stdout.take().expect("its output")).lines().take(3);
        let pids = lines.map(|line| line.expect("text").parse().expect("a process id"));
        (shell, pids.map(|pid| Kin::read(pid).expect("it lives")).collect())
    }
}

fn lives(kin: &Kin) -> bool {
    kin.pid().and_then(|pid| Kin::read(pid.as_raw_pid())).is_some_and(|now| now.started() == kin.started())
}

/// Works off what a killed owner left; `shape` is what its processes are known by.
fn check(mark: Option<SessionMark>, shape: impl FnOnce(&mut Command)) {
    let bench = Bench::new(mark);
    drop(bench.leftovers.folders().make().expect("folders"));
    bench.leave_note();
    let (mut shell, started) = bench.start(shape);
    let other = Bench::new(mark);
    let (mut stranger, strangers) = other.start(|command| {
        command.env_remove("TMPDIR");
    });
    assert_eq!((started.len(), started.iter().all(lives)), (3, true));

    end_all(of_the_dead(&bench.run_folder()));

    assert!(!started.iter().any(lives));
    assert!(strangers.iter().all(lives));
    assert!(!bench.leftovers.folders().temporary.exists());
    assert_eq!(fs::read_dir(bench.run_folder()).expect("the folder").count(), 0);
    strangers.iter().for_each(|kin| kin.signal(rustix::process::Signal::KILL));
    for shell in [&mut shell, &mut stranger] {
        shell.wait().expect("it was ended");
    }
}

/// O-16
#[test]
fn marked_processes_of_a_dead_owner_end_also_where_they_cut_every_other_tie() {
    let Some(marks) = Marks::new() else { return };
    check(Some(marks.of_session()), |command| {
        command.env_clear();
        marks.next().put_on_by(command);
    });
}

/// O-16
#[test]
fn without_marks_the_folder_of_temporary_files_tells_whose_a_process_is() {
    check(None, |_| {});
}

#[test]
fn what_an_owner_that_lives_has_started_is_left_alone() {
    let Some(marks) = Marks::new() else { return };
    let mut bench = Bench::new(Some(marks.of_session()));
    bench.leftovers.owner.started -= 1;
    bench.leave_note();
    let (mut shell, started) = bench.start(|command| marks.next().put_on_by(command));
    end_all(of_the_dead(&bench.run_folder()));
    assert!(started.iter().all(lives));
    assert_eq!(note::all(&bench.run_folder()).len(), 1);
    bench.leftovers.end_processes().expect("they end");
    assert!(!started.iter().any(lives));
    shell.wait().expect("it was ended");
}

#[test]
fn a_damaged_note_is_left_for_a_person_to_see_and_stops_no_other() {
    let Some(marks) = Marks::new() else { return };
    let bench = Bench::new(Some(marks.of_session()));
    bench.leave_note();
    let damaged = bench.run_folder().join("1-X.commands");
    fs::write(&damaged, "version=1\0pid=1\0").expect("a file");
    end_all(of_the_dead(&bench.run_folder()));
    assert_eq!(note::all(&bench.run_folder()), [damaged]);
}
