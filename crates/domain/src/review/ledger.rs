//! The review ledger (contract 4): every finding of a session with its state, moved on by each review.

use std::collections::BTreeSet;

use super::{
    ChangedFiles, Shown,
    finding::{ClosedAs, ClosedFinding, Finding, FindingId, State, Words},
};
use crate::{
    report::{ReportedFinding, ReviewerReport, Severity, Verdict},
    workflow::ToldReview,
};

/// Findings by id, with how each of them stands.
///
/// - A report repeats a finding by its id or, where it names none that is known, by the same file and message. What
///   a report says twice counts once.
/// - An open finding that the report repeats stays open, in its newest words. One that it does not repeat is fixed if
///   its file changed since the last review, else withdrawn; `approve` does the same to all that was open.
/// - A closed finding that is repeated opens again only if its file changed since it was closed; else the repetition
///   is handed out as ignored and changes nothing.
/// - Of reviews that were under way at the same time, none settles what another said, and what one of them settled is
///   open again where another repeats it: it was open when that one began. What a person accepted stays settled.
/// - Findings that stand beside an approval, and those too slight to force another review, stay open as remarks: the
///   next reviewer sees them, nobody has to do anything about them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ledger {
    /// By id, ascending.
    findings: Vec<Finding>,
    /// How many ids were given so far.
    given: u32,
}

/// What the reviews have said that were under way beside one.
#[derive(Debug, Default)]
pub(crate) struct Beside {
    /// All of it.
    pub(crate) said: BTreeSet<FindingId>,
    /// What those said that asked for changes.
    pub(crate) demanded: BTreeSet<FindingId>,
}

/// What a review came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reviewed {
    /// What it counts as.
    pub verdict: Verdict,
    /// What it settled, by id.
    pub closed: Vec<ClosedFinding>,
    /// Closed findings that it repeated without new evidence, with their ids, in its words.
    pub ignored: Vec<ReportedFinding>,
}

impl Ledger {
    /// Closed findings that are kept; of more, the oldest are forgotten, and saying them again makes them new.
    const MOST_CLOSED: usize = 1_000;

    /// Takes a reviewer's report. `changed` since the last review; `force_on` is the least severity of an open finding
    /// that forces another one.
    pub fn take(&mut self, report: &ReviewerReport, changed: &ChangedFiles, force_on: Severity) -> Reviewed {
        self.take_beside(report, changed, force_on, &Beside::default()).0
    }

    /// The same, of a review beside which others were under way that have ended. What this one said, too.
    pub(crate) fn take_beside(
        &mut self,
        report: &ReviewerReport,
        changed: &ChangedFiles,
        force_on: Severity,
        beside: &Beside,
    ) -> (Reviewed, BTreeSet<FindingId>) {
        self.see(changed);
        let was_open: BTreeSet<FindingId> =
            self.ids_of_open().filter(|id| !beside.said.contains(id)).collect();
        let (repeated, ignored) = self.hear(&report.findings, changed);
        let settled = |id: &FindingId| report.verdict == Verdict::Approve || !repeated.contains(id);
        let mut closed = Vec::new();
        for finding in self.findings.iter_mut().filter(|finding| was_open.contains(&finding.id)) {
            if settled(&finding.id) {
                let state = match changed.may_hold(finding.file.as_deref()) {
                    true => ClosedAs::Fixed,
                    false => ClosedAs::Withdrawn,
                };
                closed.push(finding.close(state));
            }
        }
        self.forget();
        let is_objected = |finding: &Finding| {
            report.verdict == Verdict::RequestChanges || beside.demanded.contains(&finding.id)
        };
        let mut open = self.findings.iter().filter(|finding| finding.is_open());
        let verdict = match open.any(|finding| finding.severity >= force_on && is_objected(finding)) {
            true => Verdict::RequestChanges,
            false => Verdict::Approve,
        };
        (Reviewed { verdict, closed, ignored }, repeated)
    }

    /// A person takes everything that is open as it is.
    pub fn accept(&mut self) -> Vec<ClosedFinding> {
        let open = self.findings.iter_mut().filter(|finding| finding.is_open());
        open.map(|finding| finding.close(ClosedAs::Accepted)).collect()
    }

    /// Takes what a `review_cycle` says: what is open after it, what it settled, and which of all that is settled has
    /// changed since. What it does not name stays as it is.
    pub fn recall(&mut self, told: ToldReview<'_>) {
        let ToldReview { root, open_findings, closed, reopenable, .. } = told;
        let unknown = ChangedFiles::unknown(root);
        for said in open_findings {
            let Some(id) = said.id.as_deref().and_then(FindingId::parse) else { continue };
            let words = Words::of(said.file.as_deref(), &said.message, &unknown);
            let finding = Finding::new(id, said, words);
            match self.findings.binary_search_by_key(&id, |finding| finding.id) {
                Ok(at) => drop(self.findings.get_mut(at).map(|known| *known = finding)),
                Err(at) => self.findings.insert(at, finding),
            }
            self.given = self.given.max(id.0);
        }
        for ClosedFinding { id, state } in closed {
            if let Some(finding) = self.findings.iter_mut().find(|finding| finding.id == *id) {
                finding.close(*state);
            }
        }
        for finding in &mut self.findings {
            if let State::Closed { has_changed, .. } = &mut finding.state {
                *has_changed = reopenable.contains(&finding.id);
            }
        }
        self.forget();
    }

