//! How rounds and runs end, in words: what happened, and what the person can do next.

use domain::outcome::{Ending, FailReason, LimitReason, NeedReason, PartialReason, Signal};

use super::Language;

/// An ending in words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct EndingWords {
    /// Two or three words, for a line among others.
    pub(crate) short: &'static str,
    /// What happened.
    pub(crate) what: &'static str,
    /// What the person can do next; empty where there is nothing to do.
    pub(crate) next: &'static str,
}

impl Language {
    const fn ending_of(
        self,
        short: (&'static str, &'static str),
        what: (&'static str, &'static str),
        next: (&'static str, &'static str),
    ) -> EndingWords {
        EndingWords {
            short: self.pick(short.0, short.1),
            what: self.pick(what.0, what.1),
            next: self.pick(next.0, next.1),
        }
    }

    /// An ending in words.
    pub(crate) const fn ending(self, ending: Ending) -> EndingWords {
        match ending {
            Ending::Done => self.ending_of(("done", "완료"), ("The work is done.", "작업을 마쳤습니다."), ("", "")),
            Ending::Answered => self.ending_of(
                ("answered", "답변"),
                ("The question is answered; nothing was changed.", "질문에 답했습니다. 변경된 것은 없습니다."),
                ("", ""),
            ),
            Ending::Partial(reason) => self.partial(reason),
            Ending::Failed(reason) => self.failed(reason),
            Ending::Limit(reason) => self.limit(reason),
            Ending::NeedsPerson(reason) => self.needs_person(reason),
            Ending::Stopped => self.ending_of(
                ("stopped", "중지됨"),
                ("You stopped the round. What was done so far stays.", "라운드를 중지했습니다. 지금까지의 변경은 남아 있습니다."),
                (
                    "Look at the changes with `git diff`; take them back with `better-llm-cli session undo`, or give what is \
                     left as a task of its own.",
                    "`git diff`로 변경 내용을 확인하세요. `better-llm-cli session undo`로 되돌리거나, 남은 일을 새 작업으로 실행할 수 \
                     있습니다.",
                ),
            ),
            Ending::Cancelled(signal) => self.cancelled(signal),
            Ending::Interrupted => self.ending_of(
                ("interrupted", "중단됨"),
                (
                    "The program died in the middle of the work.",
                    "작업 도중 프로그램이 비정상 종료되었습니다.",
                ),
                (
                    "Everything up to then is in the journal. Look at the changes with `git diff`, then run the task again.",
                    "그때까지의 기록은 저널에 있습니다. `git diff`로 변경 내용을 확인한 뒤 다시 실행하세요.",
                ),
            ),
        }
    }

    const fn partial(self, reason: PartialReason) -> EndingWords {
        match reason {
            PartialReason::ManagerPartial => self.ending_of(
                ("partly done", "일부 완료"),
                ("Some of the work is done; the manager says what is left.", "일부만 완료했습니다. 남은 일은 매니저의 요약에 있습니다."),
                ("Run the rest as a task of its own.", "남은 일을 새 작업으로 실행하세요."),
            ),
            PartialReason::EndedInProse => self.ending_of(
                ("ended without finishing", "마무리 없이 끝남"),
                (
                    "The manager stopped working without saying that it was finished, twice.",
                    "매니저가 작업을 마무리하지 않은 채 두 번 멈췄습니다.",
                ),
                (
                    "Look at the changes with `git diff`; run the task again, perhaps with a stronger model (`--model`).",
                    "`git diff`로 변경 내용을 확인하고 다시 실행하세요. 더 강한 모델(`--model`)이 도움이 될 수 있습니다.",
                ),
            ),
        }
    }

