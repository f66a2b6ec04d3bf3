//! Rules at the moment of use.

use domain::{
    agent::AgentName,
    permission::{Effect, Rule},
};

use super::*;
use crate::testing::{forbidden, rules};

/// CVE-2026-25724: a rule follows the file, not the name that was written. By descriptor, and by the walk.
#[test]
fn a_link_does_not_lead_round_a_rule() {
    let workspace = Workspace::new();
    workspace.put("비밀/열쇠", "key");
    workspace.put("open.txt", "open");
    workspace.link("a", "비밀/열쇠");
    workspace.link("folder", "비밀");
    workspace.link("chain", "a");
    workspace.link("good", "open.txt");
    let denied = rules("read", "비밀/**");
    for files in resolvers(&workspace) {
        for path in ["비밀/열쇠", "비밀/../비밀/열쇠", "a", "folder/열쇠", "chain", "folder/../비밀/열쇠"]
        {
            let error = files.open(&files.locate(path).expect("inside"), &denied).expect_err(path);
            let FileError::Forbidden { rule, .. } = &error else { panic!("{path}: {error:?}") };
            assert!(rule.contains("deny read `비밀/**`"), "{rule}");
            assert!(error.to_string().contains("`permissions.rules`"), "{error}");
        }
        for path in ["비밀", "folder"] {
            let listed = files.list(&files.locate(path).expect("inside"), 10, &denied);
            assert!(matches!(listed, Err(FileError::Forbidden { .. })), "{path}");
        }
        files.open(&place("good"), &denied).expect("no rule is about it");
        files.open(&place("a"), &rules("write", "비밀/**")).expect("no rule is about reading it");
    }
}

#[test]
fn rules_and_names_meet_in_either_unicode_form() {
    let (composed, decomposed) = ("한글", "\u{1112}\u{1161}\u{11ab}\u{1100}\u{1173}\u{11af}");
    for (rule, name) in [(composed, decomposed), (decomposed, composed)] {
        let workspace = Workspace::new();
        workspace.put(name, "key");
        let error = workspace.files().open(&place(name), &rules("read", rule)).expect_err("denied");
        assert!(matches!(error, FileError::Forbidden { .. }), "{error:?}");
    }
}

/// A person who agreed to a file agreed to it, whatever form its name is written in; a rule that denies stays.
#[test]
fn leave_for_one_unicode_form_is_leave_for_the_other() {
    let (composed, decomposed) = ("한글", "\u{1112}\u{1161}\u{11ab}\u{1100}\u{1173}\u{11af}");
    let asks = PathRules::of(
        &AgentName::parse("coder").expect("a name"),
        &[Rule {
            effect: Effect::Ask,
            tool: "read".to_owned(),
            argument: Some("**".to_owned()),
            agent: None,
        }],
    );
    for (name, agreed) in [(composed, composed), (composed, decomposed), (decomposed, composed)] {
        let workspace = Workspace::new();
        workspace.put(name, "");
        workspace.put("other", "");
        let files = workspace.files();
        let leave = asks.clone().with_leave_for(agreed);
        files.open(&place(name), &leave).expect("the person agreed");
        files.open(&place("other"), &leave).expect_err("to nothing else");
        files.open(&place(name), &asks).expect_err("without leave");
        let denied = rules("read", name).with_leave_for(agreed);
        files.open(&place(name), &denied).expect_err("a rule that denies is not about asking");
    }
}

/// An `edit` that does not find its text shows what resembles it.
#[tokio::test]
async fn what_may_not_be_read_is_not_edited_and_what_may_not_be_written_is_not_changed() {
    let workspace = Workspace::new();
    workspace.put("key.txt", "the key is 1234\n");
    let before = workspace.everything();
    let edit = json!({"path": "key.txt", "old_string": "the key is 1235", "new_string": "x"});
    let write = json!({"path": "key.txt", "content": "x"});
    for (tool, input, rule) in [
        ("edit", &edit, "read"),
        ("edit", &edit, "edit"),
        ("edit", &edit, "write"),
        ("write", &write, "write"),
        ("write", &json!({"path": "new/key.txt", "content": "x"}), "write"),
    ] {
        let outcome = workspace.call_in(tool, input.clone(), forbidden(rule, "**/key.txt")).await;
        assert_eq!(outcome.status, ToolStatus::Denied, "{tool} {rule}: {}", outcome.output);
        assert!(!outcome.output.contains("1234"), "{}", outcome.output);
    }
    assert_eq!(workspace.everything(), before);
}

