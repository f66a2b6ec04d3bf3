//! The way out of a run's network where a list of hosts is open: an HTTP proxy of ours that listens in it.
//!
//! It takes `CONNECT host:port` and plain requests in absolute form, looks at the host before anything is resolved,
//! and connects to no other address than the one it has looked at. What goes through a tunnel it does not read: at a host
//! that serves many names a command may speak to any of them.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional},
    net::{TcpListener, TcpStream, lookup_host},
    sync::Semaphore,
    task::{AbortHandle, JoinSet},
    time::timeout,
};

use crate::hosts::{Host, HostList, authority};

/// Bytes of a request's head.
const LONGEST_HEAD: usize = 16 * 1024;
/// Connections at a time. One more waits until another ends.
const MOST_CONNECTIONS: usize = 128;
/// For a head to arrive, a name to be resolved, a host to answer.
const PATIENCE: Duration = Duration::from_secs(20);

/// A proxy at work. Dropping it ends it with all its connections.
#[derive(Debug)]
pub(crate) struct Proxy(AbortHandle);

impl Proxy {
    /// Serves a listener. Call in a tokio runtime with IO.
    pub(crate) fn serve(listener: std::net::TcpListener, hosts: Arc<HostList>) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        let listener = TcpListener::from_std(listener)?;
        Ok(Self(tokio::spawn(accept(listener, hosts)).abort_handle()))
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn accept(listener: TcpListener, hosts: Arc<HostList>) {
    let room = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    // They end with this task.
    let mut connections = JoinSet::new();
    loop {
        let Ok(place) = Arc::clone(&room).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((client, _)) => {
                let hosts = Arc::clone(&hosts);
                connections.spawn(async move {
                    if let Err(error) = serve(client, &hosts).await {
                        tracing::debug!(%error, "a connection of a command ended");
                    }
                    drop(place);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "the proxy of a run cannot take connections");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
        while connections.try_join_next().is_some() {}
    }
}

async fn serve(mut client: TcpStream, hosts: &HostList) -> io::Result<()> {
    let Ok(request) = timeout(PATIENCE, read_request(&mut client)).await else {
        return refuse(&mut client, "408 Request Timeout", "the request did not come in time").await;
    };
    let request = match request? {
        Ok(request) => request,
        Err(why) => return refuse(&mut client, "400 Bad Request", why).await,
    };
    let mut target = match timeout(PATIENCE, connect(&request, hosts)).await {
        Ok(Ok(target)) => target,
        Ok(Err(Refusal::NotListed(why))) => return refuse(&mut client, "403 Forbidden", &why).await,
        Ok(Err(Refusal::Unreachable(why))) => return refuse(&mut client, "502 Bad Gateway", &why).await,
        Err(_) => return refuse(&mut client, "504 Gateway Timeout", "the host did not answer in time").await,
    };
    match &request.forward {
        None => client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await?,
        Some(head) => target.write_all(head).await?,
    }
    target.write_all(&request.early).await?;
    copy_bidirectional(&mut client, &mut target).await.map(drop)
}

async fn refuse(client: &mut TcpStream, status: &str, why: &str) -> io::Result<()> {
    let body = format!("better-llm: {why}\n");
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    client.write_all(head.as_bytes()).await?;
    client.write_all(body.as_bytes()).await?;
    client.shutdown().await
}

/// What a client asks for.
#[derive(Debug, PartialEq, Eq)]
struct Request {
    host: Host,
    port: u16,
    /// The head to send on; none for a tunnel.
    forward: Option<Vec<u8>>,
    /// What came after the head.
    early: Vec<u8>,
}

async fn read_request(client: &mut TcpStream) -> io::Result<Result<Request, &'static str>> {
    let mut bytes = Vec::new();
    loop {
        let mut part = [0; 4096];
        let read = client.read(&mut part).await?;
        bytes.extend(part.iter().take(read));
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            let early = bytes.split_off(end + 4);
            bytes.truncate(end);
            return Ok(parse(&bytes, early));
        }
        if read == 0 {
            return Ok(Err("the request has no end"));
        }
        if bytes.len() > LONGEST_HEAD {
            return Ok(Err("the request's head is too long"));
        }
    }
}

/// Reads a head, without the empty line at its end.
fn parse(head: &[u8], early: Vec<u8>) -> Result<Request, &'static str> {
    let head = std::str::from_utf8(head).map_err(|_| "the request's head is no text")?;
    let mut lines = head.split("\r\n");
    if lines.clone().any(|line| line.bytes().any(|byte| byte.is_ascii_control() && byte != b'\t')) {
        return Err("the request's head holds control characters");
    }
    let mut words = lines.next().unwrap_or_default().split(' ');
    let (Some(method), Some(target), Some(version), None) =
        (words.next(), words.next(), words.next(), words.next())
    else {
        return Err("the first line is no request");
    };
    if method == "CONNECT" {
        let (host, port) = authority(target)?;
        let port = port.ok_or("a tunnel needs a port")?;
        return Ok(Request { host, port, forward: None, early });
    }
    let rest = target.strip_prefix("http://").ok_or("only `CONNECT` and plain HTTP go through this proxy")?;
    let path_at = rest.find(['/', '?']).unwrap_or(rest.len());
    let (named, path) = rest.split_at_checked(path_at).unwrap_or((rest, ""));
    let (host, port) = authority(named)?;
    let slash = if path.starts_with('/') { "" } else { "/" };
    // One host for everybody who reads on, and one request for each connection.
    let mut forward = format!("{method} {slash}{path} {version}\r\nHost: {named}\r\nConnection: close\r\n");
    for line in lines.filter(|line| !is_ours(line)) {
        forward.push_str(line);
        forward.push_str("\r\n");
    }
    forward.push_str("\r\n");
    Ok(Request { host, port: port.unwrap_or(80), forward: Some(forward.into_bytes()), early })
}

