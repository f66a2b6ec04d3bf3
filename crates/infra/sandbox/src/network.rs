//! The networks of runs at level `strict`: each run's commands and servers share one, with a loopback and nothing else.
//!
//! A network namespace lives as long as somebody holds it open, so no process waits in one: bubblewrap makes it, we
//! take hold of it, and bubblewrap ends. It goes with our last descriptor, however we end. The user namespace that owns
//! it is held beside it, because only from there may a process enter.

use std::{
    collections::HashMap,
    fs::File,
    io::{self, Read},
    net::TcpListener,
    os::{
        fd::{AsFd, OwnedFd},
        unix::process::CommandExt,
    },
    path::Path,
    process::{Command, Stdio},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use domain::id::RunId;
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    net::{AddressFamily, SocketFlags, SocketType, socketpair},
};
use tokio::runtime::Handle;

use crate::{child, hosts::HostList, proxy::Proxy};

/// How long bubblewrap may take to make one.
const PATIENCE: Duration = Duration::from_secs(10);
/// Where a proxy of ours listens in a run's network, on its loopback.
const PROXY_PORT: u16 = 47_128;
/// Runs that have a network at a time. An engine has few runs at once and ends each; one more than this is an error.
const MOST_RUNS: usize = 256;
/// Bytes of what bubblewrap says that are read.
const MOST_SAID: u64 = 4096;

/// Why a run has no network of its own.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NetworkError {
    /// bubblewrap could not be started or heard.
    #[error("cannot run {program}")]
    Run {
        program: String,
        #[source]
        source: io::Error,
    },
    /// It ran and made none.
    #[error("bubblewrap made no network: {0}")]
    None(String),
    /// It was made and could not be taken hold of.
    #[error("cannot take hold of the network that bubblewrap made")]
    Hold(#[source] io::Error),
    /// The proxy that leads to the listed hosts does not listen.
    #[error("cannot listen in the run's network")]
    Listen(#[source] io::Error),
    /// Nobody ends runs.
    #[error("{MOST_RUNS} runs have a network already")]
    TooMany,
}

/// A user namespace that commands are started in, with or without a network of its own. In the first they have the
/// right to mount, which bubblewrap takes from them.
#[derive(Debug)]
pub(crate) struct Network {
    user: OwnedFd,
    /// None: that of whoever enters.
    network: Option<OwnedFd>,
    /// Leads to the listed hosts.
    proxy: Option<Proxy>,
}

/// Whether a user namespace has a network of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Own,
    None,
}

/// Which hosts lie beyond, and where their proxies run.
#[derive(Debug, Clone)]
pub(crate) struct WayOut {
    pub(crate) hosts: Arc<HostList>,
    pub(crate) runtime: Handle,
}

