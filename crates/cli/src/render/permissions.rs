//! What `permissions explain` prints: who may do what here, and by which rule.

use better_llm::{AgentPermissions, Explanation, PermissionDecision, ToolPermission};
use domain::terminal::Sanitized;

use super::data::columns;
use crate::words::Language;

/// The whole explanation.
pub(crate) fn explanation(explained: &Explanation, language: Language) -> Sanitized {
    let sandbox = language.sandbox(&explained.sandbox);
    let mut text = format!("{}: {} · {sandbox}\n", language.permission_mode(), explained.mode.as_str());
    if !explained.rules.is_empty() {
        let rule = |rule| format!("  {}", Sanitized::name(rule));
        let rows = explained
            .rules
            .iter()
            .map(|row| [rule(&row.rule), format!("({})", Sanitized::name(&row.source))]);
        let rows = columns(&rows.collect::<Vec<_>>());
        text.push_str(&format!("\n{}\n{rows}", language.permission_rules()));
    }
    for agent in &explained.agents {
        text.push_str(&of_agent(agent, language));
    }
    Sanitized::lines(&text)
}

fn of_agent(agent: &AgentPermissions, language: Language) -> String {
    let mut text = format!("\n{}\n", agent.agent);
    let rows = agent.tools.iter().map(|tool| {
        let by = match tool.decision {
            PermissionDecision::NotGiven => language.detail(&tool.text),
            _ => language.detail(&tool.by),
        };
        let decision = language.permission_decision(tool.decision);
        [format!("  {}", Sanitized::name(&tool.tool)), decision.to_owned(), Sanitized::line(&by).to_string()]
    });
    let table = columns(&rows.collect::<Vec<_>>());
    for (row, tool) in table.split_lines().zip(&agent.tools) {
        text.push_str(&format!("{row}\n{}", more(tool, language)));
    }
    if agent.tools.is_empty() {
        text.push_str(&format!("  {}\n", language.no_tool_needs_permission()));
    }
    text
}

/// What else is to be known of a tool: why it asks or not, and rules about some of its calls.
fn more(tool: &ToolPermission, language: Language) -> String {
    let mut text = String::new();
    if matches!(tool.decision, PermissionDecision::Denied | PermissionDecision::Asked) {
        text.push_str(&format!("    → {}\n", Sanitized::line(&language.detail(&tool.text))));
    }
    for rule in &tool.also {
        text.push_str(&format!("    {}: {}\n", language.permission_also(), Sanitized::name(rule)));
    }
    text
}

#[cfg(test)]
mod tests {
    use better_llm::ExplainedRule;
    use domain::{
        agent::AgentName,
        permission::{PermissionMode, SandboxLevel, SandboxState},
    };

    use super::*;

    fn explained() -> Explanation {
        let tool = |tool: &str, decision, by: &str, text: &str, also: &[&str]| ToolPermission {
            tool: tool.to_owned(),
            decision,
            by: by.to_owned(),
            text: text.to_owned(),
            also: also.iter().map(|rule| (*rule).to_owned()).collect(),
        };
        let mode = "permission mode `ask`";
        Explanation {
            mode: PermissionMode::Ask,
            sandbox: SandboxState {
                level: SandboxLevel::Kernel,
                reason: "a reason".to_owned(),
                usable: true,
            },
            rules: vec![ExplainedRule {
                rule: "deny read `비밀/\u{202e}**`".to_owned(),
                source: "/c/system_config.json".to_owned(),
            }],
            agents: vec![AgentPermissions {
                agent: AgentName::parse("coder").unwrap(),
                tools: vec![
                    tool("read", PermissionDecision::Allowed, mode, "", &["deny read `비밀/**`"]),
                    tool(
                        "bash",
                        PermissionDecision::Asked,
                        mode,
                        "permission mode `ask` asks before every command",
                        &[],
                    ),
                    tool("commit", PermissionDecision::NotGiven, mode, "coder does not have this tool", &[]),
                ],
            }],
        }
    }

    #[test]
    fn the_table_names_the_decision_and_what_decides() {
        let english = "permission mode: ask · sandbox kernel (a reason)\n\nrules\n  deny read `비밀/<U+202E>**`  \
                       (/c/system_config.json)\n\ncoder\n  read    allowed    permission mode `ask`\n    some calls: \
                       deny read `비밀/**`\n  bash    asked      permission mode `ask`\n    → permission mode `ask` asks \
                       before every command\n  commit  not given  coder does not have this tool\n";
        assert_eq!(explanation(&explained(), Language::English).as_str(), english);
        let korean = explanation(&explained(), Language::Korean);
        let expected = "coder\n  read    허용  권한 모드 `ask`\n    일부 호출: deny read `비밀/**`\n  bash    질문  권한 모드 \
                        `ask`\n    → 권한 모드 `ask`에서는 명령을 실행할 때마다 물어봅니다\n  commit  없음  coder: 이 도구가 \
                        없습니다\n";
        assert!(korean.as_str().ends_with(expected), "{}", korean.as_str());
    }
}
