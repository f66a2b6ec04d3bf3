//! What the codes of `notice`, `error` and `limit_reached` events mean, and what to do.
//!
//! The engine's own text is the English sentence; a code gives the Korean one, and the way out in both languages. A
//! code of another version has no words here: its text is shown as it is.

use domain::model::ModelErrorKind;

use super::{
    Language,
    codes::{ErrorCode, NoticeCode},
};

/// What a code means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CodeWords {
    /// What happened; none where the event's own text is in this language.
    pub(crate) what: Option<&'static str>,
    /// What to do; empty where the sentence says it, or there is nothing to do.
    pub(crate) next: &'static str,
}

/// What is left to a person where protected files stay changed.
const PUT_BACK_BY_HAND: (&str, &str) = (
    "Do not use git there before you have looked at each path: remove what is new (`chmod -R u+rwX PATH`, then `rm -rf \
     PATH`) and put your own version of the rest back. Until then no command runs.",
    "각 경로를 확인하기 전에는 그 폴더에서 git을 쓰지 마세요. (new)로 표시된 것은 지우고(`chmod -R u+rwX 경로` 후 `rm -rf \
     경로`), 나머지는 원래 내용으로 되돌리세요. 그때까지 명령은 실행되지 않습니다.",
);

impl Language {
    const fn code_words(
        self,
        korean: &'static str,
        (next, next_korean): (&'static str, &'static str),
    ) -> CodeWords {
        match self {
            Self::English => CodeWords { what: None, next },
            Self::Korean => CodeWords { what: Some(korean), next: next_korean },
        }
    }

