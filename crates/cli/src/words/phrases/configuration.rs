//! What the configuration's checker says: expectations, what was found instead, rules of single keys, features of
//! later versions.

use super::Phrase;

pub(super) const CONFIGURATION: [Phrase; 75] = [
    // What a value should be, and what it is.
    ("one of {}", "{} 중 하나"),
    ("a whole number of at least {} and at most {}", "{} 이상 {} 이하의 정수"),
    ("a whole number of at least {}", "{} 이상의 정수"),
    ("a whole number", "정수"),
    ("a number of seconds above {} and at most {}", "{}보다 크고 {} 이하인 초 단위 수"),
    ("a number above {} and at most {}", "{}보다 크고 {} 이하인 수"),
    ("a text that is not blank", "비어 있지 않은 텍스트"),
    ("a blank text", "빈 텍스트"),
    ("a long text", "긴 텍스트"),
    ("the text {}", "텍스트 {}"),
    ("a text", "텍스트"),
    ("true", "true"),
    ("false", "false"),
    ("a list that is not empty", "비어 있지 않은 목록"),
    ("an empty list", "빈 목록"),
    ("a list", "목록"),
    ("an object", "객체"),
    ("null", "null"),
    ("an absolute path", "절대 경로"),
    ("a command", "명령"),
    ("a file with its prompt", "프롬프트 파일"),
    // What a name should be one of.
    ("tool", "도구"),
    ("agent", "에이전트"),
    ("log level ({})", "로그 수준({})"),
    ("log format ({})", "로그 형식({})"),
    // Rules of single keys.
    ("is an empty prompt", "프롬프트가 비어 있습니다"),
    ("there is no file {}", "파일이 없습니다: {}"),
    (
        "no home folder is known: set BETTER_LLM_HOME to a folder of yours (absolute)",
        "홈 폴더를 알 수 없습니다. BETTER_LLM_HOME에 사용할 폴더를 절대 경로로 지정하세요",
    ),
    ("should begin with https:// or http://", "https:// 또는 http://로 시작해야 합니다"),
    (
        "should name a host, as in https://api.example.com",
        "https://api.example.com처럼 호스트 이름이 있어야 합니다",
    ),
    (
        "should hold no user or password; the key belongs into ANTHROPIC_API_KEY",
        "사용자 이름이나 비밀번호를 넣을 수 없습니다. 키는 ANTHROPIC_API_KEY에 설정하세요",
    ),
    ("should end before /v1, which is added to it", "/v1 앞까지만 적어야 합니다. /v1은 자동으로 붙습니다"),
    (
        "is a second {} beside {}: give one of each kind",
        "{} 파일이 이미 지정되었습니다({}). 종류마다 하나씩만 지정하세요",
    ),
    // What is wrong with a base URL.
    ("`{}` is not http or https", "`{}`: http나 https가 아님"),
    (
        "it holds a user or a password, which belong into the API key",
        "사용자 이름이나 비밀번호가 들어 있음. 인증에는 API 키만 사용",
    ),
    ("it holds a query or a fragment", "쿼리나 프래그먼트가 들어 있음"),
    ("it ends with /v1, which is added by itself", "/v1로 끝남. /v1은 자동으로 붙음"),
    ("relative URL without a base", "https://로 시작하는 전체 주소가 아님"),
    ("empty host", "호스트 이름이 없음"),
    // What a team may not hold.
    ("`{}` is the name of {} already", "`{}` 이름은 이미 {}에서 쓰고 있습니다"),
    (
        "is another word for `tools`, which is there, too; keep one of them",
        "`tools`와 같은 뜻의 키이며 둘 다 있습니다. 하나만 남기세요",
    ),
    (
        "the name `{}` implies the kind `{}`; choose another name",
        "`{}` 이름을 쓰면 종류가 `{}`(으)로 정해집니다. 다른 이름을 고르세요",
    ),
    (
        "`{}` is given by the engine where it belongs; leave it out",
        "`{}` 도구는 엔진이 필요한 곳에 직접 줍니다. 목록에서 빼세요",
    ),
    (
        "`{}` is no agent name: a letter, then up to 39 letters, digits, `_` or `-` (ASCII)",
        "`{}`: 에이전트 이름이 아닙니다 (영문자 하나, 이어서 영문자·숫자·`_`·`-` 최대 39자)",
    ),
    (
        "`{}` is a reserved name: choose another for your agent",
        "`{}`: 예약된 이름입니다. 에이전트에 다른 이름을 붙이세요",
    ),
    ("has text after the closing quote", "닫는 따옴표 뒤에 글자가 있습니다"),
    ("has no closing quote on its line", "같은 줄에 닫는 따옴표가 없습니다"),
    // Features of later versions.
    ("parallel workers", "워커 병렬 실행"),
    ("token limits", "토큰 한도"),
    ("cost limits", "비용 한도"),
    ("loop detection", "반복 감지"),
    ("the review threshold", "리뷰 기준"),
    ("the prompt cache", "프롬프트 캐시"),
    ("configurable retries", "재시도 설정"),
    ("metrics", "지표"),
    ("compressed records", "기록 압축"),
    ("saving in the background", "백그라운드 저장"),
    ("the intervention window", "개입 시간"),
    ("questions with a deadline", "시간제한이 있는 질문"),
    ("permission rules", "권한 규칙"),
    ("the sandbox level `strict`", "샌드박스 `strict` 수준"),
    ("network access for commands", "명령의 네트워크 접근"),
    ("further folders", "추가 폴더"),
    ("passing variables to commands", "명령에 환경 변수 전달"),
    ("fallback providers", "대체 제공자"),
    ("the provider openai", "openai 제공자"),
    ("the provider claude-code", "claude-code 제공자"),
    ("costs", "비용 계산"),
    ("deleting old sessions", "오래된 세션 삭제"),
    ("the terminal program", "터미널 프로그램"),
    ("the REPL", "REPL"),
    (
        "a provider for each agent (`--provider` chooses one for all)",
        "에이전트별 제공자 (`--provider`는 모두에게 적용됩니다)",
    ),
    ("replaying", "재생"),
    ("the tool `process`", "`process` 도구"),
    ("a number", "수"),
];
