//! Objects that the session before kept in the same workspace are linked into the new session's folder, so that files
//! which git does not hold (untracked, changed and not committed) are on disk once, however many sessions see them.

use std::{fs, io, path::Path};

use domain::workspace::Checkpoint;

use crate::{
    error::KeepError,
    git::shadow::Shadow,
    states::git_tree,
    store::{Store, newest_state},
};

/// Links what the newest state of the session before consists of and git itself does not hold. Nothing is lost where it
/// cannot be done: then the objects are written anew.
pub(super) async fn share_earlier(shadow: &Shadow, store: &Store) {
    match try_share(shadow, store).await {
        Ok(linked) => tracing::debug!(linked, "shared objects with the session before"),
        Err(error) => tracing::debug!(%error, "objects of the session before cannot be shared"),
    }
}

async fn try_share(shadow: &Shadow, store: &Store) -> Result<usize, KeepError> {
    let Some(earlier) = store.earlier() else { return Ok(0) };
    let Some(tree) = newest_state(earlier).and_then(|id: Checkpoint| git_tree(&id)) else { return Ok(0) };
    let objects = earlier.join("objects");
    let call = shadow.call().env("GIT_ALTERNATE_OBJECT_DIRECTORIES", &objects);
    let answer = call.args(["ls-tree", "-r", "-t", "-z", "--full-tree", &tree]).succeed().await?;
    let lines = answer
        .split(|byte| *byte == 0)
        .filter_map(|line| str::from_utf8(line.get(..160.min(line.len()))?).ok());
    let ids = lines.filter_map(|line| line.split([' ', '\t']).nth(2));
    let failed = |source| KeepError::Store { doing: "link", place: objects.clone(), source };
    let mut linked = 0_usize;
    for id in ids.chain([tree.as_str()]) {
        linked = linked.saturating_add(usize::from(link(id, &objects, &store.objects()).map_err(failed)?));
    }
    Ok(linked)
}

/// Links one object, if it lies there alone.
fn link(id: &str, from: &Path, to: &Path) -> io::Result<bool> {
    let Some((folder, name)) = id.split_at_checked(2) else { return Ok(false) };
    let source = from.join(folder).join(name);
    if !source.is_file() {
        return Ok(false);
    }
    fs::create_dir_all(to.join(folder))?;
    match fs::hard_link(source, to.join(folder).join(name)) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(true),
    }
}