    /// What a notice means.
    pub(crate) const fn notice_words(self, code: NoticeCode) -> CodeWords {
        match code {
            NoticeCode::AnswerCut => self.code_words(
                "답변이 모델의 토큰 한도에 닿아 잘렸습니다.",
                (
                    "If it happens again, split the task or choose a model with longer answers (`--model`).",
                    "반복되면 작업을 나누거나 더 길게 답하는 모델(`--model`)을 고르세요.",
                ),
            ),
            NoticeCode::ConversationTooLong => self.code_words(
                "대화가 모델의 창보다 길어져 절반으로 줄였습니다.",
                (
                    "If it happens often, split the task or choose a model with a larger window (`--model`).",
                    "자주 일어나면 작업을 나누거나 창이 더 큰 모델(`--model`)을 고르세요.",
                ),
            ),
            NoticeCode::UnknownStopReason => self.code_words(
                "모델이 이 버전에서 알 수 없는 이유로 멈췄습니다.",
                (
                    "The round goes on with what the model said. A newer better-llm may know the reason.",
                    "지금까지의 답변으로 계속합니다. 최신 better-llm이라면 이유를 알 수도 있습니다.",
                ),
            ),
            NoticeCode::WorkerTimeout => self.code_words(
                "워커의 제한 시간이 다 되어 중단했습니다.",
                (
                    "What it changed stays. `WORKER_TIMEOUT_<NAME>` in seconds, or `timeout_seconds` in \
                     agent_config.json, gives it more time.",
                    "변경한 내용은 남아 있습니다. `WORKER_TIMEOUT_<이름>`(초)이나 agent_config.json의 \
                     `timeout_seconds`로 시간을 늘릴 수 있습니다.",
                ),
            ),
            NoticeCode::EvidencePartial => self.code_words(
                "변경된 파일 목록이 불완전할 수 있습니다.",
                (
                    "Look at `git status` yourself; let git ignore what is not part of the work.",
                    "`git status`를 직접 확인하세요. 작업과 무관한 파일은 git이 무시하게 해 두면 좋습니다.",
                ),
            ),
            NoticeCode::EvidenceMissing => self.code_words(
                "변경된 파일을 확인할 수 없었습니다.",
                (
                    "Look at `git status` yourself; nothing that was said about files is verified.",
                    "`git status`를 직접 확인하세요. 파일에 관한 보고는 검증되지 않았습니다.",
                ),
            ),
            // Their own sentences say what to do.
            NoticeCode::NotTrusted => {
                self.code_words("신뢰되지 않은 폴더의 설정 일부를 무시했습니다.", ("", ""))
            }
            NoticeCode::VariableIgnored => self.code_words(".env 파일의 값 하나를 무시했습니다.", ("", "")),
            NoticeCode::NoSuchWorker => self.code_words(
                "팀에 없는 워커의 환경 변수는 아무 효과가 없습니다.",
                (
                    "`better-llm-cli agents list` names the workers.",
                    "`better-llm-cli agents list`로 워커 이름을 확인하세요.",
                ),
            ),
            NoticeCode::RelativeRoot => {
                self.code_words("절대 경로가 아닌 폴더 설정을 무시했습니다.", ("", ""))
            }
            NoticeCode::NotRead => self.code_words("일반 파일이 아니거나 작업 폴더 밖으로 이어지는 .env를 읽지 않았습니다.", ("", "")),
            NoticeCode::TrustChanged => self.code_words("이 폴더의 설정이 신뢰한 내용과 다릅니다.", ("", "")),
            NoticeCode::InputUnread => self.code_words(
                "표준 입력에 읽지 않은 데이터가 있습니다. `--context -`로 작업에 추가할 수 있습니다.",
                ("", ""),
            ),
            NoticeCode::RuleNotKept => self.code_words(
                "항상 허용한 규칙을 저장하지 못해 이 세션에만 적용합니다.",
                (
                    "You will be asked again in the next session; check who may write your configuration folder.",
                    "다음 세션에서 다시 묻습니다. 설정 폴더의 쓰기 권한을 확인하세요.",
                ),
            ),
            NoticeCode::EndStateNotKept => self.code_words(
                "라운드가 끝난 상태를 저장하지 못했습니다.",
                (
                    "`session undo` cannot tell what you edit from now on from what the round did.",
                    "이후 직접 편집한 내용을 `session undo`가 라운드의 변경과 구분하지 못합니다.",
                ),
            ),
            NoticeCode::ReviewStateUnknown => self.code_words(
                "마지막 리뷰 뒤에 무엇이 바뀌었는지 알 수 없어, 모든 파일이 바뀐 것으로 봅니다.",
                (
                    "Every file counts as changed, so that settled findings may be opened again.",
                    "이미 정리된 지적 사항이 다시 열릴 수 있습니다.",
                ),
            ),
            NoticeCode::RepositoryIgnored => self.code_words(
                "이 폴더의 git 저장소를 쓰지 않고, git이 없는 폴더로 다룹니다.",
                (
                    "Files are watched and can be undone all the same; nothing is committed.",
                    "파일 변경은 그대로 확인하고 되돌릴 수 있지만 커밋은 하지 않습니다. 저장소가 이 폴더의 것이라면 연결된 \
                     작업 트리에서는 `git worktree repair`, 그 밖에는 `git config core.worktree \"$PWD\"`를 실행하고, \
                     다른 저장소의 객체를 빌려 쓰고 있다면 `git repack -a -d`를 실행하고 \
                     .git/objects/info/alternates를 지운 뒤 다시 시작하세요.",
                ),
            ),
            NoticeCode::AddedFolderUnwatched => self.code_words(
                "`--add-dir`로 추가한 폴더의 변경은 변경 파일 목록에 나오지 않고, 되돌릴 수도 없습니다.",
                (
                    "Add it with `:ro` where it is only read; else keep a copy, or a repository of its own.",
                    "읽기만 한다면 `:ro`를 붙이고, 아니면 사본이나 별도의 저장소를 두세요.",
                ),
            ),
            NoticeCode::WorkspaceHoldsHome => self.code_words(
                "작업 폴더가 홈 폴더이거나 홈 폴더를 포함합니다. 모델과 명령이 키와 토큰을 포함해 그 안의 모든 것을 읽고, \
                 셸 시작 파일과 git 설정을 제외한 모든 것을 바꿀 수 있습니다.",
                (
                    "Start in the folder of one project, or name it with `--cwd DIR`.",
                    "프로젝트 폴더에서 시작하거나 `--cwd DIR`로 지정하세요.",
                ),
            ),
            NoticeCode::JournalDamaged => self.code_words(
                "저널의 일부를 읽을 수 없어 빼고 이어갑니다. 거기에 적힌 일을 팀은 기억하지 못하지만, 그때까지 한 일은 파일에 \
                 남아 있습니다.",
                (
                    "If something is missing, tell the team about it; a backup of the data folder \
                     (`better-llm-cli config paths`) brings the rows back.",
                    "빠진 것이 있으면 팀에 알려 주세요. 데이터 폴더(`better-llm-cli config paths`)의 백업이 있으면 되살릴 수 \
                     있습니다.",
                ),
            ),
            NoticeCode::StatesGone => self.code_words(
                "이 세션이 작업하기 전의 파일 상태가 더 이상 저장되어 있지 않아, 비교와 커밋은 지금 상태부터 새로 시작합니다.",
                (
                    "`git diff` still shows what is not committed.",
                    "커밋하지 않은 변경은 `git diff`로 볼 수 있습니다.",
                ),
            ),
            NoticeCode::BareRepositoryChanged => self.code_words(
                "이번 라운드가 `.git` 없는 git 저장소를 만들었거나 그 설정이나 훅을 바꾸었습니다. 그 안에서 실행하는 git은 \
                 그 설정을 따릅니다.",
                (
                    "Before you use git in there, read its `config` and `hooks`; \
                     `git config --global safe.bareRepository explicit` keeps git from taking such folders for \
                     repositories unasked.",
                    "그 안에서 git을 쓰기 전에 `config`와 `hooks`를 읽어 보세요. \
                     `git config --global safe.bareRepository explicit`을 설정하면 git이 그런 폴더를 저절로 저장소로 \
                     여기지 않습니다.",
                ),
            ),
            NoticeCode::SealedBlock => self.code_words(
                "모델이 봉인한 블록에 비밀 값이 있어, 그 값을 빼고 저장했습니다.",
                (
                    "This session goes on as it is. Treat the secret as told to the model, and change it.",
                    "세션은 그대로 이어집니다. 비밀 값은 모델에 알려진 것으로 보고 바꾸세요.",
                ),
            ),
            NoticeCode::ProtectedPutBack => self.code_words(
                "better-llm이 강제로 종료되었을 때 명령이 바꾸어 둔 보호 파일을 되돌렸습니다.",
                (
                    "Look at them once before you use git there.",
                    "그 폴더에서 git을 쓰기 전에 한 번 확인하세요.",
                ),
            ),
            NoticeCode::ProtectedLeft => self.code_words(
                "better-llm이 강제로 종료되었을 때 명령이 바꾸어 둔 보호 파일을 되돌리지 못했습니다.",
                PUT_BACK_BY_HAND,
            ),
            NoticeCode::NestedUnseen => self.code_words(
                "이 폴더가 너무 커서 안에 있는 git 저장소를 다 찾지 못했습니다. 찾지 못한 저장소의 설정과 훅은 명령이 바꿀 수 있습니다.",
                (
                    "Run better-llm in the repository itself, or with `--permission-mode ask`.",
                    "그 저장소 안에서 better-llm을 실행하거나, `--permission-mode ask`로 명령을 하나씩 확인하세요.",
                ),
            ),
            NoticeCode::MessageUnread => self.code_words(
                "늦게 도착한 메시지는 이번 라운드에서 매니저가 읽지 못했습니다.",
                (
                    "One call of this program is one round: say it again as a task of its own.",
                    "이 프로그램은 한 번에 한 라운드만 실행합니다. 그 말을 새 작업으로 다시 실행하세요.",
                ),
            ),
            NoticeCode::EndCutShort => self.code_words(
                "라운드를 마무리하는 데 시간이 너무 걸려 중간에 끊었습니다. 마지막에 변경된 파일은 확인하지 못했습니다.",
                (
                    "Look at `git status` yourself.",
                    "`git status`를 직접 확인하세요.",
                ),
            ),
            NoticeCode::CallsDenied => self.code_words(
                "허락되지 않아 하지 않은 일이 있습니다.",
                (
                    "If you want it done, allow it: `--permission-mode`, `--sandbox`, a rule in `permissions.rules`; or run \
                     it at a terminal, where you are asked.",
                    "원하는 일이라면 `--permission-mode`, `--sandbox`, `permissions.rules`의 규칙으로 허용하거나, 물어볼 수 있는 \
                     터미널에서 실행하세요.",
                ),
            ),
            NoticeCode::ModelQuiet => self.code_words(
                "모델이 한동안 아무것도 보여 주지 않았습니다.",
                (
                    "Nothing needs to be done; Ctrl-C ends the round.",
                    "따로 할 일은 없습니다. 라운드를 끝내려면 Ctrl-C를 누르세요.",
                ),
            ),
            NoticeCode::RequestHeld => self.code_words(
                "이 계정의 요청을 잠시 미룹니다 (한도, 서버 과부하, 잦은 재시도).",
                (
                    "It goes out by itself; Ctrl-C ends the round. An account with a higher limit waits less.",
                    "때가 되면 자동으로 보냅니다. 라운드를 끝내려면 Ctrl-C를 누르세요. 한도가 더 높은 계정은 덜 기다립니다.",
                ),
            ),
            NoticeCode::FallbackUsed => self.code_words(
                "모델이 응답하지 않아 설정된 다른 모델이 대신 답합니다.",
                (
                    "Nothing needs to be done: who stands in is set in `providers.*.fallback`.",
                    "따로 할 일은 없습니다. 대신할 모델은 `providers.*.fallback`에서 정합니다.",
                ),
            ),
            NoticeCode::ModelOfSameGrade => self.code_words(
                "지정한 모델이 이 제공자에 없어 같은 등급의 모델이 답합니다.",
                (
                    "Name a model of the provider (`--model`, `agents[].model`), or `strong`, `standard`, `fast`.",
                    "제공자에 있는 모델이나 `strong`, `standard`, `fast`를 지정하세요 (`--model`, `agents[].model`).",
                ),
            ),
            NoticeCode::EffortUnused => self.code_words(
                "이 모델은 도구와 함께 쓸 때 `--effort`를 받지 않아 보내지 않습니다.",
                (
                    "Leave `--effort` out, or choose a model that takes it.",
                    "`--effort`를 빼거나, 이를 받는 모델을 선택하세요.",
                ),
            ),
            NoticeCode::SocketUnavailable => self.code_words(
                "다른 프로그램이 이 세션을 지켜보거나 명령할 수 없습니다. 작업에는 지장이 없습니다.",
                (
                    "The work goes on. If you want to watch it from elsewhere, see to the cause and start again.",
                    "다른 곳에서 지켜보려면 `state/run` 폴더의 소유자와 권한을 확인하거나, BETTER_LLM_HOME을 로컬 디스크의 \
                     다른 폴더로 지정한 뒤 다시 시작하세요.",
                ),
            ),
            NoticeCode::WorkspaceBusy => self.code_words(
                "다른 세션이 이 작업 폴더에서 작업 중이라 아무것도 바꾸지 않았습니다.",
                (
                    "A worktree leaves your files as they are: the session works beside the other one, on a branch.",
                    "그 세션이 끝난 뒤 다시 실행하거나, `--worktree`로 별도 브랜치에서 나란히 작업하세요.",
                ),
            ),
            NoticeCode::WorkspaceNotLocked => self.code_words(
                "다른 세션이 작업 중인지 확인할 수 없어 아무것도 바꾸지 않았습니다.",
                (
                    "Check who may write the folder of the lock (`better-llm-cli config paths`), or set BETTER_LLM_HOME to \
                     another one on a local disk.",
                    "잠금 폴더(`better-llm-cli config paths`)의 쓰기 권한을 확인하거나, BETTER_LLM_HOME을 로컬 디스크의 \
                     다른 폴더로 지정하세요.",
                ),
            ),
            NoticeCode::WorktreeMade => self.code_words("세션만의 워크트리에서 작업합니다.", ("", "")),
            NoticeCode::WorktreeUsed => self.code_words("세션의 워크트리에서 이어서 작업합니다.", ("", "")),
            NoticeCode::WorktreeCopied => {
                self.code_words("`.worktreeinclude`에 따라 파일을 워크트리에 복사했습니다.", ("", ""))
            }
            NoticeCode::WorktreeUnfiltered => self.code_words(
                "저장소의 필터를 실행하지 않아, git-lfs 같은 파일은 git에 저장된 형태 그대로입니다.",
                (
                    "Where the work needs them, fill them in yourself in that folder (`git lfs pull`).",
                    "작업에 필요하면 그 폴더에서 직접 채우세요 (`git lfs pull`).",
                ),
            ),
        }
    }

