//! A small HTTP client that shows what came over the wire: every chunk by itself, and whether the body ended.

use std::net::SocketAddr;

use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
};

use super::super::{MESSAGES, MockServer, TEST_KEY};

/// A connection.
pub(super) struct Client {
    stream: BufReader<TcpStream>,
}

/// An answer as it came.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    /// The chunks of the body, or the whole of it.
    pub(super) pieces: Vec<Vec<u8>>,
    /// Whether the body ended as HTTP ends it.
    pub(super) is_whole: bool,
}

impl Reply {
    pub(super) fn text(&self) -> String {
        String::from_utf8(self.pieces.concat()).unwrap()
    }

    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.text()).unwrap()
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(header, _)| header == name).map(|(_, value)| value.as_str())
    }

    /// The data of the events, in order.
    pub(super) fn events(&self) -> Vec<Value> {
        let text = self.text().replace("\r\n", "\n");
        let data = text.lines().filter_map(|line| line.strip_prefix("data: "));
        data.map(|data| serde_json::from_str(data).unwrap()).collect()
    }

    /// The types of the events, in order.
    pub(super) fn types(&self) -> Vec<String> {
        self.events().iter().map(|event| event["type"].as_str().unwrap().to_owned()).collect()
    }
}

/// A request body that the service takes.
pub(super) fn body(messages: Value) -> Value {
    json!({"model": "claude-test", "max_tokens": 100, "stream": true, "messages": messages})
}

pub(super) fn go() -> Value {
    body(json!([{"role": "user", "content": "go"}]))
}

/// Sends a body on a connection of its own.
pub(super) async fn post(server: &MockServer, body: &Value) -> Reply {
    Client::connect(server.address()).await.post(body).await.unwrap()
}

impl Client {
    pub(super) async fn connect(address: SocketAddr) -> Self {
        Self { stream: BufReader::new(TcpStream::connect(address).await.unwrap()) }
    }

    /// Posts a message with the right key and version.
    pub(super) async fn post(&mut self, body: &Value) -> Option<Reply> {
        self.post_as(&[("x-api-key", TEST_KEY), ("anthropic-version", "2023-06-01")], body).await
    }

    pub(super) async fn post_as(&mut self, headers: &[(&str, &str)], body: &Value) -> Option<Reply> {
        self.send("POST", MESSAGES, headers, &body.to_string()).await
    }

    /// Sends a request; nothing where the server hangs up without a byte.
    pub(super) async fn send(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Option<Reply> {
        self.write(method, path, headers, body).await;
        self.read(method == "HEAD").await
    }

    pub(super) async fn write(&mut self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) {
        let mut head =
            format!("{method} {path} HTTP/1.1\r\nhost: mock\r\ncontent-length: {}\r\n", body.len());
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        self.stream.write_all(format!("{head}\r\n{body}").as_bytes()).await.unwrap();
    }

    /// The next line without its end; nothing at the end of the connection.
    async fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        match self.stream.read_line(&mut line).await {
            Ok(0) | Err(_) => None,
            Ok(_) => Some(line.trim_end().to_owned()),
        }
    }

    async fn read(&mut self, is_head: bool) -> Option<Reply> {
        let status = self.line().await?.split(' ').nth(1)?.parse().unwrap();
        let mut headers = Vec::new();
        loop {
            let line = self.line().await?;
            let Some((name, value)) = line.split_once(": ") else { break };
            headers.push((name.to_lowercase(), value.to_owned()));
        }
        let mut reply = Reply { status, headers, pieces: Vec::new(), is_whole: true };
        if is_head {
            return Some(reply);
        }
        match reply.header("content-length").map(|length| length.parse::<usize>().unwrap()) {
            Some(length) => {
                let mut body = vec![0; length];
                self.stream.read_exact(&mut body).await.unwrap();
                reply.pieces.push(body);
            }
            None => reply.is_whole = self.read_chunks(&mut reply.pieces).await,
        }
        Some(reply)
    }

    /// False where the connection ends before the last chunk.
    async fn read_chunks(&mut self, pieces: &mut Vec<Vec<u8>>) -> bool {
        while let Some(line) = self.line().await {
            let size = usize::from_str_radix(&line, 16).unwrap();
            let mut chunk = vec![0; size + 2];
            if self.stream.read_exact(&mut chunk).await.is_err() {
                return false;
            }
            if size == 0 {
                return true;
            }
            chunk.truncate(size);
            pieces.push(chunk);
        }
        false
    }
}
