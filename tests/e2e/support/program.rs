//! The built program, called in an environment that knows nothing of this machine but where programs lie.

use std::{
    ffi::OsStr,
    path::PathBuf,
    process::{ExitStatus, Stdio},
};

use better_llm::EngineBuilder;
use domain::permission::SandboxState;
use testkit::{MockServer, requirement, wait};
use tokio::process::Command;

use super::{AtTerminal, Running, Said, World, world::search_path};

/// The program; `scripts/run_tests.sh` builds it before these tests.
fn program(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("this test's own path");
    let profile = test.parent().and_then(|deps| deps.parent()).expect("target/<profile>/deps/<test>");
    let program = profile.join(name);
    let hint = "build it first: cargo build -p better-llm-cli -p better-llm --bins --examples";
    assert!(program.exists(), "there is no {}; {hint}", program.display());
    program
}

/// A call of a program.
pub(crate) struct Call(Command);

/// The protocol in which the program speaks to its models.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wire {
    /// The Messages API, provider `anthropic`.
    Messages,
    /// Chat Completions, provider `openai`.
    Chat,
}

impl Wire {
    /// Both.
    pub(crate) const BOTH: [Self; 2] = [Self::Messages, Self::Chat];
}

impl World {
    /// `better-llm-cli` with these arguments, in the repository, without a key.
    pub(crate) fn call<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Call {
        self.call_of("better-llm-cli", arguments)
    }

    /// A script for bash that finds the built programs.
    pub(crate) fn script(&self, text: &str) -> Call {
        let own = program("better-llm-cli");
        let rest = search_path();
        let folders = own.parent().map(PathBuf::from).into_iter().chain(std::env::split_paths(&rest));
        let path = std::env::join_paths(folders).expect("a path");
        self.call_of("better-llm-cli", [] as [&str; 0]).env("PATH", path).by_shell("bash", text)
    }

    /// A built program in the repository.
    pub(crate) fn call_of<A: AsRef<OsStr>>(
        &self,
        name: &str,
        arguments: impl IntoIterator<Item = A>,
    ) -> Call {
        let mut command = Command::new(program(name));
        command
            .args(arguments)
            .current_dir(&self.repository)
            .env_clear()
            .env("PATH", search_path())
            .env("HOME", &self.home)
            .env("TMPDIR", self.outside().join("tmp"))
            .env("BETTER_LLM_HOME", self.own())
            .env("LANG", "C.UTF-8")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        Call(command)
    }

    /// A task for the team behind the server, told as stream-json.
    pub(crate) async fn task(&self, server: &MockServer, more: &[&str]) -> Call {
        self.task_over(Wire::Messages, server, more).await
    }

    /// The same over a protocol of the test's choice.
    pub(crate) async fn task_over(&self, wire: Wire, server: &MockServer, more: &[&str]) -> Call {
        let arguments =
            ["--output-format", "stream-json"].iter().chain(more).chain(&["합계에 환불을 더해 줘"]);
        self.call(arguments).within_walls(self).await.over(wire, server)
    }

    /// Whether commands can be walled in here; where they cannot, this says that the test is skipped.
    pub(crate) async fn has_walls(&self) -> bool {
        let state = self.sandbox().await;
        if !state.usable {
            requirement::skip(&state.reason);
        }
        state.usable
    }

    async fn sandbox(&self) -> SandboxState {
        let variables = [("PATH", search_path()), ("BETTER_LLM_HOME", self.own().into())];
        let variables = variables.map(|(name, value)| (name.into(), value));
        let engine = EngineBuilder::new(&self.repository).environment(variables).build().await;
        engine.expect("a workspace").sandbox().await.expect("`auto` is always there")
    }
}

impl Call {
    /// Commands run inside of the wall that works here; where none does, they run without.
    pub(crate) async fn within_walls(self, world: &World) -> Self {
        let free = ["--sandbox", "none", "--permission-mode", "full"];
        if world.sandbox().await.usable { self } else { self.args(free) }
    }

