//! Level `strict`: bubblewrap gives each command namespaces of its own and a view of the needed folders only.
//!
//! bubblewrap is not walled in itself, so everything it is told comes from here: its options over a descriptor (other
//! people see command lines), an empty environment, mounts at places that no command can move (`view`, `shield`). The
//! seccomp filter is applied before bubblewrap starts and not by it, so that its first process inside, which a command
//! could otherwise take over, is behind the filter, too. Landlock is not used inside: behind it nothing can be mounted
//! any more, and after the last mount nothing of ours runs. What all of this holds is in `docs/adr/0008-strict.md`.

mod bubblewrap;
mod claim;
mod launcher_thread;
mod made;
mod proof;
mod report;
mod shield;
mod shields;
mod stage;
mod view;

use std::{
    ffi::OsString,
    fs, io,
    os::{fd::OwnedFd, unix::process::CommandExt},
    path::PathBuf,
    process::{Command, Stdio},
    sync::Arc,
};

use domain::id::RunId;
use tokio::runtime::Handle;

use self::{
    bubblewrap::{Bubblewrap, Program, Version},
    launcher_thread::LauncherThread,
    proof::Proof,
    shields::Shields,
    stage::Stage,
    view::{Options, View},
};
pub(crate) use self::{report::Report, shield::Shield, shields::Shielded};
use crate::{
    child,
    error::SandboxError,
    filter::{self, Doors, Processor},
    folders::Folders,
    grants,
    group::Group,
    held::Held,
    hosts::{HostList, InvalidHost},
    launcher::{self, Setting, Started},
    limits::{self, Limits},
    mark::Mark,
    network::{self, Network, NetworkError, Networks, WayOut},
    repositories::Extent,
    settings::{NetworkAccess, SandboxSettings},
};