impl Network {
    /// Makes one. Waits for bubblewrap, some milliseconds.
    pub(crate) fn make(bubblewrap: &Path, kind: Kind) -> Result<Self, NetworkError> {
        let failed = |source| NetworkError::Run { program: bubblewrap.display().to_string(), source };
        let (mut told, tells) = io::pipe().map_err(failed)?;
        let (blocks, go_on) = io::pipe().map_err(failed)?;
        let (tells, blocks) = (OwnedFd::from(tells), OwnedFd::from(blocks));
        let mut command = Command::new(bubblewrap);
        command
            .args(["--unshare-user", "--die-with-parent", "--cap-drop", "ALL"])
            .args((kind == Kind::Own).then_some("--unshare-net"))
            .args(["--ro-bind", "/", "/"])
            .args(["--info-fd", &child::number(&tells).to_string()])
            .args(["--block-fd", &child::number(&blocks).to_string()])
            .args(["--", "/bin/sh", "-c", ":"])
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        #[expect(
            unsafe_code,
            reason = "code between fork and exec; only raw calls, nothing allocates or locks"
        )]
        // SAFETY: the closure only makes async-signal-safe system calls on values that were made before the fork.
        unsafe {
            command.pre_exec(move || {
                rustix::process::setsid()?;
                rustix::thread::set_no_new_privs(true)?;
                child::close_everything_on_exec()?;
                child::pass_on(&tells)?;
                child::pass_on(&blocks)
            });
        }
        let mut bubblewrap = command.spawn().map_err(failed)?;
        // The closure's ends of both pipes go with it.
        drop(command);
        let held = hold(&mut told, kind);
        if held.is_err() {
            // It may wait for something else than us.
            bubblewrap.kill().map_err(failed)?;
        }
        drop(go_on);
        let mut said = String::new();
        if let Some(errors) = bubblewrap.stderr.take() {
            errors.take(MOST_SAID).read_to_string(&mut said).map_err(failed)?;
        }
        if !bubblewrap.wait().map_err(failed)?.success() {
            return Err(NetworkError::None(said.trim().to_owned()));
        }
        held
    }

    /// Lets a proxy of ours listen in it.
    fn open(&mut self, out: &WayOut) -> Result<(), NetworkError> {
        let listener = self.listen().map_err(NetworkError::Listen)?;
        let _context = out.runtime.enter();
        self.proxy = Some(Proxy::serve(listener, Arc::clone(&out.hosts)).map_err(NetworkError::Listen)?);
        Ok(())
    }

    /// A socket that belongs to it. A thread of ours cannot enter another user namespace, so a child makes the socket
    /// and hands it over; it ends without becoming another program.
    fn listen(&self) -> io::Result<TcpListener> {
        let kind = SocketFlags::CLOEXEC;
        let (ours, theirs) = socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, kind, None)?;
        let user = self.user.try_clone()?;
        let network = self.network.as_ref().map(OwnedFd::try_clone).transpose()?;
        let mut child = Command::new("/");
        #[expect(
            unsafe_code,
            reason = "code between fork and exec; only raw calls, nothing allocates or locks"
        )]
        // SAFETY: the closure only makes async-signal-safe system calls on values that were made before the fork.
        unsafe {
            child.pre_exec(move || {
                child::enter(user.as_fd(), network.as_ref().map(AsFd::as_fd))?;
                child::hand_over_a_listener(&theirs, PROXY_PORT)?;
                Err(io::Error::from_raw_os_error(libc::ECANCELED))
            });
        }
        match child.spawn() {
            // What it was to do it has done, or the socket below says that it has not.
            Err(error) if error.raw_os_error() == Some(libc::ECANCELED) => {}
            Err(error) => return Err(error),
            Ok(mut child) => drop(child.wait()?),
        }
        drop(child);
        child::take_over(&ours).map(TcpListener::from)
    }

    /// Takes the calling process in. Raw calls, fit for a child between fork and exec.
    pub(crate) fn enter(&self) -> io::Result<()> {
        child::enter(self.user.as_fd(), self.network.as_ref().map(AsFd::as_fd))
    }
}

/// Takes hold of the namespaces of the process that bubblewrap names, which waits meanwhile.
fn hold(told: &mut io::PipeReader, kind: Kind) -> Result<Network, NetworkError> {
    let nothing = || NetworkError::None("it did not name its process".to_owned());
    let mut said = Vec::new();
    while !said.contains(&b'}') {
        let patience = Timespec { tv_sec: PATIENCE.as_secs().cast_signed(), tv_nsec: 0 };
        let ready = poll(&mut [PollFd::new(told, PollFlags::IN)], Some(&patience));
        if ready.map_err(|error| NetworkError::Hold(error.into()))? == 0 {
            return Err(nothing());
        }
        let mut part = [0; 512];
        match told.read(&mut part).map_err(NetworkError::Hold)? {
            0 => return Err(nothing()),
            read => said.extend(part.iter().take(read)),
        }
    }
    let process = child_in(&String::from_utf8_lossy(&said)).ok_or_else(nothing)?;
    let open = |name: &str| File::open(format!("/proc/{process}/ns/{name}")).map(OwnedFd::from);
    Ok(Network {
        user: open("user").map_err(NetworkError::Hold)?,
        network: match kind {
            Kind::Own => Some(open("net").map_err(NetworkError::Hold)?),
            Kind::None => None,
        },
        proxy: None,
    })
}

