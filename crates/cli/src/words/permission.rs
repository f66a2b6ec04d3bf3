//! What is said where a person is asked for leave, and what they may answer.

use domain::{
    event::{Decision, EventBody},
    terminal::{Mark, MarkKind, Place, Sanitized, script_name},
};
use serde_json::Value;

use super::Language;

/// What `session` and `always` would allow, of a call that waits for leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lasting<'a> {
    /// The same command.
    Command,
    /// The same tool on the same file. What it would write there does not count.
    File { tool: &'a str, path: &'a str },
    /// The same tool, on whatever.
    Tool(&'a str),
    /// No other call: not all of this one is shown.
    Nothing,
}

impl<'a> Lasting<'a> {
    /// Reads it from the question; none of what is no question.
    pub(crate) fn of(asked: &'a EventBody) -> Option<Self> {
        let EventBody::PermissionAsked { tool, input, options, .. } = asked else { return None };
        if !options.is_empty() && !options.contains(&Decision::Session) {
            return Some(Self::Nothing);
        }
        let field = |name: &str| input.get(name).and_then(Value::as_str);
        Some(match (field("command"), field("path")) {
            (Some(_), _) => Self::Command,
            (None, Some(path)) => Self::File { tool, path },
            (None, None) => Self::Tool(tool),
        })
    }
}

impl Lasting<'_> {
    /// Whether this may be answered.
    pub(crate) fn offers(self, decision: Decision) -> bool {
        self != Self::Nothing || matches!(decision, Decision::Once | Decision::Deny)
    }
}

