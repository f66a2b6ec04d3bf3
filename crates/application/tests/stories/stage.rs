//! The stage on which the stories play: a team with fake tools over a fake workspace.

use std::{sync::Arc, time::Duration};

use better_llm_application::{Member, Recruit, SessionHandle, SessionParts, Team};
use domain::{
    agent::{AgentKind, AgentName, AgentSpec, WorkerKind},
    event::{Event, EventBody, RoundResult},
    id::SessionId,
    limits::Limits,
    outcome::Ending,
    permission::{PermissionMode, Policy, Rules, SandboxLevel, SandboxState},
    person::Presence,
    ports::{IdSource, ModelPort, ToolPort},
    secret::{Redactor, Secret},
    session::{Command, Request},
    tool::{Access, CallTarget, ToolOutcome},
};
use serde_json::{Value, json};
use testkit::{
    Answer, FakeClaim, FakeClock, FakeProcesses, FakeServers, FakeTool, FakeWorkspace, MemoryGrants,
    MemoryJournal, MemoryRecords, ScriptedModel, SequentialIds, wait::bounded,
};

/// What a story can look at afterwards.
#[derive(Clone)]
pub(crate) struct Stage {
    pub(crate) workspace: Arc<FakeWorkspace>,
    pub(crate) journal: Arc<MemoryJournal>,
    pub(crate) records: Arc<MemoryRecords>,
    pub(crate) model: Arc<ScriptedModel>,
    pub(crate) processes: Arc<FakeProcesses>,
    pub(crate) bash: FakeTool,
    pub(crate) write: FakeTool,
    pub(crate) commit: FakeTool,
    pub(crate) limits: Limits,
    pub(crate) mode: PermissionMode,
    pub(crate) rules: Rules,
    pub(crate) presence: Presence,
    pub(crate) grants: Option<Arc<MemoryGrants>>,
    pub(crate) servers: Arc<FakeServers>,
    pub(crate) claim: FakeClaim,
    pub(crate) sandbox: SandboxState,
    pub(crate) verify: Vec<String>,
    pub(crate) coder_timeout: Duration,
    /// Whether the coder has `bash`, too.
    pub(crate) coder_has_bash: bool,
    /// What has to stay out of everything that is written.
    pub(crate) secrets: Vec<Secret>,
}

impl Stage {
    pub(crate) fn new(model: ScriptedModel) -> Self {
        let workspace = Arc::new(FakeWorkspace::with_files([("README.md", "계산기\n")]));
        let files = Arc::clone(&workspace);
        let write = FakeTool::new("write", Access::Edit)
            .targeting(|input| CallTarget::Path(field(input, "path").to_owned()))
            .answering(move |input| {
                files.write(field(input, "path"), field(input, "content"));
                ToolOutcome::ok("written")
            });
        let files = Arc::clone(&workspace);
        // Tests pass once the file says so; `touch x` writes a file; everything else just ends well.
        let bash = FakeTool::new("bash", Access::Command)
            .targeting(|input| CallTarget::Command(field(input, "command").to_owned()))
            .answering(move |input| {
                let command = field(input, "command");
                if let Some(path) = command.strip_prefix("touch ") {
                    files.write(path, "touched");
                }
                let passes =
                    command != "run-tests" || files.read("sum.sh").is_some_and(|text| text == "right");
                ToolOutcome { exit_code: Some(i32::from(!passes)), ..ToolOutcome::ok("ran") }
            });
        let commit = FakeTool::new("commit", Access::Edit).answering(|_| ToolOutcome {
            commit: Some("0123456789abcdef".to_owned()),
            ..ToolOutcome::ok("committed 0123456789abcdef")
        });
        Self {
            workspace,
            journal: Arc::new(MemoryJournal::new()),
            records: Arc::new(MemoryRecords::new()),
            model: Arc::new(model),
            processes: Arc::new(FakeProcesses::new()),
            bash,
            write,
            commit,
            limits: Limits::default(),
            mode: PermissionMode::AutoEdit,
            rules: Rules::default(),
            presence: Presence::Nobody,
            grants: None,
            servers: Arc::new(FakeServers::new()),
            claim: FakeClaim::new(),
            sandbox: SandboxState { level: SandboxLevel::Kernel, reason: "fake".to_owned(), usable: true },
            verify: Vec::new(),
            coder_timeout: Duration::from_secs(600),
            coder_has_bash: true,
            secrets: Vec::new(),
        }
    }

    pub(crate) fn parts(&self) -> SessionParts {
        let model: Arc<dyn ModelPort> = Arc::clone(&self.model) as _;
        self.parts_with(&model, |tool| tool)
    }

