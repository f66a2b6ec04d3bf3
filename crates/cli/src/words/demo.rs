//! What the demo says about itself.

use super::Language;

impl Language {
    /// What is real in the demo and what is not.
    pub(crate) const fn demo_opening(self) -> &'static str {
        self.pick(
            "Demo: only the model's words are scripted. The files, the commands, the tests, the checks and the commit are real.",
            "데모: 모델의 말만 미리 준비되어 있습니다. 파일, 명령, 테스트, 검증, 커밋은 모두 실제로 실행됩니다.",
        )
    }

    /// Heading of the diff.
    pub(crate) const fn demo_diff(self) -> &'static str {
        self.pick("What changed", "변경 내용")
    }

    /// Heading of the evidence.
    pub(crate) const fn demo_evidence(self) -> &'static str {
        self.pick("What the engine saw", "엔진이 확인한 것")
    }

    /// Heading of the places.
    pub(crate) const fn demo_places(self) -> &'static str {
        self.pick("Where everything lies", "파일 위치")
    }

    /// Label of the repository.
    pub(crate) const fn demo_repository(self) -> &'static str {
        self.pick("repository", "저장소")
    }

    /// Label of the session's record.
    pub(crate) const fn demo_record(self) -> &'static str {
        self.pick("record", "기록")
    }

    /// Label of the journal.
    pub(crate) const fn demo_journal(self) -> &'static str {
        self.pick("journal", "저널")
    }

    /// Heading of the next commands.
    pub(crate) const fn demo_next(self) -> &'static str {
        self.pick("Try next", "다음으로 해 볼 것")
    }

    /// What stands for the person's task in a command.
    pub(crate) const fn demo_your_task(self) -> &'static str {
        self.pick("your task", "할 일")
    }

    /// What stands for the person's project in a command.
    pub(crate) const fn demo_your_project(self) -> &'static str {
        self.pick("path/to/your/project", "내/프로젝트/경로")
    }
}
