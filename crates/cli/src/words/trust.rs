//! What `config trust` says, and how a plain question is answered.

use better_llm::{RefusedItem, StoreError, TrustChange, TrustError, TrustState};

use super::Language;

impl Language {
    /// How the folder stands.
    pub(crate) const fn trust_state(self, state: &TrustState) -> &'static str {
        match state {
            TrustState::Nothing => {
                self.pick("this folder has no configuration of its own", "이 폴더에는 자체 설정이 없습니다")
            }
            TrustState::Trusted => self.pick(
                "this folder's configuration is trusted as it is",
                "이 폴더의 설정을 지금 내용 그대로 이미 신뢰하고 있습니다",
            ),
            TrustState::Untrusted { .. } => self.pick(
                "this folder's configuration is not trusted: it may only narrow what the team may do",
                "이 폴더의 설정은 아직 신뢰되지 않았습니다. 팀의 권한을 좁히는 값만 적용됩니다",
            ),
            TrustState::Changed { .. } => self.pick(
                "this folder's configuration changed since it was trusted",
                "이 폴더의 설정이 신뢰한 뒤로 바뀌었습니다",
            ),
        }
    }

    /// What became of a file since the folder was trusted.
    pub(crate) fn trust_change(self, change: &TrustChange) -> String {
        match self {
            Self::English => change.to_string(),
            Self::Korean => super::configuration::korean_change(change),
        }
    }

    /// A file that cannot be trusted.
    pub(crate) fn untrustable(self, refused: &RefusedItem) -> String {
        match self {
            Self::English => format!("{} {}", refused.path, refused.fault),
            Self::Korean => {
                format!("{}: {}", refused.path, super::configuration::korean_fault(&refused.fault))
            }
        }
    }

    /// Heading of what trust would change.
    pub(crate) const fn would_change(self) -> &'static str {
        self.pick("trusting it changes:", "신뢰하면 바뀌는 설정:")
    }

    /// The question.
    pub(crate) const fn trust_question(self) -> &'static str {
        self.pick(
            "Trust these files as they are, until one of them changes? [y/N] ",
            "이 파일들을 바뀌기 전까지 지금 내용 그대로 신뢰할까요? [y/N] ",
        )
    }

    /// The person said no.
    pub(crate) const fn not_trusted(self) -> &'static str {
        self.pick("nothing was trusted", "아무것도 신뢰하지 않았습니다")
    }

    /// The person said yes.
    pub(crate) fn trusted(self, place: &str) -> String {
        match self {
            Self::English => format!("trusted from the next call on; kept in {place}"),
            Self::Korean => format!("다음 실행부터 신뢰합니다. 기록 위치: {place}"),
        }
    }

    /// A size.
    pub(crate) fn bytes(self, bytes: usize) -> String {
        match self {
            Self::English => format!("{bytes} bytes"),
            Self::Korean => format!("{bytes}바이트"),
        }
    }

    /// Why the folder cannot be trusted.
    pub(crate) fn trust_error(self, error: &TrustError) -> String {
        match (self, error) {
            (Self::English, error) => error.to_string(),
            (Self::Korean, TrustError::Nothing) => "이 폴더에는 신뢰할 설정이 없습니다".to_owned(),
            (Self::Korean, TrustError::Refused { path, fault }) => {
                let fault = super::configuration::korean_fault(fault);
                format!("`{path}` 때문에 이 폴더를 신뢰할 수 없습니다: {fault}")
            }
            (Self::Korean, TrustError::Invalid { problems }) => {
                let problems: Vec<String> = problems.iter().map(|problem| self.problem(problem)).collect();
                format!("이 폴더의 설정에 잘못이 있어 신뢰할 수 없습니다: {}", problems.join("; "))
            }
            (Self::Korean, TrustError::Store(error)) => korean_store_error(error),
        }
    }

    /// What to do about that.
    pub(crate) const fn trust_hint(self, error: &TrustError) -> &'static str {
        match error {
            TrustError::Nothing => self.pick(
                "a folder's configuration lies in `.better-llm/` or `config/`; `--cwd DIR` names another folder",
                "폴더의 설정은 `.better-llm/`이나 `config/`에 둡니다. 다른 폴더는 `--cwd DIR`로 지정하세요",
            ),
            TrustError::Refused { .. } | TrustError::Invalid { .. } => self.pick(
                "put it right or remove it, then try again",
                "고치거나 지운 뒤 다시 시도하세요",
            ),
            TrustError::Store(_) => self.pick(
                "check who may write there, and that no other call is under way",
                "쓰기 권한과 동시에 실행 중인 다른 명령이 없는지 확인하세요",
            ),
        }
    }
}

fn korean_store_error(error: &StoreError) -> String {
    match error {
        StoreError::File { file, .. } => format!("{}: 읽거나 쓸 수 없습니다", file.display()),
        StoreError::Damaged { file, fault } => {
            format!("{}: {}", file.display(), super::configuration::korean_fault(fault))
        }
        StoreError::Busy { file } => format!("{}: 다른 프로세스가 사용 중입니다", file.display()),
        StoreError::Full { file } => format!("{}: 가득 찼습니다. 필요 없는 규칙을 지우세요", file.display()),
    }
}

/// Whether somebody typed a plain yes. A Korean keyboard gives `ㅛ` for `y`.
pub(crate) fn is_yes(typed: &str) -> bool {
    matches!(typed.trim().to_lowercase().as_str(), "y" | "yes" | "ㅛ" | "예" | "네")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_plain_yes_is_one() {
        assert!(["y", " Yes\n", "예", "ㅛ"].into_iter().all(is_yes));
        assert!(!["", "\n", "n", "yess", "y?", "\u{1b}[A"].into_iter().any(is_yes));
    }
}
