//! What of the file system a command sees: a list of mounts, parents first, in words of bubblewrap.
//!
//! Nothing is mounted at a place that a command could have moved: bubblewrap follows paths, and it is not walled in.
//! So what lies below a writable folder is not left to it (`stage`), and each folder in between is a mount, too, which
//! no command can move.

use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    fs::File,
    io::{self, Seek, Write},
    os::{
        fd::{AsRawFd, OwnedFd},
        unix::ffi::OsStrExt,
    },
    path::{Component, Path, PathBuf},
};

use rustix::fs::MemfdFlags;

use super::{
    shield::Shield,
    stage::{Stage, Writing},
};
use crate::{
    folders::{Folders, rest_inside},
    grants::{self, Grants, Reach},
    held::Held,
    settings::SandboxSettings,
};

/// What stands at a place.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Mount {
    Read,
    Write,
    /// Only read, but for what a command that is held to some places may write below.
    Held,
    /// Another folder of the host, writable.
    WriteFrom(PathBuf),
    Link(PathBuf),
    Memory,
    /// A file of the system: its content as it is now, in the view's own memory. A mount takes several times as long.
    Copy,
}

/// Bytes of each file system in memory. Browsers and process pools work with less; a command cannot fill the
/// machine's memory with files.
const MEMORY: u64 = 1024 * 1024 * 1024;
/// Bytes of a file that is copied at most.
const COPIED: u64 = 1024 * 1024;
/// Links that are followed at most where a path is resolved, as in the kernel.
const MOST_LINKS: usize = 40;

/// The mounts of one launch.
#[derive(Debug, Default)]
pub(super) struct View(BTreeMap<PathBuf, Mount>);

impl View {
    /// Everything as it is now; `held`: what a command may write of all in the workspace and the added folders.
    pub(super) fn of(
        settings: &SandboxSettings,
        folders: &Folders,
        shield: &Shield,
        held: Option<&Held>,
    ) -> Self {
        let mut view = Self::default();
        let Grants { list, names, .. } = grants::of_commands(settings);
        // These are known by their real names. A link there now is none of the person's.
        let added = settings.add_dirs.iter().map(|added| &added.path);
        let real: Vec<_> = added.chain(&settings.git_dirs).chain([&settings.workspace]).collect();
        for grant in &list {
            if real.contains(&&grant.path) {
                view.grant_real(&grant.path, grant.reach);
            } else {
                view.grant(&grant.path, grant.reach);
            }
        }
        names.iter().for_each(|name| drop(view.links(name)));
        // Where the workspace holds the cache, they are writable already, and a command decides where they lead.
        if rest_inside(&folders.toolchains, &settings.workspace).is_none() {
            folders.writable().for_each(|path| view.put(path, Mount::Write));
        }
        view.drop_what_stands_already();
        view.temporary(folders, settings);
        view.ways();
        for way in &shield.ways {
            view.0.entry(way.clone()).or_insert(Mount::Write);
        }
        shield.read_only.iter().for_each(|path| view.put(path.clone(), Mount::Read));
        if let Some(held) = held {
            view.hold(settings, held);
        }
        view
    }

    /// Takes the right to write from everything that commands may usually write in the person's folders, but for what
    /// is granted. A folder on the way to a grant lies in what is only read, so no command moves it.
    fn hold(&mut self, settings: &SandboxSettings, held: &Held) {
        let granted: Vec<_> = held.present().map(|(spot, _)| spot.path.clone()).collect();
        let is_granted = |place: &PathBuf| granted.iter().any(|granted| place.starts_with(granted));
        let roots: Vec<_> = settings.writable_roots().collect();
        self.0.retain(|place, mount| {
            let is_a_root = roots.iter().any(|root| place == root);
            let is_inside = roots.iter().any(|root| place.starts_with(root));
            if *mount != Mount::Write || !is_inside || is_granted(place) {
                return true;
            }
            *mount = Mount::Held;
            is_a_root
        });
        for place in granted.iter().filter(|place| roots.iter().any(|root| place.starts_with(root))) {
            self.0.entry(place.clone()).or_insert(Mount::Write);
        }
    }

    fn put(&mut self, place: PathBuf, mount: Mount) {
        self.0.insert(place, mount);
    }

    fn grant_real(&mut self, path: &Path, reach: Reach) {
        if path.symlink_metadata().is_ok() {
            match reach {
                Reach::Write => self.put(path.to_owned(), Mount::Write),
                Reach::Read => drop(self.0.entry(path.to_owned()).or_insert(Mount::Read)),
            }
        }
    }

