//! What is said about a call that cannot be carried out.

use super::Language;
use crate::args::{Known, UsageError, VerbError, Wanted};

impl Language {
    /// What was wrong with the call.
    pub(crate) fn usage_error(self, error: &UsageError) -> String {
        match error {
            UsageError::NothingToDo => {
                self.pick("no task was given", "할 일이 주어지지 않았습니다").to_owned()
            }
            UsageError::EmptyTask => self.pick("the task is empty", "작업 내용이 비어 있습니다").to_owned(),
            UsageError::NotUnicode { argument } => match self {
                Self::English => format!("`{argument}` is not UTF-8 text"),
                Self::Korean => format!("`{argument}`: UTF-8 텍스트가 아닙니다"),
            },
            UsageError::UnknownOption { option, .. } => match self {
                Self::English => format!("there is no option `{option}`"),
                Self::Korean => format!("`{option}` 옵션은 없습니다"),
            },
            UsageError::LaterOption { option } => match self {
                Self::English => format!("the option `{option}` comes in a later version"),
                Self::Korean => format!("`{option}` 옵션은 이후 버전에서 제공됩니다"),
            },
            UsageError::NoEffect { option, verb } => match self {
                Self::English => format!("`{option}` has no effect with `{verb}`"),
                Self::Korean => format!("`{verb}`에는 `{option}` 옵션을 쓸 수 없습니다"),
            },
            UsageError::Repeated { option, most } => match self {
                Self::English => format!("`{option}` may be given at most {most} time(s)"),
                Self::Korean => format!("`{option}` 옵션은 최대 {most}번까지 쓸 수 있습니다"),
            },
            UsageError::MissingValue { option } => match self {
                Self::English => format!("`{option}` needs a value"),
                Self::Korean => format!("`{option}` 옵션에는 값이 필요합니다"),
            },
            UsageError::UnexpectedValue { option, value } => match self {
                Self::English => format!("`{option}` takes no value, but `{value}` was given"),
                Self::Korean => format!("`{option}` 옵션은 값을 받지 않는데 `{value}` 값이 주어졌습니다"),
            },
            UsageError::BadValue { option, value, wanted } => self.bad_value(option, value, *wanted),
            UsageError::UnknownChoice { option, value, .. } => match self {
                Self::English => format!("`{option}` does not know `{value}`"),
                Self::Korean => format!("`{option}` 옵션에 `{value}` 값은 없습니다"),
            },
            UsageError::LaterChoice { option, value } => match self {
                Self::English => format!("`{option} {value}` comes in a later version"),
                Self::Korean => format!("`{option} {value}`: 이후 버전에서 제공됩니다"),
            },
            UsageError::TwoModels { agent } => self.two_models(agent.as_deref()),
            UsageError::Unreadable { why } => match self {
                Self::English => format!("the arguments cannot be read: {why}"),
                Self::Korean => format!("인자를 읽을 수 없습니다: {why}"),
            },
            UsageError::TwoSessions => self
                .pick(
                    "two sessions are named to go on with: give `--resume ID` or `--continue`, once",
                    "이어갈 세션이 둘 지정되었습니다. `--resume ID`와 `--continue` 중 하나만 쓰세요",
                )
                .to_owned(),
            UsageError::ContextWithoutTask => self
                .pick(
                    "`--context` goes with a task, and there is none",
                    "`--context`는 작업과 함께 써야 하는데 작업이 없습니다",
                )
                .to_owned(),
            UsageError::StandardInputTwice => self
                .pick("standard input can be read only once", "표준 입력은 한 번만 읽을 수 있습니다")
                .to_owned(),
            UsageError::PartialAlone => self
                .pick(
                    "`--partial` has an effect only with `--output-format stream-json`",
                    "`--partial` 옵션은 `--output-format stream-json`과 함께 쓸 때만 효과가 있습니다",
                )
                .to_owned(),
            UsageError::Verb(error) => self.verb_error(error),
        }
    }

