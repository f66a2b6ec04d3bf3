//! Reviews of one subject, counted. The subject is all changes since the last approval, whoever reviews.

use crate::report::{ReportedFinding, ReviewerReport, Severity, Verdict};

/// Which review of a subject it is. A later cycle exists only within the limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReviewCycle {
    number: u32,
    limit: u32,
}

impl ReviewCycle {
    /// The first review of a subject. A limit of 0 counts as 1.
    #[must_use]
    pub fn first(limit: u32) -> Self {
        Self { number: 1, limit: limit.max(1) }
    }

    /// The next review of the same subject, where the limit allows one.
    #[must_use]
    pub fn next(self) -> Option<Self> {
        (!self.is_last()).then_some(Self { number: self.number + 1, ..self })
    }

    /// Whether the limit allows no further review.
    #[must_use]
    pub const fn is_last(self) -> bool {
        self.number >= self.limit
    }

    /// From 1.
    #[must_use]
    pub const fn number(self) -> u32 {
        self.number
    }

    /// How many there may be.
    #[must_use]
    pub const fn limit(self) -> u32 {
        self.limit
    }
}

/// The least severity that forces another cycle (`review.force_on`).
const FORCED_BY: Severity = Severity::Critical;

/// What a report counts as: changes that no finding forces are no reason for another cycle (contract 4).
#[must_use]
pub fn effective_verdict(report: &ReviewerReport) -> Verdict {
    let is_forced = report.findings.iter().any(|finding| finding.severity >= FORCED_BY);
    match report.verdict {
        Verdict::RequestChanges if is_forced => Verdict::RequestChanges,
        Verdict::RequestChanges | Verdict::Approve => Verdict::Approve,
    }
}

/// The findings with the engine's ids: one that repeats a known id keeps it, the others get new ones (`F1`, `F2`, ...).
/// No two of them share one: where a report repeats an id twice, the first keeps it.
#[must_use]
pub fn with_ids(findings: &[ReportedFinding], next: &mut u32) -> Vec<ReportedFinding> {
    let known = 1..*next;
    let is_known = |id: &String| {
        let number = id.strip_prefix('F').and_then(|number| number.parse::<u32>().ok());
        number.is_some_and(|number| known.contains(&number) && *id == format!("F{number}"))
    };
    let mut named: Vec<ReportedFinding> = Vec::with_capacity(findings.len());
    for finding in findings {
        let is_taken = |id: &String| named.iter().any(|other| other.id.as_ref() == Some(id));
        let repeated = finding.id.clone().filter(|id| is_known(id) && !is_taken(id));
        let id = repeated.unwrap_or_else(|| {
            let id = format!("F{next}");
            *next += 1;
            id
        });
        named.push(ReportedFinding { id: Some(id), ..finding.clone() });
    }
    named
}

#[cfg(test)]
mod tests {
    use super::*;

    /// O-15: there is no way to a fourth cycle.
    #[test]
    fn a_later_cycle_exists_only_within_the_limit() {
        for (limit, expected) in [(0, vec![1]), (1, vec![1]), (3, vec![1, 2, 3])] {
            let cycles = std::iter::successors(Some(ReviewCycle::first(limit)), |cycle| cycle.next()).take(9);
            let numbers: Vec<u32> = cycles.map(ReviewCycle::number).collect();
            assert_eq!(numbers, expected);
        }
    }
}