    const fn failed(self, reason: FailReason) -> EndingWords {
        match reason {
            FailReason::ManagerFailed => self.ending_of(
                ("not done", "미완료"),
                ("The manager could not do the work; its summary says why.", "매니저가 작업을 해내지 못했습니다. 이유는 요약에 있습니다."),
                ("Give it what was missing, or split the task, and run it again.", "부족했던 것을 채우거나 작업을 나누어 다시 실행하세요."),
            ),
            FailReason::WorkerFailed => self.ending_of(
                ("worker failed", "워커 실패"),
                ("The worker could not do its task.", "워커가 작업을 해내지 못했습니다."),
                ("Its report says why; change the task accordingly.", "보고서의 이유를 보고 작업을 고쳐 다시 실행하세요."),
            ),
            FailReason::MalformedReport => self.ending_of(
                ("malformed report", "잘못된 보고"),
                (
                    "An agent would not hand in what its task asks for, even when told what was wrong.",
                    "에이전트가 요구된 형식의 결과를 끝내 제출하지 못했습니다.",
                ),
                ("Try a stronger model (`--model AGENT=MODEL`).", "더 강한 모델을 써 보세요 (`--model AGENT=MODEL`)."),
            ),
            FailReason::Provider => self.ending_of(
                ("provider failed", "모델 제공자 오류"),
                ("The model could not be reached, or did not answer rightly.", "모델에 연결할 수 없거나 올바른 응답을 받지 못했습니다."),
                (
                    "The error above says where and why. Check the network and the provider's status, then run the task again.",
                    "위 오류에 위치와 이유가 있습니다. 네트워크와 제공자 상태를 확인한 뒤 다시 실행하세요.",
                ),
            ),
            FailReason::Credentials => self.ending_of(
                ("credentials refused", "인증 거부"),
                ("The endpoint refused the credentials.", "서버가 인증 정보를 거부했습니다."),
                (
                    "Check the key (`ANTHROPIC_API_KEY`, `OPENAI_API_KEY`) and, if you set one, the base URL.",
                    "키(`ANTHROPIC_API_KEY`, `OPENAI_API_KEY`)와, 설정했다면 기본 주소(`*_BASE_URL`)를 확인하세요.",
                ),
            ),
            FailReason::Verification => self.ending_of(
                ("verification failed", "검증 실패"),
                (
                    "What was claimed does not hold: tests fail, or a claim is refuted, in the final state.",
                    "보고된 내용이 사실과 다릅니다. 최종 상태에서 테스트가 실패했거나 주장이 반박되었습니다.",
                ),
                (
                    "Do not trust the summary; look at the refuted claims above and at `git diff`.",
                    "요약을 믿지 말고, 위의 반박된 주장과 `git diff`를 확인하세요.",
                ),
            ),
            FailReason::Loop => self.ending_of(
                ("loop", "반복"),
                ("The team did the same thing again and again.", "팀이 같은 일을 계속 반복했습니다."),
                (
                    "Say in the task what it ran into, or split it; where such calls are right, raise `workflow_limits.loop_repeats`.",
                    "무엇에 막혔는지 작업에 적어 주거나 작업을 나누세요. 필요한 반복이었다면 `workflow_limits.loop_repeats`를 늘리세요.",
                ),
            ),
            FailReason::Internal => self.ending_of(
                ("internal error", "내부 오류"),
                ("better-llm itself could not go on.", "better-llm이 계속할 수 없었습니다."),
                (
                    "The error above says why. If the disk is full or a folder of ours cannot be written, mend that and run it \
                     again. Else it is our fault, and the session's journal helps to find it.",
                    "이유는 위 오류에 있습니다. 디스크가 가득 찼거나 better-llm의 폴더에 쓸 수 없다면 해결한 뒤 다시 실행하세요. \
                     그 밖에는 저희 잘못이며, 세션 저널이 원인을 찾는 데 도움이 됩니다.",
                ),
            ),
        }
    }

