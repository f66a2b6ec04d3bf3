//! Finding the repository that a workspace lies in, and reading what we need of its settings.
//!
//! Finding asks the file system alone. Of the settings only the named keys are read; none of them names a program
//! that we would run.

use std::{
    collections::BTreeSet,
    ffi::{OsStr, OsString},
    os::unix::{ffi::OsStrExt, fs::MetadataExt},
    path::{Path, PathBuf},
};

use crate::{
    file,
    git::{
        belonging::{Elsewhere, read_pointer},
        call::{Call, Git, GitError},
    },
    settings::WorkspaceSettings,
};

/// A repository with a work tree.
#[derive(Debug, Clone)]
pub(crate) struct Repository {
    /// The top of the work tree.
    pub(crate) top: PathBuf,
    /// Where this work tree's `HEAD` and index lie.
    pub(crate) git_dir: PathBuf,
    /// Where objects, refs and settings lie.
    pub(crate) common_dir: PathBuf,
    /// The workspace's path from the top, empty or with a slash at its end.
    pub(crate) prefix: Vec<u8>,
}

impl Repository {
    /// Looks for a repository at `root` and above it. A bare one has no work tree and does not count.
    ///
    /// # Errors
    /// Where the nearest one lies elsewhere and does not name the work tree in turn.
    pub(crate) fn find(root: &Path) -> Result<Option<Self>, Elsewhere> {
        let Some(found) = root.ancestors().find_map(|top| Self::at(top, root)) else { return Ok(None) };
        found.check_belongs()?;
        Ok(Some(found))
    }

    fn at(top: &Path, root: &Path) -> Option<Self> {
        let git_dir = git_dir_at(&top.join(".git"))?;
        let common_dir = match read_pointer(&git_dir.join("commondir")) {
            Some(text) => git_dir.join(OsStr::from_bytes(&text)),
            None => git_dir.clone(),
        };
        let has_parts = git_dir.join("HEAD").is_file() || git_dir.join("HEAD").is_symlink();
        let has_store = common_dir.join("objects").is_dir();
        let mut prefix = root.strip_prefix(top).ok()?.as_os_str().as_bytes().to_vec();
        if !prefix.is_empty() {
            prefix.push(b'/');
        }
        (has_parts && has_store).then(|| Self { top: top.to_owned(), git_dir, common_dir, prefix })
    }

    /// A call that sees the person's repository itself, with its settings.
    pub(crate) fn call(&self, git: &Git) -> Call {
        let call = git.call(&self.top).env("GIT_DIR", &self.git_dir).env("GIT_WORK_TREE", &self.top);
        call.reads(self.files())
    }

    /// What any git program reads or writes here, whatever it is asked for; objects left out.
    fn files(&self) -> impl Iterator<Item = PathBuf> {
        const HERE: [&str; 7] =
            ["HEAD", "commondir", "gitdir", "config.worktree", "index", "logs/HEAD", "ORIG_HEAD"];
        const SHARED: [&str; 9] = [
            "config",
            "packed-refs",
            "shallow",
            "info/attributes",
            "info/exclude",
            "info/grafts",
            "objects/info/alternates",
            "objects/info/commit-graph",
            "reftable/tables.list",
        ];
        let here = HERE.map(|name| self.git_dir.join(name));
        let shared = SHARED.map(|name| self.common_dir.join(name));
        let branch = self
            .branch()
            .map(|branch| [self.common_dir.join(&branch), self.common_dir.join("logs").join(&branch)]);
        [self.top.join(".git")].into_iter().chain(here).chain(shared).chain(branch.into_iter().flatten())
    }

    /// The commit that `HEAD` points to; none where there is no commit yet.
    pub(crate) async fn head(&self, git: &Git) -> Result<Option<String>, GitError> {
        let call = self.call(git).args(["rev-parse", "--verify", "--quiet", "HEAD^{commit}"]);
        let output = call.finish().await?;
        let id = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        match (output.code, output.complaint().is_empty()) {
            (0, _) => Ok(Some(id)),
            (1, true) => Ok(None),
            _ => Err(output.failure()),
        }
    }

