//! That a probe succeeded, remembered until the machine starts anew.
//!
//! A probe takes as long as a few commands, and each session would pay for one. What it depends on is part of the name
//! it is kept under: the start of the machine, the kernel, bubblewrap's file, the person. Where it is wrong all the
//! same, the first command is refused with the reason, as any is that cannot be walled in.

use std::{
    fs::{self, DirBuilder, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::PathBuf,
};

use sha2::{Digest, Sha256};

use super::bubblewrap::Program;
use crate::{folders::rest_inside, settings::SandboxSettings};

/// Under the cache root.
const FOLDER: &str = "sandbox";
const BEGINNING: &str = "strict-";

/// Where the proof is, or would be.
#[derive(Debug)]
pub(super) struct Proof {
    folder: PathBuf,
    name: String,
}

impl Proof {
    /// None where commands could write it, or where nothing tells one start of the machine from another.
    pub(super) fn of(settings: &SandboxSettings, program: &Program) -> Option<Self> {
        let folder = settings.cache.join(FOLDER);
        if settings.writable_roots().any(|root| rest_inside(&folder, root).is_some()) {
            return None;
        }
        let start = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
        let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").ok()?;
        let person = rustix::process::geteuid().as_raw().to_string();
        let program = format!("{} {}", program.path.display(), program.stamp);
        let digest = [start.as_str(), &kernel, &person, &program, env!("CARGO_PKG_VERSION")]
            .into_iter()
            .fold(Sha256::new(), |digest, part| digest.chain_update(part).chain_update([0]))
            .finalize();
        let digest: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        Some(Self { folder, name: format!("{BEGINNING}{digest}") })
    }

    /// What was kept; none where nothing was.
    pub(super) fn read(&self) -> Option<String> {
        fs::read_to_string(self.folder.join(&self.name)).ok()
    }

    /// Keeps `said`, and drops older proofs. Where it cannot, the next session probes again.
    pub(super) fn write(&self, said: &str) {
        let write = || {
            DirBuilder::new().recursive(true).mode(0o700).create(&self.folder)?;
            self.try_remove()?;
            let place = self.folder.join(&self.name);
            OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(place)?
                .write_all(said.as_bytes())
        };
        self.say(write());
    }

    /// Drops every proof.
    pub(super) fn remove(&self) {
        self.say(self.try_remove());
    }

    fn try_remove(&self) -> io::Result<()> {
        for entry in fs::read_dir(&self.folder)?.filter_map(Result::ok) {
            if entry.file_name().to_string_lossy().starts_with(BEGINNING) {
                fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }

    fn say(&self, done: io::Result<()>) {
        if let Err(error) = done {
            tracing::debug!(folder = %self.folder.display(), %error, "cannot remember whether the sandbox works");
        }
    }
}