    /// A granted path; what is part of every view is left out.
    fn grant(&mut self, path: &Path, reach: Reach) {
        if path.starts_with("/dev") || path == Path::new("/proc") {
            return;
        }
        let Some(real) = self.links(path) else { return };
        match reach {
            Reach::Write => self.put(real, Mount::Write),
            Reach::Read => {
                let is_small = real.metadata().is_ok_and(|found| found.is_file() && found.len() <= COPIED);
                let is_of_the_system = real.starts_with("/etc") || real.starts_with("/run");
                let mount = if is_small && is_of_the_system { Mount::Copy } else { Mount::Read };
                self.0.entry(real).or_insert(mount);
            }
        }
    }

    /// Keeps the links on the way to `path`, and gives the place they lead to; none where nothing stands there.
    fn links(&mut self, path: &Path) -> Option<PathBuf> {
        let real = path.canonicalize().ok()?;
        let mut named = path.to_owned();
        for _ in 0..MOST_LINKS {
            if named == real {
                return Some(real);
            }
            let link = named.ancestors().filter(|above| above.is_symlink()).last()?.to_owned();
            let target = link.parent()?.join(link.read_link().ok()?);
            let rest = named.strip_prefix(&link).ok()?.to_owned();
            // Without links above it, so `..` in the target means what it says.
            named = normal(&target).join(rest);
            self.put(link, Mount::Link(target));
        }
        None
    }

    /// What a mount above brings along needs none of its own.
    fn drop_what_stands_already(&mut self) {
        let all = self.0.clone();
        self.0.retain(|place, mount| {
            let above = place
                .ancestors()
                .skip(1)
                .find_map(|above| all.get(above).filter(|mount| matches!(mount, Mount::Read | Mount::Write)));
            let is_writable = above == Some(&Mount::Write);
            match mount {
                Mount::Write => !is_writable,
                Mount::Read | Mount::Copy => is_writable || above.is_none(),
                Mount::Link(_) => above.is_none(),
                // Nothing is held before all of this is done.
                Mount::WriteFrom(_) | Mount::Memory | Mount::Held => true,
            }
        });
    }

    /// `/tmp`: this session's temporary folder, so that a file that one command leaves there is there for the next.
    /// Where something else is mounted below, that folder would have to hold the way to it, and a command could change
    /// it; so it is in memory then.
    fn temporary(&mut self, folders: &Folders, settings: &SandboxSettings) {
        let (tmp, var_tmp) = (Path::new("/tmp"), Path::new("/var/tmp"));
        let is_taken = |view: &Self, place: &Path| {
            let is_covered = |other: &PathBuf| place.starts_with(other);
            view.0.keys().any(is_covered)
        };
        if is_taken(self, tmp) {
            return;
        }
        let is_way = self.0.keys().any(|place| place.starts_with(tmp));
        let is_ours = rest_inside(&folders.temporary, &settings.workspace).is_none();
        if is_way || !is_ours {
            self.put(tmp.to_owned(), Mount::Memory);
        } else {
            self.put(tmp.to_owned(), Mount::WriteFrom(folders.temporary.clone()));
        }
        if !is_taken(self, var_tmp) && !self.0.keys().any(|place| place.starts_with(var_tmp)) {
            self.put(var_tmp.to_owned(), Mount::Link(tmp.to_owned()));
        }
    }

    /// The folders between a writable mount and one below it.
    fn ways(&mut self) {
        let mut ways = Vec::new();
        for place in self.0.keys() {
            let mut way = Vec::new();
            for above in place.ancestors().skip(1) {
                match self.0.get(above) {
                    Some(Mount::Write) => ways.append(&mut way),
                    // Nothing in it can be moved.
                    Some(_) => way.clear(),
                    None => way.push(above.to_owned()),
                }
            }
        }
        ways.into_iter().for_each(|way| self.put(way, Mount::Write));
    }

    /// What lies below a writable folder has to be mounted in it before bubblewrap is told of the folder: see
    /// [`Stage`]. None is what bubblewrap mounts.
    fn staged(&self, place: &Path, mount: &Mount) -> Option<Writing> {
        let is_of_the_host = |mount: &&Mount| matches!(mount, Mount::Read | Mount::Write | Mount::Held);
        let above = || {
            let above = place.ancestors().skip(1).filter_map(|above| self.0.get(above));
            above.take_while(is_of_the_host)
        };
        let is_below_a_writable = above().any(|mount| matches!(mount, Mount::Write | Mount::Held));
        match mount {
            Mount::Read | Mount::Copy | Mount::Held if is_below_a_writable => Some(Writing::Refused),
            Mount::Write if is_below_a_writable => match above().next() {
                Some(Mount::Read | Mount::Held) => Some(Writing::Allowed),
                _ => Some(Writing::AsAbove),
            },
            _ => None,
        }
    }

