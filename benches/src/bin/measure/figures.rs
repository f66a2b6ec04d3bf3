//! What one process took, and what is typical of several.

use std::{
    io::Read,
    process::{Child, Command, Stdio},
    time::Instant,
};

use crate::Result;

/// What one process and the children it waited for took.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Figures {
    pub(crate) cpu_ms: f64,
    pub(crate) wall_ms: f64,
    /// The process's own; that of a child only where it is larger.
    pub(crate) rss_mib: f64,
}

/// Product and limit, each run right after the other.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pair {
    pub(crate) product: Figures,
    pub(crate) limit: Figures,
}

/// Runs a program to its end, which has to be a good one.
pub(crate) fn measure(command: &mut Command) -> Result<Figures> {
    let began = Instant::now();
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
    // Read to the end first: a full pipe would stop the program.
    let mut said = String::new();
    if let Some(mut stderr) = child.stderr.take() {
        stderr.read_to_string(&mut said)?;
    }
    let (status, usage) = wait(&child)?;
    let wall_ms = began.elapsed().as_secs_f64() * 1000.0;
    if status != 0 {
        return Err(format!("{command:?} ended with status {status}: {said}").into());
    }
    let ms = |time: libc::timeval| time.tv_sec as f64 * 1000.0 + time.tv_usec as f64 / 1000.0;
    Ok(Figures {
        cpu_ms: ms(usage.ru_utime) + ms(usage.ru_stime),
        wall_ms,
        rss_mib: usage.ru_maxrss as f64 / 1024.0,
    })
}

fn wait(child: &Child) -> Result<(i32, libc::rusage)> {
    let pid = i32::try_from(child.id())?;
    let mut status = 0;
    // SAFETY: all zeroes is a valid rusage, and both pointers live through the call.
    #[expect(unsafe_code, reason = "std does not give the usage of one child")]
    let (waited, usage) = unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        (libc::wait4(pid, &raw mut status, 0, &raw mut usage), usage)
    };
    if waited == pid { Ok((status, usage)) } else { Err(std::io::Error::last_os_error().into()) }
}

/// The middle of the values that `read` gives.
pub(crate) fn median<T>(of: &[T], read: impl Fn(&T) -> f64) -> f64 {
    quantile(of, read, 1, 2)
}

/// The value below which `part` of `whole` of the values lie.
pub(crate) fn quantile<T>(of: &[T], read: impl Fn(&T) -> f64, part: usize, whole: usize) -> f64 {
    let mut values: Vec<f64> = of.iter().map(read).collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() * part / whole).copied().unwrap_or(f64::NAN)
}