    /// Changes whenever `HEAD` may have come to point to another commit. Reads four small files at most.
    pub(crate) fn head_mark(&self) -> String {
        let head = read_pointer(&self.git_dir.join("HEAD")).unwrap_or_default();
        let mut mark = String::from_utf8_lossy(&head).into_owned();
        let files = self.branch().map(|branch| self.common_dir.join(branch));
        for file in files.into_iter().chain([
            self.git_dir.join("HEAD"),
            self.common_dir.join("packed-refs"),
            self.common_dir.join("reftable/tables.list"),
        ]) {
            if let Ok(data) = file.symlink_metadata() {
                mark.push_str(&format!(" {}:{}:{}", data.ino(), data.ctime(), data.ctime_nsec()));
            }
        }
        mark
    }

    /// Changes whenever the index may have changed. Looks at one file.
    pub(crate) fn index_mark(&self) -> String {
        let data = self.git_dir.join("index").symlink_metadata();
        data.map_or_else(
            |_| String::new(),
            |data| format!("{}:{}:{}:{}", data.ino(), data.ctime(), data.ctime_nsec(), data.len()),
        )
    }

    /// What git is in the middle of, if anything.
    pub(crate) fn in_progress(&self) -> Option<&'static str> {
        [
            ("MERGE_HEAD", "merge"),
            ("rebase-merge", "rebase"),
            ("rebase-apply", "rebase"),
            ("CHERRY_PICK_HEAD", "cherry-pick"),
            ("REVERT_HEAD", "revert"),
        ]
        .into_iter()
        .find(|(file, _)| self.git_dir.join(file).symlink_metadata().is_ok())
        .map(|(_, word)| word)
    }
}

fn git_dir_at(dot_git: &Path) -> Option<PathBuf> {
    if dot_git.is_dir() {
        return Some(dot_git.to_owned());
    }
    let text = read_pointer(dot_git)?;
    let target = text.strip_prefix(b"gitdir:")?.trim_ascii_start();
    Some(dot_git.parent()?.join(OsStr::from_bytes(target)))
}

/// The settings that matter to us, from the person's global file and the repository's.
#[derive(Debug, Clone, Default)]
pub(crate) struct Config {
    /// Scope, key, value, in the order git reads them: later ones win.
    entries: Vec<(String, String, OsString)>,
}

/// How deep git follows includes.
const DEEPEST_INCLUDE: usize = 10;
/// The most included files that are looked at before git is; a repository has a few.
const MOST_INCLUDED: usize = 100;
/// The longest settings file that is looked into for includes, in bytes.
const LONGEST_SETTINGS: u64 = 1 << 20;

/// How content is stored, who commits, what would run as a filter or a hook.
const KEYS: &str = r"^(core\.(autocrlf|eol|filemode|symlinks|ignorecase|precomposeunicode|sharedrepository)|core\.(excludesfile|attributesfile)|extensions\.objectformat|user\.(name|email)|filter\..*\.(clean|process)|hook\..*\.[a-z]+)$";

impl Config {
    /// Reads them. The person's own files are read for this call only.
    pub(crate) async fn read(
        git: &Git,
        repository: &Repository,
        settings: &WorkspaceSettings,
    ) -> Result<Self, GitError> {
        let mut call = repository.call(git).reads(included(git, repository).await?);
        for name in ["HOME", "XDG_CONFIG_HOME"] {
            if let Some(value) = settings.variable(name) {
                call = call.env(name, value);
            }
        }
        call = match settings.variable("GIT_CONFIG_GLOBAL") {
            Some(value) => call.env("GIT_CONFIG_GLOBAL", value),
            None => call.without("GIT_CONFIG_GLOBAL"),
        };
        let args = ["config", "--null", "--show-scope", "--includes", "--get-regexp", KEYS];
        let output = call.args(args).finish().await?;
        if output.code == 1 && output.stdout.is_empty() {
            return Ok(Self::default());
        }
        Ok(Self::parse(&output.success()?.stdout))
    }

    fn parse(output: &[u8]) -> Self {
        let mut fields = output.split(|byte| *byte == 0);
        let mut entries = Vec::new();
        while let (Some(scope), Some(entry)) = (fields.next(), fields.next()) {
            let mut parts = entry.splitn(2, |byte| *byte == b'\n');
            let key = parts.next().unwrap_or_default();
            // A key without a value is a truth.
            let value = parts.next().unwrap_or(b"true");
            let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
            entries.push((text(scope), text(key), OsStr::from_bytes(value).to_owned()));
        }
        Self { entries }
    }

    /// The value that counts.
    pub(crate) fn get(&self, key: &str) -> Option<&OsStr> {
        self.find(|scope| scope != "command", key)
    }

