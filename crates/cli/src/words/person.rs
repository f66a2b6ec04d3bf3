//! What passes between the program and a person who answers, steps in, or sends commands: hints, and what they may type.

use std::{borrow::Cow, time::Duration};

use better_llm::CommandRefused;
use domain::{
    order::{BadOrder, Expected, Order},
    review::ReviewOption,
    text::nearest,
};

use super::Language;
use crate::work::WhyRefused;

/// Who asks where the engine does; no agent has this name.
const ENGINE: &str = "engine";

/// A word that a person may type at any time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Word {
    /// Ends the round.
    Stop,
    /// Stops the clock of the window, or of the next one.
    Pause,
    /// Closes the window.
    Continue,
}

impl Word {
    const ALL: [(&str, Self); 6] = [
        ("/stop", Self::Stop),
        ("/pause", Self::Pause),
        ("/continue", Self::Continue),
        ("/중지", Self::Stop),
        ("/일시정지", Self::Pause),
        ("/계속", Self::Continue),
    ];

    /// The word that was typed, alone on its line.
    pub(crate) fn parse(typed: &str) -> Option<Self> {
        let typed = typed.to_lowercase();
        Self::ALL.into_iter().find(|(word, _)| *word == typed).map(|(_, word)| word)
    }

    /// The word that may have been meant by something that looks like one.
    pub(crate) fn nearest(typed: &str) -> Option<&'static str> {
        let is_word = typed.starts_with('/') && !typed.chars().skip(1).any(|c| c == '/' || c.is_whitespace());
        is_word.then(|| nearest(typed, Self::ALL.map(|(word, _)| word)))?
    }
}

/// Why what was typed is no answer to a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoAnswer<'t> {
    /// Nothing was typed.
    Nothing,
    /// A number that no option has.
    NoOption {
        /// The number as it was typed.
        number: &'t str,
        /// How many options there are.
        count: usize,
    },
}

/// The answer that somebody typed to a question: an option by its number or its text, as it is or as it was shown, or
/// words of their own. Where the options themselves are no numbers, a number that none of them has is a slip.
///
/// # Errors
/// [`NoAnswer`] where it is none.
pub(crate) fn question_answer<'t>(
    typed: &'t str,
    options: &[String],
    shown: &[Cow<'_, str>],
) -> Result<String, NoAnswer<'t>> {
    let typed = typed.trim();
    if typed.is_empty() {
        return Err(NoAnswer::Nothing);
    }
    let number = typed.trim_end_matches(['.', ')']);
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let numbered = number.parse::<usize>().ok().and_then(|number| options.get(number.checked_sub(1)?));
    let is_named = |option: &str| option.trim().to_lowercase() == typed.to_lowercase();
    let named = options.iter().zip(shown).find(|(option, shown)| is_named(option) || is_named(shown));
    match numbered.or(named.map(|(option, _)| option)) {
        Some(option) => Ok(option.clone()),
        None if is_number(number)
            && !options.is_empty()
            && !options.iter().any(|option| is_number(option.trim())) =>
        {
            Err(NoAnswer::NoOption { number, count: options.len() })
        }
        None => Ok(typed.to_owned()),
    }
}

