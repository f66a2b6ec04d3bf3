//! The files of a unified diff in git's format, told apart, so that those can be left out which are not for the reader.
//!
//! The `WorkspacePort` promises such a diff without renames: both names of a header are the same path.

/// A part of a diff.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Section<'d> {
    /// Its lines.
    pub(super) text: &'d str,
    /// Whether it is about a file; what stands before the first file is about none.
    pub(super) is_about_a_file: bool,
}

const HEADER: &str = "diff --git ";

/// The parts of a diff, in order; together they are the whole.
pub(super) fn sections(diff: &str) -> Vec<Section<'_>> {
    let mut sections = Vec::new();
    let mut rest = diff;
    while !rest.is_empty() {
        let end =
            rest.match_indices("\ndiff --git ").next().map_or(rest.len(), |(at, _)| at.saturating_add(1));
        let (text, after) = rest.split_at_checked(end).unwrap_or((rest, ""));
        sections.push(Section { text, is_about_a_file: text.starts_with(HEADER) });
        rest = after;
    }
    sections
}

impl Section<'_> {
    /// The file's path, relative to the workspace; none where the header cannot be read.
    pub(super) fn path(&self) -> Option<String> {
        let names = self.text.strip_prefix(HEADER)?.lines().next()?;
        let (old, new) = if names.starts_with('"') {
            let (old, rest) = quoted(names)?;
            let (new, rest) = quoted(rest.strip_prefix(' ')?)?;
            rest.is_empty().then_some((old, new))?
        } else {
            let (old, new) = names.split_at_checked(names.len() / 2)?;
            (old.to_owned(), new.strip_prefix(' ')?.to_owned())
        };
        let path = old.strip_prefix("a/")?;
        (new.strip_prefix("b/")? == path).then(|| path.to_owned())
    }
}

/// A name in quotes, as C and git write it, and what follows.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut bytes = Vec::new();
    let mut rest = text.strip_prefix('"')?;
    loop {
        let at = rest.find(['"', '\\'])?;
        let (plain, after) = rest.split_at_checked(at)?;
        bytes.extend_from_slice(plain.as_bytes());
        if let Some(after) = after.strip_prefix('"') {
            return Some((String::from_utf8_lossy(&bytes).into_owned(), after));
        }
        let after = after.strip_prefix('\\')?;
        let sign = after.chars().next()?;
        let (byte, length) = match sign {
            'a' => (0x07, 1),
            'b' => (0x08, 1),
            't' => (b'\t', 1),
            'n' => (b'\n', 1),
            'v' => (0x0b, 1),
            'f' => (0x0c, 1),
            'r' => (b'\r', 1),
            '"' => (b'"', 1),
            '\\' => (b'\\', 1),
            '0'..='3' => (u8::from_str_radix(after.get(..3)?, 8).ok()?, 3),
            _ => return None,
        };
        bytes.push(byte);
        rest = after.get(length..)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(names: &str, expected: Option<&str>) {
        let text = format!("{HEADER}{names}\n--- x\n");
        let section = Section { text: &text, is_about_a_file: true };
        assert_eq!(section.path().as_deref(), expected, "{names}");
    }

    #[test]
    fn headers_name_their_file_however_it_is_written() {
        for (names, expected) in [
            ("a/src/lib.rs b/src/lib.rs", Some("src/lib.rs")),
            ("a/문서/계획 하나.md b/문서/계획 하나.md", Some("문서/계획 하나.md")),
            ("a/a b/x b/a b/x", Some("a b/x")),
            (r#""a/two\nlines" "b/two\nlines""#, Some("two\nlines")),
            (r#""a/\355\225\234\"\\" "b/\355\225\234\"\\""#, Some("한\"\\")),
            ("a/one b/two", None),
            ("a/one", None),
            (r#""a/open"#, None),
            (r#""a/x\9" "b/x\9""#, None),
            ("", None),
        ] {
            check(names, expected);
        }
    }

    #[test]
    fn the_parts_of_a_diff_are_the_whole_of_it() {
        let diff = "[a note]\ndiff --git a/x b/x\n+diff --git a/y b/y\n-one\ndiff --git a/z b/z\n";
        let parts = sections(diff);
        let texts: Vec<&str> = parts.iter().map(|section| section.text).collect();
        assert_eq!(texts.concat(), diff);
        assert_eq!(
            parts.iter().map(|section| section.path()).collect::<Vec<_>>(),
            [None, Some("x".to_owned()), Some("z".to_owned())]
        );
        assert_eq!(parts.iter().filter(|section| section.is_about_a_file).count(), 2);
    }
}
