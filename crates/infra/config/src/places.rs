//! Where things lie (contract 3, "Places"). Nothing is made here, and nothing is looked at.

use std::path::{Path, PathBuf};

use crate::{
    environment::Environment,
    notice::Notice,
    problem::{Fault, Problems, Spot},
};

/// The folders of one installation. All of them are absolute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Places {
    /// Configuration files and the person's `.env`.
    pub config: PathBuf,
    /// The journal, records, artifacts.
    pub data: PathBuf,
    /// Logs, sockets.
    pub state: PathBuf,
    /// Tool chains.
    pub cache: PathBuf,
    /// Log files: `LOG_DIR`, else `state/logs`.
    pub logs: PathBuf,
}

impl Places {
    /// Finds the roots: `BETTER_LLM_HOME`, else the XDG variables, else their defaults under `home`. `LOG_DIR` is
    /// laid over it later.
    pub(crate) fn find(
        environment: &Environment,
        home: Option<&Path>,
        problems: &mut Problems,
        notices: &mut Vec<Notice>,
    ) -> Option<Self> {
        if let Some(root) = environment.get("BETTER_LLM_HOME") {
            let root = Path::new(root);
            if !root.is_absolute() {
                problems.add(
                    Spot::Variable("BETTER_LLM_HOME".to_owned()),
                    Fault::WrongValue {
                        expected: "an absolute path".to_owned(),
                        found: format!("`{}`", root.display()),
                    },
                );
                return None;
            }
            return Some(Self::under(["config", "data", "state", "cache"].map(|name| root.join(name))));
        }
        let mut root = |variable: &'static str, below_home: &str| {
            if let Some(value) = environment.get(variable).map(Path::new) {
                if value.is_absolute() {
                    return Some(value.join("better-llm"));
                }
                // The XDG base directory specification says to ignore relative paths.
                notices.push(Notice::RelativeRoot { variable });
            }
            Some(home?.join(below_home).join("better-llm"))
        };
        let roots = [
            root("XDG_CONFIG_HOME", ".config"),
            root("XDG_DATA_HOME", ".local/share"),
            root("XDG_STATE_HOME", ".local/state"),
            root("XDG_CACHE_HOME", ".cache"),
        ];
        let [Some(config), Some(data), Some(state), Some(cache)] = roots else {
            let what = "no home folder is known: set BETTER_LLM_HOME to a folder of yours (absolute)";
            problems.add(Spot::Variable("HOME".to_owned()), Fault::Rule(what.to_owned()));
            return None;
        };
        Some(Self::under([config, data, state, cache]))
    }

    fn under([config, data, state, cache]: [PathBuf; 4]) -> Self {
        Self { config, data, logs: state.join("logs"), state, cache }
    }

    /// The database: journal, index, search, tasks.
    #[must_use]
    pub fn database(&self) -> PathBuf {
        self.data.join("better-llm.db")
    }

    /// Finished records.
    #[must_use]
    pub fn records(&self) -> PathBuf {
        self.data.join("sessions")
    }

    /// Outputs too large for the journal.
    #[must_use]
    pub fn artifacts(&self) -> PathBuf {
        self.data.join("artifacts")
    }

    /// Sockets of running processes, and what they leave behind.
    #[must_use]
    pub fn run(&self) -> PathBuf {
        self.state.join("run")
    }

    /// The locks of workspaces and sessions that are being written.
    #[must_use]
    pub fn locks(&self) -> PathBuf {
        self.state.join("locks")
    }

    /// Worktrees that sessions work in, a folder for each session.
    #[must_use]
    pub fn worktrees(&self) -> PathBuf {
        self.data.join("worktrees")
    }

    /// Tool chains' caches, a folder for each workspace.
    #[must_use]
    pub fn toolchains(&self) -> PathBuf {
        self.cache.join("toolchains")
    }

    /// Every folder and file with its name, for `config paths`.
    #[must_use]
    pub fn named(&self) -> [(&'static str, PathBuf); 13] {
        [
            ("config", self.config.clone()),
            ("prompts", crate::files::prompt_base(&self.config).join("prompts")),
            ("data", self.data.clone()),
            ("state", self.state.clone()),
            ("cache", self.cache.clone()),
            ("database", self.database()),
            ("records", self.records()),
            ("artifacts", self.artifacts()),
            ("logs", self.logs.clone()),
            ("run", self.run()),
            ("locks", self.locks()),
            ("worktrees", self.worktrees()),
            ("toolchains", self.toolchains()),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(variables: &[(&str, &str)], home: Option<&str>) -> (Option<Places>, usize, Vec<Notice>) {
        let environment = variables.iter().copied().collect();
        let (mut problems, mut notices) = (Problems::default(), Vec::new());
        let places = Places::find(&environment, home.map(Path::new), &mut problems, &mut notices);
        (places, problems.count(), notices)
    }

    fn check(variables: &[(&str, &str)], home: Option<&str>, config: &str, database: &str, logs: &str) {
        let places = find(variables, home).0.unwrap();
        let found = [places.config.clone(), places.database(), places.logs.clone()];
        assert_eq!(found, [config, database, logs].map(PathBuf::from));
    }

    #[test]
    fn the_roots_follow_the_contract() {
        check(
            &[],
            Some("/집"),
            "/집/.config/better-llm",
            "/집/.local/share/better-llm/better-llm.db",
            "/집/.local/state/better-llm/logs",
        );
        check(
            &[("XDG_CONFIG_HOME", "/c"), ("XDG_STATE_HOME", "/s")],
            Some("/집"),
            "/c/better-llm",
            "/집/.local/share/better-llm/better-llm.db",
            "/s/better-llm/logs",
        );
        check(
            &[("BETTER_LLM_HOME", "/모두"), ("XDG_CONFIG_HOME", "/c")],
            None,
            "/모두/config",
            "/모두/data/better-llm.db",
            "/모두/state/logs",
        );
    }

    #[test]
    fn a_relative_home_is_refused_and_a_relative_xdg_root_ignored() {
        assert_eq!(find(&[("BETTER_LLM_HOME", "here")], Some("/h")), (None, 1, vec![]));
        let (places, problems, notices) = find(&[("XDG_CACHE_HOME", "here")], Some("/h"));
        assert_eq!(places.unwrap().cache, Path::new("/h/.cache/better-llm"));
        assert_eq!((problems, notices), (0, vec![Notice::RelativeRoot { variable: "XDG_CACHE_HOME" }]));
    }

    #[test]
    fn without_any_home_the_way_out_is_said() {
        assert_eq!(find(&[], None).1, 1);
    }
}
