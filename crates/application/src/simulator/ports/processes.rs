//! The commands and servers of a simulated session.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use domain::{
    command::{
        CommandEnd, CommandRequest, NotRestored, ProcessError, ServerError, ServerId, ServerOutput,
        ServerRequest,
    },
    id::RunId,
    permission::SandboxState,
    ports::{Cancelled, OutputSink, Processes, Servers},
};
use testkit::{FakeCommand, FakeProcesses};

use super::super::{faults::Fault, world::World};
use crate::locking::lock;

/// Commands that end as chance will have it.
pub(in crate::simulator) struct SimulatedProcesses {
    world: Arc<World>,
    still_changed: Mutex<Vec<NotRestored>>,
}

impl SimulatedProcesses {
    pub(in crate::simulator) fn new(world: &Arc<World>) -> Self {
        Self { world: Arc::clone(world), still_changed: Mutex::default() }
    }

    fn conduct(&self) -> FakeCommand {
        let world = &self.world;
        if world.brings(Fault::ProcessDoesNotStart) {
            return FakeCommand::fails_to_start();
        }
        if world.brings(Fault::ProcessBreaksWall) {
            return FakeCommand::leaving_changed("/w/.git/config");
        }
        let command = if world.brings(Fault::ProcessHangs) {
            FakeCommand::hangs()
        } else if world.brings(Fault::ProcessDies) {
            FakeCommand::dies_of(9)
        } else {
            FakeCommand::exits(i32::from(world.dice.percent(30)))
        };
        command.saying(&["한 줄\n", "another\n"]).taking(world.dice.millis(0, 20_000))
    }
}

#[async_trait]
impl Processes for SimulatedProcesses {
    async fn sandbox(&self) -> SandboxState {
        self.world.step().await;
        self.world.plan.sandbox.clone()
    }

    async fn run(
        &self,
        request: CommandRequest,
        output: Arc<dyn OutputSink>,
        cancelled: Cancelled,
    ) -> Result<CommandEnd, ProcessError> {
        self.world.step().await;
        let _running = self.world.running.enter();
        let processes = FakeProcesses::new().on(&request.command, self.conduct());
        let end = processes.run(request, output, cancelled).await;
        let still_changed = processes.still_changed().await;
        lock(&self.still_changed).extend(still_changed);
        self.world.step().await;
        end
    }

    async fn holds_to(&self, _writes: &[String]) -> bool {
        self.world.plan.sandbox.usable
    }

    async fn still_changed(&self) -> Vec<NotRestored> {
        self.world.step().await;
        lock(&self.still_changed).clone()
    }
}

/// Servers that take their time to end.
pub(in crate::simulator) struct SimulatedServers(pub(in crate::simulator) Arc<World>);

#[async_trait]
impl Servers for SimulatedServers {
    async fn start(&self, request: ServerRequest) -> Result<ServerId, ServerError> {
        self.0.step().await;
        self.0.servers().start(request).await
    }

    async fn read(&self, run: RunId, server: &ServerId) -> Result<ServerOutput, ServerError> {
        self.0.step().await;
        self.0.servers().read(run, server).await
    }

    async fn stop(&self, run: RunId, server: &ServerId) -> Result<ServerOutput, ServerError> {
        self.0.step().await;
        self.0.servers().stop(run, server).await
    }

    async fn end_run(&self, run: RunId) {
        // Before anything is waited for, as the port has it.
        if !self.0.is_dead() {
            self.0.servers().end_run(run).await;
        }
        self.0.step().await;
        self.0.may_dawdle(Fault::ProcessLingers, Duration::from_secs(4)).await;
    }
}