impl Language {
    /// An option of a question, as it is shown. Those of the engine's questions have words of their own.
    pub(crate) fn option<'t>(self, asker: &str, option: &'t str) -> Cow<'t, str> {
        if asker != ENGINE {
            return Cow::Borrowed(option);
        }
        match ReviewOption::named(option) {
            Some(option) => Cow::Borrowed(self.review_option(option)),
            None => self.detail(option),
        }
    }

    /// What may be answered to a question, and what happens without an answer.
    pub(crate) fn question_options(self, has_options: bool, left: Duration) -> String {
        let left = self.span(left);
        match (self, has_options) {
            (Self::English, true) => {
                format!("answer with a number or in your own words; after {left} the first one is taken")
            }
            (Self::English, false) => {
                format!("answer in your own words; after {left} the round ends without an answer")
            }
            (Self::Korean, true) => {
                format!("번호 또는 원하는 말로 답하세요. {left} 안에 답이 없으면 첫 번째를 고릅니다")
            }
            (Self::Korean, false) => {
                format!("원하는 말로 답하세요. {left} 안에 답이 없으면 라운드가 끝납니다")
            }
        }
    }

    /// Before the place where the answer to a question is typed.
    pub(crate) const fn question_prompt(self) -> &'static str {
        self.pick("your answer: ", "답: ")
    }

    /// What was typed to a question is no answer.
    pub(crate) fn no_answer_to_question(self, why: NoAnswer<'_>) -> String {
        match (self, why) {
            (Self::English, NoAnswer::Nothing) => {
                "that is no answer: type one, then Enter (/stop ends the round)".to_owned()
            }
            (Self::Korean, NoAnswer::Nothing) => {
                "답이 비어 있습니다. 답을 입력하고 Enter를 누르세요 (/stop은 라운드를 끝냅니다)".to_owned()
            }
            (Self::English, NoAnswer::NoOption { number, count: 1 }) => {
                format!("there is no option {number}: type 1, or more than a number")
            }
            (Self::English, NoAnswer::NoOption { number, count }) => {
                format!("there is no option {number}: type a number from 1 to {count}, or more than a number")
            }
            (Self::Korean, NoAnswer::NoOption { number, count: 1 }) => {
                format!("{number}번은 없습니다. 1을 입력하거나, 숫자만이 아닌 말로 답하세요")
            }
            (Self::Korean, NoAnswer::NoOption { number, count }) => {
                format!(
                    "{number}번은 없습니다. 1부터 {count}까지의 번호를 입력하거나, 숫자만이 아닌 말로 답하세요"
                )
            }
        }
    }

    /// A window whose clock runs: who has finished, how long it is open, and the keys.
    pub(crate) fn window_runs(self, finished: &[String], left: Duration) -> String {
        let (who, left) = (finished.join(", "), self.span(left));
        match self {
            Self::English => {
                let who = if who.is_empty() { who } else { format!("{who} finished · ") };
                format!("  {who}{left} to step in: Enter goes on · typing stops the clock · /pause · /stop")
            }
            Self::Korean => {
                let who = if who.is_empty() { who } else { format!("{who} 작업 끝 · ") };
                format!("  {who}{left} 동안 개입할 수 있음: Enter 계속 · 입력하면 시계 멈춤 · /pause · /stop")
            }
        }
    }

    /// A window whose clock stands still, and how long it does at most.
    pub(crate) fn window_paused(self, left: Option<Duration>) -> String {
        let left = left.map(|left| self.span(left));
        match (self, left) {
            (Self::English, Some(left)) => {
                format!(
                    "  type what the manager should know, or Enter to go on · /stop · goes on after {left}"
                )
            }
            (Self::English, None) => {
                "  type what the manager should know, or Enter to go on · /stop".to_owned()
            }
            (Self::Korean, Some(left)) => {
                format!("  매니저에게 전할 말을 입력하거나 Enter로 계속 · /stop · {left} 뒤 자동으로 계속")
            }
            (Self::Korean, None) => "  매니저에게 전할 말을 입력하거나 Enter로 계속 · /stop".to_owned(),
        }
    }

    /// Before the place where a message is typed in a window.
    pub(crate) const fn window_prompt(self) -> &'static str {
        "> "
    }

    /// Something that looks like a word that may be typed at any time, and is none.
    pub(crate) fn no_such_word(self, typed: &str, nearest: &str) -> String {
        match self {
            Self::English => format!("there is no `{typed}`; did you mean `{nearest}`? Nothing was sent."),
            Self::Korean => {
                format!("`{typed}` 명령은 없습니다. `{nearest}` 명령을 뜻하셨나요? 전송하지 않았습니다.")
            }
        }
    }

    /// A line that was typed or pasted is too long.
    pub(crate) fn typed_too_much(self, most: usize) -> String {
        match self {
            Self::English => format!(
                "that is longer than {most} bytes, and nothing of it was taken: put it into a file and name the file"
            ),
            Self::Korean => format!(
                "{most}바이트보다 길어 전혀 받지 않았습니다. 파일에 저장한 뒤 그 파일 이름을 알려 주세요"
            ),
        }
    }

    /// A person can be heard no more.
    pub(crate) fn not_listening(self, why: &str) -> String {
        match self {
            Self::English => format!("nobody can be asked any more: standard input cannot be read ({why})"),
            Self::Korean => format!("표준 입력을 읽을 수 없어 더 이상 물어볼 수 없습니다 ({why})"),
        }
    }

    /// Why a command was not taken.
    pub(crate) fn command_refused(self, why: &CommandRefused) -> String {
        let words = match why {
            CommandRefused::Busy => self.pick("a round is under way already", "이미 라운드가 진행 중입니다"),
            CommandRefused::NothingToGoOnWith => self.pick(
                "no round was broken off: begin one with a task",
                "중단된 라운드가 없습니다. 작업을 적어 새 라운드를 시작하세요",
            ),
            CommandRefused::NobodyListens => self.pick(
                "nobody can hear that any more: the work of this round is over; give it as a task of its own",
                "이 라운드의 작업이 끝나 전달할 수 없습니다. 새 작업으로 실행하세요",
            ),
            CommandRefused::TooManyMessages => self.pick(
                "too many messages wait for the manager; say it again when it has read them",
                "매니저가 읽지 않은 메시지가 너무 많습니다. 매니저가 읽은 뒤 다시 보내세요",
            ),
            CommandRefused::NoQuestion(id) => {
                return match self {
                    Self::English => format!("no question `{id}` waits for an answer (any more)"),
                    Self::Korean => format!("답을 기다리는 질문 `{id}`은(는) 없습니다"),
                };
            }
            CommandRefused::NoCall(id) => {
                return match self {
                    Self::English => format!("no call `{id}` waits for leave (any more)"),
                    Self::Korean => format!("허락을 기다리는 호출 `{id}`은(는) 없습니다"),
                };
            }
            CommandRefused::Mention(error) => return self.mention_error(error),
            CommandRefused::Ended => self.pick("the session has ended", "세션이 끝났습니다"),
        };
        words.to_owned()
    }

    /// Why a line of a program was not carried out.
    pub(crate) fn line_refused(self, line: u64, why: &WhyRefused) -> String {
        let why = match why {
            WhyRefused::Bad(bad) => self.bad_order(bad),
            WhyRefused::NotNow(why) => self.command_refused(why),
        };
        match self {
            Self::English => format!("line {line} of standard input was not carried out: {why}"),
            Self::Korean => format!("표준 입력 {line}번째 줄을 처리하지 않았습니다: {why}"),
        }
    }

    fn bad_order(self, bad: &BadOrder) -> String {
        match self {
            Self::English => bad.to_string(),
            Self::Korean => bad_order_in_korean(bad),
        }
    }

    /// A time that a person has, up to the next half second: whole minutes, else seconds without a needless fraction.
    fn span(self, time: Duration) -> String {
        let halves = time.as_millis().div_ceil(500);
        let (seconds, tenths) = (halves / 2, halves % 2 * 5);
        match (self, seconds, tenths) {
            (Self::English, 120.., 0) if seconds % 60 == 0 => format!("{} min", seconds / 60),
            (Self::Korean, 120.., 0) if seconds % 60 == 0 => format!("{}분", seconds / 60),
            (Self::English, _, 0) => format!("{seconds} s"),
            (Self::Korean, _, 0) => format!("{seconds}초"),
            (Self::English, ..) => format!("{seconds}.{tenths} s"),
            (Self::Korean, ..) => format!("{seconds}.{tenths}초"),
        }
    }
}

