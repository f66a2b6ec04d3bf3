use std::{collections::BTreeMap, os::unix::fs::PermissionsExt};

use super::*;
use crate::{leftover::take_words, protected::Guard};

/// A workspace with protected files, and a run folder.
struct Bench {
    root: tempfile::TempDir,
    place: Arc<Place>,
}

const HOOK: &str = "#!/bin/sh\n";

impl Bench {
    /// `died`: the session's program is gone.
    fn new(died: bool) -> Self {
        let root = tempfile::tempdir().expect("a folder");
        let path = |name: &str| root.path().canonicalize().expect("its path").join(name);
        let mut owner = Owner::this_process().expect("we live");
        owner.started += u64::from(died);
        let place = Arc::new(Place {
            folder: path("state/run"),
            stem: format!("{}-S-0", owner.pid),
            owner,
            cache: path("cache"),
            workspace: path("작업"),
        });
        let bench = Self { root, place };
        for (name, text) in
            [("config", "[core]\n"), ("HEAD", "ref: refs/heads/main\n"), ("refs/heads/main", "1\n")]
        {
            bench.write(name, text);
        }
        bench.write("hooks/pre-push", HOOK);
        bench
    }

    fn git_dir(&self) -> PathBuf {
        self.place.workspace.join(".git")
    }

    fn write(&self, name: &str, text: &str) {
        let file = self.git_dir().join(name);
        fs::create_dir_all(file.parent().expect("a folder above")).expect("a folder");
        fs::write(file, text).expect("a file");
    }

    fn guard(&self) -> Guard {
        let paths = ["config", "HEAD", "hooks", "refs", "info"].map(|name| Path::new(".git").join(name));
        Guard::of_paths(&self.place.workspace, paths.into_iter())
            .kept_on(Some(Shelf(Arc::clone(&self.place))))
    }

    /// The program is killed in the middle of a command that did this.
    fn killed_after(&self, change: impl FnOnce(&Self)) {
        let guard = self.guard();
        let baseline = guard.before().unwrap_or_else(|error| panic!("{error:?}"));
        change(self);
        std::mem::forget(baseline);
    }

    /// What the git dir holds.
    fn state(&self) -> BTreeMap<String, String> {
        let mut state = BTreeMap::new();
        let mut waiting = vec![self.git_dir()];
        while let Some(folder) = waiting.pop() {
            for entry in fs::read_dir(&folder).expect("a folder") {
                let path = entry.expect("an entry").path();
                if path.is_dir() {
                    waiting.push(path);
                    continue;
                }
                let name = path.strip_prefix(self.git_dir()).expect("below").display().to_string();
                state.insert(name, fs::read_to_string(path).expect("text"));
            }
        }
        state
    }

    /// The same with these changes; none: gone.
    fn state_with(&self, changes: &[(&str, Option<&str>)]) -> BTreeMap<String, String> {
        let mut state = Self::new(true).state();
        for (name, text) in changes {
            match text {
                Some(text) => drop(state.insert((*name).to_owned(), (*text).to_owned())),
                None => drop(state.remove(*name)),
            }
        }
        state
    }

    fn words(&self) -> Vec<(String, String)> {
        take_words(&self.place.folder, [&*self.place.workspace].into_iter())
    }

    fn records(&self) -> usize {
        fs::read_dir(&self.place.folder).expect("the run folder").count()
    }
}

/// What a command does to them.
fn attack(bench: &Bench) {
    bench.write("hooks/pre-commit", "evil\n");
    bench.write("config", "[evil]\n");
    bench.write("HEAD", "ref: refs/heads/evil\n");
    bench.write("refs/heads/evil", "2\n");
    fs::remove_file(bench.git_dir().join("hooks/pre-push")).expect("a hook");
    bench.write("info/attributes", "evil\n");
}

#[test]
fn what_a_command_had_changed_is_put_back_right_after_a_kill() {
    let bench = Bench::new(true);
    bench.killed_after(attack);
    put_back_at_once(&bench.place.folder, &bench.place.stem);
    assert_eq!(bench.state(), bench.state_with(&[]));
    let changed = ".git/config, .git/hooks/pre-commit, .git/hooks/pre-push, .git/info, .git/HEAD, \
                   .git/refs/heads/evil";
    let text = format!(
        "better-llm was killed while a command ran, and protected files that the command had changed were put back: \
         {changed}"
    );
    assert_eq!(bench.words(), [(String::from("protected_files_put_back"), text)]);
    assert_eq!((bench.words().len(), bench.records()), (0, 0));
}

