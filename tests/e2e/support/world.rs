//! A repository that the project has never seen, and a home beside it.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use domain::{event::Event, ports::JournalPort};
use storage::SqliteJournal;
use tempfile::TempDir;

/// Folders of one test; gone with it.
pub(crate) struct World {
    root: TempDir,
    /// The person's home folder; the program's own files lie in it under `.better`.
    pub(crate) home: PathBuf,
    /// The workspace: a git repository with one commit.
    pub(crate) repository: PathBuf,
}

/// The program that is under work in the repository: it adds the amounts in a file.
const TALLY: &str = "#!/bin/sh\ntotal=0\nwhile read -r amount; do\n  total=$((total + amount))\ndone < \"$1\"\necho \"합계: $total\"\n";

/// Its tests: every `시험/*_시험.sh` has to exit with 0.
const TESTS: &str = "#!/bin/sh\ncd \"$(dirname \"$0\")/..\" || exit 2\nfor test in 시험/*_시험.sh; do\n  sh \"$test\" || exit 1\ndone\n";

const TEST: &str = "printf '3\\n4\\n' > 시험/금액.txt\n[ \"$(sh 합계.sh 시험/금액.txt)\" = '합계: 7' ] || exit 1\nrm 시험/금액.txt\n";

impl World {
    /// The test command of the repository.
    pub(crate) const TEST_COMMAND: &str = "sh 시험/run.sh";

    /// Makes the folders and the repository.
    pub(crate) fn new() -> Self {
        let world = Self::without_files();
        world.write("합계.sh", TALLY);
        world.write("시험/run.sh", TESTS);
        world.write("시험/합계_시험.sh", TEST);
        world.write("README.md", "# 가계부\n");
        world.git(&["init", "-q", "-b", "main"]);
        world.git(&["config", "user.name", "김하나"]);
        world.git(&["config", "user.email", "hana@example.org"]);
        world.git(&["add", "."]);
        world.git(&["commit", "-q", "-m", "첫 커밋"]);
        world
    }

    /// Makes the folders only: the workspace is empty, and no repository.
    pub(crate) fn without_files() -> Self {
        let root = tempfile::Builder::new().prefix("세계-").tempdir().expect("a temporary folder");
        let real = root.path().canonicalize().expect("its path");
        let (home, repository) = (real.join("home"), real.join("가계부"));
        for folder in [&home, &repository, &real.join("tmp")] {
            fs::create_dir(folder).expect("a folder");
        }
        Self { root, home, repository }
    }

    /// A user that no machine knows, for tests that root runs.
    pub(crate) const PLAIN_USER: u32 = 61_234;

    /// Gives everything to [`World::PLAIN_USER`]. Only root can.
    pub(crate) fn give_to_plain_user(&self) {
        let owner = format!("{0}:{0}", Self::PLAIN_USER);
        let status = Command::new("chown").args(["-R", &owner]).arg(self.root.path()).status();
        assert!(status.expect("chown is there").success(), "root may give files away");
    }

    /// The folder around home and repository: outside of the workspace.
    pub(crate) fn outside(&self) -> PathBuf {
        self.root.path().canonicalize().expect("its path")
    }

    /// The program's own folder (`BETTER_LLM_HOME`).
    pub(crate) fn own(&self) -> PathBuf {
        self.home.join(".better")
    }

    /// The journal's database.
    pub(crate) fn journal(&self) -> PathBuf {
        self.own().join("data/better-llm.db")
    }

    /// Writes a file of the repository.
    pub(crate) fn write(&self, path: &str, text: &str) {
        put(&self.repository.join(path), text);
    }

    /// Writes a file beside the repository, and gives its path.
    pub(crate) fn write_outside(&self, path: &str, text: &str) -> PathBuf {
        let file = self.outside().join(path);
        put(&file, text);
        file
    }

    /// A file of the repository.
    pub(crate) fn read(&self, path: &str) -> String {
        fs::read_to_string(self.repository.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    /// Whether the repository has a file of that name.
    pub(crate) fn has(&self, path: &str) -> bool {
        self.repository.join(path).exists()
    }

    /// What git prints.
    pub(crate) fn git(&self, arguments: &[&str]) -> String {
        let output = self.run_git(arguments);
        assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("text").trim_end().to_owned()
    }

    fn run_git(&self, arguments: &[&str]) -> Output {
        Command::new("git")
            .args(["-c", "core.quotepath=false"])
            .args(arguments)
            .current_dir(&self.repository)
            .env_clear()
            .env("PATH", search_path())
            .env("HOME", &self.home)
            .output()
            .expect("git is there")
    }

    /// Subjects of the commits, newest first.
    pub(crate) fn commits(&self) -> Vec<String> {
        self.git(&["log", "--format=%s"]).lines().map(str::to_owned).collect()
    }

    /// Names in a folder.
    pub(crate) fn leftovers(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).expect("a folder");
        entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect()
    }

    /// The events of the one session that the journal holds.
    pub(crate) async fn journaled(&self) -> Vec<Event> {
        let journal = SqliteJournal::new(self.journal());
        let sessions = journal.sessions(2).await.expect("the journal");
        let [session] = &sessions[..] else { panic!("not one session: {sessions:?}") };
        journal.read(session.id, 0).await.expect("the journal")
    }

    /// Every file below `folder` with its content, sorted by path.
    pub(crate) fn snapshot(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
        let mut found = Vec::new();
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            let about = fs::symlink_metadata(&path).expect("an entry");
            if about.is_dir() {
                found.extend(Self::snapshot(&path));
            } else if about.is_symlink() {
                let target = fs::read_link(&path).expect("a link");
                found.push((path, target.into_os_string().into_encoded_bytes()));
            } else {
                // A pipe would keep its reader waiting.
                let content = if about.is_file() { fs::read(&path).expect("a file") } else { Vec::new() };
                found.push((path, content));
            }
        }
        found.sort();
        found
    }
}

/// Where programs are looked for; the one thing that tests take from this machine.
pub(crate) fn search_path() -> std::ffi::OsString {
    std::env::var_os("PATH").unwrap_or_else(|| "/usr/local/bin:/usr/bin:/bin".into())
}

fn put(file: &Path, text: &str) {
    let folder = file.parent().expect("a folder");
    fs::create_dir_all(folder)
        .and_then(|()| fs::write(file, text))
        .unwrap_or_else(|error| panic!("{}: {error}", file.display()));
}