    fn verb_error(self, error: &VerbError) -> String {
        match error {
            VerbError::Mistyped { word, .. } => self.no_verb(word),
            VerbError::IsOption { word } => self.no_verb(word),
            VerbError::Later { verb } => match self {
                Self::English => format!("`{verb}` comes in a later version"),
                Self::Korean => format!("`{verb}` 명령은 이후 버전에서 제공됩니다"),
            },
            VerbError::Incomplete { group, .. } => match self {
                Self::English => format!("`{group}` needs one more word"),
                Self::Korean => format!("`{group}` 뒤에 명령이 하나 더 필요합니다"),
            },
            VerbError::Unknown { group, word, .. } => match self {
                Self::English => format!("`{group}` does not know `{word}`"),
                Self::Korean => format!("`{group}`에 `{word}` 명령은 없습니다"),
            },
            VerbError::MissingOperand { verb, operand } => match self {
                Self::English => format!("`{verb}` needs {operand}"),
                Self::Korean => format!("`{verb}` 명령에는 {operand} 인자가 필요합니다"),
            },
            VerbError::ExtraArgument { argument } => match self {
                Self::English => format!("`{argument}` is one argument too many"),
                Self::Korean => format!("`{argument}`: 인자가 너무 많습니다"),
            },
            VerbError::BadSession { given } => match self {
                Self::English => {
                    format!(
                        "`{given}` is no session's id: 26 letters and digits, or the first 6 of them or more"
                    )
                }
                Self::Korean => {
                    format!("`{given}`: 세션 ID가 아닙니다 (영문자·숫자 26자, 또는 앞의 6자 이상)")
                }
            },
            VerbError::BadAgentName { name } => match self {
                Self::English => format!(
                    "`{name}` is no agent's name: a letter, then up to 39 letters, digits, `_` or `-` (ASCII)"
                ),
                Self::Korean => format!(
                    "`{name}`: 에이전트 이름이 아닙니다 (영문자 하나, 이어서 영문자·숫자·`_`·`-` 최대 39자)"
                ),
            },
        }
    }

    fn bad_value(self, option: &str, value: &str, wanted: Wanted) -> String {
        let wanted = match wanted {
            Wanted::PositiveNumber => self.pick("a whole number from 1", "1 이상의 정수"),
            Wanted::Dollars => self.pick("US dollars, more than 0", "0보다 큰 미국 달러 금액"),
            Wanted::Seconds => self.pick("seconds, more than 0", "0보다 큰 초 단위 시간"),
            Wanted::SecondsOrNone => self.pick("seconds, or 0 for none", "초 단위 시간, 없애려면 0"),
            Wanted::Text => self.pick("a text that is not blank", "비어 있지 않은 텍스트"),
            Wanted::Model => self.pick("MODEL or AGENT=MODEL", "MODEL 또는 AGENT=MODEL"),
            Wanted::File => self.pick("the name of a file", "파일 이름"),
            Wanted::Folder => self.pick("DIR or DIR:ro", "DIR 또는 DIR:ro"),
            Wanted::Session => {
                self.pick("a session's id or its first 6 letters or more", "세션 ID 또는 그 앞 6자 이상")
            }
            Wanted::Variable => {
                self.pick("the name of a variable, without its value", "값을 뺀 환경 변수 이름")
            }
        };
        match self {
            Self::English => format!("`{option}` needs {wanted}, not `{value}`"),
            Self::Korean => format!("`{option}`: {wanted} 형식이어야 합니다 (받은 값: `{value}`)"),
        }
    }

    fn two_models(self, agent: Option<&str>) -> String {
        match (self, agent) {
            (Self::English, Some(agent)) => format!("`--model` names two models for `{agent}`"),
            (Self::English, None) => "`--model` names two models for all agents".to_owned(),
            (Self::Korean, Some(agent)) => format!("`--model` 옵션이 `{agent}`의 모델을 두 번 지정합니다"),
            (Self::Korean, None) => "`--model` 옵션이 전체 모델을 두 번 지정합니다".to_owned(),
        }
    }

