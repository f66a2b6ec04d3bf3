//! What the lines of a running session say. How they look is [`crate::render`]'s business.

use domain::{
    event::{Decision, InterventionAction, Restored},
    limits::LimitValue,
    message::StopReason,
    permission::{SandboxLevel, SandboxState},
    run::NOTHING_NEW,
    tool::ToolStatus,
};

use super::{
    Language,
    particle::{Particle, with_particle},
};
use crate::render::text::BrokenOff;

impl Language {
    /// The sandbox in force.
    pub(crate) fn sandbox(self, sandbox: &SandboxState) -> String {
        let level = match (sandbox.usable, sandbox.level) {
            (false, _) => self
                .pick("no sandbox works here: commands are denied", "사용 가능한 샌드박스 없음: 명령 거부"),
            (true, SandboxLevel::None) => self.pick("no sandbox", "샌드박스 없음"),
            (true, SandboxLevel::Kernel) => self.pick("sandbox kernel", "샌드박스 kernel"),
            (true, SandboxLevel::Strict) => self.pick("sandbox strict", "샌드박스 strict"),
        };
        if sandbox.reason.is_empty() {
            level.to_owned()
        } else {
            format!("{level} ({})", self.detail(&sandbox.reason))
        }
    }

    /// A session goes on, with or without the round in which it had broken off.
    pub(crate) fn resumed(self, session: &str, restored: Restored, broken_off: Option<BrokenOff>) -> String {
        let Restored { rounds, events, .. } = restored;
        let plural = |number: u64| if number == 1 { "" } else { "s" };
        let what = broken_off.map(|broken_off| self.broken_off(broken_off)).unwrap_or_default();
        match self {
            Self::English => format!(
                "resumed session {session}: {rounds} round{}, {events} event{}{what}",
                plural(rounds.into()),
                plural(events)
            ),
            Self::Korean => format!("세션 {session} 이어가기: 라운드 {rounds}개, 이벤트 {events}개{what}"),
        }
    }

    fn broken_off(self, BrokenOff { round, goes_on }: BrokenOff) -> String {
        match (self, goes_on) {
            (Self::English, true) => format!("; round {round}, which was broken off, goes on"),
            (Self::English, false) => {
                format!("; round {round}, which was broken off, is closed as interrupted")
            }
            (Self::Korean, true) => format!(". 중간에 끊긴 {round}번째 라운드를 계속합니다"),
            (Self::Korean, false) => format!(". 중간에 끊긴 {round}번째 라운드는 중단된 것으로 마감했습니다"),
        }
    }