impl Language {
    /// A command waits.
    pub(crate) const fn may_command_run(self) -> &'static str {
        self.pick("may this command run?", "이 명령을 실행할까요?")
    }

    /// An edit waits.
    pub(crate) const fn may_edit_be_made(self) -> &'static str {
        self.pick("may this edit be made?", "이 편집을 적용할까요?")
    }

    /// Another call waits.
    pub(crate) fn may_tool_run(self, tool: &str) -> String {
        match self {
            Self::English => format!("may `{tool}` run?"),
            Self::Korean => format!("`{tool}` 실행을 허용할까요?"),
        }
    }

    /// The rule that asks.
    pub(crate) fn asked_because(self, rule: &str) -> String {
        match self {
            Self::English => format!("asked because: {rule}"),
            Self::Korean => format!("묻는 이유: {rule}"),
        }
    }

    /// What the answers mean.
    pub(crate) fn leave_options(self, lasting: &Lasting<'_>) -> String {
        let what = match (self, lasting) {
            (Self::English, Lasting::Command) => "exactly this command".to_owned(),
            (Self::Korean, Lasting::Command) => "똑같은 명령".to_owned(),
            (Self::English, Lasting::File { tool, path }) => {
                format!("every `{tool}` of {}, whatever the content,", Sanitized::name(path))
            }
            (Self::Korean, Lasting::File { tool, path }) => {
                format!("내용과 상관없이 {}에 대한 모든 `{tool}`", Sanitized::name(path))
            }
            (_, Lasting::Nothing) => {
                let text = self.pick(
                    "o once · d deny · nothing more, because not all of it is shown",
                    "o 이번만 · d 거부 · 전부 보여 준 것이 아니므로 더 넓게 허용할 수 없습니다",
                );
                return text.to_owned();
            }
            (Self::English, Lasting::Tool(tool)) => format!("every `{tool}`, whatever is in it,"),
            (Self::Korean, Lasting::Tool(tool)) => format!("내용과 상관없이 모든 `{tool}`"),
        };
        match self {
            Self::English => {
                format!(
                    "o once · s {what} until the session ends · a {what} always, in this workspace · d deny"
                )
            }
            Self::Korean => {
                format!(
                    "o 이번만 · s 이 세션 동안 {what} 허용 · a 이 작업 폴더에서 항상 {what} 허용 · d 거부"
                )
            }
        }
    }

    /// Before the place where the answer is typed.
    pub(crate) const fn leave_prompt(self, lasting: &Lasting<'_>) -> &'static str {
        match lasting {
            Lasting::Nothing => {
                self.pick("o or d, then a note if you like: ", "o, d 중 하나 (뒤에 메모 가능): ")
            }
            _ => {
                self.pick("o, s, a or d, then a note if you like: ", "o, s, a, d 중 하나 (뒤에 메모 가능): ")
            }
        }
    }

    /// What was typed is no answer.
    pub(crate) const fn no_answer(self, lasting: &Lasting<'_>) -> &'static str {
        if matches!(lasting, Lasting::Nothing) {
            return self.pick(
                "that is no answer: type o or d, then Enter (Ctrl+C ends the round)",
                "답을 알 수 없습니다. o, d 중 하나를 입력하고 Enter를 누르세요 (Ctrl+C는 라운드를 끝냅니다)",
            );
        }
        self.pick(
            "that is no answer: type o, s, a or d, then Enter (Ctrl+C ends the round)",
            "답을 알 수 없습니다. o, s, a, d 중 하나를 입력하고 Enter를 누르세요 (Ctrl+C는 라운드를 끝냅니다)",
        )
    }

    /// Nothing can be typed any more.
    pub(crate) const fn input_ended(self) -> &'static str {
        self.pick(
            "the input has ended: whatever would have to be asked is denied",
            "입력이 끝났습니다. 물어봐야 하는 일은 모두 거부합니다",
        )
    }

    /// Something that deceives the eye.
    pub(crate) fn mark(self, mark: &Mark) -> String {
        let kind = match mark.kind {
            MarkKind::MixedScripts => {
                self.pick("letters of another script among lookalikes", "비슷하게 생긴 다른 문자가 섞인 단어")
            }
            MarkKind::LooksLatin => self
                .pick("reads like Latin letters and is none", "라틴 문자처럼 보이지만 다른 문자로 쓴 단어"),
            MarkKind::StyledLetters => {
                self.pick("letters drawn for show among plain ones", "일반 문자에 섞인 장식 문자")
            }
            MarkKind::Bidi => {
                self.pick("characters that change the order of reading", "읽는 순서를 바꾸는 문자")
            }
            MarkKind::Invisible => self.pick("characters that show nothing", "보이지 않는 문자"),
            MarkKind::Control => self.pick("characters that control a terminal", "터미널을 제어하는 문자"),
            MarkKind::OddSpace => self.pick(
                "looks like a space and is none for a shell",
                "공백처럼 보이지만 셸에는 공백이 아닌 문자",
            ),
        };
        let has_words =
            matches!(mark.kind, MarkKind::MixedScripts | MarkKind::LooksLatin | MarkKind::StyledLetters);
        let places: Vec<String> = mark.places.iter().map(|place| self.place(place, has_words)).collect();
        let more = mark.count.saturating_sub(mark.places.len());
        let more = match (self, more) {
            (_, 0) => String::new(),
            (Self::English, more) => format!(" and {more} more"),
            (Self::Korean, more) => format!(" 외 {more}곳"),
        };
        format!("{kind}: {}{more}", places.join(", "))
    }

    fn place(self, place: &Place, has_word: bool) -> String {
        let line = match self {
            Self::English => format!("line {}", place.line),
            Self::Korean => format!("{}번째 줄", place.line),
        };
        let codes = place.characters.iter().map(|character| {
            let code = format!("U+{:04X}", u32::from(*character));
            if has_word { format!("{character} {code} {}", script_name(*character)) } else { code }
        });
        let codes = codes.collect::<Vec<_>>().join(", ");
        if has_word { format!("`{}` ({codes}; {line})", place.word) } else { format!("{codes} ({line})") }
    }
}

/// What somebody typed who was asked for leave: a key or a word, then a note. None: no answer.
///
/// Keys are read as a Korean keyboard gives them, too. An empty line is no answer.
pub(crate) fn leave_answer(typed: &str) -> Option<(Decision, Option<String>)> {
    let typed = typed.trim();
    let (word, note) = typed.split_once(char::is_whitespace).unwrap_or((typed, ""));
    let decision = match word.trim_end_matches([':', ',']).to_lowercase().as_str() {
        "o" | "once" | "ㅐ" | "이번만" | "한번" => Decision::Once,
        "s" | "session" | "ㄴ" | "세션" => Decision::Session,
        "a" | "always" | "ㅁ" | "항상" => Decision::Always,
        "d" | "deny" | "n" | "no" | "ㅇ" | "ㅜ" | "거부" | "아니오" | "아니요" => Decision::Deny,
        _ => return None,
    };
    let note = note.trim();
    Some((decision, (!note.is_empty()).then(|| note.to_owned())))
}

#[cfg(test)]
mod tests {
    use domain::{id::CallId, terminal::marks};
    use serde_json::json;

    use super::*;

    fn check(typed: &str, expected: Option<(Decision, Option<&str>)>) {
        let expected = expected.map(|(decision, note)| (decision, note.map(str::to_owned)));
        assert_eq!(leave_answer(typed), expected, "{typed:?}");
    }

