//! Globs over paths, as rules write them.

use std::borrow::Cow;

use icu_normalizer::ComposingNormalizerBorrowed;

/// A glob: `?` for a character, `*` for any of a name, `**` for any folders, `\` for the next character as it is. A
/// glob that ends with `/` covers everything below.
#[derive(Debug, Clone, Copy)]
pub(super) struct PathPattern<'p>(&'p str);

impl<'p> PathPattern<'p> {
    pub(super) const fn new(glob: &'p str) -> Self {
        Self(glob)
    }

    /// The pattern that covers exactly this path.
    pub(super) fn escape(path: &str) -> String {
        let mut pattern = String::with_capacity(path.len());
        for character in Self::normal(path).chars() {
            if matches!(character, '*' | '?' | '\\') {
                pattern.push('\\');
            }
            pattern.push(character);
        }
        pattern
    }

    /// The path without `.`, doubled slashes and a slash at its end; `..` takes a name away, where one is left.
    pub(super) fn normal(path: &str) -> String {
        let mut names: Vec<&str> = Vec::new();
        for name in path.split('/') {
            match name {
                "" | "." => {}
                ".." if names.last().is_some_and(|last| *last != "..") => drop(names.pop()),
                name => names.push(name),
            }
        }
        let root = if path.starts_with('/') { "/" } else { "" };
        format!("{root}{}", names.join("/"))
    }

    /// Whether it covers a path that is in its normal form. A name is the same in either Unicode form.
    pub(super) fn matches(self, path: &str) -> bool {
        let (pattern, path) = (composed(self.0), composed(path));
        let glob: Vec<&str> = pattern.split('/').filter(|name| !matches!(*name, "" | ".")).collect();
        let below = pattern.ends_with('/') && !glob.is_empty();
        let names: Vec<&str> = path.split('/').filter(|name| !name.is_empty()).collect();
        pattern.starts_with('/') == path.starts_with('/') && covers_names(&glob, &names, below)
    }
}

fn composed(text: &str) -> Cow<'_, str> {
    if text.is_ascii() { Cow::Borrowed(text) } else { ComposingNormalizerBorrowed::new_nfc().normalize(text) }
}

/// Whether a path's names are covered: one way back, to the last `**`, is enough, so that no pattern takes longer than
/// its length times the path's.
fn covers_names(glob: &[&str], names: &[&str], below: bool) -> bool {
    let (mut at, mut reached) = (0, 0);
    let mut last_star: Option<(usize, usize)> = None;
    while let Some(name) = names.get(reached) {
        match glob.get(at) {
            None if below => return true,
            Some(&"**") => {
                last_star = Some((at, reached));
                at += 1;
            }
            Some(pattern) if covers_name(pattern, name) => (at, reached) = (at + 1, reached + 1),
            _ => match &mut last_star {
                Some((star, taken)) => {
                    *taken += 1;
                    (at, reached) = (*star + 1, *taken);
                }
                None => return false,
            },
        }
    }
    glob.get(at..).is_some_and(|rest| rest.iter().all(|pattern| *pattern == "**"))
}

/// Whether a name's pattern covers a name: the usual walk with one way back, to the last star.
pub(super) fn covers_name(pattern: &str, name: &str) -> bool {
    let pattern = tokens(pattern);
    let name: Vec<char> = name.chars().collect();
    let (mut at, mut reached) = (0, 0);
    let mut last_star: Option<(usize, usize)> = None;
    while let Some(character) = name.get(reached) {
        match pattern.get(at) {
            Some(Token::Star) => {
                last_star = Some((at, reached));
                at += 1;
            }
            Some(Token::Any) => (at, reached) = (at + 1, reached + 1),
            Some(Token::Literal(literal)) if literal == character => (at, reached) = (at + 1, reached + 1),
            _ => match &mut last_star {
                Some((star, taken)) => {
                    *taken += 1;
                    (at, reached) = (*star + 1, *taken);
                }
                None => return false,
            },
        }
    }
    pattern.get(at..).is_some_and(|rest| rest.iter().all(|token| *token == Token::Star))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token {
    Star,
    Any,
    Literal(char),
}

fn tokens(pattern: &str) -> Vec<Token> {
    let mut characters = pattern.chars();
    let mut tokens = Vec::new();
    while let Some(character) = characters.next() {
        tokens.push(match character {
            '*' => Token::Star,
            '?' => Token::Any,
            '\\' => Token::Literal(characters.next().unwrap_or('\\')),
            literal => Token::Literal(literal),
        });
    }
    tokens
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(glob: &str, path: &str, expected: bool) {
        assert_eq!(PathPattern::new(glob).matches(path), expected, "{glob} {path}");
    }

    #[test]
    fn globs_cover_what_their_signs_say() {
        for (glob, path, expected) in [
            ("secret/**", "secret/a/b", true),
            ("secret/**", "secret", true),
            ("secret/**", "secret-not/a", false),
            ("secret/", "secret/a", true),
            ("**/.env", ".env", true),
            ("**/.env", "a/b/.env", true),
            ("*.md", "a.md", true),
            ("*.md", "docs/a.md", false),
            ("?.md", "가.md", true),
            ("문서/*.md", "문서/계획.md", true),
            ("a*b*c", "axxbyyc", true),
            ("a*b*c", "axxbyy", false),
            (r"a\*", "a*", true),
            (r"a\*", "ab", false),
            ("./a", "a", true),
            ("/data/**", "/data/x", true),
            ("/data/**", "data/x", false),
            ("**", "anything/at/all", true),
            ("**/a/**/b/**/c", "x/a/y/a/b/z/b/c", true),
            ("**/a/**/b/**/c", "x/a/y/a/z/c", false),
            ("a/**/b/", "a/x/b/c/d", true),
            ("\u{1112}\u{1161}\u{11ab}글/*", "한글/a", true),
        ] {
            check(glob, path, expected);
        }
    }

    /// A workspace that nobody trusts may add rules that deny, and none of them may hold anything up.
    #[test]
    fn no_pattern_takes_longer_than_its_length_times_the_paths() {
        let glob = "**/a/".repeat(400) + "b";
        let path = "a/".repeat(2_000) + "c";
        assert!(!PathPattern::new(&glob).matches(&path));
        let glob = "*a".repeat(400) + "b";
        assert!(!PathPattern::new(&glob).matches(&"a".repeat(4_000)));
    }

    proptest! {
        #![proptest_config(crate::properties::cases())]

        #[test]
        fn an_escaped_path_covers_itself_and_no_other(path in "[a-c*?\\\\/.가]{1,12}", other in "[a-c*?\\\\/.가]{1,12}") {
            let (path, other) = (PathPattern::normal(&path), PathPattern::normal(&other));
            let pattern = PathPattern::escape(&path);
            prop_assert!(PathPattern::new(&pattern).matches(&path));
            prop_assert_eq!(PathPattern::new(&pattern).matches(&other), path == other);
        }
    }
}
