//! A level that works, and commands at it.

use std::{io, sync::Arc};

use domain::{
    command::{
        BoundedOutput, CommandEnd, CommandRequest, CommandStatus, ProcessError, WallNotice, WholeOutput,
    },
    id::RunId,
    permission::{SandboxLevel, SandboxState},
    ports::{ArtifactPort, Cancelled, OutputSink},
    secret::Redactor,
};
use tokio::time::Instant;

use crate::{
    launcher::{Held, Launcher, Order, Setting, Started},
    run::{self, Bounds},
    servers::Begun,
    settle::{Settled, Settlement, Unsettled},
    spill::Spill,
    tap::{CommandOutput, Tap},
};
#[cfg(target_os = "linux")]
use crate::{
    protected::{Guard, GuardError},
    repositories::Extent,
    strict::{Report, Shielded},
};

/// How often `strict` is probed before it counts as one that does not work.
#[cfg(target_os = "linux")]
const PROBES: usize = 5;

/// A level that works: it was probed, or there is nothing to it.
pub(crate) struct Ready {
    pub(crate) launcher: Launcher,
    pub(crate) setting: Setting,
    pub(crate) reason: String,
    pub(crate) artifacts: Arc<dyn ArtifactPort>,
    pub(crate) redactor: Arc<Redactor>,
    pub(crate) unsettled: Arc<Unsettled>,
    #[cfg(target_os = "linux")]
    pub(crate) guards: Vec<Guard>,
}

impl Ready {
    pub(crate) fn state(&self) -> SandboxState {
        SandboxState { level: self.level(), reason: self.reason.clone(), usable: true }
    }

    pub(crate) fn level(&self) -> SandboxLevel {
        match &self.launcher {
            Launcher::Plain => SandboxLevel::None,
            #[cfg(target_os = "linux")]
            Launcher::Kernel(_) => SandboxLevel::Kernel,
            #[cfg(target_os = "macos")]
            Launcher::Seatbelt(_) => SandboxLevel::Kernel,
            #[cfg(target_os = "linux")]
            Launcher::Strict(_) => SandboxLevel::Strict,
        }
    }

