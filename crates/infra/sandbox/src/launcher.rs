//! How a shell is started at each level. A further level is a further variant.

use std::{
    ffi::OsString,
    io,
    os::unix::process::CommandExt,
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use domain::command::ProcessError;

#[cfg(target_os = "linux")]
use crate::{
    kernel::Wall,
    mark::{Mark, Marks},
};

/// What every command of a session starts with.
#[derive(Debug)]
pub(crate) struct Setting {
    pub(crate) shell: PathBuf,
    pub(crate) workspace: PathBuf,
    pub(crate) environment: Vec<(OsString, OsString)>,
    /// None where our own limits leave no room for a mark.
    #[cfg(target_os = "linux")]
    pub(crate) marks: Option<Marks>,
}

/// The way commands are walled in.
pub(crate) enum Launcher {
    /// `none`: nothing but the mark between fork and exec.
    Plain,
    /// `kernel`.
    #[cfg(target_os = "linux")]
    Kernel(Box<Wall>),
}

/// A shell that was started.
pub(crate) struct Started {
    pub(crate) child: Child,
    pub(crate) output: io::PipeReader,
    /// What its processes are known by; none where nothing marks them.
    #[cfg(target_os = "linux")]
    pub(crate) mark: Option<Mark>,
}

impl Launcher {
    /// Starts `command` as the leader of a group of its own, with nothing to read and with both outputs in one pipe,
    /// so that they arrive in the order they were written.
    pub(crate) fn start(&self, setting: &Setting, command: &str) -> Result<Started, ProcessError> {
        let failed = |source| ProcessError::Start { command: command.to_owned(), source };
        let (reader, writer) = io::pipe().map_err(failed)?;
        let mut shell = Command::new(&setting.shell);
        shell
            .arg("-c")
            .arg(command)
            .current_dir(&setting.workspace)
            .env_clear()
            .envs(setting.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(writer.try_clone().map_err(failed)?)
            .stderr(writer);
        #[cfg(target_os = "linux")]
        let mark = setting.marks.as_ref().map(Marks::next);
        match self {
            Self::Plain => {
                shell.process_group(0);
                #[cfg(target_os = "linux")]
                mark.inspect(|mark| mark.put_on_by(&mut shell));
            }
            // Leads a group by leading a session.
            #[cfg(target_os = "linux")]
            Self::Kernel(wall) => {
                wall.enclose(&mut shell, mark).map_err(|source| ProcessError::Sandbox {
                    level: "kernel",
                    step: "build the ruleset".to_owned(),
                    source: source.into(),
                })?;
            }
        }
        let child = shell.spawn().map_err(failed)?;
        Ok(Started {
            child,
            output: reader,
            #[cfg(target_os = "linux")]
            mark,
        })
    }
}
