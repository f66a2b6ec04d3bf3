//! What the policy says of calls: rules, modes, refusals.

use super::Phrase;

pub(super) const PERMISSION: [Phrase; 28] = [
    // What decides.
    ("permission mode `{}`", "권한 모드 `{}`"),
    (
        "the rule `{}` of the configuration forbids it. A person who wants it takes the rule out of \
         `permissions.rules`; `better-llm-cli permissions explain` shows where it stands.",
        "설정의 규칙 `{}`에 따라 금지되었습니다. 허용하려면 `permissions.rules`에서 그 규칙을 빼세요. 위치는 \
         `better-llm-cli permissions explain`으로 볼 수 있습니다",
    ),
    (
        "the rule `{}` may be about this command, and its text does not say for sure: it makes words that are not \
         written in it",
        "규칙 `{}`에 해당할 수 있는 명령입니다. 실행할 때 만들어지는 단어가 있어 글자만으로는 확실하지 않습니다",
    ),
    ("the rule `{}` asks first", "규칙 `{}`에 따라 먼저 물어봅니다"),
    ("the rule `{}`", "규칙 `{}`"),
    ("{} does not have this tool", "{}: 이 도구가 없습니다"),
    // Why it asks.
    ("permission mode `ask` asks before every edit", "권한 모드 `ask`에서는 파일을 편집할 때마다 물어봅니다"),
    (
        "permission mode `ask` asks before every command",
        "권한 모드 `ask`에서는 명령을 실행할 때마다 물어봅니다",
    ),
    (
        "permission mode `auto-edit` asks before every command that no sandbox holds; `--permission-mode full` lifts \
         that",
        "권한 모드 `auto-edit`에서는 샌드박스 없이 명령을 실행할 때마다 물어봅니다. `--permission-mode full`을 쓰면 묻지 않습니다",
    ),
    (
        "{}; what looks like a credential in it is not shown",
        "{}. 자격 증명처럼 보이는 부분은 보여 주지 않습니다",
    ),
    // Why it does not run.
    (
        "permission mode `plan` only looks: nothing may be edited or run. A person who wants this starts with \
         `--permission-mode auto-edit`.",
        "권한 모드 `plan`은 보기만 합니다. 편집하거나 명령을 실행하려면 `--permission-mode auto-edit`로 시작하세요",
    ),
    (
        "no sandbox level works here ({}), so commands are denied. A person who wants them run without a sandbox \
         starts with `--sandbox none --permission-mode full`.",
        "사용 가능한 샌드박스가 없어 명령을 실행하지 않았습니다 ({}). 샌드박스 없이 실행하려면 `--sandbox none \
         --permission-mode full`로 시작하세요",
    ),
    (
        "denied: a person has to see all of a command they are asked about, and this one holds what looks like a \
         credential, which is never shown. Put it where the command finds it by itself: in a file, or in a variable \
         that the person passes with `--pass-env`.",
        "명령에 자격 증명처럼 보이는 값이 있어 거부했습니다. 물어볼 명령은 전부 보여야 하지만 자격 증명은 보여 주지 \
         않습니다. 파일이나 `--pass-env`로 넘기는 환경 변수를 쓰게 하세요",
    ),
    // What the person answered, as the model reads it.
    ("denied by the person, who says: {}", "사용자가 거부했습니다: {}"),
    ("denied by the person. Do not try it another way; go on without it.", "사용자가 거부했습니다"),
    (
        "denied: the person was asked and did not answer within {} s. Do not try again; go on without it.",
        "사용자가 {}초 안에 답하지 않아 거부했습니다",
    ),
    (
        "denied: the run was stopped while the person was being asked",
        "사용자에게 묻는 동안 실행이 중단되어 거부했습니다",
    ),
    // What the file tools do not reach.
    (
        "`{}` is outside the workspace, and paths cannot leave it{}; a person who wants it reached starts with \
         `--add-dir`, naming its folder",
        "`{}`: 작업 폴더 밖이라 접근할 수 없습니다{}. 접근하게 하려면 그 폴더를 `--add-dir`로 지정하세요",
    ),
    (
        "`{}` passes a symbolic link that is absolute or leads out of the workspace or added folder, which is refused: \
         name the file by its own path",
        "`{}`: 작업 폴더나 추가한 폴더 밖으로 나가는 심볼릭 링크를 지나므로 거부했습니다",
    ),
    (
        "`{}` is not for you: {}. A person who wants this changes `permissions.rules`",
        "`{}`: 규칙에 따라 접근할 수 없습니다 ({}). 허용하려면 `permissions.rules`를 고치세요",
    ),
    (
        "`{}` is in {}, which was added for reading only: a person who wants it changed starts with `--add-dir {}`, \
         without `:ro`",
        "`{}`: {} 폴더는 읽기 전용으로 추가되었습니다. 변경하게 하려면 `:ro` 없이 `--add-dir {}`로 시작하세요",
    ),
    (
        "`{}` belongs to the kernel ({}) and not to anyone's files: tools neither read nor write it",
        "`{}`: 커널의 파일({})이라 도구가 읽거나 쓰지 않습니다",
    ),
    (
        "`{}` is a symbolic link to `{}`, and nothing is written through links: if that is inside the workspace, name \
         its own path",
        "`{}`: `{}`(으)로 이어지는 심볼릭 링크이며, 링크를 통해서는 쓰지 않습니다",
    ),
    (
        "`{}` is protected ({}) and cannot be written by tools: a person has to change it",
        "`{}`: 보호된 파일({})이라 도구가 쓸 수 없습니다. 필요하면 직접 변경하세요",
    ),
    // What commands did that they may not do.
    (
        "the command changed protected files, which only a person may do; they were put back: {}",
        "명령이 보호된 파일을 변경해 되돌렸습니다: {}",
    ),
    (
        "denied; the command changed protected files, which only a person may do; they were put back: {}",
        "거부됨. 명령이 보호된 파일을 변경해 되돌렸습니다: {}",
    ),
    (
        "the rule `{}` holds for this session only: there is no place to keep it",
        "규칙 `{}`은(는) 저장할 곳이 없어 이 세션에만 적용됩니다",
    ),
    ("the rule `{}` holds for this session only: {}", "규칙 `{}`은(는) 이 세션에만 적용됩니다: {}"),
];