#[tokio::test]
async fn walks_leave_out_what_rules_forbid_and_count_it() {
    let workspace = Workspace::new();
    for path in ["a.txt", "비밀/열쇠.txt", "비밀/깊은/열쇠.txt", "src/b.txt", "src/.env"] {
        workspace.put(path, "needle\n");
    }
    workspace.link("link.txt", "비밀/열쇠.txt");
    let note = "forbid to read them]";
    let glob = json!({"pattern": "**/*.txt"});
    let outcome = workspace.call_in("glob", glob, forbidden("read", "비밀/**")).await;
    assert_eq!(
        outcome.output,
        "a.txt\nlink.txt\nsrc/b.txt\n[1 path left out: rules of the configuration (`permissions.rules`) forbid to \
         read them]"
    );
    let grep = json!({"pattern": "needle"});
    let outcome = workspace.call_in("grep", grep.clone(), forbidden("read", "비밀/**")).await;
    assert!(
        outcome.output.starts_with("a.txt:1:needle\nsrc/.env:1:needle\nsrc/b.txt:1:needle\n[1 path left out")
    );
    let outcome = workspace.call_in("grep", grep, forbidden("read", "**/.env")).await;
    assert!(!outcome.output.contains(".env") && outcome.output.ends_with(note), "{}", outcome.output);
    for (tool, input) in [
        ("glob", json!({"pattern": "*", "path": "비밀"})),
        ("grep", json!({"pattern": "needle", "path": "비밀"})),
        ("grep", json!({"pattern": "needle", "path": "비밀/열쇠.txt"})),
        ("grep", json!({"pattern": "needle", "path": "link.txt"})),
    ] {
        let outcome = workspace.call_in(tool, input.clone(), forbidden("read", "비밀/**")).await;
        assert_eq!(outcome.status, ToolStatus::Denied, "{tool} {input}: {}", outcome.output);
        assert!(!outcome.output.contains("needle"), "{tool} {input}");
    }
}

/// The policy decides before a call by what the call names: an absolute path into the workspace is the same file.
#[test]
fn a_call_names_its_path_as_rules_write_it() {
    let mut workspace = Workspace::new();
    workspace.added = vec![AddedRoot { path: workspace.outside("outside"), writable: true }];
    let toolbox = workspace.toolbox();
    let absolute = |path: &str| std::fs::canonicalize(workspace.outside("")).expect("a folder").join(path);
    let text = |path: PathBuf| path.to_str().expect("UTF-8").to_owned();
    for (tool, field, path, expected) in [
        ("read", "path", text(absolute("repo/src/a.rs")), "src/a.rs".to_owned()),
        ("write", "path", "./src//a.rs".to_owned(), "src/a.rs".to_owned()),
        ("edit", "path", "src/../a.rs".to_owned(), "a.rs".to_owned()),
        ("glob", "path", text(absolute("repo")), ".".to_owned()),
        ("grep", "path", text(absolute("outside/x")), text(absolute("outside/x"))),
        ("read", "path", "../elsewhere".to_owned(), "../elsewhere".to_owned()),
    ] {
        let mut input = json!({"pattern": "x", "content": "x", "old_string": "x", "new_string": "y"});
        input[field] = json!(path);
        let fields = input.as_object_mut().expect("an object");
        let tool = toolbox.build(tool).expect("a tool");
        fields.retain(|name, _| tool.spec().input_schema["properties"].get(name).is_some());
        let prepared = tool.prepare(&input).expect("an input that fits");
        assert_eq!(prepared.target(), CallTarget::Path(expected), "{path}");
    }
}