/// The number after `"child-pid":` in what `--info-fd` and `--json-status-fd` say.
fn child_in(said: &str) -> Option<u32> {
    let (_, after) = said.split_once("\"child-pid\"")?;
    let digits = after.trim_start_matches([':', ' ']);
    digits.split(|letter: char| !letter.is_ascii_digit()).next()?.parse().ok()
}

/// What tells programs of the proxy.
pub(crate) fn variables_of_the_proxy() -> impl Iterator<Item = (&'static str, String)> {
    let proxy = format!("http://127.0.0.1:{PROXY_PORT}");
    let own = "localhost,127.0.0.1,::1".to_owned();
    ["http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"]
        .into_iter()
        .map(move |name| (name, proxy.clone()))
        .chain(["no_proxy", "NO_PROXY"].into_iter().map(move |name| (name, own.clone())))
}

/// The same for Java, which asks no environment.
pub(crate) fn options_of_java() -> String {
    ["http", "https"]
        .map(|way| format!(" -D{way}.proxyHost=127.0.0.1 -D{way}.proxyPort={PROXY_PORT}"))
        .concat()
}

/// By run. Commands without a run share one where a way leads out.
#[derive(Debug, Default)]
struct OfRuns {
    made: HashMap<Option<RunId>, Arc<Network>>,
    /// The run whose network is being made; none once it is done, or the run has ended. One is made at a time.
    making: Option<Option<RunId>>,
}

/// The networks of the runs of one session.
#[derive(Debug, Default)]
pub(crate) struct Networks {
    of_runs: Mutex<OfRuns>,
    none: Mutex<Option<Arc<Network>>>,
    out: Option<WayOut>,
}

impl Networks {
    /// With a way out of each, or none.
    pub(crate) fn new(out: Option<WayOut>) -> Self {
        Self { out, ..Self::default() }
    }

    /// Whether a way leads out.
    pub(crate) const fn leads_out(&self) -> bool {
        self.out.is_some()
    }

    fn of_runs(&self) -> MutexGuard<'_, OfRuns> {
        self.of_runs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The one of a run; the first to ask waits until it is made. Asked by one thread only.
    pub(crate) fn of(&self, run: Option<RunId>, bubblewrap: &Path) -> Result<Arc<Network>, NetworkError> {
        {
            let mut networks = self.of_runs();
            if let Some(network) = networks.made.get(&run) {
                return Ok(Arc::clone(network));
            }
            if networks.made.len() >= MOST_RUNS {
                return Err(NetworkError::TooMany);
            }
            networks.making = Some(run);
        }
        // Nobody who ends a run waits for this.
        let made = self.make(bubblewrap);
        let mut networks = self.of_runs();
        let is_wanted = networks.making.take() == Some(run);
        let network = Arc::new(made?);
        if is_wanted {
            networks.made.insert(run, Arc::clone(&network));
        }
        Ok(network)
    }

    fn make(&self, bubblewrap: &Path) -> Result<Network, NetworkError> {
        let mut network = Network::make(bubblewrap, Kind::Own)?;
        if let Some(out) = &self.out {
            network.open(out)?;
        }
        Ok(network)
    }

    /// One without a network of its own; the first to ask waits until it is made.
    pub(crate) fn none(&self, bubblewrap: &Path) -> Result<Arc<Network>, NetworkError> {
        let mut none = self.none.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(none) = &*none {
            return Ok(Arc::clone(none));
        }
        let made = Arc::new(Network::make(bubblewrap, Kind::None)?);
        Ok(Arc::clone(none.insert(made)))
    }

    /// Lets go of a run's.
    pub(crate) fn end(&self, run: RunId) {
        let mut networks = self.of_runs();
        networks.made.remove(&Some(run));
        networks.making.take_if(|making| *making == Some(run));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_process_that_bubblewrap_names_is_read() {
        assert_eq!(child_in("{\n    \"child-pid\": 26630,\n    \"net-namespace\": 1\n}"), Some(26630));
        assert_eq!(child_in("{ \"child-pid\": 7 }"), Some(7));
        for said in ["", "{}", "{ \"child-pid\": }", "{ \"child-pid\": -1 }"] {
            assert_eq!(child_in(said), None, "{said}");
        }
    }
}
