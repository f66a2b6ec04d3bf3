//! What the configuration's checker says: expectations, what was found instead, rules of single keys, features of
//! later versions.

use super::Phrase;

pub(super) const CONFIGURATION: [Phrase; 93] = [
    // What a value should be, and what it is.
    ("one of {}", "{} 중 하나"),
    ("a whole number of at least {} and at most {}", "{} 이상 {} 이하의 정수"),
    ("a whole number of at least {}", "{} 이상의 정수"),
    ("a whole number", "정수"),
    ("a number of seconds above {} and at most {}", "{}보다 크고 {} 이하인 초 단위 수"),
    ("a number of seconds of at least {} and at most {}", "{} 이상 {} 이하인 초 단위 수"),
    ("a number of US dollars above {} and at most {}", "{}보다 크고 {} 이하인 미국 달러 금액"),
    ("a number of at least {} and at most {}", "{} 이상 {} 이하인 수"),
    ("a number above {} and at most {}", "{}보다 크고 {} 이하인 수"),
    ("a text that is not blank", "비어 있지 않은 텍스트"),
    ("a blank text", "빈 텍스트"),
    ("a long text", "긴 텍스트"),
    ("the text {}; did you mean {}?", "텍스트 {}, 혹시 {} 아닌가요?"),
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
        "should hold no user or password; the key belongs into {}",
        "사용자 이름이나 비밀번호를 넣을 수 없습니다. 키는 {}에 설정하세요",
    ),
    (
        "`{}` is no provider (did you mean `{}`?); there are `anthropic`, `openai`, `offline` and `script:FILE`",
        "`{}` 제공자는 없습니다. 혹시 `{}` 아닌가요? 가능한 값: `anthropic`, `openai`, `offline`, `script:FILE`",
    ),
    (
        "`{}` is no provider; there are `anthropic`, `openai`, `offline` and `script:FILE`",
        "`{}` 제공자는 없습니다. 가능한 값: `anthropic`, `openai`, `offline`, `script:FILE`",
    ),
    ("provider", "제공자"),
    (
        "`{}` cannot answer instead of a provider; `anthropic` and `openai` can",
        "`{}`: 다른 제공자를 대신할 수 없습니다. `anthropic`과 `openai`만 가능합니다",
    ),
    ("`{}` names no model after the `/`", "`{}`: `/` 뒤에 모델 이름이 없습니다"),
    (
        "`{}` is the provider itself; name another one, or another model of it, as in `{}/fast`",
        "`{}`: 자기 자신입니다. 다른 제공자를 적거나, `{}/fast`처럼 다른 모델을 적으세요",
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
    // Rules of permission, and the holes in a sandbox.
    ("a rule names a tool, or `*` for all of them", "규칙에는 도구 이름이 필요합니다. 모든 도구는 `*`입니다"),
    (
        "a rule's argument is a text; leave it out where the rule is about every call of the tool",
        "규칙의 argument는 비어 있을 수 없습니다. 도구의 모든 호출에 적용하려면 argument를 빼세요",
    ),
    (
        "a rule that allows every tool is what the permission mode `full` is for",
        "모든 도구를 허용하려면 규칙 대신 권한 모드 `full`을 쓰세요",
    ),
    (
        "`{}` needs no permission: a rule about it would have no effect",
        "`{}` 도구에는 권한이 필요 없어 규칙이 아무 효과가 없습니다",
    ),
    ("`~` has no meaning here: write the whole path", "`~`는 쓸 수 없습니다. 전체 경로를 적으세요"),
    ("there is no folder {}: make it first", "폴더가 없습니다: {}. 먼저 만드세요"),
    ("{} is no folder", "폴더가 아닙니다: {}"),
    (
        "{} is what pays for the models: commands, which models write, never get it. Take it out; a program that \
         needs a key of its own gets it under another name",
        "{}는 모델 비용을 내는 인증 정보이므로, 모델이 작성한 명령에는 절대 넘기지 않습니다. 목록에서 빼고, 따로 키가 \
         필요한 프로그램에는 다른 이름으로 넘기세요",
    ),
    (
        "should be the name of a variable: letters, digits and `_`",
        "환경 변수 이름이어야 합니다 (영문자, 숫자, `_`)",
    ),
    (
        "should be written in ASCII: a name in other letters begins with `xn--` in each such part",
        "ASCII로 적어야 합니다. 다른 문자로 된 이름은 부분마다 `xn--`로 시작하는 형태로 적으세요",
    ),
    (
        "should be the name of a host alone: no scheme, port, user or path",
        "호스트 이름만 적어야 합니다. 스킴, 포트, 사용자, 경로는 뺍니다",
    ),
    (
        "should be one host: only `*` by itself stands for all of them",
        "호스트 하나만 적어야 합니다. 전체를 뜻하는 것은 `*` 하나뿐입니다",
    ),
    ("should end without a dot", "점으로 끝나면 안 됩니다"),
    (
        "should be a name, or an address like 192.0.2.1 in plain decimal numbers",
        "이름이거나 192.0.2.1처럼 십진수로 적은 주소여야 합니다",
    ),
    (
        "should be the name of a host: letters, digits, `-` and dots",
        "호스트 이름이어야 합니다 (영문자, 숫자, `-`, 점)",
    ),
    // Files of a workspace.
    (
        "is a link that leads out of the workspace: put the file itself there, or name it by `--config`",
        "작업 폴더 밖을 가리키는 링크입니다. 파일을 작업 폴더에 직접 두거나 `--config`로 지정하세요",
    ),
    ("is a link that leads out of the workspace", "작업 폴더 밖을 가리키는 링크입니다"),
    (
        "leads out of the workspace: its prompts must lie inside of it",
        "작업 폴더 밖을 가리킵니다. 프롬프트 파일은 그 폴더 안에 있어야 합니다",
    ),
    ("holds folders more than {} deep", "폴더가 {}단계보다 깊습니다"),
    ("holds more than {} files", "파일이 {}개보다 많습니다"),
    ("was written by another version of better-llm", "다른 버전의 better-llm이 쓴 파일입니다"),
    ("is about another folder ({})", "다른 폴더({})에 관한 파일입니다"),
    ("has text after the closing quote", "닫는 따옴표 뒤에 글자가 있습니다"),
    ("has no closing quote on its line", "같은 줄에 닫는 따옴표가 없습니다"),
    // Features of later versions.
    ("parallel workers", "워커 병렬 실행"),
    ("the prompt cache", "프롬프트 캐시"),
    ("metrics", "지표"),
    ("compressed records", "기록 압축"),
    ("saving in the background", "백그라운드 저장"),
    ("fallback providers", "대체 제공자"),
    ("the provider openai", "openai 제공자"),
    ("the provider claude-code", "claude-code 제공자"),
    ("deleting old sessions", "오래된 세션 삭제"),
    ("the terminal program", "터미널 프로그램"),
    ("the REPL", "REPL"),
    (
        "a provider for each agent (`--provider` chooses one for all)",
        "에이전트별 제공자 (`--provider`는 모두에게 적용됩니다)",
    ),
    ("replaying", "재생"),
    ("a number", "수"),
];
