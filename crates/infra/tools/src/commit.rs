//! The tool `commit`: a commit that the engine makes, of files that this session changed.

use std::sync::Arc;

use async_trait::async_trait;
use domain::{
    ports::{Servers, ToolContext, WorkspacePort},
    tool::{Access, CallTarget, Preview, ToolOutcome},
    workspace::{Bases, ChangeKind, CommitDone, CommitPlan, CommitRequest},
};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::{
    confined::{Confined, FileError},
    output::Output,
    text::{counted, one_line},
    tool::{Tool, Unfit, with_causes},
};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Input {
    /// The commit message: a first line of at most 72 characters; after an empty line the reasons.
    #[schemars(length(min = 1))]
    message: String,
    /// Exactly these paths, relative to the workspace; if left out, all that this session changed.
    #[serde(default)]
    #[schemars(length(min = 1))]
    paths: Option<Vec<String>>,
}

/// The most paths that a person is shown of a commit.
const MOST_SHOWN: usize = 200;

/// What is to be committed.
pub(crate) struct Call {
    input: Input,
    shown: Option<Shown>,
}

/// What a person was shown of it.
enum Shown {
    Plan(CommitPlan),
    /// Why nothing would be committed.
    Refusal(String),
}

/// Makes commits.
pub(crate) struct Commit {
    files: Arc<Confined>,
    workspace: Arc<dyn WorkspacePort>,
    servers: Arc<dyn Servers>,
}

impl Commit {
    /// Commits files of that workspace.
    pub(crate) fn new(
        files: Arc<Confined>,
        workspace: Arc<dyn WorkspacePort>,
        servers: Arc<dyn Servers>,
    ) -> Self {
        Self { files, workspace, servers }
    }

    /// Paths relative to the workspace, as the port wants them. Whether they exist does not matter here: a deleted
    /// file can be committed, too.
    fn paths(&self, given: Option<Vec<String>>) -> Result<Option<Vec<String>>, FileError> {
        let relative =
            |path: String| Ok(self.files.find_in_workspace(&path)?.as_path().to_string_lossy().into_owned());
        given.map(|paths| paths.into_iter().map(relative).collect()).transpose()
    }

    fn request(&self, input: &Input, bases: &Bases) -> Result<CommitRequest, ToolOutcome> {
        let nothing = || ToolOutcome::error("nothing to commit: this session has changed no files so far");
        let since = bases.session.clone().ok_or_else(nothing)?;
        let paths = self.paths(input.paths.clone()).map_err(|error| error.outcome())?;
        Ok(CommitRequest { message: input.message.clone(), paths, since: Some(since) })
    }
}

#[async_trait]
impl Tool for Commit {
    type Input = Input;
    type Call = Call;

    const NAME: &'static str = "commit";
    const DESCRIPTION: &'static str = "Commit files that this session changed to the workspace's git repository. \
        Nothing has to be staged before, and nothing is pushed. Servers that you started end first.";
    const ACCESS: Access = Access::Edit;

    fn check(&self, input: Input) -> Result<Call, Unfit> {
        if input.message.trim().is_empty() {
            return Err(Unfit::Malformed("`message` has to say what was changed".to_owned()));
        }
        if input.paths.as_ref().is_some_and(Vec::is_empty) {
            return Err(Unfit::Malformed(
                "`paths` names nothing: leave it out to commit every change".to_owned(),
            ));
        }
        Ok(Call { input, shown: None })
    }

    fn target(_call: &Call) -> CallTarget {
        CallTarget::None
    }

    async fn preview(&self, call: &mut Call, bases: &Bases) -> Option<Preview> {
        let shown = match self.request(&call.input, bases) {
            Ok(request) => match self.workspace.commit_plan(&request).await {
                Ok(plan) => Shown::Plan(plan),
                Err(error) => Shown::Refusal(with_causes(&error)),
            },
            Err(outcome) => Shown::Refusal(outcome.output),
        };
        let text = match &shown {
            Shown::Plan(plan) => listed(plan),
            Shown::Refusal(why) => Preview::whole(format!("nothing would be committed: {why}")),
        };
        call.shown = Some(shown);
        Some(text)
    }

    async fn run(&self, call: Call, context: ToolContext) -> ToolOutcome {
        let mut request = match self.request(&call.input, &context.bases) {
            Ok(request) => request,
            Err(outcome) => return outcome,
        };
        let mut left_out = Vec::new();
        match call.shown {
            // Exactly what was shown, whatever has changed since.
            Some(Shown::Plan(plan)) => {
                request.paths = Some(plan.files.into_iter().map(|file| file.path).collect());
                left_out = plan.left_out;
            }
            Some(Shown::Refusal(why)) => return ToolOutcome::error(why),
            None => {}
        }
        // At `kernel` what changes in git's folder while a server runs is taken for the server's doing and put back.
        self.servers.end_run(context.run).await;
        // Not raced against `context.cancelled`: a commit is made or not, and the outcome says which.
        match self.workspace.commit(request).await {
            Ok(mut done) => {
                done.left_out.append(&mut left_out);
                told(&done)
            }
            Err(error) => ToolOutcome::error(with_causes(&error)),
        }
    }
}

