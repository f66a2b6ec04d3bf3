//! The limit: the least program that does the same work, to hold better-llm's figures against.
//!
//! It speaks the same wire to the same server, keeps its conversation serialised, runs the same tools, and commits
//! to SQLite where better-llm waits for the disk. It checks nothing, shows nothing, survives nothing.
//!
//! ```text
//! limit version
//! limit run URL JOURNAL        one conversation, with the tools the server's script asks for
//! ```
#![expect(clippy::print_stdout, reason = "a program")]

use std::{error::Error, process::Stdio};

use futures_util::StreamExt;
use rusqlite::Connection;
use serde::Deserialize;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["version"] => {
            println!("limit 0");
            Ok(())
        }
        ["run", url, journal] => {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(run(url, journal))
        }
        _ => Err("usage: limit version | limit run URL JOURNAL".into()),
    }
}

async fn run(url: &str, journal: &str) -> Result<()> {
    let mut limit =
        Limit { client: client()?, endpoint: format!("{url}/v1/messages"), journal: Journal::open(journal)? };
    limit.journal.append("round_started")?;
    limit.journal.commit()?;
    let answer = Box::pin(limit.converse(MANAGER, "go")).await?;
    limit.journal.append(&answer)?;
    limit.journal.commit()?;
    println!("{answer}");
    Ok(())
}

fn client() -> Result<reqwest::Client> {
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    Ok(reqwest::Client::builder().tls_backend_preconfigured(tls).no_proxy().build()?)
}

/// Who talks: the system prompt and the tools, as JSON.
struct Agent {
    system: &'static str,
    tools: &'static str,
}

const MANAGER: Agent = Agent {
    system: "You are the manager",
    tools: r#"[{"name":"read","description":"reads","input_schema":{"type":"object"}},{"name":"bash","description":"runs","input_schema":{"type":"object"}},{"name":"execute_coder_task","description":"works","input_schema":{"type":"object"}},{"name":"finish","description":"ends","input_schema":{"type":"object"}}]"#,
};

const CODER: Agent = Agent {
    system: "You are the coder",
    tools: r#"[{"name":"read","description":"reads","input_schema":{"type":"object"}},{"name":"bash","description":"runs","input_schema":{"type":"object"}},{"name":"report","description":"ends","input_schema":{"type":"object"}}]"#,
};

struct Limit {
    client: reqwest::Client,
    endpoint: String,
    journal: Journal,
}

impl Limit {
    /// One agent's conversation to its end; the serialised messages only grow.
    async fn converse(&mut self, agent: Agent, text: &str) -> Result<String> {
        let mut messages = format!(r#"{{"role":"user","content":{}}}"#, serde_json::to_string(text)?);
        loop {
            let answer = self.ask(&agent, &messages).await?;
            self.journal.append(&answer.content)?;
            if answer.calls.is_empty() {
                return Ok(answer.text);
            }
            let mut results = String::new();
            for call in &answer.calls {
                if call.name == "finish" || call.name == "report" {
                    self.journal.append(&call.input)?;
                    self.journal.commit()?;
                    return Ok(call.input.clone());
                }
                let result = self.perform(call).await?;
                if !results.is_empty() {
                    results.push(',');
                }
                results.push_str(&format!(
                    r#"{{"type":"tool_result","tool_use_id":"{}","content":{}}}"#,
                    call.id,
                    serde_json::to_string(&result)?
                ));
            }
            self.journal.append(&results)?;
            messages.push_str(&format!(
                r#",{{"role":"assistant","content":[{}]}},{{"role":"user","content":[{results}]}}"#,
                answer.content
            ));
        }
    }

    async fn perform(&mut self, call: &Call) -> Result<String> {
        match call.name.as_str() {
            "read" => {
                let input: Read = serde_json::from_str(&call.input)?;
                self.journal.append(&call.input)?;
                Ok(std::fs::read_to_string(input.path)?)
            }
            "bash" => {
                let input: Bash = serde_json::from_str(&call.input)?;
                // A tool with effects begins on disk.
                self.journal.append(&call.input)?;
                self.journal.commit()?;
                let mut shell = tokio::process::Command::new("/bin/bash");
                let output = shell.arg("-c").arg(&input.command).stdin(Stdio::null()).output().await?;
                Ok(String::from_utf8_lossy(&output.stdout).into_owned())
            }
            _ => Box::pin(self.converse(CODER, &call.input)).await,
        }
    }

    async fn ask(&mut self, agent: &Agent, messages: &str) -> Result<Answer> {
        let body = format!(
            r#"{{"model":"claude-sonnet-5-5","max_tokens":32000,"stream":true,"system":"{}","tools":{},"messages":[{messages}]}}"#,
            agent.system, agent.tools
        );
        let response = self
            .client
            .post(&self.endpoint)
            .header("x-api-key", "fake-key")
            .header("anthropic-version", "2023-06-01")
            .header("content-type", "application/json")
            .body(body)
            .send()
            .await?
            .error_for_status()?;
        let mut stream = response.bytes_stream();
        let mut answer = Answer::default();
        let mut buffer: Vec<u8> = Vec::new();
        while let Some(bytes) = stream.next().await {
            buffer.extend_from_slice(&bytes?);
            while let Some(end) = buffer.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = buffer.drain(..=end).collect();
                if let Some(data) = line.strip_prefix(b"data: ") {
                    answer.take(serde_json::from_slice(data)?)?;
                }
            }
        }
        Ok(answer)
    }
}

