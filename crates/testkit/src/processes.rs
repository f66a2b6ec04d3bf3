//! Commands that a test scripts: nothing is started.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use domain::{
    command::{
        BoundedOutput, CommandEnd, CommandRequest, CommandStatus, NotRestored, ProcessError, WallNotice,
        WholeOutput,
    },
    permission::{SandboxLevel, SandboxState},
    ports::{Cancelled, OutputSink, Processes},
};
use tokio::time::Instant;

use crate::wait::Level;

/// What a scripted command does.
#[derive(Clone)]
pub struct FakeCommand {
    status: CommandStatus,
    output: Vec<String>,
    takes: Duration,
    hangs: bool,
    starts: bool,
    restored: Vec<String>,
    not_restored: Vec<NotRestored>,
    does: Option<Arc<dyn Fn() + Send + Sync>>,
}

impl FakeCommand {
    /// Ends at once, with this code and no output.
    #[must_use]
    pub fn exits(code: i32) -> Self {
        Self {
            status: CommandStatus::Exited(code),
            output: Vec::new(),
            takes: Duration::ZERO,
            hangs: false,
            starts: true,
            restored: Vec::new(),
            not_restored: Vec::new(),
            does: None,
        }
    }

    /// Ends by a signal that nobody here sent.
    #[must_use]
    pub fn dies_of(signal: i32) -> Self {
        Self { status: CommandStatus::Signalled(signal), ..Self::exits(0) }
    }

    /// Runs until its deadline, a cancellation or the drop of its future.
    #[must_use]
    pub fn hangs() -> Self {
        Self { hangs: true, ..Self::exits(0) }
    }

    /// Does not even start.
    #[must_use]
    pub fn fails_to_start() -> Self {
        Self { starts: false, ..Self::exits(0) }
    }

    /// Had changed these protected files, which were put back.
    #[must_use]
    pub fn refused(restored: &[&str]) -> Self {
        let restored = restored.iter().map(|path| (*path).to_owned()).collect();
        Self { status: CommandStatus::Refused, restored, ..Self::exits(0) }
    }

    /// Had changed this protected file, which could not be put back, and never will be.
    #[must_use]
    pub fn leaving_changed(path: &str) -> Self {
        let left = NotRestored { path: path.to_owned(), is_new: true, why: "a fault on request".to_owned() };
        Self { status: CommandStatus::Refused, not_restored: vec![left], ..Self::exits(0) }
    }

    /// Says these chunks as soon as it runs.
    #[must_use]
    pub fn saying(mut self, chunks: &[&str]) -> Self {
        self.output = chunks.iter().map(|chunk| (*chunk).to_owned()).collect();
        self
    }

    /// Takes this long, by tokio's time.
    #[must_use]
    pub fn taking(mut self, takes: Duration) -> Self {
        self.takes = takes;
        self
    }

    /// Does this as soon as it runs, such as changing a [`crate::FakeWorkspace`].
    #[must_use]
    pub fn doing(mut self, does: impl Fn() + Send + Sync + 'static) -> Self {
        self.does = Some(Arc::new(does));
        self
    }
}

/// Scripted commands. One that no script knows ends as a shell ends it: `command not found`, 127.
#[derive(Default)]
pub struct FakeProcesses {
    scripts: Mutex<HashMap<String, Script>>,
    sandbox: Option<SandboxState>,
    holds: bool,
    started: Mutex<Vec<CommandRequest>>,
    killed: Mutex<Vec<String>>,
    still_changed: Mutex<Vec<NotRestored>>,
    notices: Mutex<Vec<WallNotice>>,
    running: Level,
}

struct Script {
    steps: Vec<FakeCommand>,
    played: usize,
}

impl FakeProcesses {
    /// No script yet; a usable sandbox of level `kernel`.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Says that this sandbox is in force.
    #[must_use]
    pub fn with_sandbox(mut self, sandbox: SandboxState) -> Self {
        self.sandbox = Some(sandbox);
        self
    }

    /// Says that commands can be held to whatever their run may write.
    #[must_use]
    pub fn holding_commands(mut self) -> Self {
        self.holds = true;
        self
    }

    /// Says this once, as soon as somebody asks.
    #[must_use]
    pub fn with_notice(self, notice: WallNotice) -> Self {
        self.notices.lock().unwrap().push(notice);
        self
    }

    /// Plays `step` at every run of `command` (compared after trimming).
    #[must_use]
    pub fn on(self, command: &str, step: FakeCommand) -> Self {
        self.on_each(command, [step])
    }