    /// Adds the options that make it, and `/proc` and `/dev`, which are the command's own, and gives what is to be
    /// mounted before. `processes` is how many it may have, where this kernel counts them for each namespace.
    pub(super) fn describe(
        &self,
        options: &mut Options,
        bounds_memory: bool,
        processes: Option<u64>,
    ) -> io::Result<Stage> {
        let mut stage = Stage::default();
        let root = self.0.get(Path::new("/"));
        match root {
            Some(Mount::Write) => options.add("--bind", ["/", "/"]),
            Some(_) => options.add("--ro-bind", ["/", "/"]),
            None => {}
        }
        options.add("--proc", ["/proc"]);
        if let Some(most) = processes {
            let descriptor = options.pass(in_memory(most.to_string().as_bytes())?);
            options.add("--file", [descriptor.as_str(), "/proc/sys/kernel/pid_max"]);
        }
        // The settings of the kernel are files of root's, and a command of root's needs no power to write them.
        options.add("--remount-ro", ["/proc"]);
        options.add("--dev", ["/dev"]);
        options.memory(Path::new("/dev/shm"), bounds_memory);
        options.add("--remount-ro", ["/dev"]);
        for (place, mount) in self.0.iter().filter(|(place, _)| *place != Path::new("/")) {
            if let Some(writing) = self.staged(place, mount) {
                stage.add_inside(place, writing)?;
                continue;
            }
            match mount {
                Mount::Read if is_of_a_person(place) => {
                    let from = stage.add_folder(place, Writing::AsAbove)?;
                    options.add("--ro-bind", [from.as_path(), place]);
                }
                Mount::Read => options.add("--ro-bind-try", [place, place]),
                Mount::Write => {
                    let from = stage.add_folder(place, Writing::AsAbove)?;
                    options.add("--bind", [from.as_path(), place]);
                }
                // bubblewrap would make all that lies below read-only, too; it keeps what it finds.
                Mount::Held => {
                    let from = stage.add_folder(place, Writing::Refused)?;
                    options.add("--bind", [from.as_path(), place]);
                }
                Mount::WriteFrom(other) => {
                    let from = stage.add_folder(other, Writing::AsAbove)?;
                    options.add("--bind", [from.as_path(), place]);
                }
                Mount::Link(target) => options.add("--symlink", [target, place]),
                Mount::Memory => options.memory(place, bounds_memory),
                // Gone, or not ours to read: then it is not there.
                Mount::Copy => {
                    if let Ok(file) = File::open(place) {
                        let descriptor = options.pass(file.into());
                        options.add("--file", [descriptor.as_ref(), place.as_path()]);
                    }
                }
            }
        }
        if root.is_none() {
            options.add("--remount-ro", ["/"]);
        }
        Ok(stage)
    }
}

/// A folder that other commands of the person's might move: neither a part of the system nor a file.
fn is_of_a_person(place: &Path) -> bool {
    const SYSTEM: [&str; 9] = ["/bin", "/etc", "/nix", "/opt", "/proc", "/run", "/sbin", "/usr", "/var/lib"];
    let is_of_the_system = |name: &Path| SYSTEM.iter().any(|folder| name.starts_with(folder));
    let is_below_the_root = place.components().count() > 2;
    is_below_the_root && !is_of_the_system(place) && place.is_dir()
}

/// Options of bubblewrap, and the descriptors that they name.
#[derive(Debug, Default)]
pub(super) struct Options {
    words: Vec<OsString>,
    passed: Vec<OwnedFd>,
}

impl Options {
    pub(super) fn add<Word: AsRef<OsStr>, const N: usize>(&mut self, option: &str, words: [Word; N]) {
        self.words.push(option.into());
        self.words.extend(words.iter().map(|word| word.as_ref().to_owned()));
    }

    /// Passes a descriptor on, and gives the word for it.
    pub(super) fn pass(&mut self, descriptor: OwnedFd) -> String {
        let number = descriptor.as_raw_fd().to_string();
        self.passed.push(descriptor);
        number
    }

    fn memory(&mut self, place: &Path, is_bounded: bool) {
        if is_bounded {
            self.add("--size", [MEMORY.to_string()]);
        }
        self.add("--tmpfs", [place]);
    }

    /// The words for a descriptor that bubblewrap reads all options from (other people see command lines), and every
    /// descriptor that is passed on.
    pub(super) fn over_a_descriptor(mut self) -> io::Result<([String; 2], Vec<OwnedFd>)> {
        // Each word ends with a null byte.
        let bytes = self.words.iter().flat_map(|word| word.as_bytes().iter().copied().chain([0]));
        let words = in_memory(&bytes.collect::<Vec<_>>())?;
        let number = self.pass(words);
        Ok((["--args".to_owned(), number], self.passed))
    }
}

/// A file in memory that is read from its beginning.
fn in_memory(content: &[u8]) -> io::Result<OwnedFd> {
    let mut file = File::from(rustix::fs::memfd_create("bubblewrap", MemfdFlags::CLOEXEC)?);
    file.write_all(content)?;
    file.rewind()?;
    Ok(file.into())
}

/// A path without `.` and `..`, by its text alone.
fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                normal.pop();
            }
            other => normal.push(other),
        }
    }
    normal
}
