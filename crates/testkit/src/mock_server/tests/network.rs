//! What goes wrong below HTTP.

use std::{io::ErrorKind, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::*;

/// A connection to the server that has asked for a message.
async fn asking(server: &MockServer) -> TcpStream {
    let mut stream = TcpStream::connect(server.address()).await.unwrap();
    let body = go().to_string();
    let head = format!(
        "POST {MESSAGES} HTTP/1.1\r\nhost: mock\r\nx-api-key: {TEST_KEY}\r\nanthropic-version: 2023-06-01\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream
}

#[tokio::test]
async fn a_connection_is_reset_on_request() {
    let server = MockServer::start(Script::in_order([Turn::text("hello").reset_after(2)])).await;
    let mut stream = asking(&server).await;
    let mut bytes = Vec::new();
    let error = stream.read_to_end(&mut bytes).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    server.wait_for_connections(0).await;
}

#[tokio::test]
async fn pings_go_on_until_the_client_leaves() {
    let turn = Turn::text("hello").pinging_after(1, Duration::from_millis(1));
    let server = MockServer::start(Script::in_order([turn])).await;
    let mut stream = asking(&server).await;
    let (mut bytes, mut pings) = (Vec::new(), 0);
    while pings < 5 {
        assert!(stream.read_buf(&mut bytes).await.unwrap() > 0);
        pings = bytes.windows(11).filter(|window| window == b"event: ping").count();
    }
    assert!(!bytes.windows(13).any(|window| window == b"content_block"), "one event, and then pings only");
    drop(stream);
    server.wait_for_answers(0).await;
}

#[tokio::test]
async fn bytes_drip_one_by_one() {
    let turn = Turn::text("가").dripping(Duration::from_micros(1));
    let server = MockServer::start(Script::in_order([turn])).await;
    let reply = post(&server, &go()).await;
    assert!(reply.is_whole && reply.pieces.iter().all(|piece| piece.len() == 1));
    assert_eq!(reply.types().last().map(String::as_str), Some("message_stop"));
}

#[tokio::test]
async fn a_server_refuses_connections_for_a_while() {
    let server = MockServer::start(Script::in_order([Turn::text("x")])).await;
    let idle = TcpStream::connect(server.address()).await.unwrap();
    server.wait_for_connections(1).await;
    server.refuse_connections().await;
    server.wait_for_connections(0).await;
    let refused = TcpStream::connect(server.address()).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
    drop(idle);
    server.accept_connections().await;
    assert_eq!(post(&server, &go()).await.status, 200);
}