/// [`BadOrder`] says it in English itself.
fn bad_order_in_korean(bad: &BadOrder) -> String {
    let meant = |nearest: Option<&str>| {
        nearest.map_or_else(String::new, |nearest| format!(" (`{nearest}`을(를) 뜻하셨나요?)"))
    };
    match bad {
        BadOrder::TooLong { most } => format!("{most}바이트보다 깁니다"),
        BadOrder::NotText => "UTF-8이 아닙니다".to_owned(),
        BadOrder::NotJson { why } => format!("JSON이 아닙니다 ({why}). 한 줄에 객체 하나가 필요합니다"),
        BadOrder::NotAnObject => "`type`이 있는 JSON 객체가 필요합니다".to_owned(),
        BadOrder::NoType { given, nearest } => {
            let given = match given {
                Some(given) => format!("`{given}` 타입은 없습니다"),
                None => "`type`이 없습니다".to_owned(),
            };
            format!("{given}{}. 가능한 타입: {}", meant(*nearest), Order::types())
        }
        BadOrder::Missing { kind, field } => {
            format!("`{kind}`에는 `{field}` 필드가 필요합니다. 필드: {}", Order::fields(kind))
        }
        BadOrder::Unknown { kind, field, nearest } => {
            format!("`{kind}`에 `{field}` 필드는 없습니다{}. 필드: {}", meant(*nearest), Order::fields(kind))
        }
        BadOrder::Wrong { kind, field, expected } => {
            let expected = match expected {
                Expected::Text => "비어 있지 않은 문자열",
                Expected::QuestionId => "`question` 이벤트의 `question_id`",
                Expected::Decision => "`once`, `session`, `always`, `deny` 중 하나",
            };
            format!("`{kind}`의 `{field}` 값이 잘못되었습니다. 필요한 값: {expected}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(typed: &str, options: [&str; 2], expected: Result<&str, NoAnswer<'_>>) {
        let options = options.map(str::to_owned);
        let shown = ["리뷰 한 번 더".into(), options[1].as_str().into()];
        let found = question_answer(typed, &options, &shown);
        assert_eq!(found.as_deref().map_err(|why| *why), expected, "{typed:?}");
    }

    #[test]
    fn a_question_is_answered_by_number_by_text_or_in_free_words() {
        let options = ["one more review", "stop"];
        for typed in ["1", " 1. ", "One more Review", "리뷰 한 번 더"] {
            check(typed, options, Ok("one more review"));
        }
        check("2)", options, Ok("stop"));
        for free in ["탭을 쓰세요", "/usr/bin", "9 of them", "-1", "v9"] {
            check(free, options, Ok(free));
        }
        check("  ", options, Err(NoAnswer::Nothing));
    }

    #[test]
    fn a_number_that_no_option_has_is_a_slip_unless_the_options_are_numbers() {
        for number in ["0", "3", "99999999999999999999999"] {
            check(number, ["one more review", "stop"], Err(NoAnswer::NoOption { number, count: 2 }));
        }
        check("3.", ["one more review", "stop"], Err(NoAnswer::NoOption { number: "3", count: 2 }));
        for number in ["8", "4", "16"] {
            check(number, ["4", "8"], Ok(number));
        }
        assert_eq!(question_answer("16", &[], &[]), Ok("16".to_owned()));
    }

    #[test]
    fn words_with_a_slash_are_told_from_messages() {
        assert_eq!(Word::parse("/STOP"), Some(Word::Stop));
        assert_eq!(Word::parse("/일시정지"), Some(Word::Pause));
        assert_eq!((Word::parse("stop"), Word::parse("/stop now")), (None, None));
        assert_eq!(Word::nearest("/stpo"), Some("/stop"));
        for message in ["/usr/bin", "/etc is wrong", "stop", "/", "/frobnicate"] {
            assert_eq!(Word::nearest(message), None, "{message}");
        }
    }

    #[test]
    fn times_have_no_needless_fraction() {
        let span = |millis| Language::English.span(Duration::from_millis(millis));
        assert_eq!(
            [span(4_990), span(2_500), span(599_900), span(90_000)],
            ["5 s", "2.5 s", "10 min", "90 s"]
        );
        assert_eq!(Language::Korean.span(Duration::from_secs(600)), "10분");
    }

    /// Every mistake says what was expected, in both languages.
    #[test]
    fn every_bad_line_says_what_was_expected() {
        let bad = [
            (BadOrder::TooLong { most: 1_048_576 }, "1048576"),
            (BadOrder::NotText, "UTF-8"),
            (BadOrder::NotJson { why: "EOF".to_owned() }, "JSON"),
            (BadOrder::NotAnObject, "`type`"),
            (BadOrder::NoType { given: Some("stpo".to_owned()), nearest: Some("stop") }, "`stop`"),
            (BadOrder::Missing { kind: "answer", field: "text" }, "`question_id`"),
            (BadOrder::Unknown { kind: "message", field: "txt".to_owned(), nearest: Some("text") }, "`text`"),
            (
                BadOrder::Wrong { kind: "permission", field: "decision", expected: Expected::Decision },
                "`once`",
            ),
        ];
        for (bad, expected) in bad {
            for language in Language::ALL {
                let text = language.line_refused(3, &WhyRefused::Bad(bad.clone()));
                assert!(text.contains(expected) && text.contains('3'), "{text}");
                assert_eq!(language == Language::Korean, text.contains("줄"), "{text}");
            }
        }
    }
}