/// What a commit would take, for a person.
fn listed(plan: &CommitPlan) -> Preview {
    let files = plan.files.iter().map(|file| {
        let what = match file.kind {
            ChangeKind::Created => "created",
            ChangeKind::Modified => "changed",
            ChangeKind::Deleted => "deleted",
        };
        format!("  {what} {}", one_line(&file.path))
    });
    let left_out = plan.left_out.iter().map(|path| format!("  left out {}", one_line(path)));
    let mut text = format!("{} to be committed:", counted(plan.files.len() as u64, "path", "paths"));
    for line in files.chain(left_out).take(MOST_SHOWN) {
        text.push('\n');
        text.push_str(&line);
    }
    let all = plan.files.len().saturating_add(plan.left_out.len());
    if let Some(more) = all.checked_sub(MOST_SHOWN).filter(|more| *more > 0) {
        text.push_str(&format!("\n  and {} not shown", counted(more as u64, "more path", "more paths")));
        return Preview::cut(text);
    }
    Preview::whole(text)
}

fn told(done: &CommitDone) -> ToolOutcome {
    let mut output = Output::new();
    output.line(&format!("committed {} ({})", done.id, counted(done.paths.len() as u64, "path", "paths")));
    // First, because it may surprise and must not be cut.
    if !done.left_out.is_empty() {
        output.line(
            "left out (they held the person's own uncommitted changes before this session, or belong to another \
             repository inside the workspace):",
        );
        for path in &done.left_out {
            output.line(&format!("  {}", one_line(path)));
        }
        output.line("committed:");
    }
    for path in &done.paths {
        output.line(&format!("  {}", one_line(path)));
    }
    let notes = match output.omitted_lines() {
        0 => Vec::new(),
        more => vec![format!("{} not shown", counted(more, "more path", "more paths"))],
    };
    ToolOutcome { commit: Some(done.id.clone()), ..output.finish(&notes) }
}

#[cfg(test)]
mod tests {
    use domain::{
        ports::{ToolContext, never_cancelled},
        tool::{ToolOutcome, ToolStatus},
        workspace::{
            Bases, ChangeKind, Checkpoint, CommitDone, CommitError, CommitPlan, CommitRequest, FileChange,
        },
    };
    use serde_json::json;

    use crate::testing::{Workspace, context, context_with};

    fn in_session() -> ToolContext {
        let bases = Bases { session: Some(Checkpoint::new("start")), ..Bases::default() };
        context_with(never_cancelled(), bases, None)
    }

    #[tokio::test]
    async fn it_names_the_full_id_the_paths_and_what_was_left_out() {
        let workspace = Workspace::new();
        *workspace.port.commit.lock().expect("a lock") = Some(Ok(CommitDone {
            id: "0123456789abcdef0123456789abcdef01234567".to_owned(),
            paths: vec!["a.rs".to_owned(), "이름\n둘.md".to_owned()],
            left_out: vec!["mine.rs".to_owned()],
        }));
        let input = json!({"message": "Mend it", "paths": ["./a.rs", "이름\n둘.md"]});
        let outcome = workspace.call_in("commit", input, in_session()).await;
        assert_eq!(outcome.commit.as_deref(), Some("0123456789abcdef0123456789abcdef01234567"));
        assert_eq!(
            outcome.output,
            "committed 0123456789abcdef0123456789abcdef01234567 (2 paths)\n\
             left out (they held the person's own uncommitted changes before this session, or belong to another \
             repository inside the workspace):\n  mine.rs\n\
             committed:\n  a.rs\n  \"이름\\n둘.md\""
        );
        assert_eq!(
            *workspace.port.commits.lock().expect("a lock"),
            [CommitRequest {
                message: "Mend it".to_owned(),
                paths: Some(vec!["a.rs".to_owned(), "이름\n둘.md".to_owned()]),
                since: Some(Checkpoint::new("start")),
            }]
        );
    }

    /// What git's folder gets while a server runs might be put back at the server's end.
    #[tokio::test]
    async fn no_server_of_the_run_lives_while_a_commit_is_made() {
        let workspace = Workspace::new();
        *workspace.port.commit.lock().expect("a lock") = Some(Err(CommitError::NoAuthor));
        let context = in_session();
        let run = context.run;
        workspace.call_in("commit", json!({"message": "Mend it"}), context).await;
        assert_eq!(*workspace.servers.asked.lock().expect("a lock"), [format!("end {run}")]);
    }

