//! The tools of a simulated team. What they did outlives the program.

use std::sync::Arc;

use async_trait::async_trait;
use domain::{
    command::{CommandRequest, CommandStatus, ServerRequest},
    ports::{PreparedCall, Processes, Servers, ToolContext, ToolPort},
    tool::{Access, CallTarget, Preview, RejectedInput, ToolOutcome, ToolSpec, ToolStatus},
    workspace::Bases,
};
use serde_json::{Value, json};

use super::{
    super::{faults::Fault, trace::EffectSeen, world::World},
    SimulatedProcesses, SimulatedServers,
};

/// A tool by its name, as the models know it.
#[derive(Clone)]
pub(in crate::simulator) struct SimulatedTool {
    spec: ToolSpec,
    world: Arc<World>,
    processes: Arc<SimulatedProcesses>,
}

impl SimulatedTool {
    pub(in crate::simulator) fn port(
        name: &str,
        access: Access,
        world: &Arc<World>,
        processes: &Arc<SimulatedProcesses>,
    ) -> Arc<dyn ToolPort> {
        let spec = ToolSpec {
            name: name.into(),
            description: format!("The simulated tool `{name}`.").into(),
            input_schema: Arc::new(json!({"type": "object"})),
            access,
        };
        Arc::new(Self { spec, world: Arc::clone(world), processes: Arc::clone(processes) })
    }
}

impl ToolPort for SimulatedTool {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    fn prepare(&self, input: &Value) -> Result<Box<dyn PreparedCall>, RejectedInput> {
        let needed = match &*self.spec.name {
            "write" => "path",
            "bash" | "process" => "command",
            "commit" => "message",
            _ => return Ok(Box::new(PreparedSimulation { tool: self.clone(), subject: String::new() })),
        };
        let Some(subject) = input.get(needed).and_then(Value::as_str) else {
            return Err(RejectedInput(format!("`{needed}` is missing")));
        };
        Ok(Box::new(PreparedSimulation { tool: self.clone(), subject: subject.to_owned() }))
    }
}

struct PreparedSimulation {
    tool: SimulatedTool,
    /// The path, the command or the message.
    subject: String,
}

#[async_trait]
impl PreparedCall for PreparedSimulation {
    fn target(&self) -> CallTarget {
        match &*self.tool.spec.name {
            "write" => CallTarget::Path(self.subject.clone()),
            "bash" | "process" => CallTarget::Command(self.subject.clone()),
            _ => CallTarget::None,
        }
    }

    async fn preview(&mut self, _bases: &Bases) -> Option<Preview> {
        self.tool.world.step().await;
        match self.tool.world.dice.below(4) {
            0 => None,
            1 => Some(Preview::cut("+줄")),
            _ => Some(Preview::whole("+줄")),
        }
    }

    async fn run(self: Box<Self>, mut context: ToolContext) -> ToolOutcome {
        let Self { tool, subject } = *self;
        let world = Arc::clone(&tool.world);
        world.step().await;
        let _running = world.running.enter();
        let _effect = tool.spec.access.has_effects().then(|| Effect::begins(&tool, &subject, &context));
        context.output.chunk("진행 중\n");
        if world.brings(Fault::ToolPanics) {
            panic!("a simulated fault");
        }
        // A manager's run has no deadline of its own: its tools promise to end.
        let is_bounded = context.agent.as_str() != "manager" || world.plan.limits.timeout_seconds.is_some();
        if is_bounded && world.brings(Fault::ToolHearsNothing) {
            std::future::pending::<()>().await;
        }
        if is_bounded && world.brings(Fault::ToolHangs) {
            context.cancelled.await;
            world.step().await;
            return ToolOutcome { status: ToolStatus::Cancelled, ..ToolOutcome::ok("cancelled") };
        }
        let takes = if world.dice.percent(20) { world.dice.millis(1, 30_000) } else { Default::default() };
        tokio::select! {
            biased;
            () = &mut context.cancelled => {
                return ToolOutcome { status: ToolStatus::Cancelled, ..ToolOutcome::ok("cancelled") };
            }
            () = tokio::time::sleep(takes) => {}
        }
        world.step().await;
        if world.brings(Fault::ToolFails) {
            return ToolOutcome::error("a simulated fault");
        }
        tool.perform(&subject, context).await
    }
}

