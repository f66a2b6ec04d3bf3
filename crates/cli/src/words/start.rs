//! What is said where no round began, about input that cannot be read, and about standard input nobody asked for.

use super::Language;

impl Language {
    /// What to do about a failure before the round, by the exit code of contract 2; none where nothing general
    /// helps.
    pub(crate) const fn start_hint(self, exit_code: u8) -> Option<&'static str> {
        let hint = match exit_code {
            2 => self.pick("`better-llm-cli --help` shows what there is", "사용법: `better-llm-cli --help`"),
            3 => self.pick(
                "`better-llm-cli config check` checks every file, `config paths` says where they lie",
                "`better-llm-cli config check`로 모든 설정 파일을 검사하고, `config paths`로 위치를 볼 수 있습니다",
            ),
            4 => self.pick(
                "set ANTHROPIC_API_KEY in the environment or in `.env`, or try `better-llm-cli demo`, which needs no key",
                "환경 변수나 `.env`에 ANTHROPIC_API_KEY를 설정하거나, 키가 필요 없는 `better-llm-cli demo`를 실행해 보세요",
            ),
            _ => return None,
        };
        Some(hint)
    }

    /// The asynchronous runtime did not start.
    pub(crate) const fn no_runtime(self) -> &'static str {
        self.pick("the program could not start its runtime", "프로그램의 런타임을 시작할 수 없습니다")
    }

    /// Standard output takes nothing any more, though somebody reads it.
    pub(crate) const fn unwritable_output(self) -> &'static str {
        self.pick("standard output cannot be written", "표준 출력에 쓸 수 없습니다")
    }

    /// A pipe that holds data was not named.
    pub(crate) const fn unread_input(self) -> &'static str {
        self.pick(
            "standard input holds data that was not read; `--context -` adds it to the task",
            "표준 입력에 읽지 않은 데이터가 있습니다. `--context -`로 작업에 추가할 수 있습니다",
        )
    }

    /// A file or standard input could not be read.
    pub(crate) fn unreadable_input(self, name: &str) -> String {
        match (self, name) {
            (Self::English, "-") => "standard input cannot be read".to_owned(),
            (Self::Korean, "-") => "표준 입력을 읽을 수 없습니다".to_owned(),
            (Self::English, _) => format!("`{name}` cannot be read"),
            (Self::Korean, _) => format!("`{name}`: 읽을 수 없습니다"),
        }
    }

    /// A file or standard input holds something else than text.
    pub(crate) fn input_not_text(self, name: &str) -> String {
        match self {
            Self::English => format!("`{name}` is not UTF-8 text"),
            Self::Korean => format!("`{name}`: UTF-8 텍스트가 아닙니다"),
        }
    }

    /// A file or standard input holds too much.
    pub(crate) fn input_too_long(self, name: &str, most_bytes: u64) -> String {
        match self {
            Self::English => format!("`{name}` is longer than {most_bytes} bytes"),
            Self::Korean => format!("`{name}`: {most_bytes}바이트보다 깁니다"),
        }
    }
}