#[derive(Deserialize)]
struct Read {
    path: String,
}

#[derive(Deserialize)]
struct Bash {
    command: String,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Frame {
    ContentBlockStart {
        content_block: Block,
    },
    ContentBlockDelta {
        delta: Delta,
    },
    ContentBlockStop {},
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct Block {
    #[serde(default)]
    id: String,
    #[serde(default)]
    name: String,
}

#[derive(Deserialize)]
struct Delta {
    #[serde(default)]
    text: String,
    #[serde(default)]
    partial_json: String,
}

#[derive(Default)]
struct Call {
    id: String,
    name: String,
    input: String,
}

#[derive(Default)]
struct Answer {
    content: String,
    text: String,
    calls: Vec<Call>,
    open: Call,
}

impl Answer {
    fn take(&mut self, frame: Frame) -> Result<()> {
        match frame {
            Frame::ContentBlockStart { content_block } => {
                self.open = Call { id: content_block.id, name: content_block.name, input: String::new() };
            }
            Frame::ContentBlockDelta { delta } => {
                self.open.input.push_str(&delta.partial_json);
                self.text.push_str(&delta.text);
            }
            Frame::ContentBlockStop {} => {
                let mut call = std::mem::take(&mut self.open);
                if !self.content.is_empty() {
                    self.content.push(',');
                }
                if call.name.is_empty() {
                    let text = serde_json::to_string(&self.text)?;
                    self.content.push_str(&format!(r#"{{"type":"text","text":{text}}}"#));
                } else {
                    if call.input.is_empty() {
                        call.input.push_str("{}");
                    }
                    self.content.push_str(&format!(
                        r#"{{"type":"tool_use","id":"{}","name":"{}","input":{}}}"#,
                        call.id, call.name, call.input
                    ));
                    self.calls.push(call);
                }
            }
            Frame::Other => {}
        }
        Ok(())
    }
}

/// SQLite as better-llm uses it: WAL, synchronous=FULL, one transaction from commit to commit.
struct Journal {
    database: Connection,
    sequence: i64,
}

impl Journal {
    fn open(place: &str) -> Result<Self> {
        let database = Connection::open(place)?;
        database.execute_batch(
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;
             CREATE TABLE events (seq INTEGER PRIMARY KEY, json TEXT NOT NULL);
             BEGIN IMMEDIATE;",
        )?;
        Ok(Self { database, sequence: 0 })
    }

    fn append(&mut self, json: &str) -> Result<()> {
        self.sequence += 1;
        let mut insert = self.database.prepare("INSERT INTO events VALUES (?1, ?2)")?;
        insert.execute((self.sequence, json))?;
        Ok(())
    }

    fn commit(&mut self) -> Result<()> {
        Ok(self.database.execute_batch("COMMIT; BEGIN IMMEDIATE;")?)
    }
}