    /// Previews a commit, and runs it where it is allowed.
    async fn shown_then_run(
        workspace: &Workspace,
        plan: Result<CommitPlan, CommitError>,
        input: &serde_json::Value,
    ) -> (Option<String>, ToolOutcome) {
        *workspace.port.plan.lock().expect("a lock") = Some(plan);
        *workspace.port.commit.lock().expect("a lock") =
            Some(Ok(CommitDone { id: "1".repeat(40), paths: Vec::new(), left_out: Vec::new() }));
        let context = in_session();
        let tool = workspace.toolbox().build("commit").expect("a known tool");
        let mut prepared = tool.prepare(input).expect("an input that fits");
        let shown = prepared.preview(&context.bases).await;
        (shown.map(|shown| shown.text), prepared.run(context).await)
    }

    #[tokio::test]
    async fn a_person_sees_the_paths_that_are_then_committed_and_no_others_are() {
        let workspace = Workspace::new();
        let file = |path: &str, kind| FileChange { path: path.to_owned(), kind };
        let plan = CommitPlan {
            files: vec![
                file("a.rs", ChangeKind::Modified),
                file("\u{c774}\u{b984}\n\u{b458}.md", ChangeKind::Created),
                file("z", ChangeKind::Deleted),
            ],
            left_out: vec!["mine.rs".to_owned()],
        };
        let (shown, outcome) = shown_then_run(&workspace, Ok(plan), &json!({"message": "Mend it"})).await;
        assert_eq!(
            shown.as_deref(),
            Some(
                "3 paths to be committed:\n  changed a.rs\n  created \"\u{c774}\u{b984}\\n\u{b458}.md\"\n  \
                 deleted z\n  left out mine.rs"
            )
        );
        let commits = workspace.port.commits.lock().expect("a lock");
        let paths = ["a.rs", "\u{c774}\u{b984}\n\u{b458}.md", "z"].map(str::to_owned).to_vec();
        assert_eq!(commits.iter().map(|request| request.paths.clone()).collect::<Vec<_>>(), [Some(paths)]);
        assert!(outcome.output.contains("mine.rs"), "{}", outcome.output);
    }

    #[tokio::test]
    async fn a_person_is_shown_a_bounded_list() {
        let workspace = Workspace::new();
        let file = |number| FileChange { path: format!("f{number}"), kind: ChangeKind::Created };
        let plan = CommitPlan { files: (0..1_000).map(file).collect(), left_out: Vec::new() };
        let (shown, _) = shown_then_run(&workspace, Ok(plan), &json!({"message": "Mend it"})).await;
        let shown = shown.expect("a list");
        assert_eq!(shown.lines().count(), 202, "{shown}");
        assert!(shown.ends_with("\n  and 800 more paths not shown"), "{shown}");
    }

    #[tokio::test]
    async fn what_a_person_was_told_would_commit_nothing_commits_nothing() {
        let workspace = Workspace::new();
        let refused = Err(CommitError::NotOurs(vec!["x".to_owned()]));
        let input = json!({"message": "Mend it", "paths": ["x"]});
        let (shown, outcome) = shown_then_run(&workspace, refused, &input).await;
        let shown = shown.expect("a reason");
        assert!(shown.starts_with("nothing would be committed: only files that this session"), "{shown}");
        assert_eq!(outcome.status, ToolStatus::Error);
        assert!(workspace.port.commits.lock().expect("a lock").is_empty());
    }

    #[tokio::test]
    async fn a_refused_commit_is_an_error_that_says_what_to_do() {
        let workspace = Workspace::new();
        *workspace.port.commit.lock().expect("a lock") = Some(Err(CommitError::NoAuthor));
        let outcome = workspace.call_in("commit", json!({"message": "Mend it"}), in_session()).await;
        assert_eq!(outcome.status, ToolStatus::Error);
        assert!(outcome.output.contains("git config user.name"), "{}", outcome.output);
    }

    #[tokio::test]
    async fn a_session_without_changes_commits_nothing() {
        let workspace = Workspace::new();
        let outcome = workspace.call_in("commit", json!({"message": "Mend it"}), context()).await;
        assert_eq!(outcome.status, ToolStatus::Error);
        assert!(workspace.port.commits.lock().expect("a lock").is_empty());
    }

    #[tokio::test]
    async fn a_path_outside_is_refused() {
        let workspace = Workspace::new();
        let input = json!({"message": "Mend it", "paths": ["../outside/secret.txt"]});
        let outcome = workspace.call_in("commit", input, in_session()).await;
        assert_eq!(outcome.status, ToolStatus::Denied);
        assert!(workspace.port.commits.lock().expect("a lock").is_empty());
    }

    #[test]
    fn a_commit_needs_a_message_and_named_paths_need_names() {
        let workspace = Workspace::new();
        for input in [json!({"message": " "}), json!({"message": "x", "paths": []})] {
            workspace.rejection("commit", input);
        }
    }
}
