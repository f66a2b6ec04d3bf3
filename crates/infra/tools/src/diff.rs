//! The tool `diff`: what changed since an earlier state of the files.

mod sections;

use std::{borrow::Cow, sync::Arc};

use async_trait::async_trait;
use domain::{
    permission::{PathRules, PathUse},
    ports::{ToolContext, WorkspacePort},
    tool::{Access, CallTarget, ToolOutcome},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::sections::{Section, sections};
use crate::{
    confined::{Confined, FileError, Place},
    output::{Output, shortened},
    text::{count, counted},
    tool::{Tool, Unfit, cancelled, with_causes},
};

#[derive(Clone, Copy, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Base {
    #[default]
    Round,
    Head,
    LastReview,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Input {
    /// What to compare the present files with.
    #[serde(default)]
    base: Base,
    /// A file or folder, relative to the workspace; everything if left out.
    #[serde(default)]
    path: Option<String>,
}

/// Compares files with earlier states.
pub(crate) struct Diff {
    files: Arc<Confined>,
    workspace: Arc<dyn WorkspacePort>,
}

impl Diff {
    /// Compares files of that workspace.
    pub(crate) fn new(files: Arc<Confined>, workspace: Arc<dyn WorkspacePort>) -> Self {
        Self { files, workspace }
    }

    fn place(&self, path: &str, rules: &PathRules) -> Result<Place, FileError> {
        let place = self.files.find_in_workspace(path)?;
        self.files.may(PathUse::Read, &place, rules)?;
        Ok(place)
    }

    /// The diff without files that rules forbid to read, and how many those are.
    fn permitted<'d>(&self, diff: &'d str, rules: &PathRules) -> (Cow<'d, str>, u64) {
        if rules.is_empty() {
            return (Cow::Borrowed(diff), 0);
        }
        let is_hidden = |section: &Section<'_>| {
            let place = section.path().and_then(|path| self.files.locate(&path).ok());
            // What cannot be told apart is not shown.
            section.is_about_a_file && place.is_none_or(|place| self.files.hides(&place, rules))
        };
        let (hidden, shown): (Vec<_>, Vec<_>) = sections(diff).into_iter().partition(is_hidden);
        let shown: String = shown.iter().map(|section| section.text).collect();
        (Cow::Owned(shown), count(hidden.len()))
    }
}

#[async_trait]
impl Tool for Diff {
    type Input = Input;
    type Call = Input;

    const NAME: &'static str = "diff";
    const DESCRIPTION: &'static str = "Show what changed in the workspace as a unified diff: since the beginning of \
        the present round (`round`), since the last commit (`head`), or since the last review began (`last_review`).";
    const ACCESS: Access = Access::Read;

    fn check(&self, input: Input) -> Result<Input, Unfit> {
        Ok(input)
    }

    fn target(call: &Input) -> CallTarget {
        call.path.clone().map_or(CallTarget::None, CallTarget::Path)
    }

    async fn run(&self, call: Input, context: ToolContext) -> ToolOutcome {
        let place = match call.path.as_deref().map(|path| self.place(path, &context.paths)).transpose() {
            Ok(place) => place.filter(|place| !place.is_top()),
            Err(error) => return error.outcome(),
        };
        let path = place.as_ref().map(|place| place.as_path().to_string_lossy());
        let from = match call.base {
            Base::Head => None,
            Base::Round => match &context.bases.round {
                Some(round) => Some(round),
                None => return ToolOutcome::ok("nothing was changed so far in this round"),
            },
            Base::LastReview => match &context.bases.last_review {
                Some(review) => Some(review),
                None => return ToolOutcome::ok("there was no review so far: compare with `round` or `head`"),
            },
        };
        let diff = tokio::select! {
            biased;
            () = context.cancelled => return cancelled(),
            diff = self.workspace.diff(from, path.as_deref()) => diff,
        };
        match diff {
            Ok(diff) if diff.is_empty() => ToolOutcome::ok("no differences"),
            Ok(diff) => {
                let (diff, hidden) = self.permitted(&diff, &context.paths);
                bounded(&diff, hidden)
            }
            Err(error) => ToolOutcome::error(with_causes(&error)),
        }
    }
}

fn bounded(diff: &str, hidden: u64) -> ToolOutcome {
    let mut output = Output::new();
    for line in diff.lines() {
        let (shown, missing) = shortened(line, 0);
        if output.line(&shown) {
            output.omit(missing);
        }
    }
    let mut notes = match output.omitted_lines() {
        0 => Vec::new(),
        more => vec![format!(
            "{} left out: ask for one `path` at a time",
            counted(more, "more line", "more lines")
        )],
    };
    if hidden > 0 {
        notes.push(format!(
            "{} left out: rules of the configuration (`permissions.rules`) forbid to read them",
            counted(hidden, "changed file", "changed files")
        ));
    }
    output.finish(&notes)
}