/// The person may have worked there since: nothing is lost, and no ref moves.
#[test]
fn what_runs_programs_is_put_back_later_too_and_what_stood_there_is_kept() {
    let bench = Bench::new(true);
    bench.killed_after(attack);
    put_back_later(&bench.place.folder);
    let expected = bench.state_with(&[
        ("hooks/pre-commit.found-by-better-llm", Some("evil\n")),
        ("hooks/pre-push", None),
        ("config.found-by-better-llm", Some("[evil]\n")),
        ("info.found-by-better-llm/attributes", Some("evil\n")),
        ("HEAD", Some("ref: refs/heads/evil\n")),
        ("refs/heads/evil", Some("2\n")),
    ]);
    assert_eq!(bench.state(), expected);
    let words = bench.words();
    let [(code, text)] = &words[..] else { panic!("{words:?}") };
    assert_eq!(code, "protected_files_put_back");
    assert!(
        text.contains("put back: .git/config, .git/hooks/pre-commit, .git/info; what stood there is kept"),
        "{text}"
    );
    assert_eq!(bench.records(), 0);
}

#[test]
fn what_changes_between_commands_or_under_a_living_program_is_left_alone() {
    let bench = Bench::new(true);
    let guard = bench.guard();
    drop(guard.before().unwrap_or_else(|error| panic!("{error:?}")));
    attack(&bench);
    put_back_later(&bench.place.folder);
    assert!(bench.state()["config"].contains("evil"));

    let bench = Bench::new(false);
    bench.killed_after(attack);
    put_back_later(&bench.place.folder);
    put_back_at_once(&bench.place.folder, &bench.place.stem);
    assert!(bench.state()["config"].contains("evil"));
    assert_eq!((bench.words().len(), bench.records()), (0, 1));
}

#[test]
fn a_record_is_private_written_once_and_gone_with_its_session() {
    let bench = Bench::new(true);
    let folder = bench.place.folder.clone();
    let stamp = |ending: &str| {
        let found = fs::metadata(bench.place.named(ending)).expect("the record");
        (found.ino(), found.mtime_nsec(), found.permissions().mode() & 0o777)
    };
    let guard = bench.guard();
    let before = || guard.before().unwrap_or_else(|error| panic!("{error:?}"));
    drop(before());
    let first = stamp(IDLE);
    assert_eq!(first.2, 0o600);
    let (one, two) = (before(), before());
    assert_eq!(stamp(ARMED), first);
    drop(one);
    assert_eq!(stamp(ARMED), first);
    drop(two);
    bench.write("config", "[core]\n# the person's\n");
    drop(before());
    assert_ne!(stamp(IDLE), first);
    // Whoever took it away: it is written again.
    note::remove(&bench.place.named(IDLE)).expect("it is there");
    drop(before());
    assert!(bench.place.named(IDLE).exists());
    drop((guard, bench));
    assert!(!folder.exists() || fs::read_dir(folder).expect("the run folder").count() == 0);
}

#[test]
fn a_folder_made_anew_gets_nothing_of_the_one_before_and_a_damaged_record_is_left_to_a_person() {
    let bench = Bench::new(true);
    bench.killed_after(attack);
    let workspace = &bench.place.workspace;
    fs::rename(workspace, bench.root.path().join("old")).expect("it moves");
    fs::create_dir(workspace).expect("another one");
    put_back_later(&bench.place.folder);
    assert_eq!(fs::read_dir(workspace).expect("the folder").count(), 0);
    assert_eq!((bench.words().len(), bench.records()), (0, 0));

    fs::write(bench.place.folder.join("1-X-0.protected"), "short").expect("a file");
    let other = Bench::new(true);
    other.killed_after(attack);
    let record = other.place.named(ARMED);
    fs::rename(&record, bench.place.folder.join("9-Y-0.protected")).expect("it moves");
    put_back_later(&bench.place.folder);
    assert!(other.state()["config"].contains("[core]"));
    assert!(bench.place.folder.join("1-X-0.protected").exists());
}
