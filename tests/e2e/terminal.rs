//! What a terminal gets to see of models, tools and files, byte by byte (reliability decision 9, P08, P56).

use serde_json::json;
use testkit::{MockServer, Script, Turn};

use crate::support::{
    World,
    turns::{ask, bash, coded},
};

/// What reports about terminals used against them: the clipboard, links, titles, questions that the terminal answers,
/// whole device strings, 8-bit forms, cursor moves, what overwrites, what reorders, what hides.
const PAYLOADS: [&str; 22] = [
    "\u{1b}]52;c;cm0gLXJmIH4=\u{7}",
    "\u{1b}]8;;http://evil.example\u{1b}\\here\u{1b}]8;;\u{1b}\\",
    "\u{1b}]0;title\u{7}\u{1b}[21t",
    "\u{1b}P$q\"p\u{1b}\\",
    "\u{1b}P+q544e\u{1b}\\",
    "\u{1b}[5n\u{1b}[6n\u{1b}[c\u{1b}[>c",
    "\u{1b}_Gi=1;AAAA\u{1b}\\\u{1b}^x\u{1b}\\",
    "\u{1b}[2J\u{1b}[H\u{1b}[10A\u{1b}[1K",
    "\u{1b}[?1049h\u{1b}[?2004l\u{1b}[201~\u{1b}c",
    "\u{1b}[31mred\u{1b}[0m",
    "\u{9b}2J\u{9d}52;c;eA==\u{9c}\u{90}q\u{9c}",
    "safe\rrm -rf",
    "over\u{8}\u{8}\u{8}\u{8}write\u{7f}",
    "up\u{b}down\u{c}next\u{85}line",
    "\u{202e}txt.exe\u{202c}",
    "\u{2066}isolated\u{2069}\u{200e}\u{200f}\u{61c}",
    "zero\u{200b}width\u{2060}\u{feff}\u{ad}",
    "tags\u{e0041}\u{e0042}\u{e007f}",
    "selected\u{fe0f}\u{fe01}\u{e0170}",
    "filled\u{3164}\u{ffa0}",
    "\u{2028}\u{2029}\u{fff9}\u{e000}\u{fdd0}",
    "\u{0}\u{1}\u{e}\u{f}\u{1a}",
];

/// Text that has to come through as it is.
const CLEAN: [&str; 5] = ["한글과 컴퓨터", "👩🏽‍🚀", "שלום", "می\u{200c}خواهم", "क्षि"];

/// What the program itself tells a terminal: colours, and once that pastes are to be marked, and no more. Without that,
/// nothing that a terminal obeys is left but line breaks.
fn without_own_colours(screen: &[u8]) -> String {
    let mut text = String::from_utf8(screen.to_vec()).expect("UTF-8 alone");
    for own in ["\u{1b}[?2004h", "\u{1b}[?2004l"] {
        text = text.replacen(own, "", 1);
    }
    for code in ["0", "1", "2", "31", "32", "33", "36", "1;7;31"] {
        text = text.replace(&format!("\u{1b}[{code}m"), "");
    }
    text.replace("\r\n", "\n")
}

fn check(screen: &[u8]) -> String {
    let text = without_own_colours(screen);
    let obeyed = |character: char| {
        (character.is_control() && character != '\n')
            || matches!(character, '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{61c}' | '\u{ad}' | '\u{feff}')
            || matches!(character, '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{e000}'..='\u{f8ff}')
            || matches!(character, '\u{fff9}'..='\u{fffb}' | '\u{fdd0}'..='\u{fdef}' | '\u{3164}' | '\u{ffa0}')
            || matches!(character, '\u{e0000}'..='\u{e0fff}')
    };
    for line in text.lines() {
        let found: Vec<char> = line.chars().filter(|character| obeyed(*character)).collect();
        assert!(found.is_empty(), "{found:?} in {line:?}");
    }
    for clean in CLEAN {
        assert!(text.contains(clean), "{clean}: {text}");
    }
    text
}

/// Every payload, and what has to survive beside them.
fn everything() -> String {
    PAYLOADS.iter().chain(&CLEAN).map(|text| format!("<{text}>")).collect::<Vec<_>>().join("\n")
}

/// Models speak, think, call, report and finish in payloads; a command prints them as bytes, and bytes that are no
/// text; a file is named after them.
#[tokio::test]
async fn no_payload_of_models_tools_or_files_reaches_the_terminal() {
    let world = World::new();
    let evil = everything();
    // A name has no `/` and no NUL.
    let name = format!("이름 {}", evil.replace(['/', '\0', '\n'], "_"));
    let name: String = name.chars().take(60).collect();
    world.write("원본.bin", &evil);
    let coder = [
        Turn::thinking(&evil)
            .and_text(&evil)
            .and_call("bash", json!({"command": "cat 원본.bin; printf '\\377\\233\\200\\033[2J'"})),
        Turn::call("write", json!({"path": name, "content": evil})),
        Turn::call("read", json!({"path": evil})),
        bash(&format!(
            ": {}",
            evil.replace(['\0', '\'', '"', '`', '$', '<', '>', '&', ';', '(', ')', '\\'], " ")
        )),
        coded(&[&name, &evil], &[&evil]),
    ];
    let finish = Turn::call("finish", json!({"summary": evil, "status": "partial"}));
    let script = Script::new().agent("manager", [ask("coder", &evil), finish]).agent("coder", coder);
    let server = MockServer::start(script).await;
    let call = world.call(["합계에 환불을 더해 줘"]).within_walls(&world).await.against(&server);
    let (code, screen) = call.at_terminal().end().await;
    let text = check(&screen);
    assert_eq!(code, Some(13), "{text}");
    for shown in ["␛]52;c;cm0gLXJmIH4=␇", "safe␍rm -rf", "<U+009B>2J", "<U+202E>txt.exe", "zero<U+200B>width"]
    {
        assert!(text.contains(shown), "{shown}: {text}");
    }
}

/// What the person or a repository gives is no exception: arguments, configuration, errors.
#[tokio::test]
async fn no_payload_of_arguments_or_configuration_reaches_the_terminal() {
    let world = World::new();
    let evil = everything().replace('\0', "");
    let model = format!("coder={evil}");
    let calls: [&[&str]; 4] = [
        &["--effort", &evil, "x"],
        &["--cwd", &evil, "config", "show"],
        &["agents", "show", &evil],
        &["--model", &model, "config", "show"],
    ];
    for arguments in calls {
        let (_, screen) = world.call(arguments).at_terminal().end().await;
        check(&screen);
    }
    let system = json!({"verify": {"commands": [evil]}}).to_string();
    world.write_outside("home/.better/config/system_config.json", &system);
    for arguments in [&["config", "show"][..], &["config", "show", "--json"]] {
        let (code, screen) = world.call(arguments).at_terminal().end().await;
        let text = without_own_colours(&screen);
        assert!(code == Some(0) && text.contains("한글과 컴퓨터"), "{text}");
        assert!(!text.contains(['\u{1b}', '\u{9b}', '\u{202e}', '\u{200b}', '\u{7}', '\r']), "{text:?}");
    }
}
