//! What no commit of the engine's takes, looked for in the content that would be committed: credentials, conflict
//! markers, too many bytes. No file name makes a file suspicious, and no secret is repeated.
//!
//! What a line says that `HEAD` holds already is the person's own affair, and so is what looks like a secret on a line
//! that bore [`ALLOW_SECRET`] before the session began: an agent that writes that mark itself wins nothing by it.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    os::fd::AsFd,
};

use domain::{
    secret,
    workspace::{ALLOW_SECRET, UnfitLine},
};

use crate::{
    error::KeepError,
    file,
    git::{
        entries::Entry,
        keeper::{GitKeeper, GitState},
    },
    path::FilePath,
};

/// The largest file that is committed, in bytes.
pub(super) const LARGEST: u64 = 10 << 20;
/// The most lines of a file that are named.
const MOST_LINES: usize = 100;

/// A suspicious line.
#[derive(Debug, PartialEq, Eq)]
struct Suspicion {
    /// From 1.
    line: usize,
    kind: &'static str,
    is_secret: bool,
}

fn too_large(path: &FilePath) -> UnfitLine {
    UnfitLine { path: path.to_text(), line: None, kind: format!("more than {} MiB", LARGEST >> 20) }
}

impl GitKeeper {
    /// Which files are too large to be committed. Asks the file system alone.
    pub(super) fn too_large<'a>(
        &self,
        paths: impl Iterator<Item = &'a FilePath>,
    ) -> io::Result<Vec<UnfitLine>> {
        let root = file::open_root(&self.settings.root)?;
        let is_large =
            |path: &&FilePath| file::stat(root.as_fd(), path).is_some_and(|stat| stat.size > LARGEST);
        Ok(paths.filter(is_large).map(too_large).collect())
    }

    /// What of `tree` must not be committed, among `paths`; `since`: the state before the session's first effect.
    pub(super) async fn unfit(
        &self,
        tree: &str,
        head: &str,
        since: &GitState,
        paths: &BTreeSet<FilePath>,
    ) -> Result<Vec<UnfitLine>, KeepError> {
        let entries = self.entries(tree, Some(paths)).await?;
        let (large, rest): (Vec<_>, Vec<_>) =
            entries.into_iter().partition(|(_, entry)| entry.size.is_none_or(|size| size > LARGEST));
        let mut unfit = large.iter().map(|(path, _)| too_large(path)).collect::<Vec<_>>();
        let mut suspicious = Vec::new();
        let mut rest = rest.as_slice();
        while let [_, ..] = rest {
            let contents = self.contents(&objects(rest.iter().map(|(_, entry)| entry))).await?;
            let (now, later) = rest.split_at(contents.len().clamp(1, rest.len()));
            for ((path, _), content) in now.iter().zip(contents) {
                let found = suspicions(&content);
                if !found.is_empty() {
                    suspicious.push((path.clone(), content, found));
                }
            }
            rest = later;
        }
        if suspicious.is_empty() {
            return Ok(unfit);
        }
        let names = suspicious.iter().map(|(path, ..)| path.clone()).collect();
        let in_head = self.contents_in(head, &names).await?;
        let before = self.contents_in(&since.tree, &names).await?;
        for (path, content, found) in &suspicious {
            let known = Known { head: in_head.get(path), before: before.get(path) };
            let found = found.iter().filter(|suspicion| !known.allows(suspicion, content));
            unfit.extend(found.take(MOST_LINES).map(|suspicion| UnfitLine {
                path: path.to_text(),
                line: Some(suspicion.line as u64),
                kind: suspicion.kind.to_owned(),
            }));
        }
        unfit.sort_by(|one, other| (&one.path, one.line).cmp(&(&other.path, other.line)));
        Ok(unfit)
    }

    /// What some files held in a tree; larger ones than are ever committed are left out.
    async fn contents_in(
        &self,
        tree: &str,
        paths: &BTreeSet<FilePath>,
    ) -> Result<BTreeMap<FilePath, Vec<u8>>, KeepError> {
        let mut entries = self.entries(tree, Some(paths)).await?;
        entries.retain(|_, entry| entry.size.is_some_and(|size| size <= LARGEST));
        let mut found = BTreeMap::new();
        let entries = entries.into_iter().collect::<Vec<_>>();
        let mut rest = entries.as_slice();
        while let [_, ..] = rest {
            let contents = self.contents(&objects(rest.iter().map(|(_, entry)| entry))).await?;
            let (now, later) = rest.split_at(contents.len().clamp(1, rest.len()));
            found.extend(now.iter().map(|(path, _)| path.clone()).zip(contents));
            rest = later;
        }
        Ok(found)
    }
}