impl SimulatedTool {
    async fn perform(&self, subject: &str, context: ToolContext) -> ToolOutcome {
        let world = &self.world;
        match &*self.spec.name {
            "write" if !may_write(context.writes.as_deref(), subject) => {
                ToolOutcome::denied("the brief does not allow to write this")
            }
            "write" => {
                world.files.write(subject, format!("{}\n", context.call));
                ToolOutcome::ok("written")
            }
            "commit" => {
                let commit = Some(format!("{:040x}", world.dice.below(u64::MAX)));
                ToolOutcome { commit, ..ToolOutcome::ok("committed") }
            }
            "process" => {
                let (command, writes) = (subject.to_owned(), context.command_writes());
                let request = ServerRequest { command, run: context.run, writes };
                match SimulatedServers(Arc::clone(world)).start(request).await {
                    Ok(server) => ToolOutcome::ok(format!("{server} runs")),
                    Err(error) => ToolOutcome::error(error.to_string()),
                }
            }
            "bash" => self.run_command(subject, context).await,
            _ => ToolOutcome::ok(format!("line {}", world.dice.below(4))),
        }
    }

    async fn run_command(&self, command: &str, context: ToolContext) -> ToolOutcome {
        let run = Some(context.run);
        let writes = context.command_writes();
        let request = CommandRequest { run, writes, ..CommandRequest::new(command) };
        let end = match self.processes.run(request, context.output, context.cancelled).await {
            Ok(end) => end,
            Err(error) => return ToolOutcome::error(error.to_string()),
        };
        if command.starts_with("touch ") && matches!(end.status, CommandStatus::Exited(0)) {
            self.world.files.write("touched.txt", end.output.head.as_bytes());
        }
        let (status, exit_code) = match end.status {
            CommandStatus::Exited(code) => (ToolStatus::Ok, Some(code)),
            CommandStatus::Signalled(_) => (ToolStatus::Error, None),
            CommandStatus::TimedOut => (ToolStatus::Timeout, None),
            CommandStatus::Cancelled => (ToolStatus::Cancelled, None),
            CommandStatus::Refused => (ToolStatus::Denied, None),
        };
        ToolOutcome { status, exit_code, ..ToolOutcome::ok(end.output.head) }
    }
}

/// Whether globs of the kinds that simulated briefs name cover a path.
fn may_write(writes: Option<&[String]>, path: &str) -> bool {
    writes.is_none_or(|globs| {
        globs
            .iter()
            .any(|glob| glob.strip_suffix("**").map_or(glob == path, |folder| path.starts_with(folder)))
    })
}

/// An effect under way. It is over when this is dropped.
struct Effect {
    world: Arc<World>,
    place: usize,
}

impl Effect {
    fn begins(tool: &SimulatedTool, subject: &str, context: &ToolContext) -> Self {
        let world = Arc::clone(&tool.world);
        let start_on_disk = world.start_is_on_disk(&context.call);
        let mut trace = world.trace();
        let life = trace.lives.len();
        let is_beside =
            |(_, other): &(usize, &EffectSeen)| other.runs && other.life == life && other.run != context.run;
        let beside = trace.effects.iter().enumerate().filter(is_beside).map(|(place, _)| place).collect();
        trace.effects.push(EffectSeen {
            call: context.call.clone(),
            run: context.run,
            tool: tool.spec.name.to_string(),
            target: subject.to_owned(),
            writes: context.writes.as_deref().map(<[String]>::to_vec),
            start_on_disk,
            life,
            beside,
            runs: true,
        });
        let place = trace.effects.len() - 1;
        drop(trace);
        Self { world, place }
    }
}

impl Drop for Effect {
    fn drop(&mut self) {
        if let Some(effect) = self.world.trace().effects.get_mut(self.place) {
            effect.runs = false;
        }
    }
}

/// The tools that there are, and what they touch.
pub(in crate::simulator) const TOOLS: [(&str, Access); 5] = [
    ("read", Access::Read),
    ("write", Access::Edit),
    ("bash", Access::Command),
    ("process", Access::Command),
    ("commit", Access::Edit),
];
