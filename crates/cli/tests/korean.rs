//! `--lang ko` from outside: what the program and the engine say is Korean; what programs read stays English.

#![expect(clippy::unwrap_used, reason = "a test stops where something else than its subject fails")]

use std::{
    fs,
    io::Write,
    process::{Command, Stdio},
};

use serde_json::{Value, json};
use tempfile::TempDir;

/// A folder of its own for the program, which sees nothing of this machine but `PATH`.
struct World {
    folder: TempDir,
}

/// What a call gave.
struct Ended {
    code: Option<i32>,
    out: String,
    err: String,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("작업")).unwrap();
        fs::create_dir(folder.path().join("집")).unwrap();
        Self { folder }
    }

    fn write(&self, name: &str, text: &str) -> String {
        let file = self.folder.path().join("작업").join(name);
        fs::write(&file, text).unwrap();
        file.display().to_string()
    }

    fn call(&self, arguments: &[&str], input: &str) -> Ended {
        // Written before the program starts, so that it stands in the pipe when the program looks.
        let (reader, mut writer) = std::io::pipe().unwrap();
        writer.write_all(input.as_bytes()).unwrap();
        drop(writer);
        let stdin = if input.is_empty() { Stdio::null() } else { Stdio::from(reader) };
        let output = Command::new(env!("CARGO_BIN_EXE_better-llm-cli"))
            .args(arguments)
            .current_dir(self.folder.path().join("작업"))
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.folder.path().join("집"))
            .stdin(stdin)
            .output()
            .unwrap();
        Ended {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    fn korean(&self, arguments: &[&str]) -> Ended {
        self.call(&[&["--lang", "ko"], arguments].concat(), "")
    }
}

/// The first three words of a line that look like English prose; names, paths, options and quotations are none. What
/// the system or another library says stands after the labels of causes and details.
fn english(text: &str) -> Option<String> {
    let plain = |word: &str| {
        // Words with commas between them are a list of names.
        let bare = word.trim_matches(['.', ';', ':', '(', ')', '?', '!']);
        bare.len() > 1 && bare.chars().all(|character| character.is_ascii_alphabetic())
    };
    let lines = text.lines().filter(|line| {
        let line = line.trim_start_matches(['│', ' ']);
        !line.starts_with("원인:") && !line.starts_with("자세히:")
    });
    lines.into_iter().find_map(|line| {
        let unquoted: String = line.split('`').step_by(2).collect::<Vec<_>>().join(" · ");
        let words: Vec<&str> = unquoted.split(' ').collect();
        words
            .windows(3)
            .find(|three| three.iter().all(|word| plain(word)))
            .map(|three| format!("{three:?} in {line}"))
    })
}

fn check(ended: &Ended, code: i32) {
    assert_eq!(ended.code, Some(code), "{}{}", ended.out, ended.err);
    let text = format!("{}{}", ended.err, ended.out);
    assert_eq!(english(&text), None, "{text}");
    assert!(text.chars().any(|character| ('가'..='힣').contains(&character)), "{text}");
}

#[test]
fn english_prose_is_found() {
    assert!(english("오류: the file cannot be read").is_some());
    assert_eq!(english("오류: `the file cannot be read` /a/b c: planner, coder"), None);
    assert!(english("│ ✗ a claim does not hold").is_some());
}

/// O-2, P61.
#[test]
fn permissions_and_trust_are_told_in_korean() {
    let world = World::new();
    check(&world.korean(&["permissions", "explain", "--sandbox", "none"]), 0);
    check(&world.korean(&["permissions", "explain", "nobody"]), 16);
    check(&world.korean(&["permissions", "explain", "--", "nothing", "x"]), 16);
    check(&world.korean(&["config", "trust"]), 16);
}