    /// Sets a variable of the program's environment.
    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.0.env(name, value);
        self
    }

    /// Further arguments.
    pub(crate) fn args<A: AsRef<OsStr>>(mut self, arguments: impl IntoIterator<Item = A>) -> Self {
        self.0.args(arguments);
        self
    }

    /// Runs the program as [`World::PLAIN_USER`], to whom the world has been given. Only root can.
    pub(crate) fn by_plain_user(mut self) -> Self {
        self.0.uid(World::PLAIN_USER).gid(World::PLAIN_USER);
        self
    }

    /// Runs the program without a umask: what it makes is as open as it makes it.
    pub(crate) fn without_umask(self) -> Self {
        self.by_shell("sh", "umask 000; exec \"$0\" \"$@\"")
    }

    fn by_shell(self, shell: &str, line: &str) -> Self {
        let described = self.0.as_std();
        let mut command = Command::new(shell);
        command.args(["-c", line]);
        command.arg(described.get_program()).args(described.get_args()).env_clear();
        command.envs(described.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command.current_dir(described.get_current_dir().expect("a folder"));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        Self(command)
    }

    /// Runs the program as the shell's `exec "$0" "$@"` followed by these redirections.
    pub(crate) fn redirected(self, redirections: &str) -> Self {
        self.by_shell("sh", &format!("exec \"$0\" \"$@\" {redirections}"))
    }

    /// Another working folder.
    pub(crate) fn within(mut self, folder: &std::path::Path) -> Self {
        self.0.current_dir(folder);
        self
    }

    /// Another standard input than nothing.
    pub(crate) fn stdin(mut self, stdin: Stdio) -> Self {
        self.0.stdin(stdin);
        self
    }

    /// Another standard error than a pipe of ours.
    pub(crate) fn stderr(mut self, stderr: Stdio) -> Self {
        self.0.stderr(stderr);
        self
    }

    /// Model calls go to this server, with its key.
    pub(crate) fn against(self, server: &MockServer) -> Self {
        self.over(Wire::Messages, server)
    }

    /// The same over a protocol of the test's choice. A server without keys gets none.
    pub(crate) fn over(self, wire: Wire, server: &MockServer) -> Self {
        let (base_url, key) = match wire {
            Wire::Messages => ("ANTHROPIC_BASE_URL", "ANTHROPIC_API_KEY"),
            Wire::Chat => ("OPENAI_BASE_URL", "OPENAI_API_KEY"),
        };
        let call = self.env(base_url, server.url());
        if server.key().is_empty() { call } else { call.env(key, server.key()) }
    }

    /// Starts it at a terminal.
    pub(crate) fn at_terminal(self) -> AtTerminal {
        AtTerminal::start(&self.0)
    }

    /// Starts it, to watch it while it runs.
    pub(crate) fn start(self) -> Running {
        Running::start(self.0)
    }

    /// Runs it to its end. The last line of one that is killed may be cut, even within a character.
    pub(crate) async fn run(mut self) -> Ended {
        let child = self.0.spawn().expect("the program starts");
        let ending = child.wait_with_output();
        let output = wait::bounded("the program's end", ending).await.expect("its output can be read");
        let is_killed = output.status.code().is_none();
        let text = |bytes: Vec<u8>| match String::from_utf8(bytes) {
            Err(error) if is_killed => String::from_utf8_lossy(error.as_bytes()).into_owned(),
            text => text.expect("UTF-8"),
        };
        Ended { status: output.status, out: text(output.stdout), err: text(output.stderr) }
    }
}

/// A program that has ended.
#[derive(Debug)]
pub(crate) struct Ended {
    /// How.
    pub(crate) status: ExitStatus,
    /// Its standard output.
    pub(crate) out: String,
    /// Its standard error.
    pub(crate) err: String,
}

impl Ended {
    /// Its exit code.
    pub(crate) fn code(&self) -> i32 {
        self.status.code().unwrap_or_else(|| panic!("no exit code: {self:?}"))
    }

    /// What it said as stream-json, checked for everything that holds for every run.
    pub(crate) fn said(&self) -> Said {
        Said::read(&self.out, self.code(), &self.err)
    }

    /// Its one line of JSON.
    pub(crate) fn line(&self) -> serde_json::Value {
        let lines: Vec<&str> = self.out.lines().collect();
        let [line] = lines[..] else { panic!("not one line: {self:?}") };
        serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))
    }
}
