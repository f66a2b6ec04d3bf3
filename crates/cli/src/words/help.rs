//! The words of the help texts. Their layout is [`crate::render::help`]'s.

use super::Language;
use crate::args::table::{OptionId, VerbId};

impl Language {
    /// What the program is, in a line.
    pub(crate) const fn program(self) -> &'static str {
        self.pick(
            "A team of agents that finishes software work and can prove it.",
            "소프트웨어 작업을 끝까지 해내고 그 증거를 보여 주는 에이전트 팀입니다.",
        )
    }

    /// Heading.
    pub(crate) const fn usage_heading(self) -> &'static str {
        self.pick("Usage", "사용법")
    }

    /// Heading.
    pub(crate) const fn verbs_heading(self) -> &'static str {
        self.pick("Verbs", "명령")
    }

    /// Heading.
    pub(crate) const fn options_heading(self) -> &'static str {
        self.pick("Options (before or after a verb)", "옵션 (명령 앞뒤 어디든 가능)")
    }

    /// Heading.
    pub(crate) const fn examples_heading(self) -> &'static str {
        self.pick("Example", "예시")
    }

    /// Heading.
    pub(crate) const fn exit_codes_heading(self) -> &'static str {
        self.pick("Exit codes", "종료 코드")
    }

    /// What the exit codes mean.
    pub(crate) const fn exit_codes(self) -> &'static str {
        self.pick(
            "0 done or answered · 1 our fault · 2 usage · 3 configuration · 4 credentials · 5 provider\n\
             6 turns · 7 tokens or cost · 8 time · 9 permission needed · 10 a question is open\n\
             11 verification failed · 12 loop · 13 partly done · 14 not done · 15 stopped · 16 not found · 17 not yet · 128+n signal n",
            "0 완료 또는 답변 · 1 내부 오류 · 2 사용법 · 3 설정 · 4 인증 정보 · 5 모델 제공자\n\
             6 턴 한도 · 7 토큰·비용 한도 · 8 시간 한도 · 9 권한 필요 · 10 질문 대기\n\
             11 검증 실패 · 12 반복 · 13 일부 완료 · 14 미완료 · 15 중지됨 · 16 찾을 수 없음 · 17 아직 불가 · 128+n 시그널 n",
        )
    }

    /// What a verb does.
    pub(crate) const fn verb_help(self, verb: VerbId) -> &'static str {
        match verb {
            VerbId::Run => self.pick(
                "run one task (`run` may be left out; `-` reads the task from standard input)",
                "작업 하나를 실행합니다 (`run`은 생략 가능, `-`는 표준 입력에서 작업을 읽음)",
            ),
            VerbId::Demo => self.pick(
                "play a bundled story on a small repository; needs no key",
                "작은 저장소에서 내장된 시나리오를 보여 줍니다. 키가 필요 없습니다",
            ),
            VerbId::AgentsList => self.pick("list the agents", "에이전트 목록을 보여 줍니다"),
            VerbId::AgentsShow => self.pick(
                "show one agent with its tools and prompt",
                "에이전트 하나의 도구와 프롬프트를 보여 줍니다",
            ),
            VerbId::ConfigShow => self.pick(
                "show the configuration in force and where each value comes from",
                "적용 중인 설정과 각 값의 출처를 보여 줍니다",
            ),
            VerbId::ConfigCheck => self.pick("check the configuration files", "설정 파일을 검사합니다"),
            VerbId::ConfigSchema => self.pick(
                "print the JSON schemas of the configuration files",
                "설정 파일의 JSON 스키마를 출력합니다",
            ),
            VerbId::ConfigPaths => self.pick("say where everything lies", "모든 파일의 위치를 보여 줍니다"),
            VerbId::ConfigTrust => self.pick(
                "show what this folder's configuration would change, and trust it as it is (until it changes)",
                "이 폴더의 설정이 바꾸는 것을 보여 주고, 지금 내용 그대로 신뢰합니다 (내용이 바뀌면 다시 물음)",
            ),
            VerbId::PermissionsExplain => self.pick(
                "show which agent may use which tool and why; with a call, the rule that decides about it",
                "에이전트별 도구 권한과 그 근거를 보여 줍니다. 호출을 주면 그 호출을 정하는 규칙을 보여 줍니다",
            ),
            VerbId::SessionUndo => self.pick(
                "show what a round did to the files, and take it back (default: the last round of the latest session)",
                "라운드가 파일에 한 일을 보여 주고 되돌립니다 (기본값: 최근 세션의 마지막 라운드)",
            ),
            VerbId::SessionFork => self.pick(
                "make a new session that shares another one up to now and goes its own way from there",
                "다른 세션의 지금까지를 공유하고 거기서부터 따로 진행하는 새 세션을 만듭니다",
            ),
        }
    }

    /// What an option does.
    pub(crate) const fn option_help(self, option: OptionId) -> &'static str {
        match option {
            OptionId::Config => self.pick(
                "a system or an agent configuration (told apart by content; may be given twice)",
                "시스템 또는 에이전트 설정 파일 (내용으로 구분, 두 번까지 지정 가능)",
            ),
            OptionId::Cwd => self.pick("the workspace (default: here)", "작업 폴더 (기본값: 현재 폴더)"),
            OptionId::Resume => self.pick(
                "go on with this session; without a task, with the round in which it broke off",
                "이 세션을 이어갑니다. 작업을 주지 않으면 중간에 끊긴 라운드를 이어갑니다",
            ),
            OptionId::Continue => self.pick(
                "the same with the latest session of the workspace",
                "작업 폴더의 최근 세션을 같은 방식으로 이어갑니다",
            ),
            OptionId::Worktree => self.pick(
                "work in a git worktree of the session's own, on the branch better-llm/ID",
                "세션만의 git 워크트리에서 better-llm/ID 브랜치로 작업합니다",
            ),
            OptionId::Provider => self.pick(
                "anthropic, openai, offline or script:FILE (default: the first that has credentials)",
                "anthropic, openai, offline, script:FILE 중 하나 (기본값: 인증 정보가 있는 첫 번째)",
            ),
            OptionId::Model => self.pick(
                "overrides the models of all agents, or of one (repeatable)",
                "모든 에이전트 또는 한 에이전트의 모델을 바꿉니다 (반복 가능)",
            ),
            OptionId::Effort => self.pick(
                "reasoning effort of every agent (default: the provider's)",
                "모든 에이전트의 추론 강도 (기본값: 제공자의 값)",
            ),
            OptionId::PermissionMode => self.pick(
                "what may be done without asking (default: auto-edit)",
                "묻지 않고 할 수 있는 일의 범위 (기본값: auto-edit)",
            ),
            OptionId::Sandbox => self.pick(
                "how commands are walled in (default: auto, the best level that works here, never none)",
                "명령을 격리하는 방식 (기본값: auto, none을 뺀 이 환경의 최선)",
            ),
            OptionId::AllowNetwork => {
                self.pick("commands may reach the network", "명령이 네트워크에 접속할 수 있게 합니다")
            }
            OptionId::AddDir => self.pick(
                "a further folder that the team may use; `:ro` to read only (repeatable)",
                "팀이 사용할 수 있는 추가 폴더, `:ro`를 붙이면 읽기 전용 (반복 가능)",
            ),
            OptionId::PassEnv => self.pick(
                "a variable of your environment that commands get (repeatable)",
                "명령에 넘길 환경 변수 이름 (반복 가능)",
            ),
            OptionId::Round => self.pick(
                "the round that is taken back (default: the last)",
                "되돌릴 라운드 번호 (기본값: 마지막 라운드)",
            ),
            OptionId::Verify => self.pick(
                "a test command that the engine itself runs before the work counts as done (repeatable)",
                "작업을 완료로 인정하기 전에 엔진이 직접 실행하는 테스트 명령 (반복 가능)",
            ),
            OptionId::MaxTurns => self.pick(
                "limit of the manager's turns in a round (default: 50)",
                "한 라운드에서 매니저의 최대 턴 수 (기본값: 50)",
            ),
            OptionId::MaxTokens => self.pick(
                "limit of the round's tokens, in and out, workers included",
                "워커를 포함한 라운드 전체의 최대 토큰 수 (입력과 출력)",
            ),
            OptionId::MaxCostUsd => self.pick(
                "limit of the round's cost in US dollars, workers included",
                "워커를 포함한 라운드 전체의 최대 비용 (미국 달러)",
            ),
            OptionId::Timeout => self.pick(
                "seconds for the whole round, workers included",
                "워커를 포함한 라운드 전체의 제한 시간(초)",
            ),
            OptionId::Intervention => self.pick(
                "seconds to step in after a worker's report, where a person is there; 0: none (default: 5)",
                "워커 보고 뒤 사람이 개입할 수 있는 시간(초), 0이면 없음 (기본값: 5)",
            ),
            OptionId::Context => self.pick(
                "added to the task as data; `-` is standard input (repeatable)",
                "작업에 데이터로 추가할 파일, `-`는 표준 입력 (반복 가능)",
            ),
            OptionId::OutputFormat => self.pick(
                "text for people; json: the last event alone; stream-json: every event, one a line",
                "text: 사람이 읽는 형식, json: 마지막 이벤트, stream-json: 모든 이벤트를 한 줄씩",
            ),
            OptionId::Partial => {
                self.pick("adds deltas to stream-json", "stream-json에 생성 중인 조각도 포함합니다")
            }
            OptionId::InputFormat => self.pick(
                "stream-json: answers, messages and other commands as JSON lines on standard input",
                "stream-json: 답변, 메시지 등의 명령을 표준 입력에서 JSON 줄로 받습니다",
            ),
            OptionId::Json => self.pick("print data as JSON", "데이터를 JSON으로 출력합니다"),
            OptionId::Lang => self.pick(
                "the program's language (default: from LC_ALL, LC_MESSAGES, LANG)",
                "프로그램 언어 (기본값: LC_ALL, LC_MESSAGES, LANG)",
            ),
            OptionId::Verbose => {
                self.pick("log to standard error at DEBUG, too", "DEBUG 로그를 표준 오류에도 남깁니다")
            }
            OptionId::Help => self.pick("explain the program or a verb", "프로그램 또는 명령을 설명합니다"),
            OptionId::Version => self.pick("print the version", "버전을 출력합니다"),
        }
    }
}
