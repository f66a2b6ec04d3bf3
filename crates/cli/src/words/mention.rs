//! What is said of a task that calls agents by name and cannot be given to anybody.

use domain::{
    agent::AgentName,
    mention::{MOST_MENTIONS, MentionError},
};

use super::Language;

impl Language {
    /// What is wrong with it.
    pub(crate) fn mention_error(self, error: &MentionError) -> String {
        match error {
            MentionError::UnknownAgent { name, known } => match self {
                Self::English => {
                    format!("there is no agent `{name}`\nagents: {}", listed(known))
                }
                Self::Korean => {
                    format!("`{name}`: 그런 이름의 에이전트가 없습니다\n에이전트: {}", listed(known))
                }
            },
            MentionError::NothingToDo { agent } => match self {
                Self::English => format!("`@{agent}` is given nothing to do"),
                Self::Korean => format!("`@{agent}`에게 맡길 일이 적혀 있지 않습니다"),
            },
            MentionError::ManagerAfterWorkers => self
                .pick(
                    "`@manager` cannot be called after workers that are called directly",
                    "워커를 직접 부른 뒤에는 `@manager`를 부를 수 없습니다",
                )
                .to_owned(),
            MentionError::TooMany => match self {
                Self::English => format!("more than {MOST_MENTIONS} workers are called at once"),
                Self::Korean => format!("워커를 한 번에 {MOST_MENTIONS}번 넘게 불렀습니다"),
            },
        }
    }

    /// What to do about that.
    pub(crate) fn mention_hint(self, error: &MentionError) -> String {
        match error {
            MentionError::UnknownAgent { name, .. } => match self {
                Self::English => {
                    format!("correct the name, or write it as plain text in backquotes: `@{name}`")
                }
                Self::Korean => {
                    format!("이름을 고치거나, 글자 그대로 쓰려면 백틱으로 감싸세요: `@{name}`")
                }
            },
            MentionError::NothingToDo { agent } => match self {
                Self::English => format!("write it after the name: `@{agent} add refunds`"),
                Self::Korean => format!("이름 뒤에 할 일을 적어 주세요: `@{agent} 환불 기능 추가`"),
            },
            MentionError::ManagerAfterWorkers => self
                .pick(
                    "write to the manager alone, or put the name in backquotes: `@manager`",
                    "매니저에게만 쓰거나, 이름을 백틱으로 감싸세요: `@manager`",
                )
                .to_owned(),
            MentionError::TooMany => self
                .pick("send the rest in a message of its own", "나머지는 다음 메시지로 나누어 보내세요")
                .to_owned(),
        }
    }
}

fn listed(known: &[AgentName]) -> String {
    known.iter().map(AgentName::as_str).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(error: &MentionError, expected: [(&str, &str); 2]) {
        let found =
            Language::ALL.map(|language| (language.mention_error(error), language.mention_hint(error)));
        assert_eq!(found.each_ref().map(|(what, hint)| (what.as_str(), hint.as_str())), expected);
    }

    /// O-11: the known names are listed, and how a name is written as text.
    #[test]
    fn a_task_that_nobody_can_be_given_says_why_and_what_to_do() {
        let agent = |name| AgentName::parse(name).unwrap();
        check(
            &MentionError::UnknownAgent {
                name: "codr".to_owned(),
                known: vec![agent("coder"), AgentName::manager()],
            },
            [
                (
                    "there is no agent `codr`\nagents: coder, manager",
                    "correct the name, or write it as plain text in backquotes: `@codr`",
                ),
                (
                    "`codr`: 그런 이름의 에이전트가 없습니다\n에이전트: coder, manager",
                    "이름을 고치거나, 글자 그대로 쓰려면 백틱으로 감싸세요: `@codr`",
                ),
            ],
        );
        check(
            &MentionError::NothingToDo { agent: agent("coder") },
            [
                ("`@coder` is given nothing to do", "write it after the name: `@coder add refunds`"),
                (
                    "`@coder`에게 맡길 일이 적혀 있지 않습니다",
                    "이름 뒤에 할 일을 적어 주세요: `@coder 환불 기능 추가`",
                ),
            ],
        );
        check(
            &MentionError::ManagerAfterWorkers,
            [
                (
                    "`@manager` cannot be called after workers that are called directly",
                    "write to the manager alone, or put the name in backquotes: `@manager`",
                ),
                (
                    "워커를 직접 부른 뒤에는 `@manager`를 부를 수 없습니다",
                    "매니저에게만 쓰거나, 이름을 백틱으로 감싸세요: `@manager`",
                ),
            ],
        );
        check(
            &MentionError::TooMany,
            [
                ("more than 16 workers are called at once", "send the rest in a message of its own"),
                ("워커를 한 번에 16번 넘게 불렀습니다", "나머지는 다음 메시지로 나누어 보내세요"),
            ],
        );
    }
}
