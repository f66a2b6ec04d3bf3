//! What a run may write: the globs that it was given with its task (contract 4, `writes`).

use domain::tool::ToolOutcome;

use crate::{
    confined::Place,
    pattern::{Bare, Pattern},
};

/// Refuses a place that none of `globs` covers; no globs at all cover everything.
///
/// A glob is compared with the whole path, relative to the workspace or absolute in an added folder; one that ends with `/` covers the folder.
pub(crate) fn covers(globs: Option<&[String]>, place: &Place) -> Result<(), ToolOutcome> {
    let Some(globs) = globs else { return Ok(()) };
    for glob in globs {
        let whole = if glob.ends_with('/') { format!("{glob}**") } else { glob.clone() };
        let pattern = Pattern::parse(&whole, Bare::WholePath).map_err(|reason| {
            ToolOutcome::denied(format!(
                "the task's `writes` cannot be read, so nothing may be written: {reason}"
            ))
        })?;
        if pattern.matches(&place.path()) {
            return Ok(());
        }
    }
    let granted = if globs.is_empty() { "nothing".to_owned() } else { format!("`{}`", globs.join("`, `")) };
    Err(ToolOutcome::denied(format!(
        "`{place}` is not among the paths that this task may write ({granted}). If it has to change, say so when \
         you hand in your work."
    )))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::place;

    fn check(globs: &[&str], path: &str, expected: bool) {
        let globs: Vec<String> = globs.iter().map(|&glob| glob.to_owned()).collect();
        assert_eq!(covers(Some(&globs), &place(path)).is_ok(), expected, "{globs:?} {path}");
    }

    #[test]
    fn only_what_a_glob_covers_may_be_written() {
        for (globs, path, expected) in [
            (&["src/**"][..], "src/a/b.rs", true),
            (&["src/"], "src/a/b.rs", true),
            (&["src"], "src/a.rs", false),
            (&["*.md"], "docs/a.md", false),
            (&["docs/*.md", "README.md"], "README.md", true),
            (&["src/**"], "src-evil/a.rs", false),
            (&["문서/**"], "문서/계획.md", true),
            (&["a["], "a[", false),
            (&[], "a", false),
        ] {
            check(globs, path, expected);
        }
    }

    #[test]
    fn without_globs_the_whole_workspace_may_be_written() {
        covers(None, &place("any/where")).expect("granted");
    }
}
