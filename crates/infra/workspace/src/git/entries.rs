//! What a tree of ours holds, file by file, and the contents behind it.

use std::collections::{BTreeMap, BTreeSet};

use crate::{error::KeepError, git::keeper::GitKeeper, path::FilePath};

/// The most bytes of paths that one call is given as arguments; a tree is listed whole where there are more.
const LONGEST_ARGUMENTS: usize = 32 << 10;
/// The most bytes of contents that are asked for at once, unless a single one is larger.
const MOST_AT_ONCE: u64 = 16 << 20;

/// A file or link in a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) is_link: bool,
    pub(crate) runs: bool,
    pub(crate) object: String,
    /// None where git has the object no more.
    pub(crate) size: Option<u64>,
}

impl Entry {
    /// Reads `<mode> <type> <id> <size>TAB<path>`.
    fn parse<'a>(line: &'a [u8], prefix: &[u8]) -> Option<Option<(&'a [u8], Self)>> {
        let tab = line.iter().position(|byte| *byte == b'\t')?;
        let (head, path) = (line.get(..tab)?, line.get(tab.checked_add(1)?..)?);
        let mut words = str::from_utf8(head).ok()?.split_ascii_whitespace();
        let (mode, kind, object, size) = (words.next()?, words.next()?, words.next()?, words.next()?);
        let entry = Self {
            is_link: mode == "120000",
            runs: mode == "100755",
            object: object.to_owned(),
            size: size.parse().ok(),
        };
        Some(path.strip_prefix(prefix).filter(|_| kind == "blob").map(|path| (path, entry)))
    }
}

impl GitKeeper {
    /// The files of `wanted` (none: all) that a tree holds.
    pub(crate) async fn entries(
        &self,
        tree: &str,
        wanted: Option<&BTreeSet<FilePath>>,
    ) -> Result<BTreeMap<FilePath, Entry>, KeepError> {
        let mut call = self.shadow.call().args(["ls-tree", "-r", "-l", "-z", "--full-tree", tree]);
        if let Some(wanted) = wanted {
            if wanted.is_empty() {
                return Ok(BTreeMap::new());
            }
            let bytes = wanted.iter().map(|path| path.as_bytes().len().saturating_add(64)).sum::<usize>();
            if bytes <= LONGEST_ARGUMENTS {
                call = call.args(["--"]).args(wanted.iter().map(|path| self.pathspec(path, "")));
            }
        }
        let answer = call.succeed().await?;
        let prefix = self.shadow.repository.prefix.as_slice();
        let mut entries = BTreeMap::new();
        for line in answer.split(|byte| *byte == 0).filter(|line| !line.is_empty()) {
            let entry = Entry::parse(line, prefix).ok_or(KeepError::Answer("ls-tree"))?;
            let Some((path, entry)) = entry else { continue };
            let path = FilePath::new(path);
            if wanted.is_none_or(|wanted| wanted.contains(&path)) {
                entries.insert(path, entry);
            }
        }
        Ok(entries)
    }

    /// Names of objects, a line each, in portions whose contents fit into one call's answer.
    pub(crate) async fn portions(&self, objects: BTreeSet<String>) -> Result<Vec<Vec<u8>>, KeepError> {
        let names = objects.iter().flat_map(|object| [object.as_str(), "\n"]).collect::<String>();
        let check = ["cat-file", "--batch-check=%(objectname) %(objectsize)"];
        let answer = self.shadow.call().args(check).input(names.into_bytes()).succeed().await?;
        let mut portions = Vec::new();
        let (mut some, mut bytes) = (Vec::new(), 0_u64);
        for line in String::from_utf8_lossy(&answer).lines() {
            let sized = line.split_once(' ').and_then(|(name, size)| Some((name, size.parse::<u64>().ok()?)));
            let (name, size) = sized.ok_or(KeepError::Answer("cat-file"))?;
            if bytes.saturating_add(size) > MOST_AT_ONCE && !some.is_empty() {
                portions.push(std::mem::take(&mut some));
                bytes = 0;
            }
            some.extend_from_slice(name.as_bytes());
            some.push(b'\n');
            bytes = bytes.saturating_add(size);
        }
        portions.extend((!some.is_empty()).then_some(some));
        Ok(portions)
    }

    /// The contents of objects, of which the first as many as one call gives; at least one. Fails where git has one of
    /// them no more.
    pub(crate) async fn contents(&self, objects: &[(String, u64)]) -> Result<Vec<Vec<u8>>, KeepError> {
        let mut names = Vec::new();
        let (mut bytes, mut count) = (0_u64, 0_usize);
        for (object, size) in objects {
            bytes = bytes.saturating_add(*size);
            if count > 0 && bytes > MOST_AT_ONCE {
                break;
            }
            names.extend_from_slice(object.as_bytes());
            names.push(b'\n');
            count = count.saturating_add(1);
        }
        let answer = self.shadow.call().args(["cat-file", "--batch"]).input(names).succeed().await?;
        let mut rest = answer.as_slice();
        let mut contents = Vec::with_capacity(count);
        for _ in 0..count {
            let (content, after) = next_content(rest).ok_or(KeepError::Answer("cat-file"))?;
            contents.push(content.to_vec());
            rest = after;
        }
        Ok(contents)
    }
}

/// Reads `<id> <type> <size>LF<content>LF`.
fn next_content(answer: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = answer.iter().position(|byte| *byte == b'\n')?;
    let size = str::from_utf8(answer.get(..end)?).ok()?.rsplit(' ').next()?.parse::<usize>().ok()?;
    let begin = end.checked_add(1)?;
    let (content, rest) = answer.get(begin..)?.split_at_checked(size)?;
    Some((content, rest.strip_prefix(b"\n")?))
}
