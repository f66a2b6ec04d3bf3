//! Servers: commands in the background of a run, kept by name, their newest output in bounded space.
//!
//! They start at the level in force like any command, and end with their run at the latest. Whether one may start is
//! permission's business; that it could be reached is looked at here.

mod server;
mod window;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use domain::{
    command::{ServerError, ServerId, ServerOutput, ServerRequest},
    id::RunId,
    ports::Servers,
};

pub(crate) use self::server::Begun;
use self::server::Server;
use crate::sandbox::Sandbox;

/// The servers of all runs of a session.
#[derive(Default)]
pub(crate) struct ServerTable(Mutex<HashMap<RunId, Row>>);

/// Those of one run, in the order they started: at most [`ServerError::MOST`].
#[derive(Default)]
struct Row {
    started: usize,
    servers: Vec<(ServerId, Server)>,
    /// Held while one of them is being started.
    starting: Arc<tokio::sync::Mutex<()>>,
}

impl Row {
    /// Makes room for one more. Of those that have ended the oldest goes, looked at or not.
    fn make_room(&mut self) -> Result<(), ServerError> {
        if self.servers.len() < ServerError::MOST {
            return Ok(());
        }
        let ended = self.servers.iter().position(|(_, server)| server.has_ended());
        drop(self.servers.remove(ended.ok_or(ServerError::TooMany(ServerError::MOST))?));
        Ok(())
    }

    fn find(&self, id: &ServerId) -> Result<&Server, ServerError> {
        let found = self.servers.iter().find(|(name, _)| name == id);
        found.map(|(_, server)| server).ok_or_else(|| ServerError::Unknown(id.clone()))
    }
}

impl ServerTable {
    fn rows(&self) -> MutexGuard<'_, HashMap<RunId, Row>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes in what `begin` starts, where the run has room for it. Those of one run are started one after the other.
    async fn start(
        &self,
        request: ServerRequest,
        begin: impl AsyncFnOnce(&ServerRequest) -> Result<Begun, ServerError>,
    ) -> Result<ServerId, ServerError> {
        let starting = Arc::clone(&self.rows().entry(request.run).or_default().starting);
        let _alone = starting.lock().await;
        self.rows().entry(request.run).or_default().make_room()?;
        let begun = begin(&request).await?;
        let mut rows = self.rows();
        let row = rows.entry(request.run).or_default();
        let command = request.command;
        let server = Server::run(command.clone(), begun).map_err(|source| watching(command, source))?;
        row.started += 1;
        let id = ServerId::new(&format!("server-{}", row.started));
        row.servers.push((id.clone(), server));
        Ok(id)
    }

    fn look(&self, run: RunId, id: &ServerId) -> Result<ServerOutput, ServerError> {
        let rows = self.rows();
        rows.get(&run).ok_or_else(|| ServerError::Unknown(id.clone()))?.find(id)?.look()
    }

    async fn stop(&self, run: RunId, id: &ServerId) -> Result<ServerOutput, ServerError> {
        let end = {
            let rows = self.rows();
            rows.get(&run).ok_or_else(|| ServerError::Unknown(id.clone()))?.find(id)?.stop()
        };
        end.await;
        self.look(run, id)
    }

    async fn end_run(&self, run: RunId) {
        let starting = self.rows().get(&run).map(|row| Arc::clone(&row.starting));
        // What is just being started ends, too.
        let _alone = match &starting {
            Some(starting) => Some(starting.lock().await),
            None => None,
        };
        let ends: Vec<_> = self
            .rows()
            .get(&run)
            .iter()
            .flat_map(|row| &row.servers)
            .map(|(_, server)| server.stop())
            .collect();
        for end in ends {
            end.await;
        }
        self.rows().remove(&run);
    }

    /// Gives up all servers at once. `kill` kills what runs of them.
    pub(crate) fn give_up(&self, kill: impl FnOnce()) {
        let mut rows = self.rows();
        let servers = || rows.values().flat_map(|row| &row.servers).map(|(_, server)| server);
        if servers().any(|server| !server.has_ended()) {
            kill();
        }
        servers().for_each(Server::give_up);
        rows.clear();
    }
}

fn watching(command: String, source: std::io::Error) -> ServerError {
    domain::command::ProcessError::Watch { command, source }.into()
}

#[async_trait]
impl Servers for Sandbox {
    async fn start(&self, request: ServerRequest) -> Result<ServerId, ServerError> {
        let ready = self.usable().await?;
        if !self.has_loopback(ready.level()) {
            return Err(ServerError::NoNetwork);
        }
        let held = self.held(ready, request.writes.as_deref());
        let begin = async |request: &ServerRequest| {
            Ok(ready.begin(&request.command, request.run, held.as_ref()).await?)
        };
        self.servers.start(request, begin).await
    }

    async fn read(&self, run: RunId, server: &ServerId) -> Result<ServerOutput, ServerError> {
        self.servers.look(run, server)
    }

    async fn stop(&self, run: RunId, server: &ServerId) -> Result<ServerOutput, ServerError> {
        self.servers.stop(run, server).await
    }

    async fn end_run(&self, run: RunId) {
        self.servers.end_run(run).await;
        self.let_go_of(run);
    }
}