    /// The parts with another model and with every tool wrapped.
    pub(crate) fn parts_with(
        &self,
        model: &Arc<dyn ModelPort>,
        wrap: impl Fn(Arc<dyn ToolPort>) -> Arc<dyn ToolPort>,
    ) -> SessionParts {
        let ids = SequentialIds::new();
        let tool = |tool: &FakeTool| wrap(Arc::new(tool.clone()));
        let read = || tool(&FakeTool::new("read", Access::Read));
        let worker = |kind: WorkerKind, tools: Vec<Arc<dyn ToolPort>>| Recruit {
            spec: spec(
                kind.as_str(),
                AgentKind::Worker(kind),
                if kind == WorkerKind::Coder { self.coder_timeout } else { kind.default_timeout() },
            ),
            model: Arc::clone(model),
            tools,
        };
        let manager = Recruit {
            spec: AgentSpec { name: AgentName::manager(), ..spec("boss", AgentKind::Manager, Duration::MAX) },
            model: Arc::clone(model),
            tools: vec![read()],
        };
        let mut coders = vec![read(), tool(&self.write)];
        coders.extend(self.coder_has_bash.then(|| tool(&self.bash)));
        let workers = vec![
            worker(WorkerKind::Planner, vec![read()]),
            worker(WorkerKind::Coder, coders),
            worker(WorkerKind::Reviewer, vec![read()]),
            worker(WorkerKind::Tester, vec![read(), tool(&self.bash)]),
            worker(WorkerKind::Committer, vec![read(), tool(&self.commit)]),
        ];
        let team = Team::new(manager, workers, None, "/w");
        assert!(
            team.manager().model_name().contains('s'),
            "fakes name their model: {}",
            Member::model_name(team.manager())
        );
        SessionParts {
            id: SessionId::new(ids.next()),
            team,
            cwd: "/w".to_owned(),
            version: "0".to_owned(),
            policy: Policy { mode: self.mode, rules: self.rules.clone() },
            presence: self.presence,
            grants: self.grants.clone().map(|grants| grants as _),
            sandbox: self.sandbox.clone(),
            limits: self.limits.clone(),
            verify: self.verify.clone(),
            notices: Vec::new(),
            redactor: Arc::new(Redactor::new(self.secrets.clone())),
            clock: Arc::new(FakeClock::following_runtime()),
            ids: Arc::new(ids),
            journal: Arc::clone(&self.journal) as _,
            records: Arc::clone(&self.records) as _,
            workspace: Arc::clone(&self.workspace) as _,
            claim: Arc::new(self.claim.clone()),
            processes: Arc::clone(&self.processes) as _,
            servers: Arc::clone(&self.servers) as _,
        }
    }

    /// Plays one round to its end.
    pub(crate) async fn play(&self, text: &str) -> Played {
        let session = SessionHandle::start(self.parts());
        session.send(Command::Start(Request::new(text))).await.unwrap();
        self.journal.wait_for("the round's end", |event| event.body.ends_round()).await;
        let saved = bounded("the session to close", session.close()).await;
        assert_eq!(saved, Ok(()));
        self.played()
    }

    pub(crate) fn played(&self) -> Played {
        let events = self.journal.events().iter().map(|event| event.as_ref().clone()).collect();
        assert_eq!(self.journal.take_violations(), Vec::<String>::new());
        assert_eq!(self.model.take_violations(), Vec::<String>::new());
        Played { events }
    }
}

fn spec(name: &str, kind: AgentKind, timeout: Duration) -> AgentSpec {
    AgentSpec {
        name: AgentName::parse(name).unwrap(),
        role: format!("the {name}"),
        kind,
        prompt: format!("You are the {name}.").into(),
        prompt_source: "test".to_owned(),
        tools: Vec::new(),
        model: None,
        thinking: None,
        timeout,
        description: None,
    }
}

pub(crate) fn field<'a>(input: &'a Value, name: &str) -> &'a str {
    input[name].as_str().unwrap_or_default()
}

/// The journal of a round.
pub(crate) struct Played {
    pub(crate) events: Vec<Event>,
}