    /// Plays the n-th step at the n-th run of `command`; the last one stays.
    ///
    /// # Panics
    /// Where there is no step.
    #[must_use]
    pub fn on_each(self, command: &str, steps: impl IntoIterator<Item = FakeCommand>) -> Self {
        let steps: Vec<FakeCommand> = steps.into_iter().collect();
        assert!(!steps.is_empty(), "`{command}` needs at least one step");
        self.scripts.lock().unwrap().insert(command.trim().to_owned(), Script { steps, played: 0 });
        self
    }

    /// Every request, in the order they came.
    #[must_use]
    pub fn started(&self) -> Vec<CommandRequest> {
        self.started.lock().unwrap().clone()
    }

    /// The commands of every request, in the order they came.
    #[must_use]
    pub fn commands(&self) -> Vec<String> {
        self.started.lock().unwrap().iter().map(|request| request.command.clone()).collect()
    }

    /// Commands whose future was dropped while they ran.
    #[must_use]
    pub fn killed(&self) -> Vec<String> {
        self.killed.lock().unwrap().clone()
    }

    /// How many commands run now.
    #[must_use]
    pub fn running(&self) -> usize {
        self.running.get()
    }

    /// Waits until exactly `count` commands run.
    ///
    /// # Panics
    /// After [`crate::wait::BOUND`] of real time.
    pub async fn wait_for_running(&self, count: usize) {
        self.running.wait_until(&format!("{count} running commands"), |running| running == count).await;
    }

    fn next(&self, command: &str) -> FakeCommand {
        let mut scripts = self.scripts.lock().unwrap();
        let Some(script) = scripts.get_mut(command.trim()) else {
            let text = format!("sh: 1: {command}: command not found (no script knows it)\n");
            return FakeCommand::exits(127).saying(&[&text]);
        };
        let step = script.steps[script.played.min(script.steps.len() - 1)].clone();
        script.played += 1;
        step
    }
}

#[async_trait]
impl Processes for FakeProcesses {
    async fn sandbox(&self) -> SandboxState {
        let fake = || SandboxState { level: SandboxLevel::Kernel, reason: "a fake".to_owned(), usable: true };
        self.sandbox.clone().unwrap_or_else(fake)
    }

    async fn holds_to(&self, _writes: &[String]) -> bool {
        self.holds
    }

    async fn run(
        &self,
        request: CommandRequest,
        output: Arc<dyn OutputSink>,
        cancelled: Cancelled,
    ) -> Result<CommandEnd, ProcessError> {
        let CommandRequest { command, timeout, .. } = request.clone();
        self.started.lock().unwrap().push(request);
        let step = self.next(&command);
        if !step.starts {
            let source = std::io::Error::new(std::io::ErrorKind::NotFound, "no shell (a fault on request)");
            return Err(ProcessError::Start { command, source });
        }
        let running = self.running.enter();
        // Declared after `running`, so that a command is noted as killed before it counts as over.
        let mut killed = KilledOnDrop { command: Some(command), processes: self };
        let start = Instant::now();
        if let Some(does) = &step.does {
            does();
        }
        for chunk in &step.output {
            output.chunk(chunk);
        }
        let end = async {
            if step.hangs {
                std::future::pending::<()>().await;
            }
            if !step.takes.is_zero() {
                tokio::time::sleep(step.takes).await;
            }
        };
        let status = tokio::select! {
            biased;
            () = cancelled => CommandStatus::Cancelled,
            () = end => step.status,
            () = tokio::time::sleep(timeout) => CommandStatus::TimedOut,
        };
        killed.command = None;
        drop(running);
        self.still_changed.lock().unwrap().extend(step.not_restored.clone());
        Ok(CommandEnd {
            status,
            output: bound(&step.output.concat()),
            elapsed: start.elapsed(),
            restored: step.restored,
            not_restored: step.not_restored,
            whole_output: WholeOutput::Short,
        })
    }

    async fn still_changed(&self) -> Vec<NotRestored> {
        self.still_changed.lock().unwrap().clone()
    }

    async fn notices(&self) -> Vec<WallNotice> {
        std::mem::take(&mut *self.notices.lock().unwrap())
    }
}