/// O-6, exit 2.
#[test]
fn a_wrong_call_is_answered_in_korean() {
    let world = World::new();
    for arguments in [
        &["--verbos"][..],
        &["tsak", "list"],
        &["agents", "new"],
        &["permissions", "explain", "--", "bash"],
        &["--add-dir", ":ro", "x y"],
        &["--pass-env", "A=b", "x y"],
        &["help"],
        &["run"],
        &["--model", "a", "--model", "b", "할 일"],
        &["--context", "없는 파일", "할 일"],
        &["--cwd", "없는 폴더", "할 일"],
        &["--provider", "claude-code", "할 일"],
    ] {
        let ended = world.korean(arguments);
        check(&ended, 2);
        assert!(ended.err.contains("→ "), "{}", ended.err);
    }
    let ended = world.korean(&["tsak", "list"]);
    let expected = "오류: `tsak` 명령은 없습니다\n  → 혹시 `task` 아닌가요? 이후 버전에서 제공되는 명령입니다. \
                    작업 내용이라면: `better-llm-cli run tsak`\n";
    assert_eq!(ended.err, expected);
}

/// O-6, exit 3.
#[test]
fn a_wrong_configuration_is_answered_in_korean() {
    let world = World::new();
    let config = world.write("설정.json", r#"{"workflow_limits": {"max_turn": 5, "max_messages": "많이"}}"#);
    let ended = world.korean(&["--config", &config, "할 일"]);
    check(&ended, 3);
    assert!(ended.err.contains("혹시 `workflow_limits.max_turns` 아닌가요?"), "{}", ended.err);
    check(&world.korean(&["--provider", "script:없음.json", "할 일"]), 3);
    let script = world.write("대본.json", "{\"v\": 1, \"agents\": {}, \"more\": 1}");
    check(&world.korean(&["--provider", &format!("script:{script}"), "할 일"]), 3);
}

/// O-6, exit 4: the ways out are said, once.
#[test]
fn a_missing_key_is_answered_in_korean_with_the_ways_out_once() {
    let world = World::new();
    let ended = world.korean(&["할 일"]);
    check(&ended, 4);
    assert_eq!(ended.err.matches("ANTHROPIC_API_KEY").count(), 1, "{}", ended.err);
    assert_eq!(ended.err.matches("demo").count(), 1, "{}", ended.err);
    let english = world.call(&["a task"], "");
    assert_eq!((english.code, english.err.matches("ANTHROPIC_API_KEY").count()), (Some(4), 1));
}

/// What programs read is the same in every language.
#[test]
fn json_stays_english() {
    let world = World::new();
    for arguments in [&["할 일", "--output-format", "json"][..], &["--verbos", "--output-format", "json"]] {
        assert_eq!(world.korean(arguments).out, world.call(arguments, "").out);
    }
}

#[test]
fn a_whole_offline_round_is_korean() {
    let world = World::new();
    let ended = world.korean(&["--provider", "offline", "할 일"]);
    check(&ended, 0);
    assert!(ended.out.starts_with("연결된 모델이 없어"), "{}", ended.out);
}

#[test]
fn lists_and_checks_are_korean() {
    let world = World::new();
    for arguments in [&["config", "show"][..], &["config", "check"]] {
        check(&world.korean(arguments), 0);
    }
    assert!(world.korean(&["agents", "list"]).out.contains("reviewer   리뷰"));
    let settings = r#"{"ui": {"lang": "ko"}}"#;
    let config = world.write("system_config.json", settings);
    let ended = world.call(&["config", "check", "--config", &config], "");
    check(&ended, 0);
    let missing = world.korean(&["agents", "show", "coderr"]);
    check(&missing, 16);
}

fn call(name: &str, input: Value) -> Value {
    json!({ "tool_calls": [{ "name": name, "input": input }] })
}

fn task(agent: &str) -> Value {
    call(&format!("execute_{agent}_task"), json!({ "task_description": "살펴보기" }))
}

/// A story in which nearly everything goes wrong that the engine has words for.
fn sad_story(world: &World) -> String {
    let review = call(
        "report",
        json!({ "summary": "아직 아님", "verdict": "request_changes", "findings": [
            { "severity": "critical", "file": "a", "message": "틀림" }
        ]}),
    );
    let coder = |calls: Vec<Value>| {
        let claims = json!({ "summary": "끝", "files_changed": ["a"], "commands_run": ["make"] });
        calls.into_iter().chain([call("report", claims)]).collect::<Vec<_>>()
    };
    let mut coding = coder(vec![
        call("write", json!({ "path": "a", "content": "1" })),
        call("bash", json!({ "command": "true" })),
    ]);
    coding.extend(coder(Vec::new()));
    let script = json!({
        "v": 1,
        "agents": {
            "manager": [task("coder"), task("coder"), task("reviewer"), task("reviewer"), task("reviewer")],
            "coder": coding,
            "reviewer": [review.clone(), review.clone(), review],
        },
        "on_exhausted": "error",
    });
    let file = world.write("대본.json", &script.to_string());
    format!("script:{file}")
}

/// O-15 in Korean: denials, claims that do not hold, review cycles, the limit and its question.
#[test]
fn a_sad_story_is_told_in_korean() {
    let world = World::new();
    let script = sad_story(&world);
    let ended = world.korean(&["--provider", &script, "--permission-mode", "plan", "할 일"]);
    check(&ended, 10);
    for words in [
        "write 거부됨: 권한 모드 `plan`은 보기만 합니다",
        "사실이 아님: files_changed: `a` 파일은 라운드를 시작할 때와 달라지지 않았습니다",
        "사실이 아님: commands_run: `make` 명령은 실행되지 않았습니다",
        "Review 사이클 3/3: 변경 요청",
        "한도 도달: max_review_iterations = 3 (한 변경의 리뷰 사이클 수",
        "엔진의 질문: 리뷰가 결론에 이르지 못했습니다. 남은 지적 사항:\n- F1 (a): 틀림\n  1. 리뷰 한 번 더",
    ] {
        assert!(ended.err.contains(words), "{words}:\n{}", ended.err);
    }
}

/// A script that ends too early fails as a model would.
#[test]
fn an_error_of_a_model_is_told_in_korean() {
    let world = World::new();
    let file = world.write("대본.json", r#"{"v": 1, "agents": {"manager": []}, "on_exhausted": "error"}"#);
    let ended = world.korean(&["--provider", &format!("script:{file}"), "할 일"]);
    check(&ended, 5);
    let words = "✗ 오류 (model_script): 답변 스크립트가 실제 진행과 맞지 않습니다.\n  자세히: ";
    assert!(ended.err.contains(words), "{}", ended.err);
}

/// Contract 1: a pipe that holds data and was not named is said in a notice.
#[test]
fn an_unread_pipe_is_said_in_a_notice() {
    let world = World::new();
    let base = ["--provider", "offline", "할 일"];
    let stream =
        world.call(&[&base[..], &["--output-format", "stream-json", "--lang", "ko"]].concat(), "데이터");
    let events: Vec<Value> = stream.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let notice = events.iter().find(|event| event["type"] == "notice").unwrap();
    let expected = "standard input holds data that was not read; `--context -` adds it to the task";
    assert_eq!((&notice["code"], &notice["text"]), (&json!("input_unread"), &json!(expected)));
    assert_eq!(notice["seq"], 2);

    let korean = world.call(&[&["--lang", "ko"], &base[..]].concat(), "데이터");
    check(&korean, 0);
    let words = "알림 (input_unread): 표준 입력에 읽지 않은 데이터가 있습니다.";
    assert_eq!(korean.err.matches(words).count(), 1, "{}", korean.err);
    let named = world.call(&[&base[..], &["--context", "-"]].concat(), "data");
    assert!(!named.err.contains("input_unread"), "{}", named.err);
}

/// O-6: `--verbose` logs to standard error, and nothing that was said.
#[test]
fn verbose_logs_what_happens_and_not_what_was_said() {
    let world = World::new();
    let ended = world.call(&["--provider", "offline", "-v", "--output-format", "json", "비밀 이야기"], "");
    assert_eq!(ended.code, Some(0));
    for words in ["DEBUG", "round started", "request answered", "elapsed_ms=", "round ended"] {
        assert!(ended.err.contains(words), "{words}:\n{}", ended.err);
    }
    assert!(!ended.err.contains("비밀"), "{}", ended.err);
    let quiet = world.call(&["--provider", "offline", "--output-format", "json", "비밀 이야기"], "");
    assert_eq!(quiet.err, "");
}
