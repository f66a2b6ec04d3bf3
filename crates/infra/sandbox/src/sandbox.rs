//! The port's adapter: which level is in force, and commands run at it.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use async_trait::async_trait;
use domain::{
    command::{CommandEnd, CommandRequest, NotRestored, ProcessError, WallNotice},
    id::RunId,
    permission::{SandboxLevel, SandboxState},
    ports::{Cancelled, OutputSink, Processes},
};
use tokio::sync::OnceCell;

use crate::{
    environment,
    error::{SandboxError, causes, chain},
    folders::Folders,
    hosts::HostList,
    launcher::{Held, Launcher, Setting},
    memory,
    ready::Ready,
    servers::ServerTable,
    settings::{NetworkAccess, Requested, SandboxSettings},
};

#[cfg(target_os = "macos")]
use crate::seatbelt::Seatbelt;
#[cfg(target_os = "linux")]
use crate::{
    held::Answers,
    kernel::Wall,
    leftover::{self, Care, Shelf},
    protected::Guard,
    strict::Strict,
};

/// Runs the commands and servers of one session. Its servers and temporary files go when it goes.
pub struct Sandbox {
    settings: Arc<SandboxSettings>,
    folders: Folders,
    ready: OnceCell<Result<Ready, Arc<SandboxError>>>,
    pub(crate) servers: ServerTable,
    #[cfg(target_os = "linux")]
    answers: Answers,
    /// Each session says once what its walls do not hold.
    is_notice_given: AtomicBool,
}

impl Sandbox {
    /// Keeps the settings; nothing is touched before the first use.
    #[must_use]
    pub fn new(settings: SandboxSettings) -> Self {
        Self {
            folders: Folders::of(&settings),
            settings: Arc::new(settings),
            ready: OnceCell::new(),
            servers: ServerTable::default(),
            #[cfg(target_os = "linux")]
            answers: Answers::default(),
            is_notice_given: AtomicBool::new(false),
        }
    }

    /// The level in force. One that walls commands in is probed for by the first call, by running a true command.
    ///
    /// # Errors
    /// Where a level was named and cannot be had, or the settings ask for what no level gives. That no level works is
    /// with [`Requested::Auto`] a state which is not usable.
    pub async fn check(&self) -> Result<SandboxState, Arc<SandboxError>> {
        match (self.ready().await, self.settings.requested) {
            (Ok(ready), _) => Ok(ready.state()),
            (Err(error), Requested::Auto) if !error.is_of_settings() => {
                Ok(unusable(SandboxLevel::None, error))
            }
            (Err(error), _) => Err(Arc::clone(error)),
        }
    }

    /// What the person should hear of sessions in this workspace that were killed before: code and text of notices.
    /// Each is given once; call when the sandbox was checked.
    #[must_use]
    pub fn words_of_the_dead(&self) -> Vec<(String, String)> {
        #[cfg(target_os = "linux")]
        return leftover::take_words(&self.settings.run_folder, self.settings.writable_roots());
        #[cfg(not(target_os = "linux"))]
        Vec::new()
    }

    async fn ready(&self) -> Result<&Ready, &Arc<SandboxError>> {
        self.ready.get_or_init(async || self.prepare().await.map_err(Arc::new)).await.as_ref()
    }

