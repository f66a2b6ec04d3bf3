//! The binary `mock-messages`, from outside.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    process::{Child, Command, Stdio},
};

use better_llm_testkit::mock_server::TEST_KEY;

/// A running server that ends with the test.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        self.0.kill().expect("the server is ours to end");
        self.0.wait().expect("the server ends");
    }
}

fn start(script: &str, options: &[&str]) -> Server {
    let file = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{}.json", options.join("")));
    std::fs::write(&file, script).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_mock-messages"));
    command.arg(file).args(options).env_clear();
    Server(command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap())
}

fn url(server: &mut Server) -> String {
    let mut line = String::new();
    BufReader::new(server.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
    line.trim_end().to_owned()
}

fn post(url: &str, body: &str) -> String {
    send(url, "/v1/messages", &format!("x-api-key: {TEST_KEY}\r\nanthropic-version: 2023-06-01"), body)
}

fn send(url: &str, path: &str, headers: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(url.strip_prefix("http://").unwrap()).unwrap();
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: mock\r\nconnection: close\r\n{headers}\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all((head + body).as_bytes()).unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).unwrap();
    reply
}

const REQUEST: &str =
    r#"{"model": "m", "max_tokens": 9, "system": "You are the coder.", "messages": MESSAGES}"#;

#[test]
fn the_binary_serves_a_script_until_its_input_ends() {
    let script = r#"{"v": 1, "agents": {"coder": [{"text": "하나"}, {"text": "둘"}]}, "by_turn": true}"#;
    let mut server = start(script, &["--until-eof"]);
    let url = url(&mut server);
    let first = REQUEST.replace("MESSAGES", r#"[{"role": "user", "content": "go"}]"#);
    for _ in 0..2 {
        assert!(post(&url, &first).contains("하나"));
    }
    drop(server.0.stdin.take());
    assert!(server.0.wait().unwrap().success());
}

#[test]
fn the_binary_serves_chat_completions_as_well_in_the_words_of_the_server_that_is_named() {
    let script = r#"{"v": 1, "agents": {"coder": [{"thinking": "흠", "text": "하나"}]}}"#;
    let mut server = start(script, &["--no-key", "--flavour", "ollama", "--checked"]);
    let url = url(&mut server);
    let body = r#"{"model": "m", "stream": true, "messages": [{"role": "system", "content": "You are the coder."}, {"role": "user", "content": "go"}]}"#;
    let reply = send(&url, "/v1/chat/completions", "accept: */*", body);
    assert!(reply.contains("\"reasoning\":\"흠\"") && reply.contains("data: [DONE]"), "{reply}");
}

#[test]
fn the_binary_refuses_like_the_service_where_asked_to() {
    let mut server = start(r#"{"v": 1, "agents": {"coder": [{"text": "x"}]}}"#, &["--checked"]);
    let url = url(&mut server);
    let reply = post(&url, &REQUEST.replace("MESSAGES", r#"[{"role": "assistant", "content": "I"}]"#));
    assert!(reply.starts_with("HTTP/1.1 400 ") && reply.contains("first message must use"), "{reply}");
}

#[test]
fn the_binary_says_what_is_wrong_with_a_script() {
    let mut server = start("{}", &["--port", "0"]);
    assert_eq!(server.0.wait().unwrap().code(), Some(2));
    let mut said = String::new();
    server.0.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert!(said.starts_with("mock-messages: cannot read the script: missing field `v`"), "{said}");
}
