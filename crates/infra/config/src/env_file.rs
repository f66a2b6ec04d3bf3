//! A `.env` file as it was read, once, and what each of its variables is to us.

use std::path::{Path, PathBuf};

use crate::{
    dotenv::{self, Assignment, Malformed},
    environment::{CREDENTIALS, HOMES, WORKER_TIMEOUT, is_ours},
    notice::Notice,
    problem::{Fault, Problems, Spot},
    reading::read_text,
};

/// A `.env` file.
#[derive(Debug)]
pub(crate) struct EnvFile {
    pub(crate) path: PathBuf,
    pub(crate) lines: Vec<Result<Assignment, Malformed>>,
}

/// What a variable decides, as far as `.env` files are concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Weight {
    /// Harmless wherever it is set.
    Free,
    /// A credential.
    Credential,
    /// Where things go.
    Steering,
    /// Where what we write lies.
    Home,
    /// Counts only in the real environment.
    EnvironmentOnly,
}

impl Weight {
    pub(crate) fn of(name: &str) -> Self {
        if CREDENTIALS.contains(&name) {
            Self::Credential
        } else if HOMES.contains(&name) {
            Self::Home
        } else if name.starts_with(WORKER_TIMEOUT) || matches!(name, "LOG_LEVEL" | "LOG_FORMAT") {
            Self::Free
        } else if name.ends_with("_BASE_URL")
            || name.starts_with("FLOW_")
            || matches!(name, "LOG_DIR" | "USE_SUBPROCESS_WORKER")
        {
            Self::Steering
        } else {
            Self::EnvironmentOnly
        }
    }

    /// Whether a workspace must be trusted for it.
    pub(crate) const fn needs_trust(self) -> bool {
        matches!(self, Self::Steering | Self::Home)
    }
}

impl EnvFile {
    /// Reads that of a workspace: not through a link that leads out of it, because what lies there is not the
    /// workspace's.
    pub(crate) fn read_in(
        workspace: &Path,
        problems: &mut Problems,
        notices: &mut Vec<Notice>,
    ) -> Option<Self> {
        let path = workspace.join(".env");
        let leads_out = path.is_symlink()
            && match (path.canonicalize(), workspace.canonicalize()) {
                (Ok(file), Ok(folder)) => !file.starts_with(folder),
                _ => false,
            };
        if leads_out {
            notices.push(Notice::LeadsOut { file: path });
            return None;
        }
        Self::read(&path, problems, notices)
    }

    /// Reads a file; none where there is none that can be read.
    pub(crate) fn read(path: &Path, problems: &mut Problems, notices: &mut Vec<Notice>) -> Option<Self> {
        match read_text(path) {
            Ok(text) => Some(Self { path: path.to_owned(), lines: dotenv::parse(&text?) }),
            // A folder called `.env` is common (virtual environments) and no file of ours.
            Err(Fault::NoFile) if path.is_dir() => None,
            Err(Fault::NoFile) => {
                notices.push(Notice::NotRead { file: path.to_owned() });
                None
            }
            Err(fault) => {
                problems.add(Spot::file(path), fault);
                None
            }
        }
    }

    /// The place of a line.
    pub(crate) fn spot(&self, line: &Assignment) -> Spot {
        let (file, path) = (self.path.clone(), line.name.clone());
        Spot::File { file, line: Some(line.line), column: None, path }
    }

    /// The lines that set a variable of ours.
    pub(crate) fn ours(&self) -> impl Iterator<Item = &Assignment> {
        self.lines.iter().flatten().filter(|line| is_ours(&line.name))
    }

    /// The lines for which a workspace must be trusted, as one text; none where there are none.
    pub(crate) fn needing_trust(&self) -> Option<String> {
        let needing = self.ours().filter(|line| Weight::of(&line.name).needs_trust());
        let text: String = needing.map(|line| format!("{}={}\n", line.name, line.value)).collect();
        (!text.is_empty()).then_some(text)
    }
}
