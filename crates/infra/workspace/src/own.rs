//! The engine's own folders, where they lie inside the workspace: no work of anybody's.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::{path::FilePath, settings::WorkspaceSettings};

/// The engine's own folders inside the workspace; most often there are none.
#[derive(Debug, Clone, Default)]
pub(crate) struct OwnPlaces(Arc<[FilePath]>);

impl OwnPlaces {
    /// Those of the settings, as they are named and as links on the way lead to them. The workspace itself never
    /// counts as one. Asks the file system.
    pub(crate) fn find(settings: &WorkspaceSettings) -> Self {
        let inside =
            |place: &Path| place.is_absolute().then(|| FilePath::inside(&settings.root, place)).flatten();
        let named = settings.own.iter().flat_map(|place| [inside(place), inside(&real(place))]);
        let mut places = named.flatten().collect::<Vec<_>>();
        places.sort();
        places.dedup();
        Self(places.into())
    }

    /// Whether a path is one of these folders or lies in one.
    pub(crate) fn hold(&self, path: &FilePath) -> bool {
        self.0.iter().any(|place| path.is_within(place.as_bytes()))
    }
}

/// Where a path leads that may not exist yet: what exists of it without links, and the rest as it is.
fn real(path: &Path) -> PathBuf {
    let led = |above: &Path| -> io::Result<PathBuf> {
        let rest = path.strip_prefix(above).map_err(io::Error::other)?;
        Ok(above.canonicalize()?.join(rest))
    };
    path.ancestors().find_map(|above| led(above).ok()).unwrap_or_else(|| path.to_owned())
}
