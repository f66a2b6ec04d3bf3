use serde_json::{Value, json};

use super::*;

/// A coder of two runs, and the manager who briefs it.
fn manager() -> Vec<Turn> {
    let ask = |task: &str| Turn::call("execute_coder_task", json!({ "task_description": task }));
    vec![ask("build"), ask("mend"), Turn::call("finish", json!({"summary": "끝", "status": "done"}))]
}

fn coder() -> Vec<Turn> {
    vec![
        Turn::text("I change both.")
            .and_call("edit", edit("a"))
            .and_call("edit", edit("b"))
            .expecting_last_user("build"),
        Turn::call("bash", json!({"command": "make"})).expecting_tool_result("edited"),
        Turn::call("report", json!({"summary": "built", "files_changed": ["a", "b", "made"]})),
        Turn::call("report", json!({"summary": "mended", "files_changed": []})),
    ]
}

fn edit(path: &str) -> Value {
    json!({"path": path, "old_string": "1", "new_string": "2"})
}

fn user(text: &str) -> Value {
    json!({"role": "user", "content": text})
}

fn says(calls: &[(&str, &str, Value)]) -> Value {
    let block = |(id, name, input): &(&str, &str, Value)| json!({"type": "tool_use", "id": id, "name": name, "input": input});
    json!({"role": "assistant", "content": calls.iter().map(block).collect::<Vec<_>>()})
}

/// Results by id; those that begin with `!`, and interruptions, are errors.
fn results(results: &[(&str, &str)]) -> Value {
    let block = |(id, text): &(&str, &str)| json!({"type": "tool_result", "tool_use_id": id, "content": text, "is_error": text.starts_with(['!', 'i'])});
    json!({"role": "user", "content": results.iter().map(block).collect::<Vec<_>>()})
}

/// What the coder says to a conversation: names and inputs of its calls.
fn said(messages: &[Value]) -> Result<Vec<(String, Value)>, String> {
    let body = json!({ "messages": messages }).to_string();
    let conversation = Conversation::read(body.as_bytes()).expect("a conversation");
    let turns = coder();
    let run = run_of(&turns, "coder", &manager(), &conversation)?;
    let turn = next(run, &conversation)?;
    Ok(calls_of(&turn).map(|(name, input)| (name.to_owned(), input.clone())).collect())
}

#[track_caller]
fn check(messages: &[Value], expected: &[(&str, Value)]) {
    let expected = expected.iter().map(|(name, input)| ((*name).to_owned(), input.clone())).collect();
    assert_eq!(said(messages), Ok(expected));
}

fn both() -> Value {
    says(&[("1", "edit", edit("a")), ("2", "edit", edit("b"))])
}

#[test]
fn a_turn_is_over_when_all_of_its_calls_are_answered() {
    let begun = [user("# Task\nbuild"), both(), results(&[("1", "edited"), ("2", "edited")])];
    check(&begun[..1], &[("edit", edit("a")), ("edit", edit("b"))]);
    check(&begun, &[("bash", json!({"command": "make"}))]);
}

#[test]
fn an_interrupted_edit_is_looked_after_and_repeated_where_it_was_not_made() {
    let interrupted = [user("build"), both(), results(&[("1", "edited"), ("2", "interrupted: ...")])];
    check(&interrupted, &[("read", json!({"path": "b"}))]);
    let looked = |shown: &str| {
        let look = [says(&[("3", "read", json!({"path": "b"}))]), results(&[("3", shown)])];
        [&interrupted[..], &look].concat()
    };
    check(&looked("     1\t2"), &[("bash", json!({"command": "make"}))]);
    let looked = looked("     1\t1");
    check(&looked, &[("edit", edit("b"))]);
    let repeated = [says(&[("4", "edit", edit("b"))]), results(&[("4", "!not found")])];
    check(&[&looked[..], &repeated].concat(), &[("bash", json!({"command": "make"}))]);
}

#[test]
fn a_report_claims_no_file_that_the_run_was_to_change_and_did_not() {
    let made = |first: &str, second: &str| {
        let make = says(&[("3", "bash", json!({"command": "make"}))]);
        [user("build"), both(), results(&[("1", first), ("2", second)]), make, results(&[("3", "edited")])]
    };
    let report = |files: &[&str]| json!({"summary": "built", "files_changed": files});
    check(&made("edited", "edited"), &[("report", report(&["a", "b", "made"]))]);
    check(&made("edited", "!not found"), &[("report", report(&["a", "made"]))]);
}

#[test]
fn a_run_is_known_by_its_brief_and_closed_as_often_as_it_is_asked_for() {
    let report = json!({"summary": "mended", "files_changed": []});
    let mend = [user("# Task\nmend"), says(&[("1", "report", report.clone())]), results(&[("1", "!again")])];
    check(&mend[..1], &[("report", report.clone())]);
    check(&mend, &[("report", report)]);
    assert!(said(&[user("something else")]).is_err_and(|problem| problem.contains("no brief")));
}

#[test]
fn what_a_turn_expects_may_stand_anywhere_in_the_conversation() {
    let later = user("by the way");
    check(&[user("build"), later.clone()], &[("edit", edit("a")), ("edit", edit("b"))]);
    let answered = [user("build"), both(), results(&[("1", "done"), ("2", "done")]), later];
    assert!(said(&answered).is_err_and(|problem| problem.contains("no tool result holds \"edited\"")));
}

#[test]
fn a_story_reads_chat_completions_as_well() {
    let call = |id: &str, input: Value| json!({"id": id, "type": "function", "function": {"name": "edit", "arguments": input.to_string()}});
    let result = |id: &str, text: &str| json!({"role": "tool", "tool_call_id": id, "content": text});
    let begun = [
        json!({"role": "system", "content": "mend"}),
        user("# Task\nbuild"),
        json!({"role": "assistant", "content": null, "tool_calls": [call("1", edit("a")), call("2", edit("b"))]}),
        result("1", "edited"),
        result("2", "[the call failed] interrupted: ..."),
    ];
    check(&begun, &[("read", json!({"path": "b"}))]);
    let mut failed = begun.clone();
    failed[4] = result("2", "[the call failed] not found");
    check(&failed, &[("bash", json!({"command": "make"}))]);
}
