//! Attributes that git would wait for: a pipe or the like stands where a `.gitattributes` would.
//!
//! Git opens it whatever it is. Contents are read without it (`stage`), so only what git does over the person's own
//! files has to do without.

use std::{
    ffi::OsStr,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

use crate::{
    git::{call::is_strange, keeper::GitKeeper},
    listing::ATTRIBUTES,
    scan::Table,
};

impl GitKeeper {
    /// Notes what the last walk saw.
    pub(super) fn note_attributes(&mut self, table: &Table) {
        let root = &self.settings.root;
        let top = &self.shadow.repository.top;
        let above = root.ancestors().skip(1).take_while(|folder| folder.starts_with(top));
        let above = above.map(|folder| folder.join(OsStr::from_bytes(ATTRIBUTES)));
        let seen = table.strange_attributes.iter().map(|path| root.join(path.as_path()));
        self.strange = above.filter(|place| is_strange(place)).chain(seen).collect();
    }

    /// What a call that must know the attributes would wait for.
    pub(super) fn strange_attributes(&self) -> Option<&Path> {
        self.strange.first().map(PathBuf::as_path)
    }
}
