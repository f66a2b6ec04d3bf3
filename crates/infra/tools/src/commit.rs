//! The tool `commit`: a commit that the engine makes, of files that this session changed.

use std::sync::Arc;

use async_trait::async_trait;
use domain::{
    ports::{Servers, ToolContext, WorkspacePort},
    tool::{Access, CallTarget, ToolOutcome},
    workspace::{CommitDone, CommitRequest},
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
}

#[async_trait]
impl Tool for Commit {
    type Input = Input;
    type Call = Input;

    const NAME: &'static str = "commit";
    const DESCRIPTION: &'static str = "Commit files that this session changed to the workspace's git repository. \
        Nothing has to be staged before, and nothing is pushed. Servers that you started end first.";
    const ACCESS: Access = Access::Edit;

    fn check(&self, input: Input) -> Result<Input, Unfit> {
        if input.message.trim().is_empty() {
            return Err(Unfit::Malformed("`message` has to say what was changed".to_owned()));
        }
        if input.paths.as_ref().is_some_and(Vec::is_empty) {
            return Err(Unfit::Malformed(
                "`paths` names nothing: leave it out to commit every change".to_owned(),
            ));
        }
        Ok(input)
    }

    fn target(_call: &Input) -> CallTarget {
        CallTarget::None
    }

    async fn run(&self, call: Input, context: ToolContext) -> ToolOutcome {
        let Some(since) = context.bases.session else {
            return ToolOutcome::error("nothing to commit: this session has changed no files so far");
        };
        let paths = match self.paths(call.paths) {
            Ok(paths) => paths,
            Err(error) => return error.outcome(),
        };
        // At `kernel` what changes in git's folder while a server runs is taken for the server's doing and put back.
        self.servers.end_run(context.run).await;
        // Not raced against `context.cancelled`: a commit is made or not, and the outcome says which.
        let request = CommitRequest { message: call.message, paths, since: Some(since) };
        match self.workspace.commit(request).await {
            Ok(done) => told(&done),
            Err(error) => ToolOutcome::error(with_causes(&error)),
        }
    }
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
        tool::ToolStatus,
        workspace::{Bases, Checkpoint, CommitDone, CommitError, CommitRequest},
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
