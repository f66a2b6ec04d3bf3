//! How everything looked before a command, as bytes: what somebody else can put it back from.
//!
//! Every value is a length of eight bytes and so many bytes. What does not read back to its last byte is no record.

use std::{
    ffi::{OsStr, OsString},
    os::unix::ffi::OsStrExt,
    path::{Component, Path, PathBuf},
};

use super::{
    Watch,
    snapshot::{Entry, Kind},
};

/// Which file it is, whatever its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Identity {
    pub(super) device: u64,
    pub(super) inode: u64,
}

/// What a record says.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) workspace: PathBuf,
    pub(super) root: Identity,
    pub(super) mode: u32,
    pub(super) git_dirs: Vec<(PathBuf, Identity)>,
    /// By path, relative to the workspace.
    pub(super) entries: Vec<(PathBuf, Entry)>,
}

/// Begins every record; another meaning gets another number.
const VERSION: &[u8] = b"protected 1";

/// Writes down what a record says.
pub(super) fn write<'a>(
    (workspace, root, mode): (&Path, Identity, u32),
    git_dirs: impl ExactSizeIterator<Item = (&'a Path, Identity)>,
    entries: impl ExactSizeIterator<Item = (&'a PathBuf, &'a Entry)>,
) -> Vec<u8> {
    let mut text = Writer(Vec::new());
    text.bytes(VERSION);
    text.path(workspace);
    text.identity(root);
    text.number(mode.into());
    text.number(git_dirs.len() as u64);
    for (path, identity) in git_dirs {
        text.path(path);
        text.identity(identity);
    }
    text.number(entries.len() as u64);
    for (path, entry) in entries {
        text.path(path);
        text.entry(entry);
    }
    text.0
}

struct Writer(Vec<u8>);

impl Writer {
    fn number(&mut self, number: u64) {
        self.0.extend_from_slice(&number.to_le_bytes());
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
    }

    fn path(&mut self, path: &Path) {
        self.bytes(path.as_os_str().as_bytes());
    }

    fn identity(&mut self, Identity { device, inode }: Identity) {
        self.number(device);
        self.number(inode);
    }

    fn entry(&mut self, entry: &Entry) {
        self.number(match entry.watch() {
            Watch::Whole => 0,
            Watch::Place => 1,
            Watch::Way => 2,
        });
        self.number(entry.mode.into());
        match &entry.kind {
            Kind::Missing => self.number(0),
            Kind::FolderAlone => self.number(1),
            Kind::Folder(names) => {
                self.number(2);
                self.number(names.len() as u64);
                names.iter().for_each(|name| self.bytes(name.as_bytes()));
            }
            Kind::File(content) => {
                self.number(3);
                self.bytes(content);
            }
            Kind::Link(target) => {
                self.number(4);
                self.path(target);
            }
            Kind::Special => self.number(5),
        }
    }
}

/// Reads a record; none where it is none.
pub(super) fn read(text: &[u8]) -> Option<Record> {
    let mut rest = Reader(text);
    if rest.bytes()? != VERSION {
        return None;
    }
    let workspace = rest.any_path()?;
    let (root, mode) = (rest.identity()?, rest.small()?);
    let git_dirs =
        (0..rest.number()?).map(|_| Some((rest.path()?, rest.identity()?))).collect::<Option<_>>()?;
    let entries = (0..rest.number()?).map(|_| {
        let path = rest.path()?;
        let entry = rest.entry(workspace.join(&path))?;
        Some((path, entry))
    });
    let entries = entries.collect::<Option<_>>()?;
    rest.0.is_empty().then_some(Record { workspace, root, mode, git_dirs, entries })
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn number(&mut self) -> Option<u64> {
        let (number, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(u64::from_le_bytes(*number))
    }

    fn small(&mut self) -> Option<u32> {
        self.number()?.try_into().ok()
    }

    fn bytes(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(self.number()?).ok()?;
        let (bytes, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(bytes)
    }

    fn any_path(&mut self) -> Option<PathBuf> {
        Some(PathBuf::from(OsStr::from_bytes(self.bytes()?)))
    }

    /// One that leads to nothing but what lies below.
    fn path(&mut self) -> Option<PathBuf> {
        let path = self.any_path()?;
        path.components().all(|part| matches!(part, Component::Normal(_))).then_some(path)
    }

    fn identity(&mut self) -> Option<Identity> {
        Some(Identity { device: self.number()?, inode: self.number()? })
    }

    fn entry(&mut self, place: PathBuf) -> Option<Entry> {
        let watch = match self.number()? {
            0 => Watch::Whole,
            1 => Watch::Place,
            2 => Watch::Way,
            _ => return None,
        };
        let mode = self.small()?;
        let kind = match self.number()? {
            0 => Kind::Missing,
            1 => Kind::FolderAlone,
            2 => {
                let names = (0..self.number()?).map(|_| Some(OsString::from(self.path()?)));
                Kind::Folder(names.collect::<Option<Vec<_>>>()?.into())
            }
            3 => Kind::File(self.bytes()?.into()),
            4 => Kind::Link(self.any_path()?),
            5 => Kind::Special,
            _ => return None,
        };
        Some(Entry::of_record(place, watch, kind, mode))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_reads_back_whole_or_not_at_all() {
        let root = Identity { device: 1, inode: 2 };
        let workspace = Path::new("/작업 공간");
        let kinds = [
            Kind::Missing,
            Kind::FolderAlone,
            Kind::Folder(["가".into(), OsStr::from_bytes(b"\xff").to_owned()].into()),
            Kind::File(b"#!/bin/sh\n\0".as_slice().into()),
            Kind::Link("../../x".into()),
            Kind::Special,
        ];
        let entries: Vec<(PathBuf, Entry)> = kinds
            .into_iter()
            .enumerate()
            .map(|(number, kind)| {
                let path = PathBuf::from(format!(".git/{number}"));
                let entry = Entry::of_record(workspace.join(&path), Watch::Whole, kind, 0o644);
                (path, entry)
            })
            .collect();
        let git_dir = (Path::new(".git"), Identity { device: 1, inode: u64::MAX });
        let text = write(
            (workspace, root, 0o755),
            [git_dir].into_iter(),
            entries.iter().map(|(path, entry)| (path, entry)),
        );
        let found = read(&text).expect("a record");
        assert_eq!((found.workspace.as_path(), found.root, found.mode), (workspace, root, 0o755));
        assert_eq!(found.git_dirs, [(git_dir.0.to_owned(), git_dir.1)]);
        assert_eq!(format!("{:?}", found.entries), format!("{entries:?}"));
        for end in 0..text.len() {
            assert!(read(text.get(..end).expect("shorter")).is_none(), "cut at {end}");
        }
        assert!(read(&[text.as_slice(), b"x"].concat()).is_none());
    }

    #[test]
    fn a_record_leads_nowhere_but_below_its_folder() {
        for path in ["/etc/passwd", "../x", "a/../../x"] {
            let (path, root) = (PathBuf::from(path), Identity { device: 1, inode: 2 });
            let entry = Entry::of_record(path.clone(), Watch::Whole, Kind::Missing, 0);
            let text = write((Path::new("/w"), root, 0), [].into_iter(), [(&path, &entry)].into_iter());
            assert!(read(&text).is_none(), "{}", path.display());
        }
    }
}
