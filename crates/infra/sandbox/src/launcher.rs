//! How a shell is started at each level. A further level is a further variant.

use std::{
    ffi::OsString,
    io,
    os::unix::process::CommandExt,
    path::PathBuf,
    process::{Command, Stdio},
    sync::Arc,
};

use domain::{command::ProcessError, id::RunId};

use crate::group::Group;
#[cfg(target_os = "linux")]
pub(crate) use crate::held::Held;
#[cfg(target_os = "macos")]
use crate::seatbelt::Seatbelt;
#[cfg(target_os = "linux")]
use crate::{kernel::Wall, leftover::Care, strict::Strict};

/// What every command of a session starts with.
#[derive(Debug)]
pub(crate) struct Setting {
    pub(crate) shell: PathBuf,
    pub(crate) workspace: PathBuf,
    pub(crate) environment: Vec<(OsString, OsString)>,
    /// Bytes of memory that the processes of one command may hold together; none: as many as there are.
    pub(crate) memory: Option<u64>,
    #[cfg(target_os = "linux")]
    pub(crate) care: Care,
}

impl Setting {
    /// Whether the workspace is still a folder that no link leads to. One that was made anew in its place is.
    pub(crate) fn find_workspace(&self) -> io::Result<()> {
        let is_there = self.workspace.canonicalize()? == self.workspace && self.workspace.is_dir();
        if is_there { Ok(()) } else { Err(io::ErrorKind::NotADirectory.into()) }
    }
}

/// The way commands are walled in.
pub(crate) enum Launcher {
    /// `none`: nothing but the mark between fork and exec.
    Plain,
    /// `kernel`.
    #[cfg(target_os = "linux")]
    Kernel(Box<Wall>),
    /// `kernel` on macOS.
    #[cfg(target_os = "macos")]
    Seatbelt(Box<Seatbelt>),
    /// `strict`.
    #[cfg(target_os = "linux")]
    Strict(Box<Strict>),
}

/// A shell that was started.
pub(crate) struct Started {
    pub(crate) group: Group,
    pub(crate) output: io::PipeReader,
}

/// A command to start.
#[derive(Debug, Clone, Copy)]
#[cfg_attr(
    not(target_os = "linux"),
    expect(dead_code, reason = "networks of runs, and walls that can be made narrower, are parts of Linux")
)]
pub(crate) struct Order<'a> {
    pub(crate) command: &'a str,
    pub(crate) run: Option<RunId>,
    /// What it may write; none: whatever the level grants.
    pub(crate) held: Option<&'a Arc<Held>>,
}

/// Elsewhere no level holds commands to less than it grants.
#[cfg(not(target_os = "linux"))]
#[derive(Debug)]
pub(crate) enum Held {}

impl Launcher {
    /// Starts a command as the leader of a group of its own, with nothing to read and with both outputs in
    /// one pipe, so that they arrive in the order they were written.
    pub(crate) async fn start(&self, setting: &Setting, order: Order<'_>) -> Result<Started, ProcessError> {
        match self {
            Self::Plain => start_plainly(setting, order.command, &[]),
            #[cfg(target_os = "macos")]
            Self::Seatbelt(seatbelt) => start_plainly(setting, order.command, seatbelt.words()),
            #[cfg(target_os = "linux")]
            Self::Kernel(wall) => start_behind(wall, setting, order),
            #[cfg(target_os = "linux")]
            Self::Strict(strict) => strict
                .start(setting, order, setting.care.next_mark())
                .await
                .map_err(|source| unwalled("strict", "start bubblewrap", source)),
        }
    }

    /// Lets go of what was kept for a run.
    pub(crate) fn end_run(&self, run: RunId) {
        #[cfg(target_os = "linux")]
        if let Self::Strict(strict) = self {
            strict.end_run(run);
        }
        #[cfg(not(target_os = "linux"))]
        let _: RunId = run;
    }
}

/// With the words of another program before the shell, or none.
fn start_plainly(setting: &Setting, command: &str, before: &[OsString]) -> Result<Started, ProcessError> {
    let failed = |source| ProcessError::Start { command: command.to_owned(), source };
    let (mut shell, output) = shell(setting, command, before).map_err(failed)?;
    shell.process_group(0);
    #[cfg(target_os = "linux")]
    let mark = setting.care.next_mark().inspect(|mark| mark.put_on_by(&mut shell));
    let group = Group::adopt(shell.spawn().map_err(failed)?).map_err(failed)?;
    #[cfg(target_os = "linux")]
    let group = group.with_mark(mark);
    Ok(Started { group, output })
}

/// The shell leads a group by leading a session.
#[cfg(target_os = "linux")]
fn start_behind(wall: &Wall, setting: &Setting, order: Order<'_>) -> Result<Started, ProcessError> {
    let failed = |source| ProcessError::Start { command: order.command.to_owned(), source };
    let (mut shell, output) = shell(setting, order.command, &[]).map_err(failed)?;
    let mark = setting.care.next_mark();
    wall.enclose(&mut shell, order.held, mark)
        .map_err(|source| unwalled("kernel", "build the ruleset", source))?;
    let group = Group::adopt(shell.spawn().map_err(failed)?).map_err(failed)?;
    Ok(Started { group: group.with_mark(mark), output })
}

#[cfg(target_os = "linux")]
fn unwalled(
    level: &'static str,
    step: &str,
    source: impl std::error::Error + Send + Sync + 'static,
) -> ProcessError {
    ProcessError::Sandbox { level, step: step.to_owned(), source: source.into() }
}

/// The shell, ready to be started, and the end of the pipe that its output comes out of.
fn shell(setting: &Setting, command: &str, before: &[OsString]) -> io::Result<(Command, io::PipeReader)> {
    let (output, writer) = io::pipe()?;
    let mut words = before.iter().map(OsString::as_os_str).chain([setting.shell.as_os_str()]);
    let mut shell = Command::new(words.next().unwrap_or(setting.shell.as_os_str()));
    shell
        .args(words)
        .arg("-c")
        .arg(command)
        .current_dir(&setting.workspace)
        .env_clear()
        .envs(setting.environment.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        .stdout(writer.try_clone()?)
        .stderr(writer);
    Ok((shell, output))
}
