//! The port's adapter: which level is in force, and commands run at it.

use std::{io, sync::Arc};

use async_trait::async_trait;
use domain::{
    command::{BoundedOutput, CommandEnd, CommandRequest, CommandStatus, ProcessError, WholeOutput},
    permission::{SandboxLevel, SandboxState},
    ports::{ArtifactPort, Cancelled, OutputSink, Processes},
};
use tokio::{sync::OnceCell, time::Instant};

use crate::{
    environment,
    error::{SandboxError, chain},
    folders::Folders,
    group::Group,
    launcher::{Launcher, Setting},
    run,
    settings::{Requested, SandboxSettings},
    spill::Spill,
};

#[cfg(target_os = "linux")]
use crate::{
    kernel::Wall,
    mark::Marks,
    protected::{Baseline, Guard},
};
#[cfg(target_os = "linux")]
use domain::ports::never_cancelled;

/// Runs the commands of one session. Its temporary files go when it goes.
pub struct Sandbox {
    settings: Arc<SandboxSettings>,
    folders: Folders,
    ready: OnceCell<Result<Ready, Arc<SandboxError>>>,
}

/// A level that works: it was probed, or there is nothing to it.
struct Ready {
    launcher: Launcher,
    setting: Setting,
    reason: String,
    artifacts: Arc<dyn ArtifactPort>,
    #[cfg(target_os = "linux")]
    guard: Option<Guard>,
}

impl Sandbox {
    /// Keeps the settings; nothing is touched before the first use.
    #[must_use]
    pub fn new(settings: SandboxSettings) -> Self {
        Self { folders: Folders::of(&settings), settings: Arc::new(settings), ready: OnceCell::new() }
    }

    /// The level in force. One that walls commands in is probed for by the first call, by running a true command.
    ///
    /// # Errors
    /// Where a level was named and cannot be had. With [`Requested::Auto`] that is a state which is not usable.
    pub async fn check(&self) -> Result<SandboxState, Arc<SandboxError>> {
        match (self.ready().await, self.settings.requested) {
            (Ok(ready), _) => Ok(ready.state()),
            (Err(error), Requested::Auto) => Ok(unusable(SandboxLevel::None, error)),
            (Err(error), Requested::Level(_)) => Err(Arc::clone(error)),
        }
    }

    async fn ready(&self) -> Result<&Ready, &Arc<SandboxError>> {
        self.ready.get_or_init(async || self.prepare().await.map_err(Arc::new)).await.as_ref()
    }

    async fn prepare(&self) -> Result<Ready, SandboxError> {
        match self.settings.requested {
            Requested::Auto | Requested::Level(SandboxLevel::Kernel) => self.prepare_kernel().await,
            Requested::Level(SandboxLevel::None) => self.prepare_none(),
            Requested::Level(SandboxLevel::Strict) => {
                Err(SandboxError::NotInThisVersion(SandboxLevel::Strict.as_str()))
            }
        }
    }

    /// Nothing has to work together here, so nothing is probed.
    fn prepare_none(&self) -> Result<Ready, SandboxError> {
        Ok(Ready {
            launcher: Launcher::Plain,
            setting: self.setting(SandboxLevel::None)?,
            artifacts: Arc::clone(&self.settings.artifacts),
            reason: "asked for: commands run with all rights of the person, and what leaves a command's process group may \
                     outlive it"
                .to_owned(),
            #[cfg(target_os = "linux")]
            guard: None,
        })
    }

    #[cfg(target_os = "linux")]
    async fn prepare_kernel(&self) -> Result<Ready, SandboxError> {
        let setting = self.setting(SandboxLevel::Kernel)?;
        let wall = Wall::build(Arc::clone(&self.settings), self.folders.clone())
            .map_err(|source| unavailable(SandboxLevel::Kernel, source.into()))?;
        let ready = Ready {
            reason: wall.reason(),
            launcher: Launcher::Kernel(Box::new(wall)),
            setting,
            artifacts: Arc::clone(&self.settings.artifacts),
            guard: Some(Guard::new(&self.settings)),
        };
        ready.probe().await.map_err(|source| unavailable(SandboxLevel::Kernel, source))?;
        Ok(ready)
    }

    #[cfg(not(target_os = "linux"))]
    async fn prepare_kernel(&self) -> Result<Ready, SandboxError> {
        Err(unavailable(SandboxLevel::Kernel, "Landlock and seccomp are parts of Linux".into()))
    }

    fn setting(&self, level: SandboxLevel) -> Result<Setting, SandboxError> {
        drop(self.folders.make()?);
        Ok(Setting {
            shell: environment::shell(self.settings.path()).ok_or(SandboxError::NoShell)?,
            workspace: self.settings.workspace.clone(),
            environment: environment::of_commands(&self.settings, &self.folders, level),
            #[cfg(target_os = "linux")]
            marks: Marks::new(),
        })
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.folders.remove_temporary();
    }
}

