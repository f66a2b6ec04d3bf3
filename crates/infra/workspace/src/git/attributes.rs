//! Attributes that git would wait for: a pipe or the like stands where a `.gitattributes` would.
//!
//! Git opens it whatever it is. Where the git program can be told to read attributes from a tree (2.41 and later), it is
//! told to read none; an older one is not started.

use std::{
    ffi::OsStr,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

use crate::{
    error::KeepError,
    git::{
        call::{Call, Git, GitError, is_strange},
        keeper::GitKeeper,
    },
    listing::ATTRIBUTES,
    path::FilePath,
    scan::Table,
};

/// The first version of git that reads attributes from a tree.
const FROM_TREES: (u32, u32) = (2, 41);

/// What git would wait for.
#[derive(Debug, Clone, Default)]
pub(super) struct StrangeAttributes {
    places: Vec<PathBuf>,
    /// Whether git can be kept from reading them; none: not asked yet.
    can_pass_by: Option<bool>,
}

impl StrangeAttributes {
    /// A call that reads the attributes of the files, or none at all where it would wait for one of them.
    pub(super) fn heed(&self, call: Call, empty_tree: &str) -> Call {
        match (self.places.as_slice(), self.can_pass_by) {
            ([], _) => call,
            (_, Some(true)) => call.env("GIT_ATTR_SOURCE", empty_tree),
            (places, _) => call.reads(places.iter().cloned()),
        }
    }
}

impl GitKeeper {
    /// Notes what the last walk saw.
    pub(super) async fn note_attributes(&mut self, table: &Table) -> Result<(), KeepError> {
        let name = Path::new(OsStr::from_bytes(ATTRIBUTES));
        let root = &self.settings.root;
        let top = &self.shadow.repository.top;
        let above = root.ancestors().skip(1).take_while(|folder| folder.starts_with(top));
        let above = above.map(|folder| folder.join(name)).filter(|place| is_strange(place));
        let seen = table.strange_attributes.iter().map(|path| root.join(path.as_path()));
        self.shadow.strange.places = above.chain(seen).collect();
        if !self.shadow.strange.places.is_empty() && self.shadow.strange.can_pass_by.is_none() {
            self.shadow.strange.can_pass_by = Some(version(&self.shadow.git, top).await? >= FROM_TREES);
        }
        Ok(())
    }

    /// What a call that must know the attributes would wait for.
    pub(super) fn strange_attributes(&self) -> Option<&Path> {
        self.shadow.strange.places.first().map(PathBuf::as_path)
    }

    /// Names the file at which a call came to its deadline, if it is the attributes of one of `paths`.
    pub(super) fn blame(&self, error: GitError, paths: &[FilePath]) -> GitError {
        let GitError::Deadline { command, .. } = &error else { return error };
        let name = OsStr::from_bytes(ATTRIBUTES);
        let folders = paths.iter().flat_map(|path| path.folders().chain([b"".as_slice()]));
        let mut places = folders.map(|folder| self.settings.root.join(OsStr::from_bytes(folder)).join(name));
        match places.find(|place| is_strange(place)) {
            Some(place) => GitError::Waits { command: command.clone(), place: place.display().to_string() },
            None => error,
        }
    }
}

/// The version of git, as far as it matters here; 0 where it says something else.
async fn version(git: &Git, cwd: &Path) -> Result<(u32, u32), GitError> {
    let line = git.call(cwd).args(["version"]).line().await?;
    let mut numbers = line.trim_start_matches("git version ").split('.').map_while(|part| part.parse().ok());
    Ok((numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)))
}
