//! What is said of sessions that are there already: those that cannot be found or taken up, and forks.

use better_llm::{SessionError, domain::id::SessionId};

use super::Language;

impl Language {
    /// Why a session cannot be taken up or forked. In English the library's own sentence, ways out included.
    pub(crate) fn session_error(self, error: &SessionError) -> String {
        let Self::Korean = self else { return error.to_string() };
        match error {
            SessionError::Unknown { given } => format!("`{given}` 세션이 없습니다"),
            SessionError::Ambiguous { given, candidates } => {
                let candidates: Vec<_> = candidates.iter().map(SessionId::to_string).collect();
                format!("`{given}`: 이렇게 시작하는 세션이 여럿입니다: {}", candidates.join(", "))
            }
            SessionError::NoneHere { workspace } => {
                format!("{} 폴더에서 작업한 세션이 없습니다", workspace.display())
            }
            SessionError::OtherWorkspace { session, cwd } => {
                format!("세션 {session}: 다른 폴더({cwd})에서 작업했습니다")
            }
            SessionError::AtWork { session, pid: Some(pid) } => {
                format!("세션 {session}: 프로세스 {pid}에서 아직 작업 중입니다")
            }
            SessionError::AtWork { session, pid: None } => {
                format!("세션 {session}: 다른 프로세스에서 아직 작업 중입니다")
            }
            SessionError::Lock { session, .. } => format!("세션 {session}: 잠글 수 없습니다"),
            SessionError::Journal(_) => "저널을 읽거나 쓸 수 없습니다. 원본은 그대로 두었습니다".to_owned(),
        }
    }

    /// What to do about that; empty where the sentence says it.
    pub(crate) fn session_hint(self, error: &SessionError) -> String {
        match (self, error) {
            (_, SessionError::Lock { .. }) => self
                .pick(
                    "check who may write the folder that the cause names, or set BETTER_LLM_HOME to another one",
                    "원인에 나온 폴더의 쓰기 권한을 확인하거나, BETTER_LLM_HOME을 다른 폴더로 지정하세요",
                )
                .to_owned(),
            (_, SessionError::Journal(_)) => self
                .pick(
                    "the file is left as it is; if it is damaged, keep a copy of it and put a backup in its place, or set \
                     BETTER_LLM_HOME to another folder and begin anew (finished records in `data/sessions` stay readable)",
                    "파일은 그대로 두었습니다. 손상되었다면 사본을 보관한 뒤 백업으로 바꾸거나, BETTER_LLM_HOME을 다른 폴더로 \
                     지정해 새로 시작하세요 (`data/sessions`의 완료 기록은 계속 읽을 수 있습니다)",
                )
                .to_owned(),
            (Self::English, _) => String::new(),
            (Self::Korean, SessionError::Unknown { .. }) => {
                "세션 ID는 첫 이벤트와 기록 파일 이름에 있습니다. `--continue`는 작업 폴더의 최근 세션을 이어갑니다".to_owned()
            }
            (Self::Korean, SessionError::Ambiguous { .. }) => "ID를 더 길게 지정하세요".to_owned(),
            (Self::Korean, SessionError::NoneHere { .. }) => {
                "작업을 주어 새로 시작하거나, `--cwd`로 다른 폴더를 지정하세요".to_owned()
            }
            (Self::Korean, SessionError::OtherWorkspace { cwd, .. }) => {
                format!("그 폴더에서 이어가세요: `--cwd {cwd}`")
            }
            (Self::Korean, SessionError::AtWork { .. }) => {
                "끝나기를 기다리거나 그쪽에서 끝내세요. `session fork`로 따로 진행하는 세션을 만들 수도 있습니다".to_owned()
            }
        }
    }

    /// A fork was made.
    pub(crate) fn forked(self, fork: &str, parent: &str, seq: u64) -> String {
        match self {
            Self::English => format!(
                "session {fork} shares {seq} events with {parent}; go on with it: `better-llm-cli --resume {fork} TASK`"
            ),
            Self::Korean => format!(
                "세션 {fork}: {parent}의 이벤트 {seq}개를 공유합니다. 이어가려면: `better-llm-cli --resume {fork} TASK`"
            ),
        }
    }

    /// Without a task there was nothing to go on with.
    pub(crate) const fn nothing_to_go_on_with(self) -> &'static str {
        self.pick(
            "the last round of this session came to its end, so there is nothing to go on with",
            "이 세션의 마지막 라운드는 끝까지 마쳤으므로 이어갈 것이 없습니다",
        )
    }

    /// What to do about that.
    pub(crate) const fn nothing_to_go_on_with_hint(self) -> &'static str {
        self.pick(
            "say what is to be done next: `better-llm-cli --resume ID \"your task\"`, or `--continue \"your task\"`",
            "다음에 할 일을 적으세요: `better-llm-cli --resume ID \"할 일\"` 또는 `--continue \"할 일\"`",
        )
    }
}