#[cfg(test)]
mod tests {
    use domain::{
        ports::never_cancelled,
        tool::ToolStatus,
        workspace::{Bases, Checkpoint},
    };
    use serde_json::{Value, json};

    use crate::testing::{Workspace, context, context_with, forbidden};

    fn bases() -> Bases {
        Bases {
            session: Some(Checkpoint::new("session")),
            round: Some(Checkpoint::new("round")),
            last_review: Some(Checkpoint::new("review")),
        }
    }

    async fn check(input: Value, from: Option<&str>, path: Option<&str>) {
        let workspace = Workspace::new();
        workspace.put("문서/계획.md", "");
        *workspace.port.diff.lock().expect("a lock") = "+한 줄\n".to_owned();
        let outcome =
            workspace.call_in("diff", input.clone(), context_with(never_cancelled(), bases(), None)).await;
        assert_eq!(outcome.output, "+한 줄", "{input}");
        let asked = workspace.port.diffs.lock().expect("a lock").clone();
        assert_eq!(asked, [(from.map(Checkpoint::new), path.map(str::to_owned))], "{input}");
    }

    #[tokio::test]
    async fn the_base_is_the_one_that_was_named_and_the_round_by_default() {
        check(json!({}), Some("round"), None).await;
        check(json!({"base": "round", "path": "."}), Some("round"), None).await;
        check(json!({"base": "head", "path": "문서/계획.md"}), None, Some("문서/계획.md")).await;
        check(json!({"base": "last_review", "path": "./문서"}), Some("review"), Some("문서")).await;
    }

    #[tokio::test]
    async fn without_a_base_it_says_so_and_asks_nobody() {
        let workspace = Workspace::new();
        for (input, expected) in [
            (json!({}), "nothing was changed so far in this round"),
            (json!({"base": "last_review"}), "there was no review so far: compare with `round` or `head`"),
        ] {
            assert_eq!(workspace.call("diff", input).await.output, expected);
        }
        assert!(workspace.port.diffs.lock().expect("a lock").is_empty());
    }

    #[tokio::test]
    async fn a_path_outside_is_refused() {
        let workspace = Workspace::new();
        let outcome =
            workspace.call_in("diff", json!({"base": "head", "path": "../outside"}), context()).await;
        assert_eq!(outcome.status, ToolStatus::Denied);
        assert!(workspace.port.diffs.lock().expect("a lock").is_empty());
    }

    #[tokio::test]
    async fn a_long_diff_is_bounded_and_what_is_missing_is_counted() {
        let workspace = Workspace::new();
        *workspace.port.diff.lock().expect("a lock") = "+가나다라마바사\n".repeat(10_000);
        let outcome = workspace.call("diff", json!({"base": "head"})).await;
        assert!(outcome.output.chars().count() <= 48_000);
        let shown = outcome.output.lines().filter(|line| line.starts_with('+')).count();
        assert_eq!(outcome.omitted_bytes, (10_000 - shown as u64) * 23);
        assert!(
            outcome.output.ends_with(&format!(
                "[{} more lines left out: ask for one `path` at a time]",
                10_000 - shown
            ))
        );
    }

    #[tokio::test]
    async fn files_that_rules_forbid_to_read_are_left_out_and_counted() {
        let workspace = Workspace::new();
        let section =
            |path: &str| format!("diff --git a/{path} b/{path}\n--- a/{path}\n+++ b/{path}\n+한 줄\n");
        let unreadable = "diff --git what is this\n+열쇠\n".to_owned();
        let diff = [section("a.rs"), section("비밀/열쇠"), section("b.rs"), unreadable].concat();
        *workspace.port.diff.lock().expect("a lock") = diff;
        let outcome = workspace.call_in("diff", json!({"base": "head"}), forbidden("read", "비밀/**")).await;
        let shown = [section("a.rs"), section("b.rs")].concat();
        let note = "[2 changed files left out: rules of the configuration (`permissions.rules`) forbid to read them]";
        assert_eq!(outcome.output, format!("{shown}{note}"));
        let input = json!({"base": "head", "path": "비밀/열쇠"});
        let outcome = workspace.call_in("diff", input, forbidden("read", "비밀/**")).await;
        assert_eq!(outcome.status, ToolStatus::Denied, "{}", outcome.output);
    }

    #[test]
    fn an_unknown_base_is_rejected() {
        let rejection = Workspace::new().rejection("diff", json!({"base": "main"}));
        assert_eq!(rejection, "unknown variant `main`, expected one of `round`, `head`, `last_review`");
    }
}
