//! Contract 4, "Review ledger", sentence by sentence.

use super::*;

const BAD: Severity = Severity::Critical;

/// A ledger under review: each line of a test is one report and what came of it.
#[derive(Default)]
struct Reviews {
    ledger: Ledger,
    force_on: Option<Severity>,
}

impl Reviews {
    /// Takes a report after `files` changed; compares what came of it, as `verdict open [..] closed [..] ignored [..]`.
    #[track_caller]
    fn check(
        &mut self,
        files: &ChangedFiles,
        verdict: Verdict,
        findings: &[ReportedFinding],
        expected: &str,
    ) {
        let force_on = self.force_on.unwrap_or(Severity::Critical);
        let reviewed = self.ledger.take(&report(verdict, findings.to_vec()), files, force_on);
        let ids = |findings: &[ReportedFinding]| {
            findings.iter().filter_map(|finding| finding.id.clone()).collect::<Vec<_>>().join(" ")
        };
        let closed: Vec<String> =
            reviewed.closed.iter().map(|closed| format!("{}:{}", closed.id, closed.state.as_str())).collect();
        let word = match reviewed.verdict {
            Verdict::Approve => "approve",
            Verdict::RequestChanges => "changes",
        };
        let found = format!(
            "{word} open [{}] closed [{}] ignored [{}]",
            ids(&self.ledger.open()),
            closed.join(" "),
            ids(&reviewed.ignored)
        );
        assert_eq!(found, expected);
    }

    #[track_caller]
    fn asks(&mut self, files: &[&str], findings: &[ReportedFinding], expected: &str) {
        self.check(&changed(files), Verdict::RequestChanges, findings, expected);
    }

    #[track_caller]
    fn approves(&mut self, files: &[&str], findings: &[ReportedFinding], expected: &str) {
        self.check(&changed(files), Verdict::Approve, findings, expected);
    }
}

#[test]
fn ids_are_the_engines_whatever_a_report_calls_its_findings() {
    let mut reviews = Reviews::default();
    let names = ["", "F7", "mine", "F01", "F0"];
    let findings: Vec<_> = names.iter().map(|id| said(id, BAD, "a.rs", &format!("finding `{id}`"))).collect();
    reviews.asks(&[], &findings, "changes open [F1 F2 F3 F4 F5] closed [] ignored []");
}

#[test]
fn an_open_finding_whose_id_is_repeated_stays_open_in_its_newest_words() {
    let mut reviews = Reviews::default();
    reviews.asks(&[], &[said("", BAD, "a.rs", "빠진 검사")], "changes open [F1] closed [] ignored []");
    let now = ReportedFinding { line: Some(40), ..said("F1", Severity::Warning, "b.rs", "아직 반만") };
    reviews.asks(&["a.rs"], std::slice::from_ref(&now), "approve open [F1] closed [] ignored []");
    assert_eq!(reviews.ledger.open(), std::slice::from_ref(&now));
    // What a repetition leaves out stays.
    let short = ReportedFinding { line: Some(41), ..said("F1", BAD, "", " ") };
    reviews.asks(&[], &[short], "changes open [F1] closed [] ignored []");
    assert_eq!(reviews.ledger.open(), [ReportedFinding { line: Some(41), severity: BAD, ..now }]);
}

#[test]
fn an_open_finding_that_is_not_repeated_is_fixed_if_its_file_changed_and_else_withdrawn() {
    let mut reviews = Reviews::default();
    let findings = [
        said("", BAD, "a.rs", "1"),
        said("", BAD, "b.rs", "2"),
        said("", BAD, "", "3"),
        said("", BAD, "src", "4"),
    ];
    reviews.asks(&[], &findings, "changes open [F1 F2 F3 F4] closed [] ignored []");
    reviews.asks(
        &["a.rs", "src/deep/c.rs"],
        &[],
        "approve open [] closed [F1:fixed F2:withdrawn F3:fixed F4:fixed] ignored []",
    );
}

#[test]
fn a_finding_without_a_file_is_withdrawn_only_where_nothing_changed() {
    let mut reviews = Reviews::default();
    reviews.asks(&[], &[said("", BAD, "", "no tests")], "changes open [F1] closed [] ignored []");
    reviews.asks(&[], &[], "approve open [] closed [F1:withdrawn] ignored []");
}