    const fn limit(self, reason: LimitReason) -> EndingWords {
        const AGAIN: (&str, &str) = (
            "What was done so far stays. Raise the limit, or give the rest as a task of its own.",
            "지금까지의 변경은 남아 있습니다. 한도를 늘리거나 남은 일을 새 작업으로 실행하세요.",
        );
        match reason {
            LimitReason::Turns => self.ending_of(
                ("turn limit", "턴 한도"),
                (
                    "The limit of turns was reached (`--max-turns`; of a worker `workflow_limits.max_worker_turns`).",
                    "턴 한도에 도달했습니다 (`--max-turns`, 워커는 `workflow_limits.max_worker_turns`).",
                ),
                AGAIN,
            ),
            LimitReason::Tokens => self.ending_of(
                ("token limit", "토큰 한도"),
                (
                    "The tokens that are left are too few for another request (`--max-tokens`).",
                    "남은 토큰으로는 다음 요청을 보낼 수 없습니다 (`--max-tokens`).",
                ),
                AGAIN,
            ),
            LimitReason::Cost => self.ending_of(
                ("cost limit", "비용 한도"),
                (
                    "The money that is left is too little for another request (`--max-cost-usd`).",
                    "남은 비용으로는 다음 요청을 보낼 수 없습니다 (`--max-cost-usd`).",
                ),
                AGAIN,
            ),
            LimitReason::Time => self.ending_of(
                ("timeout", "시간 초과"),
                (
                    "The time was up (`--timeout` for a round, `WORKER_TIMEOUT_*` for a worker).",
                    "시간이 다 되었습니다 (라운드는 `--timeout`, 워커는 `WORKER_TIMEOUT_*`).",
                ),
                AGAIN,
            ),
        }
    }

    const fn needs_person(self, reason: NeedReason) -> EndingWords {
        match reason {
            NeedReason::ReviewLimit => self.ending_of(
                ("reviews do not converge", "리뷰 한도"),
                (
                    "The reviewer still asks for changes after the last cycle allowed, and nobody was there to decide.",
                    "마지막 리뷰 사이클 뒤에도 변경 요청이 남았고, 결정할 사람이 없었습니다.",
                ),
                (
                    "Read the open findings, then run a task that says what to do about them, or accept the changes as they \
                     are. At a terminal you are asked in time.",
                    "남은 지적 사항을 읽고, 처리 방법을 적어 다시 실행하거나 변경을 그대로 받아들이세요. 터미널에서 실행하면 \
                     그때 물어봅니다.",
                ),
            ),
            NeedReason::Question => self.ending_of(
                ("question", "질문"),
                ("The manager asked a question and nobody answered.", "매니저가 질문했지만 아무도 답하지 않았습니다."),
                (
                    "Run the task again with the answer in it, or at a terminal, where you can answer (programs: \
                     `--input-format stream-json`).",
                    "답을 작업에 적어 다시 실행하거나, 답할 수 있는 터미널에서 실행하세요 (프로그램은 \
                     `--input-format stream-json`).",
                ),
            ),
            NeedReason::Permission => self.ending_of(
                ("permission needed", "권한 필요"),
                ("Something needed permission and nobody gave it.", "허락이 필요한 일이 있었지만 아무도 허락하지 않았습니다."),
                (
                    "If you want it done, allow it: `--permission-mode`, `--sandbox`, a rule in `permissions.rules`; or run it \
                     at a terminal, where you are asked (programs: `--input-format stream-json`).",
                    "원하는 일이라면 `--permission-mode`, `--sandbox`, `permissions.rules`의 규칙으로 허용하거나, 물어볼 수 있는 \
                     터미널에서 실행하세요 (프로그램은 `--input-format stream-json`).",
                ),
            ),
        }
    }

    const fn cancelled(self, signal: Signal) -> EndingWords {
        const STAYS: (&str, &str) = (
            "What was done so far stays: `git diff` shows it, `better-llm-cli session undo` takes it back.",
            "지금까지의 변경은 남아 있습니다. `git diff`로 확인하고, `better-llm-cli session undo`로 되돌릴 수 있습니다.",
        );
        match signal {
            Signal::Interrupt => self.ending_of(
                ("cancelled", "취소됨"),
                ("Cancelled (Ctrl+C).", "취소되었습니다 (Ctrl+C)."),
                STAYS,
            ),
            Signal::Terminate => self.ending_of(
                ("terminated", "종료됨"),
                ("Ended from outside (SIGTERM).", "외부에서 종료되었습니다 (SIGTERM)."),
                STAYS,
            ),
            Signal::HangUp => self.ending_of(
                ("hung up", "연결 끊김"),
                ("The terminal went away (SIGHUP).", "터미널 연결이 끊겼습니다 (SIGHUP)."),
                STAYS,
            ),
        }
    }
}