impl Played {
    pub(crate) fn end(&self) -> (Ending, String, RoundResult) {
        let ends: Vec<_> = self.events.iter().filter(|event| event.body.ends_round()).collect();
        assert_eq!(ends.len(), 1, "one terminal event");
        assert_eq!(ends[0].seq, self.events.last().unwrap().seq, "the terminal event is the last one");
        match &ends[0].body {
            EventBody::RoundFinished { ending, summary, result, exit_code, .. } => {
                assert_eq!(*exit_code, ending.exit_code());
                (*ending, summary.clone(), result.clone())
            }
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn ending(&self) -> Ending {
        self.end().0
    }

    /// The outputs of the calls of `tool`, in order, with their status.
    pub(crate) fn results_of(&self, tool: &str) -> Vec<(domain::tool::ToolStatus, String)> {
        let mut ids = Vec::new();
        for event in &self.events {
            if let EventBody::Message { message, .. } = &event.body {
                ids.extend(
                    message.tool_uses().filter(|(_, name, _)| *name == tool).map(|(id, _, _)| id.clone()),
                );
            }
        }
        let finished = self.events.iter().filter_map(|event| match &event.body {
            EventBody::ToolFinished { call_id, status, output, .. } if ids.contains(call_id) => {
                Some((*status, output.clone()))
            }
            _ => None,
        });
        finished.collect()
    }

    pub(crate) fn review_cycles(&self) -> Vec<(u32, u32)> {
        let cycles = self.events.iter().filter_map(|event| match &event.body {
            EventBody::ReviewCycle { cycle, limit, .. } => Some((*cycle, *limit)),
            _ => None,
        });
        cycles.collect()
    }

    pub(crate) fn claims(&self) -> Vec<(Vec<String>, Vec<String>)> {
        let claims = self.events.iter().filter_map(|event| match &event.body {
            EventBody::Report { claims_refuted, claims_unverified, .. } => {
                Some((claims_refuted.clone(), claims_unverified.clone()))
            }
            _ => None,
        });
        claims.collect()
    }
}

// ---- what the agents say ----

pub(crate) fn task(agent: &str, text: &str) -> Answer {
    Answer::call(&format!("execute_{agent}_task"), json!({ "task_description": text }))
}

pub(crate) fn finish(status: &str) -> Answer {
    Answer::call("finish", json!({ "summary": "끝", "status": status }))
}

pub(crate) fn write(path: &str, content: &str) -> Answer {
    Answer::call("write", json!({ "path": path, "content": content }))
}

pub(crate) fn run(command: &str) -> Answer {
    Answer::call("bash", json!({ "command": command }))
}

pub(crate) fn planned() -> Answer {
    Answer::call("report", json!({ "summary": "a plan", "steps": [{ "title": "add", "detail": "sum.sh" }] }))
}

pub(crate) fn coded(files: &[&str]) -> Answer {
    Answer::call("report", json!({ "summary": "written", "files_changed": files }))
}

pub(crate) fn reviewed(verdict: &str, findings: &[(&str, &str)]) -> Answer {
    let findings: Vec<Value> = findings
        .iter()
        .map(|(severity, message)| json!({ "severity": severity, "message": message }))
        .collect();
    Answer::call("report", json!({ "summary": "looked", "verdict": verdict, "findings": findings }))
}

pub(crate) fn tested(passed: bool, commands: &[&str]) -> Answer {
    Answer::call("report", json!({ "summary": "tested", "passed": passed, "commands": commands }))
}

pub(crate) fn committed(commit: &str) -> Answer {
    Answer::call("report", json!({ "summary": "committed", "commit": commit }))
}

/// Planner, coder, a review that asks for changes, coder, approval, tester, committer.
pub(crate) fn good_day() -> ScriptedModel {
    ScriptedModel::new()
        .agent(
            "manager",
            [
                Answer::text("I'll start with a plan.")
                    .and_call("execute_planner_task", json!({ "task_description": "plan a sum" })),
                task("coder", "write sum.sh"),
                task("reviewer", "review it"),
                task("coder", "mend it"),
                task("reviewer", "review again"),
                task("tester", "test it"),
                task("committer", "commit it"),
                finish("done"),
            ],
        )
        .agent("planner", [Answer::call("read", json!({})), planned()])
        .agent(
            "coder",
            [
                write("sum.sh", "wrong"),
                coded(&["sum.sh"]),
                Answer::thinking("hm").and_call("write", json!({ "path": "sum.sh", "content": "right" })),
                run("echo 확인"),
                coded(&["./sum.sh"]),
            ],
        )
        .agent(
            "reviewer",
            [reviewed("request_changes", &[("critical", "it is wrong")]), reviewed("approve", &[])],
        )
        .agent("tester", [run("run-tests"), tested(true, &["run-tests"])])
        .agent(
            "committer",
            [Answer::call("commit", json!({ "message": "Add sum" })), committed("0123456789")],
        )
}