#[test]
fn an_approval_settles_what_was_open_even_where_it_repeats_it() {
    let mut reviews = Reviews::default();
    let findings = [said("", BAD, "a.rs", "1"), said("", BAD, "b.rs", "2")];
    reviews.asks(&[], &findings, "changes open [F1 F2] closed [] ignored []");
    let again = [said("F1", Severity::Info, "a.rs", "1"), said("F2", Severity::Info, "b.rs", "2")];
    reviews.approves(&["a.rs"], &again, "approve open [] closed [F1:fixed F2:withdrawn] ignored []");
}

/// A new remark beside an approval is nobody's task, and it is not lost.
#[test]
fn what_stands_beside_an_approval_stays_open_as_a_remark() {
    let mut reviews = Reviews::default();
    reviews.approves(
        &[],
        &[said("", Severity::Info, "a.rs", "긴 이름")],
        "approve open [F1] closed [] ignored []",
    );
    assert_eq!(reviews.ledger.forcing(Severity::Warning).count(), 0);
    reviews.asks(&[], &[said("", BAD, "b.rs", "2")], "changes open [F2] closed [F1:withdrawn] ignored []");
}

#[test]
fn a_settled_id_opens_again_only_after_its_file_changed() {
    let mut reviews = Reviews::default();
    let again = || [said("F1", BAD, "a.rs", "still there")];
    reviews.asks(&[], &[said("", BAD, "a.rs", "1")], "changes open [F1] closed [] ignored []");
    reviews.asks(&["a.rs"], &[], "approve open [] closed [F1:fixed] ignored []");
    reviews.asks(&[], &again(), "approve open [] closed [] ignored [F1]");
    reviews.asks(&["b.rs"], &again(), "approve open [] closed [] ignored [F1]");
    reviews.asks(&["a.rs"], &again(), "changes open [F1] closed [] ignored []");
    // The change may lie some reviews back.
    reviews.approves(&[], &[], "approve open [] closed [F1:withdrawn] ignored []");
    reviews.asks(&["a.rs"], &[], "approve open [] closed [] ignored []");
    reviews.asks(&[], &again(), "changes open [F1] closed [] ignored []");
}

#[test]
fn what_a_person_accepted_opens_again_only_after_its_file_changed() {
    let mut reviews = Reviews::default();
    reviews.asks(&[], &[said("", BAD, "a.rs", "1")], "changes open [F1] closed [] ignored []");
    let accepted = reviews.ledger.accept();
    assert_eq!(accepted, [ClosedFinding { id: FindingId(1), state: ClosedAs::Accepted }]);
    assert_eq!(reviews.ledger.open(), []);
    let again = || [said("F1", BAD, "a.rs", "1")];
    reviews.asks(&["b.rs"], &again(), "approve open [] closed [] ignored [F1]");
    reviews.asks(&["a.rs"], &again(), "changes open [F1] closed [] ignored []");
}

/// Leaving the id out is no way round the rule.
#[test]
fn a_finding_of_the_same_file_and_message_is_the_same_finding() {
    let mut reviews = Reviews::default();
    reviews.asks(
        &[],
        &[said("", BAD, "src/합계.rs", "음수를  더한다")],
        "changes open [F1] closed [] ignored []",
    );
    let spelled = [
        said("", BAD, "./src/합계.rs", "음수를 더한다"),
        said("F9", BAD, "/project/src/합계.rs", " 음수를\n더한다 "),
        // The same syllables in parts, as some file systems keep them.
        said("", BAD, "src/\u{1112}\u{1161}\u{11b8}\u{1100}\u{1168}.rs", "음수를 더한다"),
    ];
    for again in &spelled {
        reviews.asks(&[], std::slice::from_ref(again), "changes open [F1] closed [] ignored []");
    }
    reviews.asks(&["src/합계.rs"], &[], "approve open [] closed [F1:fixed] ignored []");
    for again in &spelled {
        reviews.asks(&[], std::slice::from_ref(again), "approve open [] closed [] ignored [F1]");
    }
    reviews.asks(
        &[],
        &[said("", BAD, "src/b.rs", "음수를 더한다")],
        "changes open [F2] closed [] ignored []",
    );
}

#[test]
fn what_a_report_says_twice_counts_once_and_two_places_are_two_findings() {
    let mut reviews = Reviews::default();
    let at = |line, id| ReportedFinding { line: Some(line), ..said(id, BAD, "a.rs", "unchecked") };
    reviews.asks(&[], &[at(3, ""), at(3, ""), at(30, "")], "changes open [F1 F2] closed [] ignored []");
    reviews.asks(&["a.rs"], &[at(3, "F1"), at(3, "F1")], "changes open [F1] closed [F2:fixed] ignored []");
    reviews.asks(&[], &[at(3, "F1"), at(5, "F1")], "changes open [F1] closed [] ignored [F2]");
}