    #[test]
    fn an_answer_is_a_key_or_a_word_and_may_carry_a_note() {
        check("o", Some((Decision::Once, None)));
        check(" S \r\n", Some((Decision::Session, None)));
        check("always", Some((Decision::Always, None)));
        check("d  use the test folder instead ", Some((Decision::Deny, Some("use the test folder instead"))));
        check("deny: 테스트 폴더를 쓰세요", Some((Decision::Deny, Some("테스트 폴더를 쓰세요"))));
        check("ㅐ", Some((Decision::Once, None)));
        check("거부 위험해요", Some((Decision::Deny, Some("위험해요"))));
    }

    /// Contract 6: nothing is allowed by accident.
    #[test]
    fn an_empty_line_and_anything_else_is_no_answer() {
        for typed in ["", "\n", "  ", "y", "yes", "ok", "os", "once-ish", "1", "\u{1b}[A", "o\u{200b}"] {
            check(typed, None);
        }
    }

    /// What lasts is said as it is: a file's name and no content of it, since every later one is allowed unasked.
    #[test]
    fn what_lasts_is_named_with_the_answers() {
        let check = |tool: &str, input: Value, english: &str, korean: &str| {
            let asked = EventBody::PermissionAsked {
                call_id: CallId::new("c"),
                tool: tool.to_owned(),
                input,
                diff: None,
                rule: String::new(),
                options: Vec::new(),
            };
            let lasting = Lasting::of(&asked).unwrap();
            assert_eq!(Language::English.leave_options(&lasting), english);
            assert_eq!(Language::Korean.leave_options(&lasting), korean);
        };
        check(
            "bash",
            json!({"command": "ls"}),
            "o once · s exactly this command until the session ends · a exactly this command always, in this workspace \
             · d deny",
            "o 이번만 · s 이 세션 동안 똑같은 명령 허용 · a 이 작업 폴더에서 항상 똑같은 명령 허용 · d 거부",
        );
        check(
            "write",
            json!({"path": "글\u{202e}.txt", "content": "harmless"}),
            "o once · s every `write` of 글<U+202E>.txt, whatever the content, until the session ends · a every `write` \
             of 글<U+202E>.txt, whatever the content, always, in this workspace · d deny",
            "o 이번만 · s 이 세션 동안 내용과 상관없이 글<U+202E>.txt에 대한 모든 `write` 허용 · a 이 작업 폴더에서 \
             항상 내용과 상관없이 글<U+202E>.txt에 대한 모든 `write` 허용 · d 거부",
        );
        check(
            "commit",
            json!({"message": "x"}),
            "o once · s every `commit`, whatever is in it, until the session ends · a every `commit`, whatever is in it, \
             always, in this workspace · d deny",
            "o 이번만 · s 이 세션 동안 내용과 상관없이 모든 `commit` 허용 · a 이 작업 폴더에서 항상 내용과 상관없이 모든 \
             `commit` 허용 · d 거부",
        );
    }

    /// Leave for what nobody saw all of is for this one call.
    #[test]
    fn of_a_call_that_is_not_shown_whole_only_once_and_deny_are_offered() {
        let asked = EventBody::PermissionAsked {
            call_id: CallId::new("c"),
            tool: "write".to_owned(),
            input: json!({"path": "a", "content": "…"}),
            diff: None,
            rule: String::new(),
            options: vec![Decision::Once, Decision::Deny],
        };
        let lasting = Lasting::of(&asked).unwrap();
        let offered = [Decision::Once, Decision::Session, Decision::Always, Decision::Deny];
        assert_eq!(offered.map(|decision| lasting.offers(decision)), [true, false, false, true]);
        assert_eq!(
            Language::English.leave_options(&lasting),
            "o once · d deny · nothing more, because not all of it is shown"
        );
        assert_eq!(
            Language::Korean.leave_options(&lasting),
            "o 이번만 · d 거부 · 전부 보여 준 것이 아니므로 더 넓게 허용할 수 없습니다"
        );
    }

    #[test]
    fn a_mark_names_the_word_the_letter_and_its_script() {
        let mark = |text: &str, language: Language| language.mark(&marks(text)[0]);
        assert_eq!(
            mark("ls\ncurl pаypal.com", Language::English),
            "letters of another script among lookalikes: `pаypal` (а U+0430 Cyrillic; line 2)"
        );
        assert_eq!(
            mark(&"\u{202e}".repeat(5), Language::English),
            "characters that change the order of reading: U+202E (line 1), U+202E (line 1), U+202E (line 1) and 2 more"
        );
        assert_eq!(mark("a\u{200b}", Language::Korean), "보이지 않는 문자: U+200B (1번째 줄)");
    }
}
