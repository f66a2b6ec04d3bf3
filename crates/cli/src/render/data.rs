//! What `agents` and `config` print: data for people, or the same as JSON.

use better_llm::{Notice, Shown};
use domain::{agent::AgentSpec, terminal::Sanitized};
use serde_json::Value;
use unicode_width::UnicodeWidthStr;

use crate::words::Language;

/// What stands for a prompt that came with the program.
const BUILT_IN: &str = "built-in";

/// The agents, one a line: name, what it is for, how it is described.
pub(crate) fn agent_list(agents: &[AgentSpec], language: Language) -> Sanitized {
    let names = agents.iter().map(|agent| agent.name.as_str());
    let kinds = agents.iter().map(|agent| language.kind(agent.kind));
    let roles = agents.iter().map(|agent| Sanitized::line(&agent.role));
    let rows: Vec<_> = names
        .zip(kinds)
        .zip(roles)
        .map(|((name, kind), role)| [name, kind, role.as_str()].map(str::to_owned))
        .collect();
    columns(&rows)
}

/// One agent with its prompt.
pub(crate) fn agent(agent: &AgentSpec, language: Language) -> Sanitized {
    let model = agent.model.as_deref().unwrap_or_else(|| language.agent_standard_model());
    let prompt =
        if agent.prompt_source == BUILT_IN { language.built_in_prompt() } else { &agent.prompt_source };
    let tools =
        if agent.tools.is_empty() { language.value_none().to_owned() } else { agent.tools.join(", ") };
    let rows = [
        (language.agent_role(), Sanitized::line(&agent.role)),
        (language.agent_kind(), Sanitized::line(language.kind(agent.kind))),
        (language.agent_model(), Sanitized::line(model)),
        (language.agent_timeout(), Sanitized::line(&language.whole_seconds(agent.timeout.as_secs_f64()))),
        (language.agent_tools(), Sanitized::line(&tools)),
        (language.agent_prompt(), Sanitized::line(prompt)),
    ];
    let facts: String = rows.iter().map(|(label, value)| format!("  {label}: {value}\n")).collect();
    Sanitized::lines(&format!("{}\n{facts}\n{}\n", agent.name, agent.prompt.trim_end()))
}

/// Every setting with its value and where it came from, an empty line between groups.
pub(crate) fn settings(shown: &[Shown], language: Language) -> Sanitized {
    let mut text = String::new();
    let mut before = None;
    for setting in shown {
        let group = group(&setting.key);
        if before.is_some_and(|before| before != group) {
            text.push('\n');
        }
        before = Some(group);
        let value = Sanitized::line(&value_in_words(&setting.key, &setting.value, language));
        let source = Sanitized::line(&language.source(&setting.source));
        let key = Sanitized::name(&setting.key);
        text.push_str(&format!("{key} = {value}  ({source})\n"));
    }
    Sanitized::lines(&text)
}

/// What a setting belongs to: its section, or its agent; variables belong together.
fn group(key: &str) -> &str {
    match key.rsplit_once('.') {
        Some((group, _)) => group,
        None => "",
    }
}

fn value_in_words(key: &str, value: &Value, language: Language) -> String {
    let is_credential = key.ends_with("_API_KEY") || key.ends_with("_TOKEN");
    match value {
        Value::Null => language.value_none().to_owned(),
        Value::String(text) if is_credential => language.credential(text == "set").to_owned(),
        Value::String(text) if text == BUILT_IN => language.built_in_prompt().to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(items) if items.is_empty() => language.value_none().to_owned(),
        Value::Array(items) => {
            items.iter().map(|item| value_in_words(key, item, language)).collect::<Vec<_>>().join(", ")
        }
        other => other.to_string(),
    }
}

/// What was read, what was left out, and that nothing is wrong.
pub(crate) fn checked(files: &[String], notices: &[Notice], language: Language) -> Sanitized {
    let mut text = String::new();
    for file in files {
        text.push_str(&format!("{}: {}\n", language.config_file(), Sanitized::name(file)));
    }
    if files.is_empty() {
        text.push_str(&format!("{}\n", language.config_built_in()));
    }
    for notice in notices {
        text.push_str(&format!(
            "{}: {}\n",
            language.notice(),
            Sanitized::line(&language.config_notice(notice))
        ));
    }
    text.push_str(&format!("{}\n", language.config_is_right()));
    Sanitized::lines(&text)
}

/// The places, one a line.
pub(crate) fn places<'p>(places: impl Iterator<Item = (&'p str, String)>) -> Sanitized {
    let rows: Vec<_> =
        places.map(|(name, path)| [format!("{name}:"), Sanitized::name(&path).to_string()]).collect();
    columns(&rows)
}

