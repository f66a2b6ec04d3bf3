//! Spec O-8, law 10, reliability P62 and rows "Keys inherited by commands", CVE-2026-46406: canaries in every place where
//! a secret can come from are searched for in everything that the program writes, shows, sends and hands down.
//!
//! Not searched: the workspace and the states of it that checkpoints keep, because they are the person's own files,
//! and what the test planted itself.

mod canaries;

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use serde_json::json;
use testkit::{MockServer, Script, Turn, mock_server::Settings};

use self::canaries::{Canaries, printing};
use crate::support::{
    Call, Ended, World,
    turns::{bash, coded, one_worker, results},
};

/// A world full of canaries.
struct Planted {
    world: World,
    canaries: Canaries,
    /// Variables of the program's environment.
    environment: Vec<(&'static str, String)>,
    arguments: Vec<String>,
    script: Script,
    key: String,
}

/// Names of variables whose value is taken for a secret.
const NAMES: [&str; 8] = [
    "OPENAI_API_KEY",
    "CLAUDE_CODE_OAUTH_TOKEN",
    "AWS_SECRET_ACCESS_KEY",
    "GITHUB_TOKEN",
    "DB_PASSWORD",
    "MY_SERVICE_CREDENTIALS",
    "npm_config__authToken",
    "SIGNING_KEY",
];

fn plant() -> Planted {
    let (world, mut canaries) = (World::new(), Canaries::default());
    let key = canaries.word("variable ANTHROPIC_API_KEY");
    let mut environment: Vec<(&str, String)> =
        NAMES.into_iter().map(|name| (name, canaries.value(&format!("variable {name}")))).collect();
    let proxy = canaries.word("proxy's password");
    environment.push(("HTTPS_PROXY", format!("http://me:{proxy}@127.0.0.1:9")));
    let database = canaries.word("database's address");
    environment.push(("DATABASE_URL", format!("postgres://app:{database}@db.example/app")));
    world.write(".gitignore", ".env\n");
    world.write(".env", &format!("STRIPE_SECRET='{}'\n", canaries.value("file .env")));
    let own = world.own().join("config/.env");
    let kept = format!("GITLAB_TOKEN='{}'\n", canaries.value("file config/.env"));
    fs::create_dir_all(own.parent().expect("a folder")).and_then(|()| fs::write(&own, kept)).expect("a file");
    let remote = format!("https://me:{}@git.example/a.git", canaries.word("git's remote"));
    world.git(&["remote", "add", "origin", &remote]);

    let script =
        Script::new().agent("manager", manager(&mut canaries)).agent("coder", coder(&world, &mut canaries));
    let context = world.write_outside("문맥.txt", &format!("문맥 {}\n", canaries.token("file --context")));
    let task = format!("{}로 로그인해 줘", canaries.token("typed by the person"));
    let verify = format!("echo 확인 {}", canaries.token("argument --verify"));
    let arguments = [
        "--context",
        &context.display().to_string(),
        "--verify",
        &verify,
        "--pass-env",
        "DB_PASSWORD",
        &task,
    ];
    let arguments = arguments.map(str::to_owned).to_vec();
    Planted { world, canaries, environment, arguments, script, key }
}

fn manager(canaries: &mut Canaries) -> [Turn; 3] {
    let mut token = |place: &str| canaries.token(place);
    let brief = json!({
        "task_description": format!("{}를 써라", token("said by the model: brief")),
        "context": token("said by the model: context of a brief"),
        "done_when": [token("said by the model: end of a brief")],
    });
    [
        Turn::text(&format!("먼저 {} 생각", token("said by the model: text")))
            .and_thinking(&token("said by the model: thinking"))
            .and_call("execute_coder_task", brief)
            .in_chunks(5),
        Turn::call(&token("said by the model: name of a tool"), json!({})),
        Turn::call("finish", json!({ "summary": token("said by the model: summary"), "status": "done" })),
    ]
}

/// What the tools find, and where the model says it again.
fn coder(world: &World, canaries: &mut Canaries) -> [Turn; 4] {
    let mut file = |name: &str, place: &str| {
        world.write(name, &format!("첫 줄\n찾을 것 {}\n", canaries.token(place)));
    };
    file("읽을것.txt", "found by read");
    file("찾을것.txt", "found by grep");
    file("바꿀것.txt", "found by edit");
    let named = canaries.token("found by glob: name of a file");
    world.write(&format!("이름-{named}.txt"), "");
    let mut print = |place: &str| printing(&canaries.token(place));
    let long = format!("seq 1 30000; {}; seq 1 30000", print("found by bash: artifact"));
    let commands = [
        print("found by bash: output"),
        format!("{{ {}; }} >&2", print("found by bash: error output")),
        format!("{}; kill -9 $$", print("found by bash: killed")),
        format!("{}; exit 3", print("found by bash: failed")),
        long,
        "git remote -v".to_owned(),
        // The variable was passed on purpose; what it holds is known all the same.
        "echo \"$DB_PASSWORD\"; printf %s \"$DB_PASSWORD\" | base64 -w0; echo".to_owned(),
        "cat .env".to_owned(),
        format!("echo {} > 인자.txt", canaries.token("said by the model: command")),
    ];
    let calls = commands
        .iter()
        .fold(Turn::default(), |turn, command| turn.and_call("bash", json!({ "command": command })));
    let mut token = |place: &str| canaries.token(place);
    let missing = token("said by the model: path");
    let sought = token("said by the model: text to replace");
    let raw = format!("{{\"command\": \"{}", token("said by the model: malformed input"));
    let content = token("said by the model: content of a file");
    let message = token("said by the model: commit message");
    [
        calls,
        Turn::call("read", json!({ "path": "읽을것.txt" }))
            .and_call("grep", json!({ "pattern": "찾을 것" }))
            .and_call("glob", json!({ "pattern": "이름*" }))
            .and_call(
                "edit",
                json!({ "path": "바꿀것.txt", "old_string": format!("찾을 것 {sought}"), "new_string": "" }),
            )
            .and_call("read", json!({ "path": missing }))
            .and_call("write", json!({ "path": "새것.txt", "content": content }))
            .and_call("commit", json!({ "message": message }))
            .and_raw_call("bash", &raw),
        Turn::call("diff", json!({})),
        Turn::call(
            "report",
            json!({
                "summary": token("said by the model: report"),
                "files_changed": ["새것.txt", token("said by the model: claimed file")],
                "commands_run": [token("said by the model: claimed command")],
            }),
        ),
    ]
}

impl Planted {
    async fn server(&self) -> MockServer {
        Settings::default().with_key(&self.key).start(self.script.clone()).await.expect("a server")
    }