    /// What the person can do about it.
    pub(crate) fn usage_hint(self, error: &UsageError) -> String {
        match error {
            UsageError::UnknownOption { nearest: Some(nearest), .. } => self.did_you_mean(nearest),
            UsageError::UnknownChoice { known, nearest, .. } => self.one_of(known, *nearest),
            UsageError::Verb(error) => self.verb_hint(error),
            UsageError::NothingToDo => self
                .pick(
                    "try `better-llm-cli demo`, `better-llm-cli \"your task\"` or `better-llm-cli --help`",
                    "`better-llm-cli demo`, `better-llm-cli \"할 일\"`, `better-llm-cli --help` 중 하나로 시작해 보세요",
                )
                .to_owned(),
            _ => self.see_help(),
        }
    }

    fn verb_hint(self, error: &VerbError) -> String {
        match error {
            VerbError::Unknown { known, nearest, .. } => match nearest {
                Some(nearest) => format!("{} {}", self.meant_verb(*nearest), self.one_of(known, None)),
                None => self.one_of(known, None),
            },
            VerbError::Incomplete { known, .. } => self.one_of(known, None),
            VerbError::Mistyped { word, nearest } => {
                let meant = self.meant_verb(*nearest);
                match self {
                    Self::English => format!("{meant} If it is a task: `better-llm-cli run {word}`"),
                    Self::Korean => format!("{meant} 작업 내용이라면: `better-llm-cli run {word}`"),
                }
            }
            VerbError::IsOption { word } => match self {
                Self::English => format!("it is an option here: `better-llm-cli --{word}`"),
                Self::Korean => format!("옵션으로 쓰세요: `better-llm-cli --{word}`"),
            },
            VerbError::Later { verb } => match self {
                Self::English => {
                    format!(
                        "if it is a task: `better-llm-cli run \"{verb} ...\"`; verbs: `better-llm-cli --help`"
                    )
                }
                Self::Korean => format!(
                    "작업 내용이라면: `better-llm-cli run \"{verb} ...\"`, 명령 목록: `better-llm-cli --help`"
                ),
            },
            VerbError::ExtraArgument { .. } => self
                .pick(
                    "a task or a command is one argument: put it in quotes",
                    "작업이나 명령은 인자 하나입니다. 따옴표로 묶어 주세요",
                )
                .to_owned(),
            VerbError::MissingOperand { .. }
            | VerbError::BadAgentName { .. }
            | VerbError::BadSession { .. } => self.see_help(),
        }
    }

    fn no_verb(self, word: &str) -> String {
        match self {
            Self::English => format!("`{word}` is no verb"),
            Self::Korean => format!("`{word}` 명령은 없습니다"),
        }
    }

    fn meant_verb(self, verb: Known) -> String {
        let meant = self.did_you_mean(verb.name);
        let later = self.pick("It comes in a later version.", "이후 버전에서 제공되는 명령입니다.");
        if verb.later { format!("{meant} {later}") } else { meant }
    }

    fn see_help(self) -> String {
        self.pick("`better-llm-cli --help` shows what there is", "사용법: `better-llm-cli --help`").to_owned()
    }

    pub(super) fn did_you_mean(self, nearest: &str) -> String {
        match self {
            Self::English => format!("did you mean `{nearest}`?"),
            Self::Korean => format!("혹시 `{nearest}` 아닌가요?"),
        }
    }

    pub(super) fn one_of(self, known: &[&str], nearest: Option<&str>) -> String {
        let all = known.join(", ");
        let all = match self {
            Self::English => format!("one of: {all}"),
            Self::Korean => format!("가능한 값: {all}"),
        };
        match nearest {
            Some(nearest) => format!("{} {all}", self.did_you_mean(nearest)),
            None => all,
        }
    }
}
