//! Files whose content git converts on its way into a tree (line ends, `$Id$`, encodings, filters that checked them
//! out): a tree cannot bring them back byte for byte, so they are kept as they are, too.
//!
//! That a conversion took place shows in the sizes: the file's and the object's differ.

use std::{
    collections::{BTreeMap, BTreeSet},
    os::fd::AsFd,
    sync::Arc,
};

use sha2::{Digest as _, Sha256};

use crate::{
    error::KeepError,
    file::{self, Digest},
    git::keeper::GitKeeper,
    off_thread::{blocking, lock},
    path::FilePath,
    scan::Table,
};

/// Converted files by path; none where the content was too much to keep.
pub(crate) type Raw = BTreeMap<FilePath, Option<Digest>>;

impl GitKeeper {
    /// Brings `raw` to what `tree` and `table` say of `changed`.
    pub(super) async fn keep_raw(
        &self,
        mut raw: Raw,
        tree: &str,
        table: &Arc<Table>,
        changed: &BTreeSet<FilePath>,
    ) -> Result<Raw, KeepError> {
        raw.retain(|path, _| !changed.contains(path));
        if !self.may_convert(table) {
            return Ok(raw);
        }
        let is_file = |path: &FilePath| table.get(path).is_some_and(|seen| !seen.stat.is_link());
        let wanted = changed.iter().filter(|path| is_file(path)).cloned().collect::<BTreeSet<_>>();
        let entries = self.entries(tree, Some(&wanted)).await?;
        let is_converted = |path: &FilePath, size: Option<u64>| {
            table.get(path).is_some_and(|seen| size.is_some_and(|size| size != seen.stat.size))
        };
        let converted = entries.into_iter().filter(|(path, entry)| is_converted(path, entry.size));
        let converted = converted.map(|(path, _)| path).collect::<Vec<_>>();
        if converted.is_empty() {
            return Ok(raw);
        }
        let (settings, copies) = (self.settings.clone(), Arc::clone(&self.copies));
        let kept = blocking(move || {
            let root = settings.root.clone();
            let folder = file::open_root(&root).map_err(|source| KeepError::Root { place: root, source })?;
            let keep = |path: FilePath| {
                let content = file::read(folder.as_fd(), &path, settings.bounds.copy_bytes).ok();
                let Some(content) = content else { return Ok((path, None)) };
                let digest: Digest = Sha256::digest(&content).into();
                let is_kept = lock(&copies).keep(&digest, &content)?;
                Ok((path, is_kept.then_some(digest)))
            };
            converted.into_iter().map(keep).collect::<Result<Vec<_>, KeepError>>()
        });
        raw.extend(kept.await??);
        Ok(raw)
    }

    /// Whether anything here may ask for a conversion. Looks at names, and at a few places for attributes.
    fn may_convert(&self, table: &Table) -> bool {
        let is_attributes =
            |path: &FilePath| path.as_bytes().rsplit(|byte| *byte == b'/').next() == Some(b".gitattributes");
        let repository = &self.shadow.repository;
        let above =
            self.settings.root.ancestors().skip(1).take_while(|folder| folder.starts_with(&repository.top));
        self.converts
            || table.files.iter().any(|seen| is_attributes(&seen.path))
            || above.into_iter().any(|folder| folder.join(".gitattributes").exists())
    }
}
