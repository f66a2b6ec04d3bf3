//! What a workspace brings that decides something.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use sha2::{Digest as _, Sha256};

use super::{RefusedItem, Survey, TrustItem};
use crate::{
    agent_entry::read_entries,
    env_file::EnvFile,
    files::{FileKind, FilePlaces},
    problem::{Fault, Problems},
    prompt::Prompts,
    reading::{Snapshot, Unread},
    request::LoadRequest,
};

/// The folder of a workspace that is ours alone.
const OURS: &str = ".better-llm";

/// The most files in it, and the most folders in each other: nobody looks through more before they trust them.
const MOST_FILES: usize = 200;
const DEEPEST: usize = 8;

/// Reads everything of the workspace that would count, whatever `--config` says this time.
pub(crate) fn survey(
    request: &LoadRequest<'_>,
    config: &Path,
    snapshot: &Snapshot,
    env_file: Option<&EnvFile>,
) -> Survey {
    let places = FilePlaces { given: &[], workspace: request.cwd, snapshot, trusted: true, config };
    // Whoever reads the files in order to use them hears of problems.
    let mut unheard = Problems::default();
    places.workspace_file(FileKind::System, &mut unheard);
    if let Some(document) = places.workspace_file(FileKind::Agents, &mut unheard) {
        let embedded = request.embedded_prompts;
        let prompts = Prompts { embedded, base: document.base(), snapshot: Some(snapshot) };
        read_entries(&document, &prompts, request.known_tools, &mut unheard);
        // Whether there is one, and what is wrong with it, stands in the snapshot.
        drop(prompts.of_name("manager"));
    }
    let mut found = Survey::default();
    if let Err(fault) = read_all(&request.cwd.join(OURS), 1, snapshot, &mut 0) {
        found.refused.push(RefusedItem { path: OURS.to_owned(), fault });
    }
    for (file, content) in snapshot.counting() {
        let path = file.strip_prefix(request.cwd).unwrap_or(&file).display().to_string();
        match content {
            Ok(content) => found.items.push(item(path, content)),
            Err(unread) => found.refused.push(RefusedItem { path, fault: fault(unread) }),
        }
    }
    if let Some(lines) = env_file.and_then(EnvFile::needing_trust) {
        found.items.push(item(".env".to_owned(), lines.into_bytes().into()));
    }
    found
}

fn item(path: String, content: Arc<[u8]>) -> TrustItem {
    let digest = Sha256::digest(&content).iter().map(|byte| format!("{byte:02x}")).collect();
    TrustItem { path, digest, content }
}

fn fault(unread: Unread) -> Fault {
    match unread {
        Unread::Fault(fault) => fault,
        Unread::Outside => Fault::Rule("is a link that leads out of the workspace".to_owned()),
    }
}

/// Reads every file in a folder of ours. A link to a folder is not followed: what counts below it is named
/// elsewhere, and read by that name.
fn read_all(folder: &Path, depth: usize, snapshot: &Snapshot, count: &mut usize) -> Result<(), Fault> {
    let unreadable = |source: std::io::Error| Fault::Unreadable { source: source.into() };
    if !fs::symlink_metadata(folder).is_ok_and(|about| about.is_dir()) {
        return Ok(());
    }
    if depth > DEEPEST {
        return Err(Fault::Rule(format!("holds folders more than {DEEPEST} deep")));
    }
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let path: PathBuf = entry.map_err(unreadable)?.path();
        *count += 1;
        if *count > MOST_FILES {
            return Err(Fault::Rule(format!("holds more than {MOST_FILES} files")));
        }
        let about = fs::symlink_metadata(&path).map_err(unreadable)?;
        if about.is_dir() {
            read_all(&path, depth + 1, snapshot, count)?;
        } else if !(about.is_symlink() && path.is_dir()) {
            drop(snapshot.read(&path));
        }
    }
    Ok(())
}
