//! The engine's commit, made of git's plumbing (contract 4, `commit`).
//!
//! What would be committed is looked at first (`unfit`), and refused with credentials or conflict markers in it. No
//! hook, no editor, no signing, no push, no filter program. The tree is `HEAD`'s with the given files as they were read
//! once, below the workspace's root (`stage`); what else the person has staged stays staged and out of the commit. The
//! person's index is locked meanwhile, as any git program would, and replaced only after the branch has moved.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::{Path, PathBuf},
};

use domain::workspace::{ChangeKind, CommitError};

use crate::{
    error::KeepError,
    git::{
        call::{Call, Git, GitError},
        identity::Identity,
        index::remove_stale_lock,
        index_lock::IndexLock,
        keeper::{GitKeeper, GitState, UPDATE},
        repository::{Config, Repository},
        stage::Stage,
        tree::{TreeChange, empty_tree},
        unfit::LARGEST,
    },
    path::{FilePath, list},
    settings::WorkspaceSettings,
};

/// A commit that was made: its id, and what it holds, from the top of the work tree.
pub(crate) struct Made {
    pub(crate) id: String,
    pub(crate) changes: Vec<TreeChange>,
}

/// Commits `files` with `message`, which is not empty.
pub(crate) async fn commit(
    keeper: &GitKeeper,
    settings: &WorkspaceSettings,
    message: &str,
    files: &BTreeMap<FilePath, ChangeKind>,
    since: &GitState,
) -> Result<Made, CommitError> {
    let repository = &keeper.shadow.repository;
    if let Some(what) = repository.in_progress() {
        return Err(CommitError::InProgress(what));
    }
    let config =
        Config::read(&keeper.shadow.git, repository, settings).await.map_err(failed("read its settings"))?;
    let identity = Identity::find(&config, settings).ok_or(CommitError::NoAuthor)?;
    if let Some(place) = keeper.strange_attributes() {
        let text = format!("{} is no regular file, and git would wait for it; remove it", place.display());
        return Err(CommitError::Git { doing: "read the attributes of the files", text });
    }
    let committing = Committing { keeper, config, identity };
    settle(&keeper.shadow.git, repository).await?;
    let mut lock = IndexLock::take(&repository.git_dir).map_err(|error| locked(&error))?;
    let head = repository.head(&keeper.shadow.git).await.map_err(failed("read HEAD"))?;
    let changes = committing.look_at(head.as_deref(), files, since).await?;
    let tree = committing.take_over(&changes).await?;
    let id = committing.object(head.as_deref(), &tree, message).await?;
    // The person's index with the committed files as the commit holds them.
    let next = keeper.next_index(&changes).await.map_err(kept("prepare the index"))?;
    lock.prepare(&next).and_then(|()| lock.moves_to(&id)).map_err(stored("prepare the index"))?;
    let moving = Moving {
        call: committing.update_ref(head.as_deref(), &id, message),
        keeper: (keeper.shadow.git.clone(), repository.clone()),
        before: head,
        lock,
        id: id.clone(),
    };
    // Half of this would leave the branch and the index apart, so it goes on where the caller gives up; it is one
    // short git call with a deadline.
    tokio::spawn(moving.finish())
        .await
        .map_err(|error| CommitError::Git { doing: "move the branch", text: error.to_string() })??;
    Ok(Made { id, changes })
}

fn failed(doing: &'static str) -> impl Fn(GitError) -> CommitError {
    move |error| CommitError::Git { doing, text: chain(&error) }
}

fn kept(doing: &'static str) -> impl Fn(KeepError) -> CommitError {
    move |error| CommitError::Git { doing, text: chain(&error) }
}

fn stored(doing: &'static str) -> impl Fn(io::Error) -> CommitError {
    move |error| CommitError::Git { doing, text: error.to_string() }
}

/// An error and its causes in one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

fn locked(error: &io::Error) -> CommitError {
    let text = match error.kind() {
        io::ErrorKind::AlreadyExists => {
            "another git program is at work in this repository, or one was ended and left its lock behind. Try again \
             when it is done; where `ps -C git` shows none, a person has to remove .git/index.lock"
                .to_owned()
        }
        _ => error.to_string(),
    };
    CommitError::Git { doing: "lock the index", text }
}

struct Committing<'a> {
    keeper: &'a GitKeeper,
    config: Config,
    identity: Identity,
}