    /// What an error means.
    pub(crate) const fn error_words(self, code: &ErrorCode) -> CodeWords {
        match code {
            ErrorCode::Model(kind) => self.model_error(kind),
            ErrorCode::Internal => self.code_words(
                "better-llm 자체에 오류가 발생했습니다.",
                (
                    "This is our fault; the session's journal helps to find it.",
                    "저희 잘못입니다. 세션 저널이 원인을 찾는 데 도움이 됩니다.",
                ),
            ),
            ErrorCode::WorkspaceUnobserved => self.code_words(
                "작업 폴더를 확인할 수 없어 파일이 변경된 것으로 간주합니다.",
                (
                    "Check that git works here and that the folder can be read; earlier test runs no longer count.",
                    "이 폴더에서 git이 작동하고 폴더를 읽을 수 있는지 확인하세요. 이전 테스트 결과는 더 이상 \
                     인정되지 않습니다.",
                ),
            ),
            ErrorCode::ProtectedFilesChanged => {
                self.code_words("명령이 보호 파일을 바꾸었고, 되돌리지 못했습니다.", PUT_BACK_BY_HAND)
            }
        }
    }

    const fn model_error(self, kind: &ModelErrorKind) -> CodeWords {
        match kind {
            ModelErrorKind::Credentials => self.code_words(
                "모델 서버가 인증 정보를 거부했습니다.",
                (
                    "Check that the provider's key (ANTHROPIC_API_KEY, OPENAI_API_KEY) is valid and belongs to this endpoint.",
                    "제공자의 키(ANTHROPIC_API_KEY, OPENAI_API_KEY)가 유효한지, 이 서버의 키가 맞는지 확인하세요.",
                ),
            ),
            ModelErrorKind::Rejected => self.code_words(
                "모델 서버가 요청 자체를 거부했습니다. 같은 요청은 다시 실패합니다.",
                (
                    "The server's message says why: often the model's name (`--model`) or a spending limit.",
                    "서버 메시지에 이유가 있습니다. 대개 모델 이름(`--model`)이나 사용 한도 때문입니다.",
                ),
            ),
            ModelErrorKind::RateLimited { .. } => self.code_words(
                "모델 서버가 요청이 너무 많다고 답했습니다.",
                (
                    "Wait a little before you try again, or use an account with a higher limit.",
                    "잠시 뒤 다시 시도하거나 한도가 더 높은 계정을 쓰세요.",
                ),
            ),
            ModelErrorKind::TooLong => self.code_words(
                "대화가 모델의 창보다 길어졌습니다.",
                (
                    "Give the task in smaller pieces, or use a model with a larger window (`--model`).",
                    "작업을 더 작게 나누거나 창이 더 큰 모델을 쓰세요 (`--model`).",
                ),
            ),
            ModelErrorKind::Unavailable { .. } => self.code_words(
                "모델 서버가 과부하 상태이거나 일시적인 장애를 겪고 있습니다.",
                ("Try again in a few minutes.", "몇 분 뒤 다시 시도하세요."),
            ),
            ModelErrorKind::Unreachable => self.code_words(
                "모델 서버에 연결할 수 없습니다.",
                (
                    "Check the network, `HTTPS_PROXY` and, if you set one, `ANTHROPIC_BASE_URL`.",
                    "네트워크와 `HTTPS_PROXY`, 설정했다면 `ANTHROPIC_BASE_URL`도 확인하세요.",
                ),
            ),
            ModelErrorKind::Silent => self.code_words(
                "연결되었지만 모델 서버가 너무 오래 응답하지 않았습니다.",
                (
                    "Try again; `performance.idle_timeout_seconds` and `first_byte_timeout_seconds` set how long to \
                     wait.",
                    "다시 시도하세요. 기다리는 시간은 `performance.idle_timeout_seconds`와 \
                     `first_byte_timeout_seconds`로 정합니다.",
                ),
            ),
            ModelErrorKind::Cut => self.code_words(
                "답변이 끝나기 전에 연결이 끊겼습니다.",
                (
                    "Try again; if it happens often, look at the network and the proxy.",
                    "다시 시도하세요. 자주 생기면 네트워크와 프록시를 확인하세요.",
                ),
            ),
            ModelErrorKind::Malformed => self.code_words(
                "모델 서버의 응답이 프로토콜에 맞지 않거나 너무 큽니다.",
                (
                    "Check that the endpoint speaks the Messages API (`ANTHROPIC_BASE_URL`).",
                    "서버가 Messages API를 지원하는지 확인하세요 (`ANTHROPIC_BASE_URL`).",
                ),
            ),
            ModelErrorKind::Script => self.code_words(
                "답변 스크립트가 실제 진행과 맞지 않습니다.",
                (
                    "Compare the script's next step with what happened, and mend the script.",
                    "스크립트의 다음 단계를 실제 진행과 비교해 고치세요.",
                ),
            ),
        }
    }

