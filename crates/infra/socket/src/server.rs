//! The server: who is let in, and what becomes of them when it closes.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use rustix::process::geteuid;
use tokio::{
    net::{UnixListener, UnixStream},
    sync::watch,
    task::{JoinHandle, JoinSet},
    time::{sleep, timeout},
};

use crate::{
    connection::{Connection, say_and_close},
    error::SocketError,
    owned::Owned,
    place,
    reply::Reply,
};

/// A process listens at its socket. Dropped, it does not any more: the socket is removed and every client let go.
#[derive(Debug)]
pub struct Server {
    place: PathBuf,
    /// Set once, when nobody is let in any more.
    closing: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Server {
    /// As many clients are served at once; more are told to come later.
    pub const MOST_CLIENTS: usize = 64;
    /// How long clients have to take the last events when the server closes.
    const LAST_WORDS: Duration = Duration::from_millis(200);
    /// Before the next try where the system gives no connection.
    const BREATHER: Duration = Duration::from_millis(100);

    /// Makes this process's socket in `folder`, which is made where it is missing, and serves it on the present runtime.
    /// Sockets of processes that have died are removed meanwhile.
    ///
    /// # Errors
    /// [`SocketError`] where there can be none; nothing is served then.
    pub async fn start(folder: &Path, owned: Arc<dyn Owned>) -> Result<Self, SocketError> {
        let (listener, place) = place::listen(folder).await?;
        let (closing, is_closing) = watch::channel(false);
        let folder = folder.to_owned();
        let task = tokio::spawn(async move {
            tokio::join!(place::sweep(&folder), serve(listener, owned, is_closing));
        });
        Ok(Self { place, closing, task })
    }

    /// The socket.
    #[must_use]
    pub fn place(&self) -> &Path {
        &self.place
    }

    /// Lets nobody in any more, and gives those who watch a session that has ended a moment for its last events.
    pub async fn close(mut self) {
        place::remove(&self.place);
        self.closing.send_replace(true);
        // Who is not done then is let go when this is dropped.
        drop(timeout(Self::LAST_WORDS, &mut self.task).await);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Before anybody could find a socket that nobody listens at.
        if !*self.closing.borrow() {
            place::remove(&self.place);
        }
        self.task.abort();
    }
}

/// Lets clients in until the server closes, and then waits for those who are left.
async fn serve(listener: UnixListener, owned: Arc<dyn Owned>, mut is_closing: watch::Receiver<bool>) {
    let mut clients = JoinSet::new();
    let closing = is_closing.clone();
    loop {
        tokio::select! {
            () = closes(&mut is_closing) => break,
            Some(_) = clients.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => let_in(stream, &mut clients, &owned, &closing),
                Err(error) => {
                    tracing::warn!(%error, "cannot let in a client of the socket");
                    sleep(Server::BREATHER).await;
                }
            },
        }
    }
    drop(listener);
    while clients.join_next().await.is_some() {}
}

/// Waits until the server closes.
pub(crate) async fn closes(closing: &mut watch::Receiver<bool>) {
    // Without a sender there is no server.
    drop(closing.wait_for(|is_closing| *is_closing).await);
}

fn let_in(
    stream: UnixStream,
    clients: &mut JoinSet<()>,
    owned: &Arc<dyn Owned>,
    closing: &watch::Receiver<bool>,
) {
    let peer = stream.peer_cred().ok().map(|peer| peer.uid());
    if !is_served(peer, geteuid().as_raw()) {
        tracing::warn!(?peer, "refused another user at the socket");
        let text = "this socket serves the user alone to whom its process belongs";
        return say_and_close(&stream, &Reply::error("not_yours", text, None));
    }
    if clients.len() >= Server::MOST_CLIENTS {
        let text =
            format!("{} clients are served at once: come again when one has left", Server::MOST_CLIENTS);
        return say_and_close(&stream, &Reply::error("too_many_clients", text, None));
    }
    clients.spawn(Connection::new(stream, Arc::clone(owned)).serve(closing.clone()));
}

/// Only processes of the same user are served; not even root's of another's.
fn is_served(peer: Option<u32>, own: u32) -> bool {
    peer == Some(own)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_user_is_served() {
        assert_eq!(
            [Some(1000), Some(0), Some(1001), None].map(|peer| is_served(peer, 1000)),
            [true, false, false, false]
        );
    }
}