impl Committing<'_> {
    /// An index of this commit alone.
    fn index(&self) -> PathBuf {
        self.keeper.shadow.scratch.join("commit-index")
    }

    fn call(&self) -> Call {
        self.keeper.shadow.committing(&self.index())
    }

    /// Our own store, with this commit's index, seeing the files of `stage`.
    fn ours(&self, tree: &Path) -> Call {
        self.keeper.shadow.call_over(tree).env("GIT_INDEX_FILE", self.index())
    }

    /// Files that a configured filter program would have to convert cannot be committed rightly without running
    /// it, and none is run.
    async fn refuse_filtered(&self, stage: &Stage) -> Result<(), CommitError> {
        let drivers = self.config.names("filter");
        if drivers.is_empty() || stage.taken.is_empty() {
            return Ok(());
        }
        let call = self.ours(&stage.tree).args(["check-attr", "-z", "--stdin", "filter"]);
        let answer = call.input(self.keeper.names(&stage.taken)).succeed().await;
        let answer = answer.map_err(failed("look up the attributes of the files"))?;
        let mut fields = answer.split(|byte| *byte == 0);
        let mut filtered = Vec::new();
        while let (Some(path), Some(_), Some(value)) = (fields.next(), fields.next(), fields.next()) {
            if drivers.contains(String::from_utf8_lossy(value).as_ref()) {
                filtered.push(FilePath::new(path));
            }
        }
        if filtered.is_empty() {
            return Ok(());
        }
        let text = format!(
            "{} would need a filter program (such as git-lfs), and the engine runs none; commit the other files by \
             naming them in `paths`, and leave these to a person",
            list(&filtered, 10)
        );
        Err(CommitError::Git { doing: "store these files", text })
    }

    /// Makes the commit's tree among objects of ours and looks at it: what is refused leaves nothing in the repository.
    async fn look_at(
        &self,
        head: Option<&str>,
        files: &BTreeMap<FilePath, ChangeKind>,
        since: &GitState,
    ) -> Result<Vec<TreeChange>, CommitError> {
        let doing = "look at what would be committed";
        let large = self.keeper.too_large(files.keys()).map_err(stored(doing))?;
        if !large.is_empty() {
            return Err(CommitError::Unfit(large));
        }
        let tree = self.tree(head, files).await?;
        let before = head.map_or_else(|| empty_tree(&tree).to_owned(), |head| format!("{head}^{{tree}}"));
        let paths = files.keys().cloned().collect();
        let unfit = self.keeper.unfit(&tree, &before, since, &paths).await.map_err(kept(doing))?;
        if !unfit.is_empty() {
            return Err(CommitError::Unfit(unfit));
        }
        let changes = self.changes(head, &tree).await?;
        if changes.is_empty() {
            return Err(CommitError::Nothing("HEAD holds these files as they are".to_owned()));
        }
        Ok(changes)
    }

    /// `HEAD`'s tree with the files as they are now.
    async fn tree(
        &self,
        head: Option<&str>,
        files: &BTreeMap<FilePath, ChangeKind>,
    ) -> Result<String, CommitError> {
        let shadow = &self.keeper.shadow;
        let call = || shadow.call().env("GIT_INDEX_FILE", self.index());
        remove_file(&self.index()).map_err(stored("prepare the commit"))?;
        remove_stale_lock(&self.index()).map_err(kept("prepare the commit"))?;
        let read = call().args(["read-tree", head.unwrap_or("--empty")]);
        read.succeed().await.map_err(failed("read HEAD"))?;
        let (gone, there): (Vec<_>, Vec<_>) =
            files.iter().partition(|(_, kind)| **kind == ChangeKind::Deleted);
        let gone = gone.into_iter().map(|(path, _)| path).collect::<Vec<_>>();
        if !gone.is_empty() {
            let update = call().args(["update-index", "-z", "--force-remove", "--stdin"]);
            update.input(self.keeper.names(gone)).succeed().await.map_err(failed("store the files"))?;
        }
        let mut rest = there.into_iter().map(|(path, _)| path.clone()).collect::<Vec<_>>();
        while !rest.is_empty() {
            let mut stage = self.keeper.stager.stage(rest, LARGEST).await.map_err(kept("read the files"))?;
            refuse_missed(&stage)?;
            self.refuse_filtered(&stage).await?;
            let update = self.ours(&stage.tree).args(["update-index", "-z"]).args(UPDATE).args(["--stdin"]);
            let update = update.input(self.keeper.names(&stage.taken));
            update.succeed().await.map_err(failed("store the files"))?;
            rest = std::mem::take(&mut stage.rest);
        }
        let write = call().args(["write-tree", "--missing-ok"]);
        write.line().await.map_err(failed("write the tree"))
    }

    /// Takes what was looked at over into the person's repository, and gives the tree.
    async fn take_over(&self, changes: &[TreeChange]) -> Result<String, CommitError> {
        let doing = "store the files";
        let objects = changes.iter().filter(|change| change.kind != ChangeKind::Deleted);
        let objects = objects.map(|change| change.object.clone()).collect::<BTreeSet<_>>();
        for some in self.keeper.portions(objects).await.map_err(kept(doing))? {
            let pack = ["pack-objects", "--quiet", "--stdout", "--window=0"];
            let pack = self.keeper.shadow.call().args(pack).input(some).succeed();
            let unpack = self.call().args(["unpack-objects", "-q"]);
            unpack.input(pack.await.map_err(failed(doing))?).succeed().await.map_err(failed(doing))?;
        }
        self.call().args(["write-tree", "--missing-ok"]).line().await.map_err(failed("write the tree"))
    }

    async fn changes(&self, head: Option<&str>, tree: &str) -> Result<Vec<TreeChange>, CommitError> {
        let before = head.map_or_else(|| empty_tree(tree).to_owned(), |head| format!("{head}^{{tree}}"));
        let args = ["diff-tree", "-r", "-z", "--raw", "--no-renames", "--no-ext-diff", "--no-abbrev"];
        let call = self.keeper.shadow.call().args(args).args([&before, tree, "--"]);
        let answer = call.succeed().await.map_err(failed("compare with HEAD"))?;
        TreeChange::parse(&answer).ok_or_else(|| kept("compare with HEAD")(KeepError::Answer("diff-tree")))
    }

    async fn object(&self, head: Option<&str>, tree: &str, message: &str) -> Result<String, CommitError> {
        let mut call = self.call().args(["commit-tree", "--no-gpg-sign"]);
        for (name, value) in self.identity.variables() {
            call = call.env(name, value);
        }
        if let Some(head) = head {
            call = call.args(["-p", head]);
        }
        let call = call.args(["-F", "-", tree]).input(format!("{message}\n").into_bytes());
        call.line().await.map_err(failed("write the commit"))
    }

    fn update_ref(&self, head: Option<&str>, id: &str, message: &str) -> Call {
        let repository = &self.keeper.shadow.repository;
        let mut call = repository.call(&self.keeper.shadow.git);
        for (name, value) in self.identity.variables() {
            call = call.env(name, value);
        }
        // Git 2.54 and later also runs hooks that a configuration names; here every one of them is off.
        let mut count = 0_usize;
        for hook in self.config.names("hook") {
            for (key, value) in [("enabled", "false"), ("command", "true")] {
                call = call
                    .env(&format!("GIT_CONFIG_KEY_{count}"), format!("hook.{hook}.{key}"))
                    .env(&format!("GIT_CONFIG_VALUE_{count}"), value);
                count = count.saturating_add(1);
            }
        }
        let subject = message.lines().next().unwrap_or_default();
        let what = if head.is_some() { "commit" } else { "commit (initial)" };
        let none = "0".repeat(id.len());
        call.env("GIT_CONFIG_COUNT", count.to_string()).args([
            "update-ref",
            "-m",
            &format!("{what}: {subject}"),
            "HEAD",
            id,
            head.unwrap_or(&none),
        ])
    }
}