    /// The level in force, or why no command runs.
    pub(crate) async fn usable(&self) -> Result<&Ready, ProcessError> {
        match (self.ready().await, self.settings.requested) {
            (Ok(ready), _) => Ok(ready),
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

    /// Lets go of what was kept for a run, its network included.
    pub(crate) fn let_go_of(&self, run: RunId) {
        if let Some(Ok(ready)) = self.ready.get() {
            ready.end_run(run);
        }
    }

    /// Whether a server could be reached: at `kernel` there is no network, loopback included, unless it was opened.
    pub(crate) fn has_loopback(&self, level: SandboxLevel) -> bool {
        level != SandboxLevel::Kernel || self.settings.network == NetworkAccess::Open
    }

    /// What a command of a task with these globs is held to at the level in force; none where it is as free as any.
    #[cfg(target_os = "linux")]
    pub(crate) fn held(&self, ready: &Ready, writes: Option<&[String]>) -> Option<Arc<Held>> {
        match ready.level() {
            SandboxLevel::None => None,
            SandboxLevel::Kernel | SandboxLevel::Strict => {
                self.answers.of(writes?, &self.settings, &self.folders)
            }
        }
    }

    /// Nothing: the wall of macOS is the same for every command, and there is no other.
    #[cfg(not(target_os = "linux"))]
    pub(crate) const fn held(&self, _ready: &Ready, _writes: Option<&[String]>) -> Option<Arc<Held>> {
        None
    }

    async fn prepare(&self) -> Result<Ready, SandboxError> {
        if let Some(name) = environment::passed_credential(&self.settings) {
            return Err(SandboxError::PassedCredential(name.to_owned()));
        }
        if let NetworkAccess::Hosts(hosts) = &self.settings.network {
            drop(HostList::parse(hosts)?);
        }
        #[cfg(target_os = "linux")]
        self.settings
            .tidied
            .0
            .get_or_init(|| leftover::end_those_of_the_dead(&self.settings.run_folder))
            .await;
        match self.settings.requested {
            Requested::Auto => self.prepare_the_best().await,
            Requested::Level(SandboxLevel::Strict) => self.prepare_strict().await,
            Requested::Level(SandboxLevel::Kernel) => self.prepare_kernel().await,
            Requested::Level(SandboxLevel::None) => self.prepare_none(),
        }
    }

    /// `strict` where it works, else `kernel`, and why not `strict`.
    async fn prepare_the_best(&self) -> Result<Ready, SandboxError> {
        let strict = match self.prepare_strict().await {
            Ok(ready) => return Ok(ready),
            Err(error) => error,
        };
        match self.prepare_kernel().await {
            Ok(mut ready) => {
                ready.reason.push_str(&format!("; {}", causes(&strict)));
                Ok(ready)
            }
            Err(SandboxError::HostsNeedStrict { .. }) => {
                Err(SandboxError::HostsNeedStrict { why: format!(", and {}", causes(&strict)) })
            }
            Err(kernel) => {
                Err(SandboxError::NothingWorks { strict: causes(&strict), kernel: causes(&kernel) })
            }
        }
    }

    #[cfg(target_os = "linux")]
    async fn prepare_strict(&self) -> Result<Ready, SandboxError> {
        let failed = |source| unavailable(SandboxLevel::Strict, source);
        let setting = self.setting(SandboxLevel::Strict)?;
        let (settings, folders) = (Arc::clone(&self.settings), self.folders.clone());
        // bubblewrap may have to be asked for its version.
        let strict = tokio::task::spawn_blocking(|| Strict::build(settings, folders))
            .await
            .map_err(|source| failed(source.into()))?
            .map_err(|source| failed(source.into()))?;
        let ready = Ready {
            reason: strict.reason(),
            launcher: Launcher::Strict(Box::new(strict)),
            setting,
            artifacts: Arc::clone(&self.settings.artifacts),
            redactor: Arc::clone(&self.settings.redactor),
            unsettled: Arc::default(),
            guards: Vec::new(),
        };
        ready.prove().await.map_err(failed)?;
        Ok(ready)
    }

    #[cfg(not(target_os = "linux"))]
    async fn prepare_strict(&self) -> Result<Ready, SandboxError> {
        Err(unavailable(SandboxLevel::Strict, "namespaces are a part of Linux".into()))
    }

    /// What other levels than `strict` cannot do.
    fn needs_no_namespace(&self) -> Result<(), SandboxError> {
        match self.settings.network {
            NetworkAccess::Off | NetworkAccess::Open => Ok(()),
            NetworkAccess::Hosts(_) => Err(SandboxError::HostsNeedStrict { why: String::new() }),
        }
    }

    /// Nothing has to work together here, so nothing is probed.
    fn prepare_none(&self) -> Result<Ready, SandboxError> {
        self.needs_no_namespace()?;
        let setting = self.setting(SandboxLevel::None)?;
        #[cfg(target_os = "linux")]
        let gaps = setting.care.gaps();
        #[cfg(not(target_os = "linux"))]
        let gaps = "; what leaves a command's process group may outlive it";
        Ok(Ready {
            launcher: Launcher::Plain,
            setting,
            artifacts: Arc::clone(&self.settings.artifacts),
            redactor: Arc::clone(&self.settings.redactor),
            unsettled: Arc::default(),
            reason: format!("asked for: commands run with all rights of the person{gaps}"),
            #[cfg(target_os = "linux")]
            guards: Vec::new(),
        })
    }

    #[cfg(target_os = "linux")]
    async fn prepare_kernel(&self) -> Result<Ready, SandboxError> {
        self.needs_no_namespace()?;
        let setting = self.setting(SandboxLevel::Kernel)?;
        let wall = Wall::build(Arc::clone(&self.settings), self.folders.clone())
            .map_err(|source| unavailable(SandboxLevel::Kernel, source.into()))?;
        let ready = Ready {
            reason: wall.reason() + &setting.care.gaps() + self.unkept(),
            launcher: Launcher::Kernel(Box::new(wall)),
            setting,
            artifacts: Arc::clone(&self.settings.artifacts),
            redactor: Arc::clone(&self.settings.redactor),
            unsettled: Arc::default(),
            guards: self.guards()?,
        };
        ready.probe().await.map_err(|source| unavailable(SandboxLevel::Kernel, source))?;
        Ok(ready)
    }

    /// Of every folder that commands may write.
    #[cfg(target_os = "linux")]
    fn guards(&self) -> Result<Vec<Guard>, SandboxError> {
        let failed = |source| SandboxError::Note { path: self.settings.run_folder.clone(), source };
        let guard = |(number, root)| {
            let shelf = Shelf::of_this_process(&self.settings, number).map_err(failed)?;
            Ok(Guard::of_root(root, &self.settings).kept_on(shelf))
        };
        self.settings.writable_roots().enumerate().map(guard).collect()
    }

    /// What is said where protected files are not kept for those who come after us.
    #[cfg(target_os = "linux")]
    fn unkept(&self) -> &'static str {
        if leftover::is_in_reach(&self.settings) {
            "; our state lies where commands may write, so what they change of protected files stays if this program is \
             killed"
        } else {
            ""
        }
    }

    #[cfg(target_os = "macos")]
    async fn prepare_kernel(&self) -> Result<Ready, SandboxError> {
        self.needs_no_namespace()?;
        let setting = self.setting(SandboxLevel::Kernel)?;
        let ready = Ready {
            reason: Seatbelt::reason(&self.settings),
            launcher: Launcher::Seatbelt(Box::new(Seatbelt::of(&self.settings, &self.folders))),
            setting,
            artifacts: Arc::clone(&self.settings.artifacts),
            redactor: Arc::clone(&self.settings.redactor),
            unsettled: Arc::default(),
        };
        ready.probe().await.map_err(|source| unavailable(SandboxLevel::Kernel, source))?;
        Ok(ready)
    }

    #[cfg(not(any(target_os = "linux", target_os = "macos")))]
    async fn prepare_kernel(&self) -> Result<Ready, SandboxError> {
        Err(unavailable(SandboxLevel::Kernel, "it is made of parts of Linux or of macOS".into()))
    }

    fn setting(&self, level: SandboxLevel) -> Result<Setting, SandboxError> {
        // Before there is anything that it would have to say.
        #[cfg(target_os = "linux")]
        let care = Care::take(&self.settings)?;
        drop(self.folders.make()?);
        Ok(Setting {
            shell: environment::shell(self.settings.path()).ok_or(SandboxError::NoShell)?,
            workspace: self.settings.workspace.clone(),
            environment: environment::of_commands(&self.settings, &self.folders, level),
            memory: match level {
                SandboxLevel::None => None,
                SandboxLevel::Kernel | SandboxLevel::Strict => {
                    self.settings.memory.or_else(memory::most_of_this_machine)
                }
            },
            #[cfg(target_os = "linux")]
            care,
        })
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        #[cfg(target_os = "linux")]
        let kill = || {
            if let Some(Ok(ready)) = self.ready.get() {
                ready.setting.care.end_processes();
            }
        };
        // Elsewhere a server ends when the runtime gets to its task.
        #[cfg(not(target_os = "linux"))]
        let kill = || {};
        self.servers.give_up(kill);
        self.folders.remove_temporary();
    }
}

fn unavailable(level: SandboxLevel, source: Box<dyn std::error::Error + Send + Sync>) -> SandboxError {
    SandboxError::Unavailable { level: level.as_str(), source }
}

fn unusable(level: SandboxLevel, error: &Arc<SandboxError>) -> SandboxState {
    SandboxState { level, reason: chain(error.as_ref()), usable: false }
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
        let ready = self.usable().await?;
        let held = self.held(ready, request.writes.as_deref());
        ready.run(request, held.as_ref(), output, cancelled).await
    }

    async fn holds_to(&self, writes: &[String]) -> bool {
        self.usable().await.is_ok_and(|ready| self.held(ready, Some(writes)).is_some())
    }

    async fn still_changed(&self) -> Vec<NotRestored> {
        match self.ready.get() {
            Some(Ok(ready)) => ready.unsettled.look_again(),
            _ => Vec::new(),
        }
    }

    async fn notices(&self) -> Vec<WallNotice> {
        let Some(Ok(ready)) = self.ready.get() else { return Vec::new() };
        let notice = ready.notice().filter(|_| !self.is_notice_given.swap(true, Ordering::Relaxed));
        notice.into_iter().collect()
    }
}