    /// What is open, by id.
    #[must_use]
    pub fn open(&self) -> Vec<ReportedFinding> {
        self.findings.iter().filter(|finding| finding.is_open()).map(Finding::shown).collect()
    }

    /// What a reviewer is told of, after so many reviews of the round.
    pub(crate) fn shown_after(&self, reviews: usize) -> Shown {
        Shown { open: self.ids_of_open().collect(), reviews }
    }

    /// What is settled and how, by id.
    #[must_use]
    pub fn closed(&self) -> Vec<(ReportedFinding, ClosedAs)> {
        let closed = self.findings.iter().filter_map(|finding| match finding.state {
            State::Closed { how, .. } => Some((finding.shown(), how)),
            State::Open => None,
        });
        closed.collect()
    }

    /// The settled findings whose file has changed since they were settled: said again, they are open again.
    #[must_use]
    pub fn reopenable(&self) -> Vec<FindingId> {
        let is_new = |finding: &&Finding| matches!(finding.state, State::Closed { has_changed: true, .. });
        self.findings.iter().filter(is_new).map(|finding| finding.id).collect()
    }

    /// The files that findings name, as they name them.
    #[must_use]
    pub fn files(&self) -> Vec<String> {
        let files: BTreeSet<&String> =
            self.findings.iter().filter_map(|finding| finding.file.as_ref()).collect();
        files.into_iter().cloned().collect()
    }

    /// The open findings that force another review.
    pub fn forcing(&self, force_on: Severity) -> impl Iterator<Item = ReportedFinding> {
        let open = self.findings.iter().filter(|finding| finding.is_open());
        open.filter(move |finding| finding.severity >= force_on).map(Finding::shown)
    }

    fn ids_of_open(&self) -> impl Iterator<Item = FindingId> {
        self.findings.iter().filter(|finding| finding.is_open()).map(|finding| finding.id)
    }

    /// What changed is new evidence about what was closed before.
    fn see(&mut self, changed: &ChangedFiles) {
        for finding in &mut self.findings {
            if let State::Closed { has_changed, .. } = &mut finding.state {
                *has_changed |= changed.may_hold(finding.file.as_deref());
            }
        }
    }

    /// Enters what a report says: which known findings it repeats, and which of its words count for nothing.
    fn hear(
        &mut self,
        report: &[ReportedFinding],
        changed: &ChangedFiles,
    ) -> (BTreeSet<FindingId>, Vec<ReportedFinding>) {
        let (mut met, mut heard, mut ignored) = (BTreeSet::new(), BTreeSet::new(), Vec::new());
        for said in report {
            let words = Words::of(said.file.as_deref(), &said.message, changed);
            let is_echo = !heard.insert((words.clone(), said.line, said.severity));
            let named = said.id.as_deref().and_then(FindingId::parse).filter(|id| !met.contains(id));
            let named = named.and_then(|id| self.position(id));
            if named.is_none() && is_echo {
                continue;
            }
            let known = named.or_else(|| self.with_words(&words, &met));
            match known.and_then(|at| self.findings.get_mut(at)) {
                Some(finding) => {
                    met.insert(finding.id);
                    if finding.stays_closed(changed) {
                        ignored.push(ReportedFinding { id: Some(finding.id.to_string()), ..said.clone() });
                    } else {
                        finding.say_again(said, changed);
                    }
                }
                None => {
                    self.given = self.given.saturating_add(1);
                    let id = FindingId(self.given);
                    met.insert(id);
                    self.findings.push(Finding::new(id, said, words));
                }
            }
        }
        (met, ignored)
    }

    fn position(&self, id: FindingId) -> Option<usize> {
        self.findings.binary_search_by_key(&id, |finding| finding.id).ok()
    }

    /// The finding of these words that the report has not spoken of: an open one before a closed one, a later one
    /// before an earlier one.
    fn with_words(&self, words: &Words, met: &BTreeSet<FindingId>) -> Option<usize> {
        let same = self.findings.iter().enumerate().filter(|(_, finding)| finding.words == *words);
        let free = same.filter(|(_, finding)| !met.contains(&finding.id));
        free.max_by_key(|(_, finding)| (finding.is_open(), finding.id)).map(|(at, _)| at)
    }

    fn forget(&mut self) {
        let closed = self.findings.iter().filter(|finding| !finding.is_open()).count();
        let mut surplus = closed.saturating_sub(Self::MOST_CLOSED);
        self.findings.retain(|finding| {
            let goes = surplus > 0 && !finding.is_open();
            surplus -= usize::from(goes);
            !goes
        });
    }
}

impl Finding {
    /// Whether saying it again brings nothing new.
    fn stays_closed(&self, changed: &ChangedFiles) -> bool {
        match self.state {
            State::Open | State::Closed { has_changed: true, .. } => false,
            State::Closed { how: ClosedAs::Accepted, .. } => true,
            State::Closed { .. } => !changed.was_shown_open(self.id),
        }
    }

    fn close(&mut self, how: ClosedAs) -> ClosedFinding {
        self.state = State::Closed { how, has_changed: false };
        ClosedFinding { id: self.id, state: how }
    }
}