/// A file that cannot be read is not left out in silence.
fn refuse_missed(stage: &Stage) -> Result<(), CommitError> {
    let (missed, why) = match (stage.gone.as_slice(), stage.unread.as_slice()) {
        ([], []) => return Ok(()),
        ([], unread) => (unread, "cannot be read, or grew past what is committed"),
        (gone, _) => (gone, "went away meanwhile; nothing was committed, try again"),
    };
    let text = format!("{} {why}", list(missed, 10));
    Err(CommitError::Git { doing: "read the files", text })
}

fn remove_file(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Clears away the lock of a program of ours that died while it committed. Where the branch had moved, the index follows.
pub(crate) async fn settle(git: &Git, repository: &Repository) -> Result<(), CommitError> {
    let doing = "settle a commit that was broken off";
    let Some((lock, commit)) = IndexLock::abandoned(&repository.git_dir).map_err(stored(doing))? else {
        return Ok(());
    };
    if commit.is_some() && commit == repository.head(git).await.map_err(failed(doing))? {
        match lock.install() {
            // It had followed already.
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(stored(doing)(error)),
            _ => {}
        }
    }
    tracing::info!("cleared away the lock of a commit that was broken off");
    Ok(())
}

/// The last step: the branch moves, and the index follows.
struct Moving {
    call: Call,
    keeper: (Git, Repository),
    before: Option<String>,
    lock: IndexLock,
    id: String,
}

impl Moving {
    async fn finish(self) -> Result<(), CommitError> {
        if let Err(error) = self.call.succeed().await {
            let (git, repository) = &self.keeper;
            let now = repository.head(git).await.map_err(failed("read HEAD"))?;
            let moved = "the branch moved meanwhile, because somebody else committed; nothing was committed, try \
                again";
            let text = if now == self.before { chain(&error) } else { moved.to_owned() };
            return Err(CommitError::Git { doing: "move the branch", text });
        }
        let id = self.id;
        self.lock.install().map_err(|error| CommitError::Git {
            doing: "update the index",
            text: format!(
                "commit {id} was made, but its files still look staged: {error}; `git reset` mends it"
            ),
        })
    }
}
