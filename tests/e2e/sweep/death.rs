//! How the built program is made to die at a certain step: `tests/fixtures/die_at.c`, preloaded.

use std::{cell::Cell, fs, path::PathBuf, process::Command};

use better_llm_tests::root;
use rustix::process::Signal;
use tempfile::TempDir;

use crate::support::Call;

/// The program whose steps count.
const PROGRAM: &str = "better-llm-cli";

/// The shim, compiled.
pub(super) struct Shim(TempDir);

/// When a program dies.
#[derive(Debug, Clone, Copy)]
pub(super) enum Death {
    /// At a step of its own, from 1.
    At(usize, When, Steps),
    /// From outside, once so many of its lines have been read.
    AfterLines(usize),
}

/// What of its last step is done.
#[derive(Debug, Clone, Copy)]
pub(super) enum When {
    Before,
    After,
    /// Of a write, the first half is done.
    Half,
}

/// What counts as a step.
#[derive(Debug, Clone, Copy)]
pub(super) enum Steps {
    /// What makes something durable.
    Durable,
    /// Whatever leaves something in a file or in a folder.
    Any,
}

/// What a program did that was not to die.
pub(super) struct Steady {
    /// Its steps, in order: call and path.
    pub(super) steps: Vec<String>,
    /// The processes that loaded the shim: program and first argument.
    pub(super) loaded: Vec<String>,
}

impl Shim {
    pub(super) fn compile() -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        let compiled = Command::new("cc")
            .args(["-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Werror", "-o"])
            .arg(folder.path().join("die_at.so"))
            .arg(root().join("tests/fixtures/die_at.c"))
            .arg("-ldl")
            .output()
            .expect("the gate needs a C compiler, `cc`");
        assert!(compiled.status.success(), "{}", String::from_utf8_lossy(&compiled.stderr));
        Self(folder)
    }

    /// Runs the program until it dies so, or ends before that; whether it died.
    pub(super) async fn kill(&self, call: Call, death: Death) -> bool {
        match death {
            Death::At(at, when, steps) => {
                let when = match when {
                    When::Before => "before",
                    When::After => "after",
                    When::Half => "half",
                };
                let call = self.load(call, steps).env("DIE_AT", at.to_string()).env("DIE_WHEN", when);
                call.run().await.status.code().is_none()
            }
            Death::AfterLines(lines) => {
                let (read, mut program) = (Cell::new(0), call.start());
                program.until("its lines", |_| read.replace(read.get() + 1) + 1 >= lines).await;
                program.signal(Signal::KILL);
                program.end().await.status.code().is_none()
            }
        }
    }

    /// The program is to live, and its steps are written down.
    pub(super) fn watch(&self, call: Call, steps: Steps) -> Call {
        self.load(call, steps).env("DIE_LOG", self.log())
    }

    /// What was written down, once.
    pub(super) fn watched(&self) -> Steady {
        let log = fs::read_to_string(self.log()).expect("a program was watched");
        fs::remove_file(self.log()).expect("it is ours");
        let lines = log.lines().filter_map(|line| line.split_once(' '));
        let (loaded, steps): (Vec<_>, Vec<_>) = lines.partition(|(first, _)| *first == "loaded");
        let second = |lines: Vec<(&str, &str)>| lines.into_iter().map(|(_, rest)| rest.to_owned()).collect();
        Steady { steps: second(steps), loaded: second(loaded) }
    }

    fn load(&self, call: Call, steps: Steps) -> Call {
        let kinds = match steps {
            Steps::Durable => "sync",
            Steps::Any => "all",
        };
        let call = call.env("LD_PRELOAD", self.0.path().join("die_at.so"));
        call.env("DIE_PROGRAM", PROGRAM).env("DIE_KINDS", kinds)
    }

    fn log(&self) -> PathBuf {
        self.0.path().join("log")
    }
}
