//! A review: what its reviewer is shown, what changed since the one before, and who decides where reviews do not end.
//!
//! What counts is decided in [`domain::review`] and [`domain::workflow`]; here files are looked at and people asked.

use domain::{
    agent::WorkerKind,
    brief::Brief,
    event::{CheckpointAt, EventBody, Scope},
    id::QuestionId,
    past::{ENGINE, PastQuestion},
    ports::JournalError,
    report::{self, ReportedFinding},
    review::{ChangedFiles, Ledger, ReviewDecision, ReviewOption},
    text,
    workspace::{Changes, Checkpoint, WorkspaceError},
};

use super::RunContext;
use crate::{
    person::{Answered, Question},
    round::RoundContext,
    telling::with_causes,
};

/// The workspace as a review sees it.
pub(crate) struct UnderReview {
    /// None where it could not be kept.
    pub(crate) state: Option<Checkpoint>,
    pub(crate) changed: ChangedFiles,
}

/// How many characters of the diff since the last review stand in a brief.
const MOST_OF_A_DIFF: usize = 12_000;
/// How many open findings stand in a brief or a question, by id. More are counted.
const MOST_OPEN: usize = 100;
/// How many settled findings stand in a brief: those settled last.
const MOST_CLOSED: usize = 30;

impl RunContext<'_> {
    /// Keeps the state that a review is about, finds out what changed since the last one, and adds both to the brief.
    /// None where this is no reviewer.
    pub(crate) async fn begin_review(
        &self,
        kind: WorkerKind,
        brief: &mut Brief,
    ) -> Result<Option<UnderReview>, JournalError> {
        if kind != WorkerKind::Reviewer {
            return Ok(None);
        }
        let (ledger, shown) = {
            let state = self.round.state();
            (state.machine.ledger().clone(), state.machine.shown_to_reviewers())
        };
        let last = self.round.bases().last_review;
        let workspace = &self.round.ports.workspace;
        let state = self.round.keep_files(&self.stop, None).await;
        let changed = self.stop.bound(self.changed_since(last.as_ref(), &ledger)).await;
        let diff = match &last {
            Some(last) => self.stop.bound(workspace.diff(Some(last), None)).await.map(Some),
            None => Ok(None),
        };
        let failed = state.as_ref().err().or(changed.as_ref().err()).or(diff.as_ref().err());
        if let Some(error) = failed {
            let text = with_causes(error);
            // Its run has not begun.
            self.round.append(EventBody::Notice { code: "review_state_unknown".to_owned(), text }).await?;
        }
        let has_diff_tool = self.member.tool("diff").is_some();
        let mut context = vec![brief.context.take().unwrap_or_default(), told(&ledger)];
        if let Ok(Some(diff)) = diff {
            context.push(excerpt(&self.round.ports.log.redactor().redact(&diff), has_diff_tool));
        }
        context.retain(|text| !text.trim().is_empty());
        brief.context = (!context.is_empty()).then(|| context.join("\n\n").trim().to_owned());
        let changed = changed.unwrap_or_else(|_| ChangedFiles::unknown(&self.round.ports.cwd));
        Ok(Some(UnderReview { state: state.ok(), changed: changed.and_shown(shown) }))
    }

    /// Says which state a review is about: the next one compares with it, once this one has reported.
    pub(super) async fn say_review(&self, review: Option<&UnderReview>) -> Result<(), JournalError> {
        let Some(state) = review.and_then(|review| review.state.as_ref()) else { return Ok(()) };
        self.append(EventBody::Checkpoint { id: state.as_str().to_owned(), at: CheckpointAt::Review }).await
    }

    /// What a review is about, and what changed since the one before it.
    pub(super) fn about(&self, review: Option<UnderReview>) -> (Option<Checkpoint>, ChangedFiles) {
        match review {
            Some(UnderReview { state, changed }) => (state, changed),
            None => (None, ChangedFiles::unknown(&self.round.ports.cwd)),
        }
    }

    /// What changed since the last review, as far as the ledger's findings ask.
    pub(super) async fn changed_since(
        &self,
        last: Option<&Checkpoint>,
        ledger: &Ledger,
    ) -> Result<ChangedFiles, WorkspaceError> {
        let root = &self.round.ports.cwd;
        let Some(last) = last else { return Ok(ChangedFiles::unknown(root)) };
        let workspace = &self.round.ports.workspace;
        let changes: Changes = workspace.changes_since(last).await?;
        let files = ledger.files();
        let overlooked = if files.is_empty() { Vec::new() } else { workspace.overlooked(&files).await? };
        Ok(ChangedFiles::seen(root, &changes).and_overlooked(&overlooked))
    }
}

