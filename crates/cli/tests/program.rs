//! The program from outside: what needs no session, and readers that go away.

#![expect(clippy::unwrap_used, reason = "a test stops where something else than its subject fails")]

use std::{
    io::Read,
    process::{Command, Output, Stdio},
};

/// The program, seeing nothing of this machine's environment.
fn program(arguments: &[&str], environment: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_better-llm-cli"));
    command.args(arguments).env_clear().envs(environment.iter().copied()).stdin(Stdio::null());
    command
}

fn check(arguments: &[&str], environment: &[(&str, &str)], exit_code: i32, out: &str, err: &str) {
    let Output { status, stdout, stderr } = program(arguments, environment).output().unwrap();
    let found = (String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap());
    assert_eq!(
        (status.code(), found.0.as_str(), found.1.as_str()),
        (Some(exit_code), out, err),
        "{arguments:?}"
    );
}

/// O-6.
#[test]
fn the_version_is_one_line() {
    let expected = concat!("better-llm-cli ", env!("CARGO_PKG_VERSION"), "\n");
    check(&["--version"], &[], 0, expected, "");
}

#[test]
fn a_mistyped_call_says_what_was_meant_in_the_language_of_the_locale() {
    let english = "error: there is no option `--verbos`\n  → did you mean `--verbose`?\n";
    let korean = "오류: `--verbos` 옵션은 없습니다\n  → 혹시 `--verbose` 아닌가요?\n";
    check(&["--verbos"], &[], 2, "", english);
    check(&["--verbos"], &[("LANG", "ko_KR.UTF-8")], 2, "", korean);
    check(&["--verbos"], &[("LC_ALL", "C"), ("LANG", "ko_KR.UTF-8")], 2, "", english);
    check(&["--verbos", "--lang", "ko"], &[], 2, "", korean);
}

#[test]
fn a_program_that_reads_json_gets_its_usage_error_as_json() {
    let expected = concat!(
        r#"{"v":1,"type":"error","code":"usage","text":"`--resume` is an option","chain":[],"exit_code":2}"#,
        "\n"
    );
    let expected =
        expected.replace("`--resume` is an option", "the option `--record` comes in a later version");
    check(&["--record", "x", "--output-format", "json"], &[], 2, &expected, "");
}

/// O-6.
#[test]
fn help_of_every_verb_has_an_example() {
    for verb in [
        "run",
        "demo",
        "agents list",
        "agents show",
        "config show",
        "config check",
        "config trust",
        "permissions explain",
        "session undo",
    ] {
        let arguments: Vec<&str> = verb.split(' ').chain(["--help"]).collect();
        let output = program(&arguments, &[]).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success() && text.contains("Example:\n  better-llm-cli "), "{text}");
    }
}

/// Reliability P51.
#[test]
fn a_reader_that_goes_away_is_a_quiet_end() {
    for arguments in [&["--help"][..], &["--zzz", "--output-format", "json"]] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut child = program(arguments, &[]).stdout(writer).stderr(Stdio::piped()).spawn().unwrap();
        let mut said = String::new();
        child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        let code = child.wait().unwrap().code();
        let expected = if arguments.contains(&"--help") { 0 } else { 2 };
        assert_eq!((code, said.as_str()), (Some(expected), ""), "{arguments:?}");
    }
}

/// Reliability P51.
#[test]
fn a_closed_standard_error_is_a_quiet_end() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let status = program(&["--zzz"], &[]).stdout(Stdio::null()).stderr(writer).status().unwrap();
    assert_eq!(status.code(), Some(2));
}

/// A standard output that cannot be written is no success.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_said() {
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output = program(&["--version"], &[]).stdout(full).stderr(Stdio::piped()).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(said.starts_with("error: standard output cannot be written\n  because: "), "{said}");
}