/// Why the level cannot be had, or a command not be started at it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StrictError {
    /// Nothing to work with.
    #[error(
        "`bwrap` is in no absolute folder of PATH outside the workspace; install the package `bubblewrap` of this system"
    )]
    NoBubblewrap,
    /// It is there and does not say what it is.
    #[error("cannot ask {} for its version", program.display())]
    Ask {
        program: PathBuf,
        #[source]
        source: io::Error,
    },
    /// It lacks options that are needed.
    #[error("{} is version {version}, and {} is needed; upgrade the package `bubblewrap`", program.display(), Version::OLDEST)]
    OldBubblewrap { program: PathBuf, version: Version },
    /// No filter is known for this processor.
    #[error("no seccomp filter is known for this processor; x86_64 and aarch64 have one")]
    Processor,
    /// There is no thread to start commands from.
    #[error("cannot start the thread that starts commands")]
    Thread(#[source] io::Error),
    /// A folder of commands went away and could not be made anew.
    #[error(transparent)]
    Folder(#[from] Box<SandboxError>),
    /// The run's network could not be made.
    #[error("cannot make the run's network")]
    Network(#[from] NetworkError),
    /// The list of hosts holds what is none.
    #[error(transparent)]
    Host(InvalidHost),
    /// A descriptor that bubblewrap reads could not be made.
    #[error("cannot write down the options of bubblewrap")]
    Options(#[source] io::Error),
    /// What is to be mounted is not where it was.
    #[error(
        "a folder that this session works in seems to have been moved, removed or replaced by a link; put it back, or \
         start again where it is now"
    )]
    Moved(#[source] io::Error),
    /// bubblewrap did not start, or what it takes over could not be mounted.
    #[error("cannot start {}, or mount a protected path for it", program.display())]
    Start {
        program: PathBuf,
        #[source]
        source: io::Error,
    },
}

/// The walls of one session's commands.
pub(crate) struct Strict {
    shared: Arc<Shared>,
    thread: LauncherThread,
    proof: Option<Proof>,
    is_proven: bool,
}

/// What the thread that starts commands needs.
struct Shared {
    settings: Arc<SandboxSettings>,
    folders: Folders,
    bubblewrap: Bubblewrap,
    filter: Arc<[libc::sock_filter]>,
    counts_processes: bool,
    networks: Networks,
    shields: Shields,
}

impl Strict {
    /// Finds what is needed. Whether it works together is for a probe to find out, or for an earlier one to have.
    pub(crate) fn build(settings: Arc<SandboxSettings>, folders: Folders) -> Result<Self, StrictError> {
        let processor = Processor::of_host().ok_or(StrictError::Processor)?;
        let program = Program::find(&settings)?;
        let proof = Proof::of(&settings, &program);
        let told = proof.as_ref().and_then(Proof::read).and_then(|said| program.told(&said));
        let is_proven = told.is_some();
        let bubblewrap = told.map_or_else(|| program.ask(), Ok)?;
        let hands_group_down = filter::hand_group_down(settings.writable_roots());
        let doors = Doors { internet: true, is_alone: true, hands_group_down };
        let filter = filter::program(&processor, doors).into();
        let out = match &settings.network {
            NetworkAccess::Off | NetworkAccess::Open => None,
            NetworkAccess::Hosts(listed) => {
                let hosts = HostList::parse(listed).map_err(StrictError::Host)?;
                Some(WayOut { hosts: Arc::new(hosts), runtime: Handle::current() })
            }
        };
        let thread = LauncherThread::start().map_err(StrictError::Thread)?;
        let shared = Shared {
            shields: Shields::new(Arc::clone(&settings)),
            settings,
            folders,
            bubblewrap,
            filter,
            counts_processes: counts_processes(),
            networks: Networks::new(out),
        };
        Ok(Self { shared: Arc::new(shared), thread, proof, is_proven })
    }

    /// Whether a probe succeeded since this machine started, with the same bubblewrap, for the same person.
    pub(crate) const fn is_proven(&self) -> bool {
        self.is_proven
    }

    /// Remembers that a probe succeeded.
    pub(crate) fn keep_proof(&self) {
        if let Some(proof) = &self.proof {
            proof.write(&self.shared.bubblewrap.said());
        }
    }

    /// Forgets that one did: what worked then does not now.
    pub(crate) fn drop_proof(&self) {
        if let Some(proof) = &self.proof {
            proof.remove();
        }
    }

    /// What holds commands here, in words for people.
    pub(crate) fn reason(&self) -> String {
        let Shared { settings, bubblewrap, counts_processes, .. } = &*self.shared;
        let mut reason = format!(
            "bubblewrap {} gives commands namespaces and a view of their own, behind a seccomp filter",
            bubblewrap.version
        );
        if !bubblewrap.disables_namespaces() {
            reason.push_str("; this version cannot forbid user namespaces inside");
        }
        match &settings.network {
            NetworkAccess::Off => {}
            NetworkAccess::Open => reason.push_str("; the network is open (`--allow-network`)"),
            NetworkAccess::Hosts(hosts) => {
                reason.push_str(&format!("; a proxy leads to {} (`sandbox.network`)", hosts.join(", ")));
            }
        }
        if !counts_processes && rustix::process::geteuid().is_root() {
            reason.push_str(
                "; nothing limits the number of processes, because we run as root before Linux 6.14",
            );
        }
        let too_wide = grants::of_commands(settings).too_wide;
        if !too_wide.is_empty() {
            let paths: Vec<_> = too_wide.iter().map(|path| path.display().to_string()).collect();
            reason.push_str("; not visible, because too much lies below: ");
            reason.push_str(&paths.join(", "));
        }
        reason
    }

    /// Starts a command of `run`; one without a run is alone in its network.
    pub(crate) async fn start(
        &self,
        setting: &Setting,
        order: launcher::Order<'_>,
        mark: Option<Mark>,
    ) -> Result<Started, StrictError> {
        let shared = Arc::clone(&self.shared);
        let order = Order {
            shell: [setting.shell.clone().into_os_string(), "-c".into(), order.command.into()],
            environment: setting.environment.clone(),
            run: order.run,
            held: order.held.cloned(),
            mark,
        };
        self.thread.run(move || shared.start(&order)).await.map_err(StrictError::Thread)?
    }

    /// Lets go of what was kept for a run.
    pub(crate) fn end_run(&self, run: RunId) {
        self.shared.networks.end(run);
    }

    /// What the next command lives under.
    pub(crate) fn shield(&self) -> Shielded {
        self.shared.shields.for_the_next()
    }

    /// How far it was looked for repositories; none before the first command.
    pub(crate) fn extent(&self) -> Option<Extent> {
        self.shared.shields.extent()
    }
}

/// How often a command is tried to be started while somebody moves what is to be mounted.
const TRIES: usize = 8;

/// One command to start.
struct Order {
    shell: [OsString; 3],
    environment: Vec<(OsString, OsString)>,
    run: Option<RunId>,
    held: Option<Arc<Held>>,
    mark: Option<Mark>,
}

impl Shared {
    /// Starts it, also where somebody moves a folder that is to be mounted: the next try looks for it again, and leaves
    /// it out where it is not there.
    fn start(&self, order: &Order) -> Result<Started, StrictError> {
        drop(self.folders.make().map_err(Box::new)?);
        let mut tried = self.try_to_start(order, self.shields.current());
        for _ in 1..TRIES {
            match tried {
                Err(StrictError::Start { source, .. }) if is_of_a_moved_place(&source) => {
                    tried = self.try_to_start(order, self.shields.for_the_next().shield);
                }
                other => return other,
            }
        }
        tried.map_err(|error| match error {
            // What is no folder any more cannot be mounted in a folder's place.
            StrictError::Start { source, .. }
                if is_of_a_moved_place(&source) || source.raw_os_error() == Some(libc::EINVAL) =>
            {
                StrictError::Moved(source)
            }
            error => error,
        })
    }

    fn try_to_start(&self, order: &Order, shield: Arc<Shield>) -> Result<Started, StrictError> {
        let view = View::of(&self.settings, &self.folders, &shield, order.held.as_deref());
        let is_alone = self.settings.network == NetworkAccess::Off && order.run.is_none();
        let network = match &self.settings.network {
            NetworkAccess::Off | NetworkAccess::Hosts(_) if !is_alone => {
                self.networks.of(order.run, &self.bubblewrap.program)?
            }
            _ => self.networks.none(&self.bubblewrap.program)?,
        };
        let (report, reports) = Report::pipe().map_err(StrictError::Options)?;

        let mut options = self.namespaces(is_alone);
        let reports = options.pass(reports);
        options.add("--json-status-fd", [reports]);
        let processes = self.counts_processes.then_some(limits::PROCESSES);
        let stage = view
            .describe(&mut options, self.bubblewrap.bounds_memory(), processes)
            .map_err(StrictError::Options)?;
        options.add("--chdir", [&self.settings.workspace]);
        for (name, value) in &order.environment {
            options.add("--setenv", [name, value]);
        }
        if self.networks.leads_out() {
            tell_of_the_proxy(&mut options, &order.environment);
        }
        let (options, passed) = options.over_a_descriptor().map_err(StrictError::Options)?;

        let failed = |source| StrictError::Start { program: self.bubblewrap.program.clone(), source };
        let (output, writer) = io::pipe().map_err(failed)?;
        let mut command = Command::new(&self.bubblewrap.program);
        command
            .args(&options)
            .arg("--")
            .args(&order.shell)
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(writer.try_clone().map_err(failed)?)
            .stderr(writer);
        let child = Child {
            mark: order.mark,
            limits: Limits::of_a_command(!self.counts_processes),
            filter: Arc::clone(&self.filter),
            network,
            stage,
            passed,
        };
        #[expect(
            unsafe_code,
            reason = "code between fork and exec; only raw calls, nothing allocates or locks"
        )]
        // SAFETY: the closure only makes async-signal-safe system calls on values that were made before the fork.
        unsafe {
            command.pre_exec(move || child.restrict_self());
        }
        let started = command.spawn().map_err(failed)?;
        let group = Group::adopt(started)
            .map_err(failed)?
            .with_mark(order.mark)
            .with_report(report)
            .living_under(shield);
        Ok(Started { group, output })
    }

    fn namespaces(&self, is_alone: bool) -> Options {
        let mut options = Options::default();
        for option in ["user", "pid", "ipc", "uts"] {
            options.add::<&str, 0>(&format!("--unshare-{option}"), []);
        }
        options.add::<&str, 0>("--unshare-cgroup-try", []);
        if is_alone {
            options.add::<&str, 0>("--unshare-net", []);
        }
        if self.bubblewrap.disables_namespaces() {
            options.add::<&str, 0>("--disable-userns", []);
        }
        options.add::<&str, 0>("--die-with-parent", []);
        options.add("--cap-drop", ["ALL"]);
        options
    }
}