impl RoundContext {
    /// Asks how to go on where reviews do not end. None where the round was stopped meanwhile.
    pub(crate) async fn ask_about_reviews(
        &self,
        open: &[ReportedFinding],
        default: Option<ReviewOption>,
        before: Option<QuestionId>,
    ) -> Result<Option<ReviewDecision>, JournalError> {
        let text = |option: ReviewOption| option.text().to_owned();
        self.ask_as_engine(Question {
            asker: ENGINE.to_owned(),
            text: format!(
                "The reviews do not converge. Still open:{}",
                report::listed(open, MOST_OPEN, ReportedFinding::in_its_own_words)
            ),
            options: ReviewOption::ALL.map(text).to_vec(),
            default: default.map(text),
            before: before.map(waiting),
        })
        .await
    }

    /// Asks for the words of the person's guidance.
    pub(crate) async fn ask_for_guidance(
        &self,
        before: Option<QuestionId>,
    ) -> Result<Option<ReviewDecision>, JournalError> {
        self.ask_as_engine(Question {
            asker: ENGINE.to_owned(),
            text: "What should the team do about the open findings?".to_owned(),
            options: Vec::new(),
            default: None,
            before: before.map(waiting),
        })
        .await
    }

    async fn ask_as_engine(&self, question: Question) -> Result<Option<ReviewDecision>, JournalError> {
        Ok(match self.ask(&Scope::round(self.number), question).await? {
            Answered::With { text, by_person: true } => Some(ReviewDecision::read(&text)),
            Answered::With { by_person: false, .. } => Some(ReviewDecision::Unanswered),
            Answered::Unanswered => Some(ReviewDecision::NobodyThere),
            Answered::Stopped => None,
        })
    }
}

/// A question that was put to the person before the program died, and waits.
const fn waiting(id: QuestionId) -> PastQuestion {
    PastQuestion { id, answer: None }
}

/// What earlier reviews found, for the next reviewer.
fn told(ledger: &Ledger) -> String {
    let (open, closed) = (ledger.open(), ledger.closed());
    let mut text = String::new();
    if !open.is_empty() {
        text.push_str("Still open from the last review (repeat the id of what is not mended):");
        text.push_str(&report::listed(&open, MOST_OPEN, ReportedFinding::in_a_line));
    }
    if !closed.is_empty() {
        text.push_str("\n\nSettled before (one counts again only where its file changed since):");
        for (finding, how) in closed.iter().rev().take(MOST_CLOSED) {
            text.push_str(&format!("\n- {}: {}", how.as_str(), finding.in_a_line()));
        }
    }
    text.trim().to_owned()
}

/// The beginning of the diff since the last review, in whole lines.
fn excerpt(diff: &str, has_diff_tool: bool) -> String {
    if diff.trim().is_empty() {
        return "Nothing has changed since the last review.".to_owned();
    }
    let shown = text::first_lines(diff, MOST_OF_A_DIFF);
    let way = if has_diff_tool { " (`diff` with base `last_review`)" } else { "" };
    let cut = diff.get(shown.len()..).map_or(0, |rest| rest.lines().count());
    let (what, rest) = match cut {
        0 => ("What has changed", String::new()),
        lines => ("The beginning of what has changed", format!("\n[{lines} more lines were cut here]")),
    };
    format!("{what} since the last review{way}:\n```diff\n{}{rest}\n```", shown.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_diff_is_cut_between_lines_and_says_so() {
        let line = "+한글 줄\n";
        let whole = excerpt(line, true);
        assert_eq!(
            whole,
            "What has changed since the last review (`diff` with base `last_review`):\n```diff\n+한글 줄\n```"
        );
        let long = excerpt(&line.repeat(3_000), false);
        assert!(long.starts_with("The beginning of what has changed since the last review:\n"), "{long}");
        assert!(long.ends_with("+한글 줄\n[1000 more lines were cut here]\n```"), "{long}");
        assert_eq!(excerpt(" \n", true), "Nothing has changed since the last review.");
    }
}
