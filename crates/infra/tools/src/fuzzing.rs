//! A way in for fuzzing: the path resolver without a tool around it. Behind the feature `fuzzing`, which no product
//! asks for.

use std::{
    io::Read as _,
    path::{Path, PathBuf},
};

use domain::permission::{PathRules, PathUse};

use crate::confined::{Confined, resolved_by_both};

/// Where a path leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    /// The path, without links, of what was opened for reading.
    pub real: PathBuf,
    /// The first bytes of the file; none for a folder.
    pub beginning: Option<Vec<u8>>,
}

/// The workspace at `root`, for any number of paths.
pub struct Resolver(Confined);

impl Resolver {
    /// Opens the workspace; none where there is no such folder.
    #[must_use]
    pub fn open(root: &Path) -> Option<Self> {
        Confined::open_roots(root, &[], &[]).ok().map(Self)
    }

    /// Opens `path` for reading as the file tools do, by the kernel and name by name. None where it is refused or
    /// nothing is there.
    ///
    /// # Errors
    /// Where the two disagree about the file they found; says how.
    pub fn resolve(&self, path: &str) -> Result<Option<Resolved>, String> {
        let Ok(place) = self.0.find(path) else { return Ok(None) };
        let Some(real) = resolved_by_both(&self.0, &place)? else { return Ok(None) };
        let opened = self.0.open(&place, &PathRules::default()).ok();
        let beginning = opened.and_then(|opened| {
            let mut bytes = Vec::new();
            opened.file.take(64).read_to_end(&mut bytes).ok()?;
            Some(bytes)
        });
        Ok(Some(Resolved { real, beginning }))
    }

    /// Whether the file tools would write there. Writes nothing.
    #[must_use]
    pub fn would_write(&self, path: &str) -> bool {
        let Ok(place) = self.0.locate(path) else { return false };
        self.0.target(&place, &[PathUse::Write], &PathRules::default()).is_ok()
    }
}

/// Opens `path` in the workspace at `root` for reading: the path that the opened file really has. None where it is
/// refused or nothing is there.
///
/// # Errors
/// Where resolving by the kernel and name by name disagree; says how.
pub fn resolve(root: &Path, path: &str) -> Result<Option<PathBuf>, String> {
    let Some(resolver) = Resolver::open(root) else { return Ok(None) };
    Ok(resolver.resolve(path)?.map(|resolved| resolved.real))
}