fn objects<'a>(entries: impl Iterator<Item = &'a Entry>) -> Vec<(String, u64)> {
    entries.map(|entry| (entry.object.clone(), entry.size.unwrap_or_default())).collect()
}

/// What was known of a file before.
struct Known<'a> {
    head: Option<&'a Vec<u8>>,
    /// When the session began.
    before: Option<&'a Vec<u8>>,
}

impl Known<'_> {
    fn allows(&self, suspicion: &Suspicion, content: &[u8]) -> bool {
        let Some(line) = lines(content).nth(suspicion.line.saturating_sub(1)) else { return false };
        let is_in = |text: Option<&Vec<u8>>| text.is_some_and(|text| lines(text).any(|known| known == line));
        is_in(self.head) || suspicion.is_secret && is_marked(line) && is_in(self.before)
    }
}

fn is_marked(line: &[u8]) -> bool {
    line.windows(ALLOW_SECRET.len()).any(|part| part == ALLOW_SECRET.as_bytes())
}

fn lines(content: &[u8]) -> impl Iterator<Item = &[u8]> {
    content.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line))
}

fn suspicions(content: &[u8]) -> Vec<Suspicion> {
    let secrets = secret::find(content).into_iter();
    let secrets =
        secrets.map(|found| Suspicion { line: found.line, kind: found.kind.as_str(), is_secret: true });
    let mut found = secrets.chain(conflicts(content)).collect::<Vec<_>>();
    found.sort_by_key(|suspicion| suspicion.line);
    found
}

/// Where conflicts begin: all three markers, in their order, each at the beginning of a line. A row of `=` alone
/// underlines a title.
fn conflicts(content: &[u8]) -> Vec<Suspicion> {
    let is_marker = |line: &[u8], sign: u8| {
        let row = line.iter().take_while(|byte| **byte == sign).count();
        row == 7 && line.get(row).is_none_or(|next| *next == b' ')
    };
    let mut found = Vec::new();
    let (mut begun, mut divided) = (None, false);
    for (at, line) in lines(content).enumerate() {
        if is_marker(line, b'<') {
            (begun, divided) = (Some(at.saturating_add(1)), false);
        } else if begun.is_some() && is_marker(line, b'=') {
            divided = true;
        } else if divided && is_marker(line, b'>') {
            found.extend(begun.take().map(|line| Suspicion {
                line,
                kind: "conflict marker",
                is_secret: false,
            }));
            divided = false;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[(usize, &str)]) {
        let found = suspicions(text.as_bytes());
        assert_eq!(
            found.iter().map(|found| (found.line, found.kind)).collect::<Vec<_>>(),
            expected,
            "{text}"
        );
    }

    #[test]
    fn conflicts_are_all_three_markers_in_their_order() {
        check("a\n<<<<<<< HEAD\nb\n=======\nc\n>>>>>>> other\n", &[(2, "conflict marker")]);
        check(
            "<<<<<<< HEAD\r\nb\r\n||||||| base\r\nx\r\n=======\r\nc\r\n>>>>>>> other\r\n",
            &[(1, "conflict marker")],
        );
        check("<<<<<<<\n=======\n>>>>>>>", &[(1, "conflict marker")]);
        check("# Title\n=======\n\ntext\n", &[]);
        check("제목\n==========\n", &[]);
        check("<<<<<<< a heading\ntext\n", &[]);
        check(">>>>>>> quoted\n=======\n<<<<<<< deep\n", &[]);
        check("  <<<<<<< HEAD\n  =======\n  >>>>>>> other\n", &[]);
        check("<<<<<<<< eight\n=======\n>>>>>>> x\n", &[]);
    }

    #[test]
    fn secrets_are_told_by_line_and_kind() {
        check("열쇠\n  id = \"AKIAQYLPMN5HFIQR7XYA\"\n", &[(2, "aws-access-key-id")]);
        check("password = \"hunter2\"\n", &[]);
    }
}
