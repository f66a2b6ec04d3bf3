//! Rules about commands, against every spelling that hides another one. The wall is another matter: here it is only
//! held that nothing runs unasked.

use std::os::unix::fs::symlink;

use domain::tool::ToolStatus;
use serde_json::{Value, json};
use testkit::{MockServer, Turn};

use crate::support::{
    CallEnd, World,
    turns::{coded, one_worker},
};

/// What a coder's calls come to under these rules; nobody is there to be asked.
async fn calls(world: &World, mode: &str, rules: &Value, turn: Turn) -> Vec<CallEnd> {
    let config = json!({"permissions": {"mode": mode, "rules": rules}}).to_string();
    let config = world.write_outside("규칙.json", &config).display().to_string();
    let server = MockServer::start(one_worker("coder", [turn, coded(&[], &[])])).await;
    let said = world.task(&server, &["--config", &config]).await.run().await.said();
    server.assert_nothing_refused();
    said.calls_of("coder")
}

fn bash_all(commands: &[String]) -> Turn {
    commands.iter().fold(Turn::default(), |turn, command| turn.and_call("bash", json!({"command": command})))
}

async fn check_all_denied(mode: &str, rules: Value, commands: &[String]) {
    for commands in commands.chunks(60) {
        let world = World::new();
        let before = World::snapshot(&world.repository);
        let ended = calls(&world, mode, &rules, bash_all(commands)).await;
        for (command, call) in commands.iter().zip(&ended) {
            assert_eq!(call.status, ToolStatus::Denied, "`{command}` ran unasked: {call:?}");
        }
        assert_eq!(ended.len(), commands.len());
        assert_eq!(World::snapshot(&world.repository), before);
    }
}

/// P21: an allowed command with another one behind, before or inside it.
#[tokio::test]
async fn no_separator_smuggles_a_command_past_an_allowed_one() {
    let forms = [
        "A; C",
        "A && C",
        "A || C",
        "A | C",
        "A & C",
        "A\nC",
        "A\r\nC",
        "A $(C)",
        "A `C`",
        "A \"$(C)\"",
        "A <(C)",
        "A > 터짐",
        "A >> 터짐",
        "A 2> 터짐",
        "A >| 터짐",
        "A <> 터짐",
        "(C); A",
        "{ C; }; A",
        "! C",
        "A ${x:-$(C)}",
        "A $'\\n'C; C",
        "A \\\n; C",
        "A #\nC",
        "x=$(C) A",
        "A{,;C}",
        "A <<< \"$(C)\"",
        "A <<E\n$(C)\nE",
    ];
    let allowed = ["git status", "echo x", "rg x"];
    let commands: Vec<String> = allowed
        .iter()
        .flat_map(|allowed| forms.map(|form| form.replace('A', allowed).replace('C', "touch 터짐")))
        .chain([format!("{}touch 터짐", "echo x && ".repeat(60))])
        .collect();
    let rules = ["git status", "git status *", "echo *", "rg *"]
        .map(|argument| json!({"effect": "allow", "tool": "bash", "argument": argument}));
    check_all_denied("ask", json!(rules), &commands).await;
}

/// P22: programs that look harmless and run or write what their arguments say.
#[tokio::test]
async fn no_argument_turns_an_allowed_program_into_another() {
    let commands = [
        "find . -exec touch 터짐 ;",
        "find . -execdir touch 터짐 +",
        "find . -ok touch 터짐 ;",
        "find . -delete",
        "find . -fprintf 터짐 x",
        "find . -fls 터짐",
        "git -c core.pager='touch 터짐' -p log",
        "git -c core.fsmonitor='touch 터짐' status",
        "git --exec-path=. status",
        "git grep --open-files-in-pager=touch x",
        "git log --output=터짐",
        "git diff --output 터짐",
        "git diff --ext-diff",
        "git ls-remote --upload-pack='touch 터짐' .",
        "git ls-remote --upload-pack ./x .",
        "git log --textconv",
        "rg --pre ./x y",
        "rg --pre=./x y",
        "rg --hostname-bin=./x y",
        "sed -n 'w 터짐' README.md",
        "sed '1e touch 터짐' README.md",
        "sed -i s/a/b/ README.md",
        "sort -o 터짐 README.md",
        "sort --output=터짐 README.md",
        "sort --compress-program=./x README.md",
        "tar -cf /dev/null --checkpoint-action=exec=./x .",
        "tar --to-command=./x -xf a",
        "tar -I ./x -cf a .",
        "go test -exec ./x",
        "go test -toolexec=./x",
        "xargs touch 터짐",
        "env touch 터짐",
        "watch touch 터짐",
        "timeout 5 touch 터짐",
        "nice touch 터짐",
        "make SHELL=./x",
        "cargo test --config=x",
    ]
    .map(str::to_owned);
    let rules = [
        "find *",
        "git *",
        "rg *",
        "sed *",
        "sort *",
        "tar *",
        "go test *",
        "xargs *",
        "env *",
        "watch *",
        "timeout *",
        "nice *",
        "make *",
        "cargo test *",
    ]
    .map(|argument| json!({"effect": "allow", "tool": "bash", "argument": argument}));
    check_all_denied("ask", json!(rules), &commands).await;
}

/// A denied command is found behind sixty others, inside wrappers, and where the shell makes its name.
#[tokio::test]
async fn a_denied_command_is_denied_wherever_it_stands() {
    let commands = [
        format!("{}git push origin", "true && ".repeat(60)),
        "git -C . push".to_owned(),
        "/usr/bin/git push".to_owned(),
        "g'i't push".to_owned(),
        "env A=1 git push".to_owned(),
        "find . -exec git push ;".to_owned(),
        "echo push | xargs git push".to_owned(),
        "sh -c 'git push'".to_owned(),
        "x=git; $x push".to_owned(),
        "$(echo git) push".to_owned(),
        "git$IFS'push'".to_owned(),
        "eval \"$(echo Z2l0IHB1c2g= | base64 -d)\"".to_owned(),
    ];
    let rules = json!([
        {"effect": "deny", "tool": "bash", "argument": "git push *"},
        {"effect": "allow", "tool": "bash", "argument": "echo *"},
    ]);
    check_all_denied("auto-edit", rules, &commands).await;
}

/// A rule holds for the file, not for the name that a link gives it.
#[tokio::test]
async fn a_link_does_not_lead_round_a_rule() {
    let world = World::new();
    world.write("비밀/열쇠", "카나리아\n");
    symlink("비밀/열쇠", world.repository.join("지름길")).expect("a link");
    symlink("비밀", world.repository.join("폴더길")).expect("a link");
    let rules = json!([{"effect": "deny", "tool": "read", "argument": "비밀/**"}]);
    let paths = ["비밀/열쇠", "./비밀//열쇠", "지름길", "폴더길/열쇠", "시험/../비밀/열쇠"];
    let turn = paths.iter().fold(Turn::default(), |turn, path| turn.and_call("read", json!({"path": path})));
    let ended = calls(&world, "auto-edit", &rules, turn).await;
    for (path, call) in paths.iter().zip(&ended) {
        assert_eq!(call.status, ToolStatus::Denied, "{path}: {call:?}");
        assert!(call.output.contains("비밀/**"), "it names the rule: {call:?}");
    }
}
