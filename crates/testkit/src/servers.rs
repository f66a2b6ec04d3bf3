//! Servers that a test scripts: nothing is started.

use std::sync::Mutex;

use async_trait::async_trait;
use domain::{
    command::{CommandStatus, ServerError, ServerId, ServerOutput, ServerRequest},
    id::RunId,
    ports::Servers,
};

/// Servers that run until they are stopped or their run ends. Each says its command once.
#[derive(Debug, Default)]
pub struct FakeServers {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    servers: Vec<FakeServer>,
    ended_runs: Vec<RunId>,
}

#[derive(Debug)]
struct FakeServer {
    run: RunId,
    id: ServerId,
    status: Option<CommandStatus>,
    unread: String,
}

impl FakeServers {
    /// None runs.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How many run now.
    #[must_use]
    pub fn running(&self) -> usize {
        self.state.lock().unwrap().servers.iter().filter(|server| server.status.is_none()).count()
    }

    /// The runs whose servers were ended, in the order of their ends.
    #[must_use]
    pub fn ended_runs(&self) -> Vec<RunId> {
        self.state.lock().unwrap().ended_runs.clone()
    }

    fn with<T>(
        &self,
        run: RunId,
        id: &ServerId,
        look: impl FnOnce(&mut FakeServer) -> T,
    ) -> Result<T, ServerError> {
        let mut state = self.state.lock().unwrap();
        let server = state.servers.iter_mut().find(|server| server.run == run && server.id == *id);
        server.map(look).ok_or_else(|| ServerError::Unknown(id.clone()))
    }
}

#[async_trait]
impl Servers for FakeServers {
    async fn start(&self, request: ServerRequest) -> Result<ServerId, ServerError> {
        let mut state = self.state.lock().unwrap();
        let of_run = state.servers.iter().filter(|server| server.run == request.run);
        let (known, running) = of_run.fold((0, 0), |(known, running), server| {
            (known + 1, running + usize::from(server.status.is_none()))
        });
        if running >= ServerError::MOST {
            return Err(ServerError::TooMany(running));
        }
        let id = ServerId::new(&format!("server-{}", known + 1));
        state.servers.push(FakeServer {
            run: request.run,
            id: id.clone(),
            status: None,
            unread: format!("{} runs\n", request.command),
        });
        Ok(id)
    }

    async fn read(&self, run: RunId, server: &ServerId) -> Result<ServerOutput, ServerError> {
        self.with(run, server, |server| ServerOutput {
            status: server.status,
            output: std::mem::take(&mut server.unread),
            omitted_bytes: 0,
        })
    }

    async fn stop(&self, run: RunId, server: &ServerId) -> Result<ServerOutput, ServerError> {
        self.with(run, server, |server| {
            server.status.get_or_insert(CommandStatus::Cancelled);
        })?;
        self.read(run, server).await
    }

    async fn end_run(&self, run: RunId) {
        let mut state = self.state.lock().unwrap();
        for server in state.servers.iter_mut().filter(|server| server.run == run) {
            server.status.get_or_insert(CommandStatus::Cancelled);
        }
        state.ended_runs.push(run);
    }
}