/// Whether a header line is between the client and us, or said by us.
fn is_ours(line: &str) -> bool {
    let name = line.split_once(':').map_or(line, |(name, _)| name).trim();
    ["host", "connection", "keep-alive", "proxy-connection", "proxy-authorization"]
        .iter()
        .any(|ours| name.eq_ignore_ascii_case(ours))
}

/// Why a client gets no connection.
enum Refusal {
    NotListed(String),
    Unreachable(String),
}

/// Connects to the first address that answers, of those that the list lets the host have.
async fn connect(request: &Request, hosts: &HostList) -> Result<TcpStream, Refusal> {
    let Request { host, port, .. } = request;
    let name = match host {
        Host::Name(name) => name.clone(),
        Host::Address(address) => address.to_string(),
    };
    let Some(listed) = hosts.listed(host, *port) else {
        return Err(Refusal::NotListed(format!(
            "{name}:{port} is not in `sandbox.network`; a person who wants it reached adds it there"
        )));
    };
    let found: Vec<SocketAddr> = match host {
        Host::Address(address) => vec![(*address, *port).into()],
        Host::Name(name) => match lookup_host((name.as_str(), *port)).await {
            Ok(found) => found.collect(),
            Err(error) => return Err(Refusal::Unreachable(format!("{name} cannot be resolved: {error}"))),
        },
    };
    let mut last = None;
    for address in found.into_iter().filter(|address| listed.may_be_at(host, address.ip())) {
        match TcpStream::connect(address).await {
            Ok(stream) => return Ok(stream),
            Err(error) => last = Some(error),
        }
    }
    Err(match last {
        Some(error) => Refusal::Unreachable(format!("{name}:{port} cannot be reached: {error}")),
        None => Refusal::NotListed(format!(
            "{name} is at an address of this machine or of a private network, which its entry in `sandbox.network` does \
             not cover; a person who wants it reached lists the address itself"
        )),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(head: &str, expected: Result<(&str, u16, Option<&str>), &str>) {
        let found = parse(head.as_bytes(), Vec::new());
        let expected = expected.map(|(host, port, forward)| Request {
            host: Host::Name(host.to_owned()),
            port,
            forward: forward.map(|head| head.as_bytes().to_vec()),
            early: Vec::new(),
        });
        assert_eq!(found, expected, "{head}");
    }

    #[test]
    fn tunnels_and_plain_requests_are_read_and_name_one_host() {
        check("CONNECT crates.io:443 HTTP/1.1\r\nHost: evil.example", Ok(("crates.io", 443, None)));
        check(
            "GET http://Example.org:8080/a?b HTTP/1.1\r\nHost: evil.example\r\nproxy-connection: keep-alive\r\nAccept: */*",
            Ok((
                "example.org",
                8080,
                Some(
                    "GET /a?b HTTP/1.1\r\nHost: Example.org:8080\r\nConnection: close\r\nAccept: */*\r\n\r\n",
                ),
            )),
        );
        check(
            "GET http://example.org?b HTTP/1.1",
            Ok((
                "example.org",
                80,
                Some("GET /?b HTTP/1.1\r\nHost: example.org\r\nConnection: close\r\n\r\n"),
            )),
        );
        for head in [
            "CONNECT crates.io HTTP/1.1",
            "CONNECT crates.io:443",
            "CONNECT evil\0.crates.io:443 HTTP/1.1",
            "GET / HTTP/1.1\r\nHost: crates.io",
            "GET https://crates.io/ HTTP/1.1",
            "GET http://user@crates.io/ HTTP/1.1",
            "GET http://evil.example\\@crates.io/ HTTP/1.1",
            "GET http://crates.io/ a HTTP/1.1",
            "GET http://crates.io/ HTTP/1.1\nHost: evil.example",
            "",
        ] {
            assert!(parse(head.as_bytes(), Vec::new()).is_err(), "{head}");
        }
    }
}
