//! The ledger beside a model that keeps the whole history and looks everything up in it anew.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

const FILES: [&str; 3] = ["a.rs", "src/나.rs", ""];
const SEVERITIES: [Severity; 3] = [Severity::Info, Severity::Warning, Severity::Critical];

/// What happens to a ledger.
#[derive(Debug, Clone)]
enum Happens {
    Review { approves: bool, says: Vec<Says>, changes: Vec<usize> },
    Accepts,
}

/// What a report says: a file, a message and a severity by number, and an id by its number, 0 for none.
#[derive(Debug, Clone)]
struct Says {
    id: u32,
    severity: usize,
    file: usize,
    message: usize,
}

fn says() -> impl Strategy<Value = Says> {
    (0_u32..8, 0_usize..3, 0_usize..3, 0_usize..3).prop_map(|(id, severity, file, message)| Says {
        id,
        severity,
        file,
        message,
    })
}

fn happens() -> impl Strategy<Value = Happens> {
    let review = (
        prop::bool::weighted(0.2),
        prop::collection::vec(says(), 0..5),
        prop::sample::subsequence(vec![0_usize, 1], 0..=2),
    );
    prop_oneof![
        9 => review.prop_map(|(approves, says, changes)| Happens::Review { approves, says, changes }),
        1 => Just(Happens::Accepts),
    ]
}

impl Says {
    fn finding(&self) -> ReportedFinding {
        let id = if self.id == 0 { String::new() } else { format!("F{}", self.id) };
        said(&id, SEVERITIES[self.severity], FILES[self.file], &format!("message {}", self.message))
    }
}

/// A finding of the model: what it is now, and at which review it was closed.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Known {
    says: (usize, usize, usize),
    closed: Option<(usize, ClosedAs)>,
}

/// The model: findings by number, and which files changed before which review.
#[derive(Default)]
struct Model {
    known: BTreeMap<u32, Known>,
    changes: Vec<Vec<usize>>,
}

impl Model {
    /// Whether the file differs between the review before `review` and the last one.
    fn changed_from(&self, review: usize, file: usize) -> bool {
        let later = self.changes.get(review..).unwrap_or_default();
        later
            .iter()
            .any(|files| if FILES[file].is_empty() { !files.is_empty() } else { files.contains(&file) })
    }

    /// What a report comes to: which findings it closes, and which it repeats for nothing.
    fn review(
        &mut self,
        approves: bool,
        says: &[Says],
        changes: &[usize],
    ) -> (Vec<(u32, ClosedAs)>, Vec<u32>) {
        self.changes.push(changes.to_vec());
        let now = self.changes.len();
        let before = self.known.clone();
        let mut spoken: Vec<(u32, &Says)> = Vec::new();
        let mut ignored = Vec::new();
        for (place, said) in says.iter().enumerate() {
            let is_free = |id: u32| spoken.iter().all(|(other, _)| *other != id);
            let by_id = Some(said.id).filter(|id| self.known.contains_key(id) && is_free(*id));
            let same = |other: &&Says| {
                (other.severity, other.file, other.message) == (said.severity, said.file, said.message)
            };
            if by_id.is_none() && says.iter().take(place).any(|other| same(&other)) {
                continue;
            }
            let mut alike: Vec<(bool, u32)> = self
                .known
                .iter()
                .filter(|(id, known)| {
                    is_free(**id) && (known.says.1, known.says.2) == (said.file, said.message)
                })
                .map(|(id, known)| (known.closed.is_none(), *id))
                .collect();
            alike.sort_unstable();
            let id = by_id
                .or_else(|| alike.last().map(|(_, id)| *id))
                .unwrap_or_else(|| self.known.keys().max().copied().unwrap_or(0) + 1);
            spoken.push((id, said));
            let closed_at = self.known.get(&id).and_then(|known| known.closed).map(|(at, _)| at);
            let is_stale = closed_at.is_some_and(|at| {
                !self.changed_from(at, self.known.get(&id).map_or(0, |known| known.says.1))
            });
            if is_stale {
                ignored.push(id);
                continue;
            }
            // A repetition without a file says nothing about the place.
            let place = before.get(&id).map(|known| known.says.1).filter(|_| FILES[said.file].is_empty());
            let says = (said.severity, place.unwrap_or(said.file), said.message);
            self.known.insert(id, Known { says, closed: None });
        }
        let mut closed = Vec::new();
        for (id, _) in before.iter().filter(|(_, known)| known.closed.is_none()) {
            if approves || spoken.iter().all(|(other, _)| other != id) {
                let file = self.known.get(id).map_or(0, |known| known.says.1);
                let how =
                    if self.changed_from(now - 1, file) { ClosedAs::Fixed } else { ClosedAs::Withdrawn };
                closed.push((*id, how));
                self.close(*id, how);
            }
        }
        (closed, ignored)
    }

    fn accept(&mut self) -> Vec<(u32, ClosedAs)> {
        let open: Vec<u32> =
            self.known.iter().filter(|(_, known)| known.closed.is_none()).map(|(id, _)| *id).collect();
        open.iter().for_each(|id| self.close(*id, ClosedAs::Accepted));
        open.into_iter().map(|id| (id, ClosedAs::Accepted)).collect()
    }

    fn close(&mut self, id: u32, how: ClosedAs) {
        let now = self.changes.len();
        if let Some(known) = self.known.get_mut(&id) {
            known.closed = Some((now, how));
        }
    }

    fn open(&self) -> Vec<ReportedFinding> {
        let open = self.known.iter().filter(|(_, known)| known.closed.is_none());
        open.map(|(id, known)| {
            let (severity, file, message) = known.says;
            Says { id: *id, severity, file, message }.finding()
        })
        .collect()
    }
}

fn closed(findings: &[ClosedFinding]) -> Vec<(u32, ClosedAs)> {
    findings.iter().map(|finding| (finding.id.0, finding.state)).collect()
}

proptest! {
    #![proptest_config(crate::properties::cases())]

    /// O-15, contract 4.
    #[test]
    fn whatever_reviewers_report_the_ledger_stands_as_its_rules_say(
        story in prop::collection::vec(happens(), 0..14),
        force_on in prop::sample::select(&SEVERITIES[..]),
    ) {
        let (mut ledger, mut model) = (Ledger::default(), Model::default());
        for happens in &story {
            match happens {
                Happens::Accepts => prop_assert_eq!(closed(&ledger.accept()), model.accept()),
                Happens::Review { approves, says, changes } => {
                    let findings: Vec<_> = says.iter().map(Says::finding).collect();
                    let verdict = if *approves { Verdict::Approve } else { Verdict::RequestChanges };
                    let files: Vec<&str> = changes.iter().map(|file| FILES[*file]).collect();
                    let reviewed = ledger.take(&report(verdict, findings), &changed(&files), force_on);
                    let (now_closed, ignored) = model.review(*approves, says, changes);
                    prop_assert_eq!(closed(&reviewed.closed), now_closed);
                    let ids: Vec<_> = ignored.iter().map(|id| Some(format!("F{id}"))).collect();
                    let found: Vec<_> = reviewed.ignored.iter().map(|finding| finding.id.clone()).collect();
                    prop_assert_eq!(found, ids);
                    let is_forced = model.open().iter().any(|finding| finding.severity >= force_on);
                    let forced = !*approves && is_forced;
                    prop_assert_eq!(reviewed.verdict == Verdict::RequestChanges, forced);
                }
            }
            prop_assert_eq!(ledger.open(), model.open());
            prop_assert_eq!(ledger.open().len() + ledger.closed().len(), model.known.len());
        }
    }
}