/// Whether a place was gone, or a link, when it was to be mounted.
fn is_of_a_moved_place(error: &io::Error) -> bool {
    let moved = [libc::ELOOP, libc::ENOENT, libc::ENOTDIR, libc::EXDEV];
    error.raw_os_error().is_some_and(|number| moved.contains(&number))
}

/// Sets the variables by which programs find a proxy.
fn tell_of_the_proxy(options: &mut Options, environment: &[(OsString, OsString)]) {
    for (name, value) in network::variables_of_the_proxy() {
        options.add("--setenv", [name, value.as_str()]);
    }
    let mut java = environment
        .iter()
        .find(|(name, _)| name == "MAVEN_OPTS")
        .map(|(_, options)| options.clone())
        .unwrap_or_default();
    java.push(network::options_of_java());
    options.add("--setenv", ["MAVEN_OPTS".as_ref(), java.as_os_str()]);
}

/// What a child of ours does before it becomes bubblewrap.
struct Child {
    mark: Option<Mark>,
    limits: Limits,
    filter: Arc<[libc::sock_filter]>,
    network: Arc<Network>,
    stage: Stage,
    passed: Vec<OwnedFd>,
}

impl Child {
    fn restrict_self(&self) -> io::Result<()> {
        rustix::process::setsid()?;
        self.mark.map(Mark::put_on).transpose()?;
        self.limits.apply()?;
        rustix::thread::set_no_new_privs(true)?;
        self.network.enter()?;
        self.stage.set()?;
        child::close_everything_on_exec()?;
        for passed in &self.passed {
            child::pass_on(passed)?;
        }
        child::apply_filter(&self.filter)
    }
}

/// Whether each process namespace has a limit of its own. Before, the file that holds it was everybody's.
fn counts_processes() -> bool {
    const FIRST: (u32, u32) = (6, 14);
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let mut parts = release.split(|letter: char| !letter.is_ascii_digit()).map(str::parse::<u32>);
    let mut next = || parts.next()?.ok();
    next().zip(next()).is_some_and(|version| version >= FIRST)
}
