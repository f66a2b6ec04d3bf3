//! What `agents` and `config` print: data for people, or the same as JSON.

use domain::agent::{AgentKind, AgentSpec};
use serde_json::Value;

use crate::{
    sanitize::{clean, clean_json, clean_line},
    words::Language,
};

/// The agents, one a line.
pub(crate) fn agent_list(agents: &[AgentSpec]) -> String {
    let longest = agents.iter().map(|agent| agent.name.as_str().len()).max().unwrap_or_default();
    agents
        .iter()
        .map(|agent| format!("{:longest$}  {}\n", agent.name.as_str(), clean_line(&agent.role)))
        .collect()
}

/// One agent with its prompt.
pub(crate) fn agent(agent: &AgentSpec, language: Language) -> String {
    let kind = match agent.kind {
        AgentKind::Manager => "manager",
        AgentKind::Worker(kind) => kind.as_str(),
    };
    let model = agent.model.as_deref().unwrap_or_else(|| language.agent_standard_model());
    let rows = [
        (language.agent_role(), clean_line(&agent.role)),
        (language.agent_kind(), kind.to_owned()),
        (language.agent_model(), clean_line(model)),
        (language.agent_timeout(), format!("{} s", agent.timeout.as_secs_f64())),
        (language.agent_tools(), clean_line(&agent.tools.join(", "))),
        (language.agent_prompt(), clean_line(&agent.prompt_source)),
    ];
    let facts: String = rows.iter().map(|(label, value)| format!("  {label}: {value}\n")).collect();
    format!("{}\n{facts}\n{}\n", agent.name, clean(agent.prompt.trim_end()))
}

/// Data as JSON, indented for people who read it.
pub(crate) fn json(value: &Value) -> String {
    // Alternate formatting of a value is indented and cannot fail. Line breaks stand outside of strings only.
    let text = format!("{value:#}");
    let lines: Vec<String> = text.lines().map(|line| clean_json(line.to_owned())).collect();
    format!("{}\n", lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use domain::agent::{AgentName, WorkerKind};
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
        let manager = AgentSpec { name: AgentName::manager(), role: "조율".to_owned(), ..coder() };
        assert_eq!(agent_list(&[manager, coder()]), "manager  조율\ncoder    changes files\n");
        assert_eq!(agent_list(&[]), "");
    }

    #[test]
    fn an_agent_is_shown_with_its_prompt() {
        let expected = "coder\n  role: changes files\n  kind: coder\n  model: the provider's standard\n  \
                        timeout: 600 s\n  tools: read, edit\n  prompt: built-in\n\nYou are the coder.\n␛c\n";
        assert_eq!(agent(&coder(), Language::English), expected);
        assert!(agent(&coder(), Language::Korean).contains("  모델: 제공자 기본값\n"));
    }

    #[test]
    fn data_as_json_keeps_its_value() {
        let value = json!({"a": "\u{9b}", "b": [1, null]});
        let text = json(&value);
        assert!(!text.contains('\u{9b}'));
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
    }
}
