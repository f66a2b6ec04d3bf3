//! What is said where this program itself cannot go on: input, output, the runtime, what could not be saved.

use domain::outcome::Signal;

use super::Language;
use crate::input::InputError;

/// What a notice says of a pipe that holds data and was not named (contract 1). English, as all events.
pub(crate) const UNREAD_INPUT: &str =
    "standard input holds data that was not read; `--context -` adds it to the task";

impl Language {
    /// The asynchronous runtime did not start.
    pub(crate) const fn no_runtime(self) -> &'static str {
        self.pick("the program could not start its runtime", "프로그램의 런타임을 시작할 수 없습니다")
    }

    /// Standard output takes nothing any more, though somebody reads it.
    pub(crate) const fn unwritable_output(self) -> &'static str {
        self.pick("standard output cannot be written", "표준 출력에 쓸 수 없습니다")
    }

    /// What to do about that.
    pub(crate) const fn unwritable_output_hint(self) -> &'static str {
        self.pick(
            "check the disk, or where the output is sent to",
            "디스크 공간과 출력을 보내는 곳을 확인하세요",
        )
    }

    /// Signals cannot be listened to, or the session ended before its round began.
    pub(crate) const fn internal(self) -> &'static str {
        self.pick(
            "better-llm itself failed before the round began",
            "라운드를 시작하기 전에 better-llm 자체에 오류가 발생했습니다",
        )
    }

    /// A signal came before the round began.
    pub(crate) fn signalled(self, signal: Signal) -> String {
        let name = match signal {
            Signal::Interrupt => "Ctrl+C, SIGINT",
            Signal::Terminate => "SIGTERM",
            Signal::HangUp => self.pick("the terminal went away, SIGHUP", "터미널 연결 끊김, SIGHUP"),
        };
        match self {
            Self::English => format!("ended before the round began ({name})"),
            Self::Korean => format!("라운드를 시작하기 전에 종료되었습니다 ({name})"),
        }
    }

    /// What to do about that.
    pub(crate) const fn signalled_hint(self) -> &'static str {
        self.pick("nothing was done; run it again", "아무 작업도 하지 않았습니다. 다시 실행하세요")
    }

    /// What to do about that.
    pub(crate) const fn internal_hint(self) -> &'static str {
        self.pick(
            "this is our fault; try again, and please report it if it stays",
            "저희 잘못입니다. 다시 시도해 보고, 계속되면 알려 주세요",
        )
    }

    /// The demo's folder cannot be made.
    pub(crate) const fn no_demo_folder(self) -> &'static str {
        self.pick("cannot make a temporary folder for the demo", "데모에 쓸 임시 폴더를 만들 수 없습니다")
    }

    /// What to do about that.
    pub(crate) const fn no_demo_folder_hint(self) -> &'static str {
        self.pick(
            "check that TMPDIR names a folder that you may write",
            "TMPDIR이 쓸 수 있는 폴더인지 확인하세요",
        )
    }

    /// The session's record or journal is not complete.
    pub(crate) fn unsaved(self, why: &str) -> String {
        let hint = self.unsaved_hint(why);
        match self {
            Self::English => format!("the session could not be saved: {why}\n  → {hint}"),
            Self::Korean => format!("세션을 저장하지 못했습니다: {why}\n  → {hint}"),
        }
    }

    /// What to do about that, as far as the system's own words for it are known.
    fn unsaved_hint(self, why: &str) -> &'static str {
        let says = |words: &[&str]| words.iter().any(|words| why.contains(words));
        if says(&["disk is full", "No space left", "Disk quota exceeded"]) {
            return self.pick(
                "the disk is full: free some space, then run it again",
                "디스크가 가득 찼습니다. 공간을 확보한 뒤 다시 실행하세요",
            );
        }
        if says(&["readonly database", "Read-only file system", "Permission denied"]) {
            return self.pick(
                "the data folder cannot be written (`better-llm-cli config paths` names it): make it writable, or set BETTER_LLM_HOME \
                 to another folder",
                "데이터 폴더에 쓸 수 없습니다 (위치: `better-llm-cli config paths`). 쓰기 권한을 주거나 BETTER_LLM_HOME을 다른 \
                 폴더로 지정하세요",
            );
        }
        self.pick(
            "check the disk and the data folder (`better-llm-cli config paths` names it)",
            "디스크와 데이터 폴더를 확인하세요 (위치: `better-llm-cli config paths`)",
        )
    }

    /// The events of a session cannot be followed any more.
    pub(crate) fn unfollowed(self, why: &str) -> String {
        match self {
            Self::English => format!("the session cannot be followed any more, so it is cancelled: {why}"),
            Self::Korean => format!("세션을 더 이상 따라갈 수 없어 취소합니다: {why}"),
        }
    }

    /// What to do about a text that cannot be used.
    pub(crate) const fn input_hint(self, error: &InputError) -> &'static str {
        match error {
            InputError::Read { .. } => {
                self.pick("check the name and who may read it", "이름과 읽기 권한을 확인하세요")
            }
            InputError::TooLong { .. } => self.pick(
                "give the part that matters, or let the team read the file in the workspace",
                "필요한 부분만 전달하거나, 작업 폴더에 두고 팀이 읽게 하세요",
            ),
            InputError::NotText { .. } => self.pick("save it as UTF-8", "UTF-8로 저장하세요"),
            InputError::NoTask => self.pick(
                "say what is to be done: `echo \"your task\" | better-llm-cli -`",
                "할 일을 적어 주세요: `echo \"할 일\" | better-llm-cli -`",
            ),
        }
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