    /// Runs a true command: parts of a level may exist and still not work together.
    #[cfg(any(target_os = "linux", target_os = "macos"))]
    pub(crate) async fn probe(&self) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        let request = CommandRequest::new(":");
        let cancelled = domain::ports::never_cancelled();
        match self.execute(&request, None, Arc::new(Silent), cancelled).await? {
            (CommandStatus::Exited(0), _, _) => Ok(()),
            (status, output, _) => {
                Err(format!("a probe command ended as {status:?}: {}", output.head.trim_end()).into())
            }
        }
    }

    /// Probes for what an earlier session has not shown to work already. Somebody else's command that moves folders of
    /// the workspace to and fro can make a launch fail; it must not talk a session out of its level.
    #[cfg(target_os = "linux")]
    pub(crate) async fn prove(&self) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        let Launcher::Strict(strict) = &self.launcher else { return self.probe().await };
        if strict.is_proven() {
            return Ok(());
        }
        let mut probed = self.probe().await;
        for _ in 1..PROBES {
            if probed.is_ok() {
                break;
            }
            probed = self.probe().await;
        }
        probed.inspect(|()| strict.keep_proof())
    }

    /// Runs a command to its end.
    pub(crate) async fn run(
        &self,
        request: CommandRequest,
        held: Option<&Arc<Held>>,
        output: Arc<dyn OutputSink>,
        cancelled: Cancelled,
    ) -> Result<CommandEnd, ProcessError> {
        let begun = Instant::now();
        self.take_care()?;
        // Declared before the group, so that a dropped future ends the group first and then looks at the files.
        let settlement = self.guard()?;
        let ended = self.execute(&request, held, output, cancelled).await;
        let Settled { restored, not_restored } = settlement.settle();
        let (status, output, whole_output) = ended?;
        let is_refused = !(restored.is_empty() && not_restored.is_empty());
        let status = if is_refused { CommandStatus::Refused } else { status };
        Ok(CommandEnd { status, output, elapsed: begun.elapsed(), restored, not_restored, whole_output })
    }

    async fn execute(
        &self,
        request: &CommandRequest,
        held: Option<&Arc<Held>>,
        output: Arc<dyn OutputSink>,
        cancelled: Cancelled,
    ) -> Result<(CommandStatus, BoundedOutput, WholeOutput), ProcessError> {
        let watching = |source| watching(&request.command, source);
        let Started { group, output: pipe } = self.start(&request.command, request.run, held).await?;
        let keep = CommandOutput::new(output, Spill::new(Arc::clone(&self.artifacts)));
        let mut tap = Tap::new(pipe, keep, &self.redactor).map_err(watching)?;
        let bounds = Bounds::of_command(request.timeout, self.setting.memory);
        let status = run::to_its_end(group, &mut tap, bounds, cancelled).await;
        let (output, whole_output) = tap.finish().finish();
        #[cfg(target_os = "linux")]
        if let (Err(error), Launcher::Strict(strict)) = (&status, &self.launcher)
            && Report::is_of_nothing(error)
        {
            strict.drop_proof();
            return Err(ProcessError::Sandbox {
                level: SandboxLevel::Strict.as_str(),
                step: "bubblewrap failed, and nothing ran".to_owned(),
                source: output.head.trim_end().into(),
            });
        }
        Ok((status.map_err(watching)?, output, whole_output))
    }

    /// Starts a command that goes on in the background.
    pub(crate) async fn begin(
        &self,
        command: &str,
        run: RunId,
        held: Option<&Arc<Held>>,
    ) -> Result<Begun, ProcessError> {
        self.take_care()?;
        let settlement = self.guard()?;
        let Started { group, output } = self.start(command, Some(run), held).await?;
        let bounds = Bounds::of_server(self.setting.memory);
        Ok(Begun { group, output, bounds, redactor: Arc::clone(&self.redactor), settlement })
    }

    async fn start(
        &self,
        command: &str,
        run: Option<RunId>,
        held: Option<&Arc<Held>>,
    ) -> Result<Started, ProcessError> {
        self.launcher.start(&self.setting, Order { command, run, held }).await
    }

    /// What the person should hear of the protected files, as far as commands have brought it to light.
    #[cfg(target_os = "linux")]
    pub(crate) fn notice(&self) -> Option<WallNotice> {
        let extent = match &self.launcher {
            Launcher::Strict(strict) => strict.extent(),
            _ => self.guards.iter().filter_map(Guard::extent).reduce(Extent::and),
        };
        extent?.notice()
    }

    /// Nothing is looked for here.
    #[cfg(not(target_os = "linux"))]
    pub(crate) const fn notice(&self) -> Option<WallNotice> {
        None
    }

    /// Lets go of what was kept for a run.
    pub(crate) fn end_run(&self, run: RunId) {
        self.launcher.end_run(run);
    }

    /// Sees to it that nothing outlives us, should we be killed. At `strict` the kernel does.
    fn take_care(&self) -> Result<(), ProcessError> {
        #[cfg(target_os = "linux")]
        if self.level() == SandboxLevel::Strict {
            return Ok(());
        }
        #[cfg(target_os = "linux")]
        self.setting.care.ensure_helper().map_err(|source| ProcessError::Sandbox {
            level: self.level().as_str(),
            step: "start the helper process".to_owned(),
            source: source.into(),
        })?;
        Ok(())
    }

    /// Remembers how protected files look that nothing holds. Nothing may start while some are still as an earlier
    /// command changed them.
    fn guard(&self) -> Result<Settlement, ProcessError> {
        self.setting.find_workspace().map_err(|source| ProcessError::Sandbox {
            level: self.level().as_str(),
            step: format!(
                "the workspace {} was moved, removed or replaced by a link since the session began; start again where \
                 it is now",
                self.setting.workspace.display()
            ),
            source: source.into(),
        })?;
        let still_changed = self.unsettled.look_again();
        if !still_changed.is_empty() {
            return Err(ProcessError::StillChanged(still_changed));
        }
        #[cfg(target_os = "linux")]
        {
            let (shield, baselines): (_, Result<Vec<_>, _>) = match &self.launcher {
                Launcher::Strict(strict) => {
                    let Shielded { shield, guards } = strict.shield();
                    (Some(shield), guards.iter().map(|guard| guard.before()).collect())
                }
                _ => (None, self.guards.iter().map(Guard::before).collect()),
            };
            let baselines = baselines.map_err(|error| guarding(self.level(), error))?;
            Ok(Settlement::new(baselines, Arc::clone(&self.unsettled)).under(shield))
        }
        #[cfg(not(target_os = "linux"))]
        Ok(Settlement::new(Vec::new(), Arc::clone(&self.unsettled)))
    }
}

fn watching(command: &str, source: io::Error) -> ProcessError {
    ProcessError::Watch { command: command.to_owned(), source }
}

#[cfg(target_os = "linux")]
fn guarding(level: SandboxLevel, error: GuardError) -> ProcessError {
    ProcessError::Sandbox {
        level: level.as_str(),
        step: "protect the repository's settings".to_owned(),
        source: error.into(),
    }
}

/// Takes no output.
#[cfg(any(target_os = "linux", target_os = "macos"))]
struct Silent;

#[cfg(any(target_os = "linux", target_os = "macos"))]
impl OutputSink for Silent {
    fn chunk(&self, _text: &str) {}
}
