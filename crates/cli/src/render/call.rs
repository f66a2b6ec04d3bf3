//! A tool call in a few words: what it is about to do.

use domain::terminal::Sanitized;
use serde_json::Value;

/// A call for one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum CallWords {
    /// A worker is called: its name, and what for.
    Worker(Sanitized, Sanitized),
    /// The tool, and its most telling argument.
    Tool(Sanitized, Sanitized),
    /// A call that an event of its own tells about (`report`, `finish`, `ask_user`).
    Silent,
}

/// The call of `tool` with `input`, on one line.
pub(crate) fn call_words(tool: &str, input: &Value) -> CallWords {
    let field = |name: &str| input.get(name).and_then(Value::as_str).map(str::to_owned);
    if let Some(agent) = tool.strip_prefix("execute_").and_then(|rest| rest.strip_suffix("_task")) {
        return CallWords::Worker(
            Sanitized::line(agent),
            Sanitized::line(&field("task_description").unwrap_or_default()),
        );
    }
    let argument = match tool {
        "report" | "finish" | "ask_user" => return CallWords::Silent,
        "read" | "write" | "edit" => field("path"),
        "bash" => field("command").map(|command| format!("$ {command}")),
        "glob" | "grep" => field("pattern").map(|pattern| match field("path") {
            Some(path) => format!("{pattern} ({path})"),
            None => pattern,
        }),
        "diff" => {
            let parts = [field("base"), field("path")];
            Some(parts.into_iter().flatten().collect::<Vec<_>>().join(" "))
        }
        "commit" => {
            let first = input.get("message").and_then(Value::as_str).and_then(|text| text.lines().next());
            first.map(str::to_owned)
        }
        _ => None,
    };
    // A tool of somebody else, or one that was called wrongly: its input as it is.
    let argument = argument.unwrap_or_else(|| input.to_string());
    CallWords::Tool(Sanitized::line(tool), Sanitized::line(&argument))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(tool: &str, input: Value, words: CallWords) {
        assert_eq!(call_words(tool, &input), words);
    }

    fn tool(name: &str, argument: &str) -> CallWords {
        CallWords::Tool(Sanitized::line(name), Sanitized::line(argument))
    }

    #[test]
    fn a_call_shows_its_most_telling_argument() {
        check("read", json!({"path": "src/한글.rs", "offset": 3}), tool("read", "src/한글.rs"));
        check("bash", json!({"command": "make\n  test"}), tool("bash", "$ make test"));
        check("grep", json!({"pattern": "fn .*", "path": "src"}), tool("grep", "fn .* (src)"));
        check("diff", json!({"base": "round"}), tool("diff", "round"));
        check("diff", json!({}), tool("diff", ""));
        check("commit", json!({"message": "Fix it\n\nWhy"}), tool("commit", "Fix it"));
        check("deploy", json!({"to": "x"}), tool("deploy", r#"{"to":"x"}"#));
        check("bash", json!({"cmd": 1}), tool("bash", r#"{"cmd":1}"#));
    }

    #[test]
    fn a_workers_call_shows_the_worker_and_its_task() {
        let words = CallWords::Worker(Sanitized::line("coder"), Sanitized::line("Mend it \u{241b}[1m"));
        check("execute_coder_task", json!({"task_description": "Mend\nit \u{1b}[1m"}), words);
    }

    #[test]
    fn what_an_event_tells_is_not_told_twice() {
        check("report", json!({"summary": "x"}), CallWords::Silent);
        check("finish", json!({}), CallWords::Silent);
        check("ask_user", json!({}), CallWords::Silent);
    }
}