/// Head and tail of `text`, each at most [`BoundedOutput::SIDE`] bytes, between whole characters.
fn bound(text: &str) -> BoundedOutput {
    let (head, rest) = text.split_at(text.floor_char_boundary(BoundedOutput::SIDE));
    let (omitted, tail) =
        rest.split_at(rest.ceil_char_boundary(rest.len().saturating_sub(BoundedOutput::SIDE)));
    BoundedOutput { head: head.to_owned(), tail: tail.to_owned(), omitted_bytes: omitted.len() as u64 }
}

/// Notes a command as killed where its future is dropped before its end.
struct KilledOnDrop<'a> {
    command: Option<String>,
    processes: &'a FakeProcesses,
}

impl Drop for KilledOnDrop<'_> {
    fn drop(&mut self) {
        if let Some(command) = self.command.take() {
            self.processes.killed.lock().unwrap().push(command);
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::ports::never_cancelled;

    use super::*;
    use crate::{FakeWorkspace, MemoryOutput};

    fn request(command: &str) -> CommandRequest {
        CommandRequest::new(command)
    }

    async fn run(processes: &FakeProcesses, command: &str, cancelled: Cancelled) -> CommandEnd {
        processes.run(request(command), MemoryOutput::new(), cancelled).await.unwrap()
    }

    #[tokio::test]
    async fn a_command_plays_its_steps_and_changes_files() {
        let workspace = Arc::new(FakeWorkspace::with_files([("a.txt", "1")]));
        let changed = Arc::clone(&workspace);
        let processes = FakeProcesses::new().on_each(
            "make test",
            [
                FakeCommand::exits(2).saying(&["red\n"]),
                FakeCommand::exits(0).saying(&["초록\n"]).doing(move || changed.write("a.txt", "2")),
            ],
        );
        let statuses = [
            run(&processes, " make test\n", never_cancelled()).await.status,
            run(&processes, "make test", never_cancelled()).await.status,
        ];
        assert_eq!(statuses, [CommandStatus::Exited(2), CommandStatus::Exited(0)]);
        assert_eq!(workspace.read("a.txt").as_deref(), Some("2"));
    }

    #[tokio::test]
    async fn a_command_that_nobody_scripted_is_not_found() {
        let end = run(&FakeProcesses::new(), "frobnicate", never_cancelled()).await;
        assert_eq!(end.status, CommandStatus::Exited(127));
        assert!(end.output.head.contains("frobnicate: command not found"), "{:?}", end.output);
    }

    #[tokio::test(start_paused = true)]
    async fn a_hanging_command_ends_at_its_deadline_or_when_cancelled() {
        let processes = FakeProcesses::new().on("sleep", FakeCommand::hangs());
        let late = run(&processes, "sleep", never_cancelled()).await;
        assert_eq!((late.status, late.elapsed), (CommandStatus::TimedOut, CommandRequest::DEFAULT_TIMEOUT));
        let cancelled = Box::pin(tokio::time::sleep(Duration::from_secs(1)));
        assert_eq!(run(&processes, "sleep", cancelled).await.status, CommandStatus::Cancelled);
        assert_eq!((processes.running(), processes.killed()), (0, vec![]));
    }

    #[tokio::test]
    async fn a_command_whose_future_is_dropped_is_killed() {
        let processes = Arc::new(FakeProcesses::new().on("sleep", FakeCommand::hangs()));
        let running = tokio::spawn({
            let processes = Arc::clone(&processes);
            async move { run(&processes, "sleep", never_cancelled()).await }
        });
        processes.wait_for_running(1).await;
        running.abort();
        processes.wait_for_running(0).await;
        assert_eq!(processes.killed(), ["sleep"]);
    }

    #[tokio::test]
    async fn a_command_that_does_not_start_says_so() {
        let processes = FakeProcesses::new().on("make", FakeCommand::fails_to_start());
        let failure = processes.run(request("make"), MemoryOutput::new(), never_cancelled()).await;
        assert!(matches!(failure, Err(ProcessError::Start { .. })), "{failure:?}");
    }

    #[test]
    fn long_output_is_cut_between_characters_and_counted() {
        let text = "한".repeat(50_000);
        let BoundedOutput { head, tail, omitted_bytes } = bound(&text);
        assert!(head.len() <= BoundedOutput::SIDE && tail.len() <= BoundedOutput::SIDE);
        assert_eq!(head.len() as u64 + tail.len() as u64 + omitted_bytes, 150_000);
        assert_eq!(bound("짧다"), BoundedOutput { head: "짧다".to_owned(), ..BoundedOutput::default() });
    }
}