/// O-15, `review.force_on`.
#[test]
fn only_what_is_bad_enough_forces_another_review() {
    for (force_on, forced_by) in [
        (Severity::Critical, &[Severity::Critical][..]),
        (Severity::Warning, &[Severity::Warning, Severity::Critical]),
        (Severity::Info, &[Severity::Info, Severity::Warning, Severity::Critical]),
    ] {
        for severity in [Severity::Info, Severity::Warning, Severity::Critical] {
            let mut reviews = Reviews { force_on: Some(force_on), ..Reviews::default() };
            let verdict = if forced_by.contains(&severity) { "changes" } else { "approve" };
            let expected = format!("{verdict} open [F1] closed [] ignored []");
            reviews.asks(&[], &[said("", severity, "a.rs", "1")], &expected);
            let mut reviews = Reviews { force_on: Some(force_on), ..Reviews::default() };
            reviews.approves(
                &[],
                &[said("", severity, "a.rs", "1")],
                "approve open [F1] closed [] ignored []",
            );
        }
    }
}

#[test]
fn what_nobody_could_see_counts_as_changed() {
    let partial = Changes { files: Vec::new(), partial: Some("too many files".to_owned()) };
    let unseen = [
        ChangedFiles::unknown(ROOT),
        ChangedFiles::seen(ROOT, &partial),
        changed(&[]).and_overlooked(&["/project/a.rs".to_owned()]),
    ];
    for unseen in unseen {
        let mut reviews = Reviews::default();
        reviews.asks(&[], &[said("", BAD, "a.rs", "1")], "changes open [F1] closed [] ignored []");
        reviews.check(&unseen, Verdict::RequestChanges, &[], "approve open [] closed [F1:fixed] ignored []");
        let again = [said("F1", BAD, "a.rs", "1")];
        reviews.check(&unseen, Verdict::RequestChanges, &again, "changes open [F1] closed [] ignored []");
    }
}

#[test]
fn the_ledger_forgets_the_oldest_of_very_many_settled_findings() {
    let mut reviews = Reviews::default();
    let many: Vec<_> = (0..1_100).map(|n| said("", BAD, "a.rs", &format!("number {n}"))).collect();
    reviews.ledger.take(&report(Verdict::RequestChanges, many), &changed(&[]), BAD);
    reviews.ledger.take(&report(Verdict::Approve, Vec::new()), &changed(&[]), BAD);
    assert_eq!(reviews.ledger.closed().len(), 1_000);
    let both = [said("F100", BAD, "a.rs", "number 99"), said("F101", BAD, "a.rs", "number 100")];
    reviews.asks(&[], &both, "changes open [F1101] closed [] ignored [F101]");
}

#[test]
fn an_answer_is_an_option_by_its_text_or_number_and_else_guidance() {
    for (option, answers) in ReviewOption::ALL.into_iter().zip([
        ["one more review", " 1\n", ""],
        ["guidance", "2", "Guidance"],
        ["accept as it is", "3", "ACCEPT AS IT IS"],
        ["stop", "4", " stop "],
    ]) {
        for answer in answers {
            assert_eq!(ReviewDecision::read(answer), ReviewDecision::Chosen(option), "{answer:?}");
        }
    }
    for words in ["5", "음수만 거르면 됩니다", "stop adding tests", "1."] {
        assert_eq!(ReviewDecision::read(&format!(" {words} ")), ReviewDecision::Guided(words.to_owned()));
    }
}

/// O-15: there is no way to a fourth cycle, but that a person opens it.
#[test]
fn a_later_cycle_exists_only_within_the_limit() {
    let numbers = |first: ReviewCycle| -> Vec<u32> {
        std::iter::successors(Some(first), |cycle| cycle.next()).take(9).map(ReviewCycle::number).collect()
    };
    for (limit, expected) in [(0, vec![1]), (1, vec![1]), (3, vec![1, 2, 3])] {
        assert_eq!(numbers(ReviewCycle::first(limit)), expected);
    }
    let last = ReviewCycle::first(1);
    assert_eq!(last.next(), None);
    assert_eq!(numbers(last.with_one_more()), [1, 2]);
}
