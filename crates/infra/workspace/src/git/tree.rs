//! Git's trees, as `diff-tree` tells them.

use domain::workspace::ChangeKind;

/// What git calls a folder without files, in each of its object formats.
const EMPTY_TREES: [&str; 2] = [
    "4b825dc642cb6eb9a060e54bf8d69288fbee4904",
    "6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321",
];

/// The empty tree in the object format of `like`.
pub(crate) fn empty_tree(like: &str) -> &'static str {
    let [short, long] = EMPTY_TREES;
    if like.len() == long.len() { long } else { short }
}

/// One line of `diff-tree --raw -z`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TreeChange {
    pub(crate) kind: ChangeKind,
    pub(crate) path: Vec<u8>,
    /// The new side, as `update-index --index-info` reads it; mode 0 where the file is gone.
    pub(crate) mode: String,
    pub(crate) object: String,
}

impl TreeChange {
    /// Reads `:<old mode> <new mode> <old id> <new id> <status>NUL<path>NUL` again and again.
    pub(crate) fn parse(answer: &[u8]) -> Option<Vec<Self>> {
        let mut fields = answer.split(|byte| *byte == 0);
        let mut changes = Vec::new();
        loop {
            let head = fields.next().unwrap_or_default();
            if head.is_empty() {
                return Some(changes);
            }
            let head = str::from_utf8(head).ok()?.strip_prefix(':')?;
            let mut words = head.split(' ');
            let (_, mode, _, object, status) =
                (words.next()?, words.next()?, words.next()?, words.next()?, words.next()?);
            let kind = match status {
                "A" => ChangeKind::Created,
                "D" => ChangeKind::Deleted,
                _ => ChangeKind::Modified,
            };
            let path = fields.next()?.to_vec();
            changes.push(Self { kind, path, mode: mode.to_owned(), object: object.to_owned() });
        }
    }
}
