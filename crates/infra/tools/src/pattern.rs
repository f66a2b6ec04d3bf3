//! Globs over paths of the workspace: `*` and `?` stay within a folder, `**` crosses folders, `{a,b}` and `[ab]`
//! choose. Paths are compared in composed Unicode form, so that both spellings of a Hangul name match.

use std::path::Path;

use globset::{GlobBuilder, GlobMatcher};

use crate::spelling::composed;

/// What a pattern without `/` is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bare {
    /// The whole path: `*.md` matches in the uppermost folder only.
    WholePath,
    /// The last name: `*.md` matches in every folder.
    LastName,
}

/// A glob.
#[derive(Debug, Clone)]
pub(crate) struct Pattern {
    matcher: GlobMatcher,
}

impl Pattern {
    /// Reads a glob.
    ///
    /// # Errors
    /// What is wrong with it, for the model.
    pub(crate) fn parse(text: &str, bare: Bare) -> Result<Self, String> {
        if Path::new(text).components().any(|component| component == std::path::Component::ParentDir) {
            return Err(format!("`{text}` holds `..`: patterns cannot leave the workspace"));
        }
        let text = text.strip_prefix("./").unwrap_or(text);
        let anywhere = bare == Bare::LastName && !text.contains('/');
        let wanted = if anywhere { format!("**/{text}") } else { text.to_owned() };
        let glob = GlobBuilder::new(&composed(&wanted))
            .literal_separator(true)
            .build()
            .map_err(|error| format!("`{text}` is no glob: {}", error.kind()))?;
        Ok(Self { matcher: glob.compile_matcher() })
    }

    /// Whether a relative path matches.
    pub(crate) fn matches(&self, path: &Path) -> bool {
        match path.to_str() {
            Some(text) => self.matcher.is_match(composed(text).as_ref()),
            None => self.matcher.is_match(path),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pattern: &str, bare: Bare, path: &str, expected: bool) {
        let pattern = Pattern::parse(pattern, bare).expect("a glob");
        assert_eq!(pattern.matches(Path::new(path)), expected, "{pattern:?} {path}");
    }

    #[test]
    fn stars_stay_within_a_folder_and_double_stars_cross_them() {
        use Bare::{LastName, WholePath};
        for (pattern, bare, path, expected) in [
            ("*.rs", WholePath, "lib.rs", true),
            ("*.rs", WholePath, "src/lib.rs", false),
            ("*.rs", LastName, "src/lib.rs", true),
            ("src/*.rs", LastName, "deep/src/lib.rs", false),
            ("**/*.{rs,toml}", WholePath, "Cargo.toml", true),
            ("**/*.{rs,toml}", WholePath, "a/b/c.rs", true),
            ("./src/*", WholePath, "src/a", true),
            ("문서/*", WholePath, "문서/\u{1112}\u{1161}\u{11ab}.md", true),
            ("\u{1112}\u{1161}\u{11ab}*", WholePath, "한글", true),
        ] {
            check(pattern, bare, path, expected);
        }
    }

    #[test]
    fn a_broken_glob_or_one_that_leaves_is_refused() {
        for pattern in ["a[", "{a", "../*", "src/../../*"] {
            Pattern::parse(pattern, Bare::WholePath).expect_err(pattern);
        }
    }
}