    /// The repository's own value, else the person's global one; blank ones do not count.
    pub(crate) fn person(&self, key: &str) -> Option<&OsStr> {
        let own = self.find(|scope| scope == "local" || scope == "worktree", key);
        own.or_else(|| self.find(|scope| scope == "global", key))
            .filter(|value| !value.as_bytes().trim_ascii().is_empty())
    }

    /// Whether contents may differ between work tree and trees, whatever attributes say.
    pub(crate) fn converts(&self) -> bool {
        self.get("core.autocrlf")
            .is_some_and(|value| !matches!(value.as_bytes(), b"false" | b"no" | b"off" | b"0"))
    }

    fn find(&self, scope: impl Fn(&str) -> bool, key: &str) -> Option<&OsStr> {
        let mut backwards = self.entries.iter().rev();
        backwards.find(|(from, name, _)| scope(from) && name == key).map(|(_, _, value)| value.as_os_str())
    }

    /// The subsections of a section, such as the names of filters.
    pub(crate) fn names(&self, section: &str) -> BTreeSet<&str> {
        let name = |key| {
            let (name, _) = str::strip_prefix(key, section)?.strip_prefix('.')?.rsplit_once('.')?;
            Some(name)
        };
        self.entries.iter().filter_map(|(_, key, _)| name(key)).collect()
    }

    /// A path among the settings, with `~/` resolved.
    pub(crate) fn path(&self, key: &str, settings: &WorkspaceSettings) -> Option<PathBuf> {
        let value = self.get(key)?;
        match value.as_bytes().strip_prefix(b"~/") {
            Some(rest) => Some(Path::new(settings.variable("HOME")?).join(OsStr::from_bytes(rest))),
            None => Some(PathBuf::from(value)),
        }
    }
}

/// The files that the repository's settings include, and those that these do, as deep as git itself goes.
async fn included(git: &Git, repository: &Repository) -> Result<Vec<PathBuf>, GitError> {
    let mut found = BTreeSet::new();
    let mut next = ["config", "config.worktree"].map(|name| repository.common_dir.join(name)).to_vec();
    next.push(repository.git_dir.join("config.worktree"));
    for _ in 0..DEEPEST_INCLUDE {
        let mut inner = Vec::new();
        for file in next {
            inner.extend(includes_of(git, repository, &file).await?);
        }
        inner.retain(|file| found.len() < MOST_INCLUDED && found.insert(file.clone()));
        if inner.is_empty() {
            break;
        }
        next = inner;
    }
    Ok(found.into_iter().collect())
}

/// The files that one settings file includes. Costs a git process only where the word stands in it; reads it alone, and
/// waits for nothing.
async fn includes_of(git: &Git, repository: &Repository, file: &Path) -> Result<Vec<PathBuf>, GitError> {
    let text = file::read_regular(file, LONGEST_SETTINGS).unwrap_or_default();
    let text = text.to_ascii_lowercase();
    if !text.windows(b"include".len()).any(|part| part == b"include") {
        return Ok(Vec::new());
    }
    let call = git.call(&repository.top).env("GIT_DIR", "/dev/null").reads([file.to_owned()]);
    let call = call.args(["config", "--file"]).args([file]);
    let args = ["--null", "--no-includes", "--get-regexp", r"^include(if\..*)?\.path$"];
    let output = call.args(args).finish().await?;
    if output.code == 1 {
        return Ok(Vec::new());
    }
    let folder = file.parent().unwrap_or(file);
    let answer = output.success()?.stdout;
    let entries = answer.split(|byte| *byte == 0);
    let paths = entries.filter_map(|entry| entry.splitn(2, |byte| *byte == b'\n').nth(1));
    // What lies in a home folder is the person's own.
    let paths = paths.filter(|path| !path.starts_with(b"~"));
    Ok(paths.map(|path| folder.join(OsStr::from_bytes(path))).collect())
}

/// A file of the person's git settings folder (`ignore`, `attributes`), where it would lie if nothing names
/// another.
pub(crate) fn personal_file(name: &str, settings: &WorkspaceSettings) -> Option<PathBuf> {
    let folder = match settings.variable("XDG_CONFIG_HOME") {
        Some(folder) => PathBuf::from(folder),
        None => Path::new(settings.variable("HOME")?).join(".config"),
    };
    Some(folder.join("git").join(name))
}
