//! What the engine writes into events: claims, refusals, reasons.

use domain::workflow::NOTHING_SAID;

use super::Phrase;
use crate::words::start::UNREAD_INPUT;

pub(super) const ENGINE: [Phrase; 63] = [
    // Claims of a report, held against what was seen.
    (
        "files_changed: `{}` does not differ from the round's start",
        "files_changed: `{}` 파일은 라운드를 시작할 때와 달라지지 않았습니다",
    ),
    (
        "files_changed: `{}` is not observed (git ignores it, or it is outside)",
        "files_changed: `{}` 파일은 관찰 대상이 아닙니다 (git이 무시하거나 작업 폴더 밖에 있음)",
    ),
    ("files_changed: `{}` was not looked at ({})", "files_changed: `{}` 파일을 확인하지 못했습니다 ({})"),
    (
        "files_changed: `{}` was changed by another run ({}), not by this one",
        "files_changed: `{}` 파일은 이 실행이 아니라 다른 실행({})이 바꿨습니다",
    ),
    (
        "files_changed: `{}` was not changed by this run, beside which others worked ({})",
        "files_changed: `{}` 파일은 이 실행이 바꾸지 않았습니다 (함께 일한 실행: {})",
    ),
    (
        "files_changed: `{}` changed while others worked beside this run ({}), and it is not known by whom",
        "files_changed: `{}` 파일은 다른 실행({})과 함께 일하는 동안 바뀌었고, 누가 바꿨는지 알 수 없습니다",
    ),
    (
        "commands of this run ran beside others ({}): what changed meanwhile counts for the round",
        "이 실행의 명령이 다른 실행({})과 함께 돌았습니다. 그동안 바뀐 것은 라운드의 것으로 셉니다",
    ),
    ("commit: the engine made no commit `{}`", "commit: 엔진은 `{}` 커밋을 만들지 않았습니다"),
    ("commands: `{}` was not run", "commands: `{}` 명령은 실행되지 않았습니다"),
    ("commands_run: `{}` was not run", "commands_run: `{}` 명령은 실행되지 않았습니다"),
    ("passed: a named command failed", "passed: 보고에 적힌 명령이 실패했습니다"),
    (
        "passed: no run of the named commands counts for the files as they are",
        "passed: 지금 파일 상태에서 적힌 명령을 실행한 기록이 없습니다",
    ),
    (
        "passed: said to have failed, though no named command did",
        "passed: 실패했다고 보고했지만 적힌 명령 중 실패한 것이 없습니다",
    ),
    ("nothing could be checked: {}", "아무것도 확인하지 못했습니다: {}"),
    // Notices.
    ("{} was stopped after {} s", "{}: {}초가 지나 중단했습니다"),
    ("the list of changed files may be incomplete: {}", "변경된 파일 목록이 불완전할 수 있습니다: {}"),
    (
        "the answer reached the model's token limit and was cut there",
        "답변이 모델의 토큰 한도에 닿아 잘렸습니다",
    ),
    ("the model stopped for a reason that is not known here: {}", "모델이 알 수 없는 이유로 멈췄습니다: {}"),
    (
        "a block that the provider seals held a secret; it is kept without it, so the provider may not take it back \
         when the session is resumed",
        "공급자가 봉인한 블록에 비밀 값이 있어 그 값을 빼고 저장했습니다. 세션을 이어갈 때 공급자가 이 블록을 받지 \
         않을 수 있습니다",
    ),
    (
        "requests of this account are held back: its limit is reached, its endpoint is overloaded, or too many were tried \
         again; this one goes out in about {} s",
        "한도에 닿았거나 서버가 과부하이거나 재시도가 너무 많아 이 계정의 요청을 잠시 미룹니다. 약 {}초 뒤에 보냅니다",
    ),
    (
        "requests of this account are held back: its limit is reached, its endpoint is overloaded, or too many were tried \
         again; this one goes out when those before it were let through",
        "한도에 닿았거나 서버가 과부하이거나 재시도가 너무 많아, 앞선 요청들이 통과할 때까지 이 계정의 요청을 미룹니다",
    ),
    (
        "the model has shown nothing for {} seconds: it may be thinking, or writing a long call; a connection without a \
         sign of life is given up after performance.first_byte_timeout_seconds or idle_timeout_seconds, an answer that \
         does not grow after {} minutes",
        "모델이 {}초 동안 아무것도 보여 주지 않았습니다. 생각하고 있거나 긴 호출을 쓰는 중일 수 있습니다. 연결에서 아무 신호도 없으면 \
         performance.first_byte_timeout_seconds나 idle_timeout_seconds가 지난 뒤, 답변이 늘지 않으면 {}분 뒤에 \
         포기합니다",
    ),
    ("denied in this round: {}", "이번 라운드에서 거부됨: {}"),
    // Why not every file was looked at.
    ("only the first {} files were looked at", "처음 {}개 파일만 확인했습니다"),
    ("looking at the files was cut off after {} s", "{}초가 지나 파일 확인을 멈췄습니다"),
    ("{} folders deeper than {} were left out", "폴더 {}개는 깊이가 {}단계를 넘어 제외했습니다"),
    ("{} folders could not be read (first: {})", "폴더 {}개를 읽을 수 없었습니다 (첫 폴더: {})"),
    (UNREAD_INPUT, "표준 입력에 읽지 않은 데이터가 있습니다. `--context -`로 작업에 추가할 수 있습니다"),
    // How a worker failed.
    (
        "the worker handed in no report. Its last words: {}",
        "워커가 보고서를 제출하지 않았습니다. 마지막 말: {}",
    ),
    (
        "the worker used up its {} turns (workflow_limits.max_worker_turns)",
        "워커가 {}턴을 모두 썼습니다 (workflow_limits.max_worker_turns)",
    ),
    (
        "the worker did not finish within {} s; what it had changed stays",
        "워커가 {}초 안에 끝내지 못했습니다. 변경한 내용은 남아 있습니다",
    ),
    ("the worker was stopped: {}", "워커가 중단되었습니다: {}"),
    // Why a round ended before its work did.
    (
        "the manager used up its turns: `--max-turns` (max_turns is {}) gives more",
        "매니저가 턴을 모두 썼습니다. `--max-turns`로 늘릴 수 있습니다 (지금 {})",
    ),
    (
        "coders were refused because of workflow_limits.{}",
        "workflow_limits.{} 때문에 coder 호출이 거부되었습니다",
    ),
    (
        "the worker used up its turns: workflow_limits.max_worker_turns (it is {}) gives more",
        "워커가 턴을 모두 썼습니다. workflow_limits.max_worker_turns로 늘릴 수 있습니다 (지금 {})",
    ),
    (
        "what is left of the limit of tokens (max_tokens is {}) is too little for another request: `--max-tokens` gives \
         more",
        "남은 토큰이 다음 요청에 모자랍니다. `--max-tokens`로 늘릴 수 있습니다 (지금 {})",
    ),
    (
        "what is left of the limit of costs (max_cost_usd is {}) is too little for another request: `--max-cost-usd` \
         gives more",
        "남은 비용이 다음 요청에 모자랍니다. `--max-cost-usd`로 늘릴 수 있습니다 (지금 {})",
    ),
    (
        "the time was up: `--timeout` (timeout_seconds is {}) gives a round more, WORKER_TIMEOUT_<NAME> a worker",
        "시간이 다 되었습니다. 라운드는 `--timeout`(지금 {}초), 워커는 WORKER_TIMEOUT_<이름>으로 늘릴 수 있습니다",
    ),
    (
        "the time was up: `--timeout` (timeout_seconds) gives a round more, WORKER_TIMEOUT_<NAME> a worker",
        "시간이 다 되었습니다. 라운드는 `--timeout`, 워커는 WORKER_TIMEOUT_<이름>으로 늘릴 수 있습니다",
    ),
    (NOTHING_SAID, "매니저의 마지막 답변에는 글도 도구 호출도 없었습니다"),
    ("{} tool inputs in a row did not fit their schema", "도구 입력이 {}번 연속으로 형식에 맞지 않았습니다"),
    (
        "ended as a loop: the same call {} times in a row with the same result each time, in spite of a warning: {}. \
         Rephrase the task, or say in it what the agent ran into; where such calls are right, raise \
         workflow_limits.loop_repeats (now {})",
        "경고한 뒤에도 같은 호출이 같은 결과로 {}번 이어져 반복으로 보고 끝냈습니다: {}. 작업을 고쳐 쓰거나 무엇에 막혔는지 적어 \
         주세요. 필요한 반복이었다면 workflow_limits.loop_repeats를 늘리세요 (지금 {})",
    ),
    (
        "ended as a loop: the same two calls by turns, {} times with the same results each time, in spite of a warning: {}. \
         Rephrase the task, or say in it what the agent ran into; where such calls are right, raise \
         workflow_limits.loop_repeats (now {})",
        "경고한 뒤에도 같은 두 호출이 번갈아 같은 결과로 {}번 이어져 반복으로 보고 끝냈습니다: {}. 작업을 고쳐 쓰거나 무엇에 \
         막혔는지 적어 주세요. 필요한 반복이었다면 workflow_limits.loop_repeats를 늘리세요 (지금 {})",
    ),
    (
        "ended as a loop: {} turns without a new result or a changed file, in spite of a warning. Rephrase the task, split \
         it, or say in it what the agent ran into",
        "경고한 뒤에도 새 결과나 바뀐 파일 없이 {}턴이 지나 반복으로 보고 끝냈습니다. 작업을 고쳐 쓰거나 나누거나, 무엇에 \
         막혔는지 적어 주세요",
    ),
    // Limits that refuse a call. What the manager is told to do stands in the last hole.
    (
        "refused: the coder failed {} times in a row (workflow_limits.max_coder_retries is {}). {}",
        "coder가 {}번 연속으로 실패해 더 부르지 않았습니다 (workflow_limits.max_coder_retries = {})",
    ),
    (
        "refused: tests failed again after {} fixes (workflow_limits.max_retry_cycles is {}). {}",
        "{}번 고친 뒤에도 테스트가 실패해 coder를 더 부르지 않았습니다 (workflow_limits.max_retry_cycles = {})",
    ),
    // The questions after the last review; the options of the first have a table of their own.
    ("The reviews do not converge. Still open:", "리뷰가 결론에 이르지 못했습니다. 남은 지적 사항:"),
    ("What should the team do about the open findings?", "남은 지적 사항을 어떻게 처리할까요?"),
    // The sandbox.
    (
        "asked for: commands run with all rights of the person",
        "요청에 따라 명령이 사용자의 모든 권한으로 실행됩니다",
    ),
    (
        "Landlock (ABI {}) and a seccomp filter hold commands in the workspace",
        "Landlock(ABI {})과 seccomp 필터가 명령을 작업 폴더 안에 가둡니다",
    ),
    (
        "bubblewrap {} gives commands namespaces and a view of their own, behind a seccomp filter",
        "bubblewrap {}: 명령마다 별도의 네임스페이스와 파일 보기를 주고 seccomp 필터로 막습니다",
    ),
    (
        "this version cannot forbid user namespaces inside",
        "이 버전은 안에서 사용자 네임스페이스를 만드는 것을 막지 못합니다",
    ),
    ("the network is open (`--allow-network`)", "네트워크가 열려 있습니다 (`--allow-network`)"),
    (
        "nothing limits the number of processes, because we run as root before Linux 6.14",
        "Linux 6.14 이전에서 root로 실행 중이라 프로세스 수를 제한할 수 없습니다",
    ),
    (
        "we run as root, so nothing limits the number of processes, and commands can change the mode and the times of \
         root's own files outside (a plain user, or `strict`, is safer)",
        "root로 실행 중이라 프로세스 수를 제한할 수 없고, 명령이 바깥에 있는 root 파일의 권한과 시각을 바꿀 수 있습니다 (일반 \
         사용자로 실행하거나 `strict`를 쓰면 더 안전합니다)",
    ),
    (
        "commands keep root's right to any file's content inside, because a writable folder belongs to somebody else",
        "쓰기 가능한 폴더의 소유자가 달라, 그 안에서는 모든 파일을 읽고 쓰는 root의 권한이 명령에 남아 있습니다",
    ),
    (
        "our state lies where commands may write, so what they change of protected files stays if this program is \
         killed",
        "상태 폴더가 명령이 쓸 수 있는 곳에 있어, 이 프로그램이 강제 종료되면 명령이 바꾼 보호 파일이 그대로 남습니다",
    ),
    ("not visible, because too much lies below: {}", "하위 폴더가 너무 넓어 보이지 않는 곳: {}"),
    ("not readable, because too much lies below: {}", "하위 폴더가 너무 넓어 읽을 수 없는 곳: {}"),
    (
        "what leaves a command's process group may outlive it",
        "프로세스 그룹을 벗어난 프로세스는 명령이 끝난 뒤에도 남을 수 있습니다",
    ),
    (
        "a daemon that left its command's process group and parents may outlive it",
        "프로세스 그룹과 부모를 벗어난 데몬은 명령이 끝난 뒤에도 남을 수 있습니다",
    ),
    (
        "no helper process: what runs when this program is killed runs on until its next start",
        "도우미 프로세스가 없어, 이 프로그램이 강제 종료되면 실행 중이던 명령은 다음 시작 때까지 계속 실행됩니다",
    ),
    (
        "sandbox level `{}` does not work here; use `--sandbox auto`, or `--sandbox none --permission-mode full` to \
         run commands with all of your rights: {}",
        "`{}` 수준의 샌드박스가 이 환경에서 작동하지 않습니다: {}",
    ),
];
