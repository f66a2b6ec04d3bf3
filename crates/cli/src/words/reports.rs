//! The words of reports, reviews and evidence.

use domain::{
    report::{GeneralStatus, Severity, Verdict},
    review::{ClosedAs, ReviewOption},
};

use super::Language;

impl Language {
    /// Label of a report.
    pub(crate) const fn report(self) -> &'static str {
        self.pick("report", "보고")
    }

    /// Label of observed files.
    pub(crate) const fn files_changed(self) -> &'static str {
        self.pick("changed", "변경된 파일")
    }

    /// Label of an observed command.
    pub(crate) const fn command_ran(self) -> &'static str {
        self.pick("ran", "실행")
    }

    /// Why evidence may be incomplete.
    pub(crate) fn partial_evidence(self, why: &str) -> String {
        let why = self.detail(why);
        match self {
            Self::English => format!("the list of files may be incomplete: {why}"),
            Self::Korean => format!("파일 목록이 불완전할 수 있습니다: {why}"),
        }
    }

    /// A claim that does not hold.
    pub(crate) fn refuted(self, claim: &str) -> String {
        let claim = self.detail(claim);
        match self {
            Self::English => format!("NOT TRUE: {claim}"),
            Self::Korean => format!("사실이 아님: {claim}"),
        }
    }

    /// A claim that could not be checked.
    pub(crate) fn unverified(self, claim: &str) -> String {
        let claim = self.detail(claim);
        match self {
            Self::English => format!("not verified: {claim}"),
            Self::Korean => format!("확인되지 않음: {claim}"),
        }
    }

    /// A verdict.
    pub(crate) const fn verdict(self, verdict: Verdict) -> &'static str {
        match verdict {
            Verdict::Approve => self.pick("approved", "승인"),
            Verdict::RequestChanges => self.pick("changes requested", "변경 요청"),
        }
    }

    /// How bad a finding is.
    pub(crate) const fn severity(self, severity: Severity) -> &'static str {
        match severity {
            Severity::Info => self.pick("info", "참고"),
            Severity::Warning => self.pick("warning", "경고"),
            Severity::Critical => self.pick("critical", "심각"),
        }
    }

    /// An open finding, by how bad it is.
    pub(crate) fn open_finding(self, severity: Severity) -> String {
        let severity = self.severity(severity);
        match self {
            Self::English => format!("open, {severity}:"),
            Self::Korean => format!("미해결, {severity}:"),
        }
    }

    /// How findings were settled.
    pub(crate) const fn closed_as(self, how: ClosedAs) -> &'static str {
        match how {
            ClosedAs::Fixed => self.pick("fixed", "해결"),
            ClosedAs::Accepted => self.pick("accepted as it is", "그대로 수용"),
            ClosedAs::Withdrawn => self.pick("withdrawn", "철회"),
        }
    }

    /// A way on where reviews do not converge.
    pub(crate) const fn review_option(self, option: ReviewOption) -> &'static str {
        match option {
            ReviewOption::OneMore => self.pick(option.text(), "리뷰 한 번 더"),
            ReviewOption::Guidance => self.pick(option.text(), "방향 제시"),
            ReviewOption::Accept => self.pick(option.text(), "그대로 수용"),
            ReviewOption::Stop => self.pick(option.text(), "중지"),
        }
    }

    /// Label of settled findings that a reviewer said again.
    pub(crate) const fn ignored_findings(self) -> &'static str {
        self.pick(
            "said again without a change to the file, ignored",
            "파일이 바뀌지 않았는데 다시 지적해 무시함",
        )
    }

    /// What a tester says about the tests.
    pub(crate) const fn tests_claimed(self, passed: bool) -> &'static str {
        if passed {
            self.pick("tests passed", "테스트 통과")
        } else {
            self.pick("tests failed", "테스트 실패")
        }
    }

    /// How far a general worker says it came.
    pub(crate) const fn general_status(self, status: GeneralStatus) -> &'static str {
        match status {
            GeneralStatus::Success => self.pick("done", "완료"),
            GeneralStatus::Partial => self.pick("partly done", "일부 완료"),
            GeneralStatus::Failure => self.pick("not done", "미완료"),
        }
    }

    /// Label of a commit.
    pub(crate) const fn commit(self) -> &'static str {
        self.pick("commit", "커밋")
    }

    /// A review cycle (spec O-15).
    pub(crate) fn review_cycle(self, cycle: u32, limit: u32, verdict: Verdict) -> String {
        let verdict = self.verdict(verdict);
        match self {
            Self::English => format!("Review cycle {cycle}/{limit}: {verdict}"),
            Self::Korean => format!("Review 사이클 {cycle}/{limit}: {verdict}"),
        }
    }

    /// What the engine saw of the tests.
    pub(crate) const fn tests_observed(self, passed: Option<bool>) -> &'static str {
        match passed {
            Some(true) => self.pick("tests passed in the final state", "최종 상태에서 테스트 통과"),
            Some(false) => self.pick("tests failed in the final state", "최종 상태에서 테스트 실패"),
            None => self.pick("no test run shows the final state", "최종 상태를 보여 주는 테스트 실행 없음"),
        }
    }

    /// Whether every claim held.
    pub(crate) const fn verified(self, verified: bool) -> &'static str {
        if verified {
            self.pick("every claim was checked and holds", "모든 주장을 확인했고 사실입니다")
        } else {
            self.pick("not every claim is verified", "확인되지 않은 주장이 있습니다")
        }
    }

    /// No file differs.
    pub(crate) const fn nothing_changed(self) -> &'static str {
        self.pick("no file changed", "변경된 파일 없음")
    }
}
