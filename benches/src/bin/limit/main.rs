//! The limit: the least program that does the same work, to hold better-llm's figures against.
//!
//! It speaks the same wire to the same server, keeps its conversation serialised, runs the same tools, and commits
//! to SQLite where better-llm waits for the disk. Its prompts are one line long, it journals what was said and no
//! more, it watches no files, checks nothing, shows nothing, survives nothing.
//!
//! ```text
//! limit version
//! limit help
//! limit run LEVEL URL JOURNAL      one conversation in the present folder; commands run at sandbox LEVEL
//! limit sessions COUNT URL JOURNAL so many conversations at the same time
//! ```
#![expect(clippy::print_stdout, reason = "a program")]

mod answer;
mod commands;
mod journal;

use std::{cell::RefCell, error::Error, rc::Rc};

use domain::permission::SandboxLevel;
use futures_util::StreamExt;
use reqwest::header::CONTENT_TYPE;
use serde::Deserialize;

use crate::{
    answer::{Answer, Call},
    commands::Commands,
    journal::Journal,
};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const USAGE: &str =
    "usage: limit version | limit help | limit run LEVEL URL JOURNAL | limit sessions COUNT URL JOURNAL";

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["version"] => println!("limit 0"),
        ["help"] => println!("{USAGE}"),
        ["run", level, url, journal] => {
            let level = match *level {
                "none" => SandboxLevel::None,
                "kernel" => SandboxLevel::Kernel,
                _ => return Err(USAGE.into()),
            };
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(run(level, url, journal))?;
        }
        ["sessions", count, url, journal] => {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(sessions(count.parse()?, url, journal))?;
        }
        _ => return Err(USAGE.into()),
    }
    Ok(())
}

/// All conversations at once, over one client and in one journal.
async fn sessions(count: usize, url: &str, journal: &str) -> Result<()> {
    let database = journal::open(journal)?;
    let journal = Rc::new(RefCell::new(Journal::on(&database)?));
    let client = client()?;
    let conversations = (0..count).map(|_| {
        let (client, endpoint) = (client.clone(), format!("{url}/v1/messages"));
        let journal = Rc::clone(&journal);
        async move {
            let commands = Commands::at(SandboxLevel::None)?;
            let mut limit = Limit { client, endpoint, journal, commands };
            limit.append("round_started")?;
            limit.commit()?;
            Box::pin(limit.converse(MANAGER, "go")).await?;
            limit.append("round_finished")?;
            limit.commit()
        }
    });
    futures_util::future::try_join_all(conversations).await?;
    Ok(())
}

async fn run(level: SandboxLevel, url: &str, journal: &str) -> Result<()> {
    let database = journal::open(journal)?;
    let mut limit = Limit {
        client: client()?,
        endpoint: format!("{url}/v1/messages"),
        journal: Rc::new(RefCell::new(Journal::on(&database)?)),
        commands: Commands::at(level)?,
    };
    limit.append("round_started")?;
    limit.commit()?;
    let answer = Box::pin(limit.converse(MANAGER, "go")).await?;
    limit.append("round_finished")?;
    limit.commit()?;
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

/// Who talks: the fields of a request that stay the same, as JSON.
#[derive(Clone, Copy)]
struct Agent(&'static str);

const MANAGER: Agent = Agent(
    r#""system":"You are the manager","tools":[{"name":"read","description":"reads","input_schema":{"type":"object"}},{"name":"bash","description":"runs","input_schema":{"type":"object"}},{"name":"execute_coder_task","description":"works","input_schema":{"type":"object"}},{"name":"finish","description":"ends","input_schema":{"type":"object"}}]"#,
);

const CODER: Agent = Agent(
    r#""system":"You are the coder","tools":[{"name":"read","description":"reads","input_schema":{"type":"object"}},{"name":"bash","description":"runs","input_schema":{"type":"object"}},{"name":"report","description":"ends","input_schema":{"type":"object"}}]"#,
);

struct Limit<'c> {
    client: reqwest::Client,
    endpoint: String,
    journal: Rc<RefCell<Journal<'c>>>,
    commands: Commands,
}

#[derive(Deserialize)]
struct Read {
    path: String,
}

#[derive(Deserialize)]
struct Bash {
    command: String,
}

impl Limit<'_> {
    fn append(&self, json: &str) -> Result<()> {
        self.journal.borrow_mut().append(json)
    }

    fn commit(&self) -> Result<()> {
        self.journal.borrow_mut().commit()
    }

    /// One agent's conversation to its end; the serialised messages only grow.
    async fn converse(&mut self, agent: Agent, text: &str) -> Result<String> {
        let mut messages = format!(r#"{{"role":"user","content":{}}}"#, serde_json::to_string(text)?);
        loop {
            let answer = self.ask(agent, &messages).await?;
            self.append(&answer.content)?;
            let closing = answer.calls.iter().find(|call| matches!(call.name.as_str(), "finish" | "report"));
            let end = closing.map(|call| &call.input).or(answer.calls.is_empty().then_some(&answer.text));
            if let Some(end) = end {
                // The end of a run is on disk before anyone hears of it.
                self.append(end)?;
                self.commit()?;
                return Ok(end.clone());
            }
            let mut results = String::new();
            for call in &answer.calls {
                let result = serde_json::to_string(&self.perform(call).await?)?;
                if !results.is_empty() {
                    results.push(',');
                }
                results.push_str(&format!(
                    r#"{{"type":"tool_result","tool_use_id":"{}","content":{result}}}"#,
                    call.id
                ));
            }
            self.append(&results)?;
            messages.push_str(r#",{"role":"assistant","content":["#);
            messages.push_str(&answer.content);
            messages.push_str(r#"]},{"role":"user","content":["#);
            messages.push_str(&results);
            messages.push_str("]}");
        }
    }

    async fn perform(&mut self, call: &Call) -> Result<String> {
        match call.name.as_str() {
            "read" => {
                let input: Read = serde_json::from_str(&call.input)?;
                self.append(&call.input)?;
                Ok(std::fs::read_to_string(input.path)?)
            }
            "bash" => {
                let input: Bash = serde_json::from_str(&call.input)?;
                // A tool with effects begins on disk.
                self.append(&call.input)?;
                self.commit()?;
                self.commands.run(&input.command).await
            }
            _ => Box::pin(self.converse(CODER, &call.input)).await,
        }
    }

    async fn ask(&mut self, agent: Agent, messages: &str) -> Result<Answer> {
        const HEAD: &str = r#"{"model":"claude-sonnet-5-5","max_tokens":32000,"stream":true,"#;
        let body = [HEAD, agent.0, r#","messages":["#, messages, "]}"].concat();
        let response = self
            .client
            .post(&self.endpoint)
            .header("x-api-key", "fake-key")
            .header("anthropic-version", "2023-06-01")
            .header(CONTENT_TYPE, "application/json")
            .body(body)
            .send()
            .await?
            .error_for_status()?;
        let mut stream = response.bytes_stream();
        let mut answer = Answer::default();
        let mut buffer: Vec<u8> = Vec::new();
        while let Some(bytes) = stream.next().await {
            buffer.extend_from_slice(&bytes?);
            let whole = buffer.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
            let lines = buffer.get(..whole).unwrap_or_default();
            for data in lines.split(|byte| *byte == b'\n').filter_map(|line| line.strip_prefix(b"data: ")) {
                answer.take(serde_json::from_slice(data)?)?;
            }
            buffer.drain(..whole);
        }
        Ok(answer)
    }
}