    async fn call(&self, server: &MockServer, more: &[&str]) -> Call {
        let arguments = more.iter().copied().chain(self.arguments.iter().map(String::as_str));
        let call = self.world.call(arguments).within_walls(&self.world).await.against(server);
        self.environment.iter().fold(call, |call, (name, value)| call.env(name, value))
    }

    async fn run(&self, more: &[&str]) -> (MockServer, Ended) {
        let server = self.server().await;
        let ended = self.call(&server, more).await.run().await;
        (server, ended)
    }

    /// Nothing that was written, shown or sent holds a canary.
    fn check(&self, server: &MockServer, ended: &Ended) {
        let Self { world, canaries, .. } = self;
        canaries.check_absent(ended.out.as_bytes(), "standard output");
        canaries.check_absent(ended.err.as_bytes(), "standard error");
        check_files(world, canaries);
        // What tools found, no model read. What the model and the person said is theirs.
        let found = canaries.of(&["variable", "proxy", "database", "file", "git's remote", "found"]);
        for request in server.requests() {
            found.check_absent(request.body.to_string().as_bytes(), "a request to the model");
        }
    }
}

/// No file of the program's own holds a canary.
fn check_files(world: &World, canaries: &Canaries) {
    for (path, content) in World::snapshot(&world.own()) {
        let is_planted = path == world.own().join("config/.env");
        let is_the_persons = path.starts_with(world.own().join("data/checkpoints"));
        if is_planted || is_the_persons {
            continue;
        }
        canaries.check_absent(&content, &path.display().to_string());
        canaries.check_absent(path.as_os_str().as_encoded_bytes(), "the name of a file");
    }
}

#[tokio::test]
async fn no_canary_of_forty_comes_out_anywhere() {
    for format in [
        &["--output-format", "stream-json", "--partial"][..],
        &["--output-format", "stream-json", "-v"],
        &["--output-format", "json", "-v"],
        &["--output-format", "text", "-v"],
        &["--output-format", "text", "--lang", "ko"],
    ] {
        let planted = plant();
        assert!(planted.canaries.count() >= 40, "{}", planted.canaries.count());
        let (server, ended) = planted.run(format).await;
        planted.check(&server, &ended);
        // Each of them was there.
        let results = results(&server.requests_of("coder").last().expect("a request").body).join("\n");
        let redacted = results.matches("[redacted:").count();
        assert!(redacted >= 14, "{redacted}:\n{results}\n{}", ended.err);
        assert_eq!(
            World::leftovers(&planted.world.own().join("data/artifacts")).len(),
            1,
            "a long output is kept"
        );
    }
}

/// The same at a terminal.
#[tokio::test]
async fn no_canary_comes_out_on_a_screen() {
    let planted = plant();
    let server = planted.server().await;
    let terminal = planted.call(&server, &["--permission-mode", "full"]).await.at_terminal();
    let (_, shown) = terminal.end().await;
    assert!(String::from_utf8_lossy(&shown).contains("[redacted:"));
    planted.canaries.check_absent(&shown, "the screen");
    check_files(&planted.world, &planted.canaries);
}

/// What servers answer with when they fail.
#[tokio::test]
async fn no_canary_of_a_failing_server_comes_out() {
    let mut canaries = Canaries::default();
    let key = canaries.word("variable ANTHROPIC_API_KEY");
    let mut token = |place: &str| canaries.token(place);
    let turns = [
        Turn::error(401, "authentication_error", &format!("no such key: {key}, {}", token("body of a 401"))),
        Turn::error(500, "api_error", &token("body of a 500")),
        Turn::error(
            400,
            "invalid_request_error",
            &format!("{}{}", "x".repeat(2030), token("body, where it is cut")),
        ),
        Turn::page(200, &format!("<h1>{}</h1>", token("page for browsers"))),
        Turn::page(502, &format!("<h1>{}</h1>", token("page of a gateway"))),
        Turn::error(302, "x", "y")
            .with_header("location", &format!("https://login.example/?key={}", token("redirect"))),
        Turn::bytes(format!("event: message_start\ndata: {{\"{}\n\n", token("malformed event"))),
        Turn::text("절반").failing_after(2, "overloaded_error", &token("error in a stream")),
    ];
    for turn in turns {
        for format in ["text", "json", "stream-json"] {
            let world = World::new();
            let script = Script::new().agent("manager", [turn.clone()]);
            let server = Settings::default().with_key(&key).start(script).await.expect("a server");
            let ended = world.call(["--output-format", format, "-v", "x"]).against(&server).run().await;
            assert_ne!(ended.code(), 0);
            canaries.check_absent(ended.out.as_bytes(), "standard output");
            canaries.check_absent(ended.err.as_bytes(), "standard error");
            check_files(&world, &canaries);
        }
    }
}

/// What is wrong with a call or a configuration is quoted, without secrets.
#[tokio::test]
async fn no_canary_of_a_call_that_cannot_begin_comes_out() {
    let (world, mut canaries) = (World::new(), Canaries::default());
    let key = canaries.word("variable ANTHROPIC_API_KEY");
    let mut token = |place: &str| canaries.token(place);
    let config = |text: String| world.write_outside("config.json", &text).display().to_string();
    let unknown = config(format!("{{\"workflow_limits\": {{\"{}\": 1}}}}", token("unknown key")));
    let script = world.write_outside("script.json", &format!("{{\"v\": \"{}\"}}", token("script")));
    let calls: [Vec<String>; 6] = [
        vec![format!("--{}", token("unknown option"))],
        vec!["--provider".to_owned(), token("unknown provider"), "x".to_owned()],
        vec!["--config".to_owned(), unknown, "x".to_owned()],
        vec!["--provider".to_owned(), format!("script:{}", script.display()), "x".to_owned()],
        vec!["--context".to_owned(), token("missing file"), "x".to_owned()],
        vec!["--cwd".to_owned(), token("missing folder"), "x".to_owned()],
    ];
    let user_info = canaries.word("base URL's user");
    for format in ["text", "json"] {
        let base = ("ANTHROPIC_BASE_URL", format!("https://me:{user_info}@api.example"));
        let with_base = world.call(["--output-format", format, "x"]).env(base.0, base.1);
        let others = calls.iter().map(|call| world.call(["--output-format", format]).args(call));
        for call in others.chain([with_base]) {
            let ended = call.env("ANTHROPIC_API_KEY", &key).run().await;
            assert!([2, 3, 4].contains(&ended.code()), "{ended:?}");
            canaries.check_absent(ended.out.as_bytes(), "standard output");
            canaries.check_absent(ended.err.as_bytes(), "standard error");
        }
    }
}

/// Reliability 2.4, "Keys inherited by commands": the environment of a command, and that of every process it can see.
/// What it sees goes into a file, because its output would be redacted.
#[tokio::test]
async fn no_canary_is_handed_down_to_commands() {
    let planted = plant();
    if !planted.world.has_walls().await {
        return;
    }
    let look = "{ env; export -p; tr '\\0' '\\n' < /proc/self/environ; \
                for p in /proc/[0-9]*; do tr '\\0' '\\n' < $p/environ; done; } > 물려받음.txt 2>/dev/null; true";
    let script = one_worker("coder", [bash(look), coded(&["물려받음.txt"], &[])]);
    let server = Settings::default().with_key(&planted.key).start(script).await.expect("a server");
    let mut call = planted.world.task(&server, &[]).await;
    for (name, value) in &planted.environment {
        call = call.env(name, value);
    }
    let ended = call.run().await;
    assert_eq!(ended.code(), 0, "{ended:?}");
    let seen = planted.world.read("물려받음.txt");
    assert!(seen.contains("PATH=") && !seen.contains("ANTHROPIC_API_KEY"), "{seen}");
    planted.canaries.check_absent(seen.as_bytes(), "what a command sees of its surroundings");
}

/// CVE-2026-46406: what the program makes belongs to its owner alone, whatever the umask. What commands make in the
/// folders of their tool chains is theirs; nobody else gets there.
#[tokio::test]
async fn what_the_program_keeps_belongs_to_its_owner_alone() {
    let world = World::new();
    let long = bash("seq 1 60000; echo x > 새것.txt");
    let server = MockServer::start(one_worker("coder", [long, coded(&["새것.txt"], &[])])).await;
    let ended = world.task(&server, &[]).await.without_umask().run().await;
    assert_eq!(ended.code(), 0, "{ended:?}");
    let mut open = Vec::new();
    check_private(&world.own(), &mut open);
    assert_eq!(open, Vec::<String>::new());
    for kept in ["data/better-llm.db", "data/sessions", "data/artifacts", "data/checkpoints"] {
        assert!(world.own().join(kept).exists(), "{kept}");
    }
}

fn check_private(path: &Path, open: &mut Vec<String>) {
    let about = fs::symlink_metadata(path).expect("an entry");
    let mode = about.permissions().mode() & 0o777;
    if !about.is_symlink() && mode & 0o077 != 0 {
        open.push(format!("{}: {mode:o}", path.display()));
    }
    let is_of_commands =
        path.parent().and_then(Path::parent).is_some_and(|above| above.ends_with("toolchains"));
    if about.is_dir() && !is_of_commands {
        for entry in fs::read_dir(path).expect("a folder") {
            check_private(&entry.expect("an entry").path(), open);
        }
    }
}