    /// Label of what the person said.
    pub(crate) const fn task(self) -> &'static str {
        self.pick("Task", "작업")
    }

    /// Label of what goes with it.
    pub(crate) const fn context(self) -> &'static str {
        self.pick("with", "함께 전달")
    }

    /// Label of the workers that were named.
    pub(crate) const fn mentions(self) -> &'static str {
        self.pick("for", "대상")
    }

    /// A run driven by another program.
    pub(crate) const fn external(self) -> &'static str {
        self.pick("external agent", "외부 에이전트")
    }

    /// A further attempt of a request.
    pub(crate) fn attempt(self, attempt: u32) -> String {
        match self {
            Self::English => format!("attempt {attempt}"),
            Self::Korean => format!("{attempt}번째 시도"),
        }
    }

    /// Why a model stopped early; none where there is nothing to say.
    pub(crate) fn stop_reason(self, reason: &StopReason) -> Option<String> {
        let text = match reason {
            StopReason::EndTurn | StopReason::ToolUse | StopReason::StopSequence | StopReason::PauseTurn => {
                return None;
            }
            StopReason::MaxTokens => self.pick(
                "the answer was cut at the model's token limit",
                "모델의 토큰 한도에서 답변이 잘렸습니다",
            ),
            StopReason::Refusal => self.pick("the model declined", "모델이 응답을 거부했습니다"),
            StopReason::ContextWindowExceeded => self.pick(
                "the conversation no longer fits the model",
                "대화가 모델의 컨텍스트 한도를 넘었습니다",
            ),
            StopReason::Other(reason) => {
                return Some(match self {
                    Self::English => {
                        format!("the model stopped for a reason this version does not know: {reason}")
                    }
                    Self::Korean => format!("알 수 없는 이유로 모델이 멈췄습니다: {reason}"),
                });
            }
        };
        Some(text.to_owned())
    }

    /// An answer that came from a cache.
    pub(crate) const fn cached(self) -> &'static str {
        self.pick("from the cache", "캐시에서 가져옴")
    }

    /// What a failed attempt had shown is void.
    pub(crate) const fn void(self) -> &'static str {
        self.pick(
            "what this answer said so far is void; it begins anew",
            "지금까지의 답변은 무효이며 다시 시작합니다",
        )
    }

    /// How a call ended; none where it went well.
    pub(crate) const fn tool_status(self, status: ToolStatus) -> Option<&'static str> {
        match status {
            ToolStatus::Ok => None,
            ToolStatus::Error => Some(self.pick("failed", "실패")),
            ToolStatus::Denied => Some(self.pick("denied", "거부됨")),
            ToolStatus::Timeout => Some(self.pick("timed out", "시간 초과")),
            ToolStatus::Cancelled => Some(self.pick("cancelled", "취소됨")),
            ToolStatus::Interrupted => Some(self.pick("interrupted", "중단됨")),
        }
    }

    /// A command's exit code.
    pub(crate) fn exit_code(self, code: i32) -> String {
        match self {
            Self::English => format!("exit code {code}"),
            Self::Korean => format!("종료 코드 {code}"),
        }
    }

    /// A command without an exit code.
    pub(crate) const fn no_exit_code(self) -> &'static str {
        self.pick("did not run to its end", "끝까지 실행되지 않음")
    }

    /// Somebody said it.
    pub(crate) fn permission_answered(self, decision: Decision, by: &str) -> String {
        let decision = match decision {
            Decision::Once => self.pick("allowed once", "이번만 허용"),
            Decision::Session => self.pick("allowed for this session", "이 세션 동안 허용"),
            Decision::Always => self.pick("allowed from now on", "항상 허용"),
            Decision::Deny => self.pick("denied", "거부"),
        };
        format!("{decision} ({})", self.by(by))
    }

    /// Who gave an answer, by the name that events have for them.
    fn by(self, by: &str) -> &str {
        match by {
            "person" => self.pick("person", "사람"),
            "deadline" => self.pick("deadline", "시간 초과"),
            "engine" => self.pick("engine", "엔진"),
            other => other,
        }
    }

    /// A request will be tried again.
    pub(crate) fn retry(self, attempt: u32, most: u32, wait: &str, reason: &str) -> String {
        match self {
            Self::English => format!("attempt {attempt} of {most} in {wait}: {reason}"),
            Self::Korean => format!("{wait} 뒤 다시 시도 ({attempt}/{most}): {reason}"),
        }
    }

    /// Label of a notice.
    pub(crate) const fn notice(self) -> &'static str {
        self.pick("note", "알림")
    }

    /// Label of an error.
    pub(crate) const fn error(self) -> &'static str {
        self.pick("error", "오류")
    }

    /// Label of the engine's own English, below a sentence in another language.
    pub(crate) const fn in_detail(self) -> &'static str {
        self.pick("in detail", "자세히")
    }

    /// Label of an error's cause.
    pub(crate) const fn because(self) -> &'static str {
        self.pick("because", "원인")
    }

    /// What happened to an intervention window.
    pub(crate) const fn intervention(self, action: InterventionAction) -> &'static str {
        match action {
            InterventionAction::Opened => self.pick("you can step in", "개입할 수 있습니다"),
            InterventionAction::Continued => self.pick("going on", "계속합니다"),
            InterventionAction::Paused => self.pick("paused", "일시 정지됨"),
            InterventionAction::Message => self.pick("you said", "내 메시지"),
            InterventionAction::Stopped => self.pick("stopped by you", "사용자가 중지함"),
        }
    }

    /// What comes after an intervention window.
    pub(crate) const fn next(self) -> &'static str {
        self.pick("next", "다음")
    }

    /// A question to the person.
    pub(crate) fn asks(self, asker: &str) -> String {
        match self {
            Self::English => format!("{asker} asks"),
            Self::Korean => format!("{asker}의 질문"),
        }
    }

    /// A question of the engine itself.
    pub(crate) const fn engine_asks(self) -> &'static str {
        self.pick("engine asks", "엔진의 질문")
    }

    /// Label of an answer.
    pub(crate) fn answered(self, by: &str) -> String {
        let by = self.by(by);
        match self {
            Self::English => format!("answer ({by})"),
            Self::Korean => format!("답변 ({by})"),
        }
    }

    /// Something was said while the team was at work.
    pub(crate) const fn queued(self) -> &'static str {
        self.pick("the manager reads this next", "매니저가 다음에 읽을 메시지")
    }

    /// A setting changed.
    pub(crate) fn setting(self, key: &str, value: &str) -> String {
        match self {
            Self::English => format!("{key} is now {value}"),
            Self::Korean => format!("{key} 값이 {} 바뀌었습니다", with_particle(value, Particle::Toward)),
        }
    }

    /// Old messages were cut.
    pub(crate) fn context_cut(self, dropped: u32, kept: u32) -> String {
        match self {
            Self::English => format!("the conversation was cut: {dropped} old messages dropped, {kept} kept"),
            Self::Korean => format!("대화를 줄였습니다: 오래된 메시지 {dropped}개 제거, {kept}개 유지"),
        }
    }

    /// The same thing again and again.
    pub(crate) fn looping(self, pattern: &str, count: u32) -> String {
        match (self, pattern) {
            (Self::English, NOTHING_NEW) => format!("{count} turns without a new result or a changed file"),
            (Self::Korean, NOTHING_NEW) => format!("{count}턴 동안 새 결과도 변경도 없음"),
            (Self::English, _) => format!("the same again, {count} times: {pattern}"),
            (Self::Korean, _) => format!("같은 일이 {count}번 반복됨: {pattern}"),
        }
    }

    /// Files are as they were at a state.
    pub(crate) const fn undone(self) -> &'static str {
        self.pick("undone:", "되돌림:")
    }

    /// A state to go back to.
    pub(crate) const fn checkpoint(self) -> &'static str {
        self.pick("checkpoint", "체크포인트")
    }

    /// A limit was reached.
    pub(crate) fn limit_reached(self, limit: &str, value: LimitValue) -> String {
        match self {
            Self::English => format!("limit reached: {limit} = {value}"),
            Self::Korean => format!("한도 도달: {limit} = {value}"),
        }
    }
}