    /// What a limit counts, and what sets it; none for a limit of another version.
    pub(crate) fn limit_words(self, limit: &str) -> Option<&'static str> {
        let words = match limit {
            "max_turns" => self
                .pick("the manager's turns; `--max-turns` sets it", "매니저의 턴 수, `--max-turns`로 조정"),
            "max_worker_turns" => self.pick(
                "turns of one worker's run; `workflow_limits.max_worker_turns` in system_config.json sets it",
                "한 워커의 턴 수, system_config.json의 `workflow_limits.max_worker_turns`로 조정",
            ),
            "max_tokens" => self.pick(
                "tokens of the round, in and out, workers included; `--max-tokens` sets it",
                "워커를 포함한 라운드의 입출력 토큰 수, `--max-tokens`로 조정",
            ),
            "max_cost_usd" => self.pick(
                "US dollars for the round, workers included; `--max-cost-usd` sets it",
                "워커를 포함한 라운드의 비용(미국 달러), `--max-cost-usd`로 조정",
            ),
            "timeout_seconds" => self.pick(
                "seconds for the whole round; `--timeout` sets it",
                "라운드 전체 시간(초), `--timeout`으로 조정",
            ),
            "max_review_iterations" => self.pick(
                "review cycles of one change; `workflow_limits.max_review_iterations` in system_config.json sets it",
                "한 변경의 리뷰 사이클 수, system_config.json의 `workflow_limits.max_review_iterations`로 조정",
            ),
            "max_retry_cycles" => self.pick(
                "fixes after failed tests; `workflow_limits.max_retry_cycles` in system_config.json sets it",
                "테스트 실패 뒤 고치는 횟수, system_config.json의 `workflow_limits.max_retry_cycles`로 조정",
            ),
            "max_coder_retries" => self.pick(
                "retries of a coder that failed; `workflow_limits.max_coder_retries` in system_config.json sets it",
                "실패한 coder를 다시 부르는 횟수, system_config.json의 `workflow_limits.max_coder_retries`로 조정",
            ),
            _ => return None,
        };
        Some(words)
    }
}