/// Cells under each other. Hangul is two columns wide.
pub(super) fn columns<const N: usize>(rows: &[[String; N]]) -> Sanitized {
    let mut text = String::new();
    let widest = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.width()).max().unwrap_or_default()
    };
    for row in rows {
        let mut line = String::new();
        for (column, cell) in row.iter().enumerate() {
            line.push_str(cell);
            line.push_str(&" ".repeat(widest(column).saturating_sub(cell.width()) + 2));
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    Sanitized::lines(&text)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use better_llm::Source;
    use domain::agent::{AgentKind, AgentName, WorkerKind};
    use serde_json::json;

    use super::*;

    fn coder() -> AgentSpec {
        AgentSpec {
            name: AgentName::parse("coder").unwrap(),
            role: "changes\nfiles".to_owned(),
            kind: AgentKind::Worker(WorkerKind::Coder),
            prompt: "You are the coder.\n\u{1b}c".into(),
            prompt_source: "built-in".to_owned(),
            tools: vec!["read".to_owned(), "edit".to_owned()],
            model: None,
            thinking: None,
            timeout: Duration::from_secs(600),
            description: None,
        }
    }

    #[test]
    fn agents_are_listed_one_a_line() {
        let manager = AgentSpec {
            name: AgentName::manager(),
            kind: AgentKind::Manager,
            role: "조율".to_owned(),
            ..coder()
        };
        let team = [manager, coder()];
        let english = "manager  manager  조율\ncoder    coder    changes files\n";
        assert_eq!(agent_list(&team, Language::English).as_str(), english);
        let korean = "manager  매니저  조율\ncoder    구현    changes files\n";
        assert_eq!(agent_list(&team, Language::Korean).as_str(), korean);
        assert!(agent_list(&[], Language::English).is_empty());
    }

    #[test]
    fn an_agent_is_shown_with_its_prompt() {
        let expected = "coder\n  role: changes files\n  kind: coder\n  model: the provider's standard\n  \
                        timeout: 600 s\n  tools: read, edit\n  prompt: built-in\n\nYou are the coder.\n␛c\n";
        assert_eq!(agent(&coder(), Language::English).as_str(), expected);
        let korean = "coder\n  역할: changes files\n  종류: 구현\n  모델: 제공자 기본값\n  제한 시간: 600초\n  \
                      도구: read, edit\n  프롬프트: 내장\n\nYou are the coder.\n␛c\n";
        assert_eq!(agent(&coder(), Language::Korean).as_str(), korean);
    }

    #[test]
    fn settings_are_grouped_and_say_where_they_come_from() {
        let shown = |key: &str, value: Value, source: Source| Shown { key: key.to_owned(), value, source };
        let settings_of = |language| {
            let list = [
                shown("workflow_limits.max_turns", json!(9), Source::File("/c/system_config.json".into())),
                shown("workflow_limits.timeout_seconds", Value::Null, Source::Default),
                shown("ANTHROPIC_API_KEY", json!("set"), Source::Environment("ANTHROPIC_API_KEY".to_owned())),
                shown("agents.coder.tools", json!(["read", "edit"]), Source::Default),
                shown("agents.coder.prompt", json!("built-in"), Source::Flag("--config")),
            ];
            settings(&list, language)
        };
        let english = "workflow_limits.max_turns = 9  (/c/system_config.json)\n\
                       workflow_limits.timeout_seconds = none  (default)\n\n\
                       ANTHROPIC_API_KEY = set  (environment ANTHROPIC_API_KEY)\n\n\
                       agents.coder.tools = read, edit  (default)\n\
                       agents.coder.prompt = built-in  (--config)\n";
        assert_eq!(settings_of(Language::English).as_str(), english);
        let korean = "workflow_limits.max_turns = 9  (/c/system_config.json)\n\
                      workflow_limits.timeout_seconds = 없음  (기본값)\n\n\
                      ANTHROPIC_API_KEY = 설정됨  (환경 변수 ANTHROPIC_API_KEY)\n\n\
                      agents.coder.tools = read, edit  (기본값)\n\
                      agents.coder.prompt = 내장  (--config)\n";
        assert_eq!(settings_of(Language::Korean).as_str(), korean);
    }

    #[test]
    fn a_check_says_what_was_read_and_what_was_left_out() {
        let notice = Notice::RelativeRoot { variable: "XDG_DATA_HOME" };
        let korean = checked(&["/c/system_config.json".to_owned()], &[notice], Language::Korean);
        let expected = "읽음: /c/system_config.json\n알림: 환경 변수 XDG_DATA_HOME: 절대 경로가 아니어서 무시했습니다\n\
                        설정에 문제가 없습니다\n";
        assert_eq!(korean.as_str(), expected);
        let english = checked(&[], &[], Language::English);
        let expected =
            "no configuration file was found: the built-in values hold\nthe configuration is right\n";
        assert_eq!(english.as_str(), expected);
    }
}
