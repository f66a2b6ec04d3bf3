//! Connections: taken, refused, reset.

use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
    sync::{mpsc, oneshot},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;

use super::answer::{self, Shared};

/// What a test does to the way in; told back when it is done.
#[derive(Debug)]
pub(super) enum Door {
    Close(oneshot::Sender<()>),
    Open(oneshot::Sender<()>),
}

/// Serves until it is stopped.
pub(super) async fn serve(
    listener: TcpListener,
    shared: Arc<Shared>,
    mut knocks: mpsc::Receiver<Door>,
    stop: CancellationToken,
) {
    let address = listener.local_addr().expect("it listens");
    let mut listener = Some(listener);
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => break,
            Some(door) = knocks.recv() => {
                let done = match door {
                    Door::Close(done) => {
                        listener = None;
                        connections.shutdown().await;
                        done
                    }
                    Door::Open(done) => {
                        listener = Some(listen_again(address).await);
                        done
                    }
                };
                // A test that does not wait for it is gone.
                done.send(()).unwrap_or_default();
            }
            Some(ended) = connections.join_next() => ended.expect("a connection does not panic"),
            accepted = accept(listener.as_ref()) => match accepted {
                Ok((stream, _)) => {
                    shared.accepted.raise();
                    let number = shared.accepted.get();
                    connections.spawn(serve_connection(stream, number, Arc::clone(&shared)));
                }
                // Out of descriptors, or the client was gone already: the next one may do better.
                Err(_) => tokio::time::sleep(Duration::from_millis(5)).await,
            },
        }
    }
    connections.shutdown().await;
}

async fn accept(listener: Option<&TcpListener>) -> io::Result<(TcpStream, SocketAddr)> {
    match listener {
        Some(listener) => listener.accept().await,
        None => std::future::pending().await,
    }
}

async fn listen_again(address: SocketAddr) -> TcpListener {
    TcpListener::bind(address).await.expect("nobody else has taken the port")
}

async fn serve_connection(stream: TcpStream, number: usize, shared: Arc<Shared>) {
    let _open = shared.connections.enter();
    if stream.set_nodelay(true).is_err() {
        return; // The client is gone.
    }
    let reset = Arc::new(AtomicBool::new(false));
    let socket = Socket { stream, reset: Arc::clone(&reset) };
    let service =
        service_fn(|request| answer::answer(Arc::clone(&shared), number, Arc::clone(&reset), request));
    // An error here is a client that left or a script that hung up: both are ordinary.
    let _ended = http1::Builder::new().serve_connection(TokioIo::new(socket), service).await;
}

/// A connection that ends with a reset where the script wants one.
struct Socket {
    stream: TcpStream,
    reset: Arc<AtomicBool>,
}

impl Drop for Socket {
    fn drop(&mut self) {
        if self.reset.load(Ordering::Relaxed) {
            self.stream.set_zero_linger().expect("a socket that is open");
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, pieces)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
