//! Repositories without a `.git`: a folder that git takes for one because of what stands in it.
//!
//! Their settings and hooks run programs as soon as somebody uses git there, and no name tells that they are one.

use std::collections::BTreeSet;

/// Files that make a folder a repository or say what git runs in it.
const PARTS: [&str; 4] = ["HEAD", "commondir", "config", "config.worktree"];
/// Folders in one whose files do.
const FOLDERS: [&str; 2] = ["hooks", "info"];

/// The folders, relative to the workspace (itself: `.`), that these changed paths would make repositories of, or change
/// what git runs in, if they are any. Whether they are is for whoever can look.
#[must_use]
pub fn may_be_bare_repositories<'p>(changed: impl IntoIterator<Item = &'p str>) -> BTreeSet<String> {
    changed.into_iter().filter_map(repository_of).map(str::to_owned).collect()
}

fn repository_of(path: &str) -> Option<&str> {
    let (folder, name) = path.rsplit_once('/').unwrap_or((".", path));
    if PARTS.contains(&name) {
        return Some(folder);
    }
    let mut steps = folder.rsplit_once('/').unwrap_or((".", folder));
    loop {
        if FOLDERS.contains(&steps.1) {
            return Some(steps.0);
        }
        steps = match steps.0 {
            "." => return None,
            above => above.rsplit_once('/').unwrap_or((".", above)),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_name_the_folders_whose_git_they_would_govern() {
        let check = |changed: &[&str], expected: &[&str]| {
            let found = may_be_bare_repositories(changed.iter().copied());
            assert_eq!(found.iter().map(String::as_str).collect::<Vec<_>>(), expected, "{changed:?}");
        };
        check(&["HEAD", "config", "src/main.rs"], &["."]);
        check(
            &["원본.git/hooks/post-update", "원본.git/config", "a/b/info/attributes"],
            &["a/b", "원본.git"],
        );
        check(&["hooks/lib/x.sh", "b.git/hooks/deep/er/x"], &[".", "b.git"]);
        check(&["src/hooks.rs", "README.md", "configs/a", "x/HEAD.txt", ""], &[]);
    }
}
