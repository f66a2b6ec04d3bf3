//! Permission rules against commands and paths: patterns of a person, texts of a model.
//!
//! Held: a pattern that allows covers no text by which a shell could run a second program (P21); what a person allowed
//! once is that and nothing else; what is denied stays so wherever it stands in a text; no path leads round a rule.

use domain::{
    agent::AgentName,
    permission::{
        CallFacts, Ceiling, Effect, Leave, PathRules, PathUse, PermissionMode, Policy, Rule, Rules,
        SandboxLevel, SandboxState,
    },
    tool::{Access, CallTarget},
};

/// What gives a shell another program to run, or makes words that do not stand in a text.
const SHELL_SIGNS: [char; 23] = [
    ';', '&', '|', '<', '>', '(', ')', '$', '`', '\\', '"', '\'', '\n', '\r', '*', '?', '[', '~', '#', '!',
    '{', '}', '^',
];

/// A pattern on the first line, a command and a path after it.
pub(super) fn check(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let Some((pattern, text)) = text.split_once('\n') else { return };
    if text.trim().is_empty() || pattern.trim().is_empty() {
        return;
    }
    check_allowed(pattern, text);
    check_agreed(text);
    check_denied(text);
    check_path(pattern, text);
}

fn check_allowed(pattern: &str, command: &str) {
    let allowed = rule(Effect::Allow, "bash", pattern);
    let is_literal = pattern.trim().replace('\\', "") == command.trim().replace('\\', "");
    if decide(&[allowed], command) == Leave::Granted && !is_literal {
        let sign = command.trim().chars().find(|sign| SHELL_SIGNS.contains(sign));
        assert_eq!(sign, None, "`{pattern}` allows `{command}`");
    }
}

fn check_agreed(command: &str) {
    let agreed = Rule::for_call(Effect::Allow, "bash", &CallTarget::Command(command.to_owned()));
    let rules = [agreed];
    assert_eq!(decide(&rules, command), Leave::Granted, "the command itself");
    for more in ["; ./canary", " ./canary", "\n./canary", "*"] {
        let other = format!("{command}{more}");
        assert!(matches!(decide(&rules, &other), Leave::Ask(_)), "`{other}` was not agreed to");
    }
}

fn check_denied(text: &str) {
    let denied = [rule(Effect::Deny, "bash", "git push *"), rule(Effect::Allow, "bash", "*")];
    for command in [format!("{text}; git push origin"), format!("git push origin; {text}")] {
        assert!(matches!(decide(&denied, &command), Leave::Denied(_)), "`{command}` is not denied");
    }
}

fn check_path(pattern: &str, text: &str) {
    let rules = [rule(Effect::Deny, "read", "secret/**"), rule(Effect::Ask, "*", pattern)];
    let rules = PathRules::of(&coder(), &rules);
    let path = text.replace(['\n', '\0'], "_");
    drop(rules.forbids(PathUse::Write, &path));
    let below = format!("secret/{}", path.trim_start_matches('/'));
    assert!(rules.forbids(PathUse::Read, &below).is_some(), "`{below}` may be read");
}

fn decide(rules: &[Rule], command: &str) -> Leave {
    let policy = Policy { mode: PermissionMode::Ask, rules: Rules::new(rules.to_vec()) };
    let target = CallTarget::Command(command.to_owned());
    let wall = SandboxState { level: SandboxLevel::Kernel, reason: "a test".to_owned(), usable: true };
    let facts = CallFacts { agent: &coder(), tool: "bash", target: &target };
    Ceiling::new(policy).decide(facts, Access::Command, &wall).leave
}

fn rule(effect: Effect, tool: &str, argument: &str) -> Rule {
    Rule { effect, tool: tool.to_owned(), argument: Some(argument.to_owned()), agent: None }
}

fn coder() -> AgentName {
    AgentName::parse("coder").expect("a name")
}
