//! A finding of `domain::review::Ledger`.

use better_llm_tests::machine::{Dice, Machine, check_diagram};
use domain::{
    report::{ReportedFinding, ReviewerReport, Severity, Verdict},
    review::{ChangedFiles, Ledger},
    workspace::{ChangeKind, Changes, FileChange},
};

/// The one finding that a ledger begins with.
struct Driven {
    ledger: Ledger,
    /// Its file changed since it was closed.
    has_changed: bool,
}

const FILE: &str = "합계.sh";

fn said(id: Option<&str>) -> ReportedFinding {
    ReportedFinding {
        id: id.map(str::to_owned),
        severity: Severity::Critical,
        file: Some(FILE.to_owned()),
        line: None,
        message: "틀렸다".to_owned(),
    }
}

fn changed(is_changed: bool) -> ChangedFiles {
    let file = FileChange { path: FILE.to_owned(), kind: ChangeKind::Modified };
    let files = if is_changed { vec![file] } else { Vec::new() };
    ChangedFiles::seen("/w", &Changes { files, partial: None })
}

impl Driven {
    fn begin(_: &mut Dice) -> Self {
        let mut ledger = Ledger::default();
        let findings = vec![said(None)];
        let report = ReviewerReport { summary: String::new(), verdict: Verdict::RequestChanges, findings };
        ledger.take(&report, &changed(false), Severity::Critical);
        Self { ledger, has_changed: false }
    }
}

const KINDS: &[&str] = &[
    "repeated",
    "repeated after a change",
    "not repeated",
    "not repeated after a change",
    "approved",
    "approved after a change",
    "accepted by the person",
];

impl Machine for Driven {
    const KINDS: &'static [&'static str] = KINDS;

    fn phase(&self) -> String {
        if !self.ledger.open().is_empty() {
            return "open".to_owned();
        }
        let closed = self.ledger.closed();
        closed.first().map_or("forgotten", |(_, how)| how.as_str()).to_owned()
    }

    fn step(&mut self, dice: &mut Dice) -> (&'static str, bool) {
        let said_so = dice.one_of(&["repeated", "not repeated", "approved", "accepted by the person"]);
        if said_so == "accepted by the person" {
            self.has_changed &= self.ledger.open().is_empty();
            return (said_so, !self.ledger.accept().is_empty());
        }
        let changes_now = dice.coin();
        self.has_changed = changes_now || (self.has_changed && self.ledger.open().is_empty());
        let report = ReviewerReport {
            summary: String::new(),
            verdict: if said_so == "approved" { Verdict::Approve } else { Verdict::RequestChanges },
            findings: if said_so == "repeated" { vec![said(Some("F1"))] } else { Vec::new() },
        };
        let was_open = !self.ledger.open().is_empty();
        self.ledger.take(&report, &changed(changes_now), Severity::Critical);
        let kind = KINDS.iter().find(|kind| match kind.strip_prefix(said_so) {
            Some(rest) => rest.is_empty() != self.has_changed,
            None => false,
        });
        // What it was closed for is no new evidence.
        self.has_changed &= !was_open;
        (kind.expect("each has a word"), false)
    }
}

#[test]
fn a_finding_is_drawn_as_it_is() {
    check_diagram("finding", Driven::begin);
}