fn unavailable(level: SandboxLevel, source: Box<dyn std::error::Error + Send + Sync>) -> SandboxError {
    SandboxError::Unavailable { level: level.as_str(), source }
}

fn unusable(level: SandboxLevel, error: &Arc<SandboxError>) -> SandboxState {
    SandboxState { level, reason: chain(error.as_ref()), usable: false }
}

/// Takes no output.
#[cfg(target_os = "linux")]
struct Silent;

#[cfg(target_os = "linux")]
impl OutputSink for Silent {
    fn chunk(&self, _text: &str) {}
}

impl Ready {
    fn state(&self) -> SandboxState {
        let level = match &self.launcher {
            Launcher::Plain => SandboxLevel::None,
            #[cfg(target_os = "linux")]
            Launcher::Kernel(_) => SandboxLevel::Kernel,
        };
        SandboxState { level, reason: self.reason.clone(), usable: true }
    }

    /// Runs a true command: parts of a level may exist and still not work together.
    #[cfg(target_os = "linux")]
    async fn probe(&self) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        let request = CommandRequest::new(":");
        match self.execute(&request, Arc::new(Silent), never_cancelled()).await? {
            (CommandStatus::Exited(0), _, _) => Ok(()),
            (status, output, _) => {
                Err(format!("a probe command ended as {status:?}: {}", output.head.trim_end()).into())
            }
        }
    }

    async fn execute(
        &self,
        request: &CommandRequest,
        output: Arc<dyn OutputSink>,
        cancelled: Cancelled,
    ) -> Result<(CommandStatus, BoundedOutput, WholeOutput), ProcessError> {
        let watching = |source: io::Error| ProcessError::Watch { command: request.command.clone(), source };
        let started = self.launcher.start(&self.setting, &request.command)?;
        let group = Group::adopt(started.child).map_err(watching)?;
        #[cfg(target_os = "linux")]
        let group = group.with_mark(started.mark);
        let spill = Spill::new(Arc::clone(&self.artifacts));
        run::to_its_end(group, started.output, request.timeout, output, spill, cancelled)
            .await
            .map_err(watching)
    }

    async fn run(
        &self,
        request: CommandRequest,
        output: Arc<dyn OutputSink>,
        cancelled: Cancelled,
    ) -> Result<CommandEnd, ProcessError> {
        let begun = Instant::now();
        // Declared before the group, so that a dropped future ends the group first and then looks at the files.
        #[cfg(target_os = "linux")]
        let baseline = self.guard.as_ref().map(Guard::before).transpose().map_err(guarding)?;
        let ended = self.execute(&request, output, cancelled).await;
        #[cfg(target_os = "linux")]
        let restored = baseline.map(Baseline::put_back).transpose().map_err(guarding)?.unwrap_or_default();
        #[cfg(not(target_os = "linux"))]
        let restored: Vec<String> = Vec::new();
        let (status, output, whole_output) = ended?;
        let status = if restored.is_empty() { status } else { CommandStatus::Refused };
        Ok(CommandEnd { status, output, elapsed: begun.elapsed(), restored, whole_output })
    }
}

#[cfg(target_os = "linux")]
fn guarding(error: crate::protected::GuardError) -> ProcessError {
    ProcessError::Sandbox {
        level: SandboxLevel::Kernel.as_str(),
        step: "protect the repository's settings".to_owned(),
        source: error.into(),
    }
}

#[async_trait]
impl Processes for Sandbox {
    async fn sandbox(&self) -> SandboxState {
        match self.ready().await {
            Ok(ready) => ready.state(),
            Err(error) => match self.settings.requested {
                Requested::Auto => unusable(SandboxLevel::None, error),
                Requested::Level(level) => unusable(level, error),
            },
        }
    }

    async fn run(
        &self,
        request: CommandRequest,
        output: Arc<dyn OutputSink>,
        cancelled: Cancelled,
    ) -> Result<CommandEnd, ProcessError> {
        match (self.ready().await, self.settings.requested) {
            (Ok(ready), _) => ready.run(request, output, cancelled).await,
            (Err(error), Requested::Auto) => Err(ProcessError::NoSandbox(format!(
                "no sandbox level works here, so no command runs ({}); a person who wants commands run without a \
                 sandbox starts with `--sandbox none --permission-mode full`",
                chain(error.as_ref())
            ))),
            (Err(error), Requested::Level(level)) => Err(ProcessError::Sandbox {
                level: level.as_str(),
                step: "no command runs below the level that was asked for".to_owned(),
                source: Box::new(Arc::clone(error)),
            }),
        }
    }
}
