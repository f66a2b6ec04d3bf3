//! What the rounds are about, told by a model whose answers depend on what it reads and on nothing else: killed and asked
//! again, it says the same again.

use std::time::Duration;

use better_llm_application::{EventStream, Published, SessionHandle};
use domain::{
    event::{Event, EventBody, InterventionAction},
    limits::Limits,
    message::{Message, Part, Role, Usage},
    model::ModelRequest,
    person::Presence,
    price::Price,
    session::{Command, Request},
};
use serde_json::json;
use testkit::{Answer, FakeCommand, FakeProcesses, ScriptedModel, wait::bounded};

use crate::stage::*;

/// A round, and who answers for the person in it.
pub(super) struct Story {
    pub(super) name: &'static str,
    request: Request,
    scripts: fn() -> Vec<Script>,
    set: fn(&mut Stage),
    /// What the person says to a question.
    answer: &'static str,
    /// What the person says in the first window of the round.
    words: Option<&'static str>,
}

/// What an agent says, in order, when it was told something that holds `cue`.
struct Script {
    agent: &'static str,
    cue: &'static str,
    steps: Vec<Answer>,
}

const USAGE: Usage =
    Usage { input_tokens: 100, output_tokens: 10, cache_read_tokens: 0, cache_write_tokens: 0 };

fn script(agent: &'static str, cue: &'static str, steps: impl IntoIterator<Item = Answer>) -> Script {
    // An answer says which step it is, so that it can be told from a conversation that was cut.
    let steps = steps.into_iter().enumerate().map(|(at, step)| step.and_text(&label(at)).costing(USAGE));
    Script { agent, cue, steps: steps.collect() }
}

fn label(step: usize) -> String {
    format!("(step {step})")
}

/// The step that follows from a conversation: the one after the last that was taken, or the same one where a call of it
/// was interrupted.
fn next_step(scripts: &[Script], request: &ModelRequest) -> Answer {
    let own: Vec<&Script> = scripts.iter().filter(|script| script.agent == request.agent.as_str()).collect();
    let (mut present, mut next, mut last) = (None, 0, 0);
    for message in request.messages.iter().map(|sealed| &*sealed.message) {
        match message.role {
            Role::User => {
                let cued = own.iter().find(|script| texts(message).any(|text| text.contains(script.cue)));
                if let Some(script) = cued.filter(|_| !has_results(message)) {
                    (present, next) = (Some(*script), 0);
                }
                if was_interrupted(message) {
                    next = last;
                }
            }
            Role::Assistant => {
                let step = (0..100).find(|step| texts(message).any(|text| text == label(*step)));
                last = step.unwrap_or(last);
                next = last + 1;
            }
        }
    }
    let step = present.and_then(|script| script.steps.get(next)).cloned();
    // Where it cannot be told what was said, there is nothing more to say.
    step.unwrap_or_else(|| Answer::text("더는 할 말이 없습니다."))
}

fn texts(message: &Message) -> impl Iterator<Item = &str> {
    message.parts.iter().filter_map(|part| match part {
        Part::Text { text } => Some(text.as_str()),
        _ => None,
    })
}

fn has_results(message: &Message) -> bool {
    message.tool_results().next().is_some()
}

fn was_interrupted(message: &Message) -> bool {
    let broke =
        |part: &Part| matches!(part, Part::ToolResult { content, .. } if content.starts_with("interrupted"));
    message.parts.iter().any(broke)
}

impl Story {
    pub(super) fn request(&self) -> Request {
        self.request.clone()
    }

    pub(super) fn stage(&self) -> Stage {
        let mut scripts = (self.scripts)();
        // Before the others: an account of the round before holds their cues, too.
        scripts.insert(0, script("manager", "something else", [Answer::text("done with that")]));
        let react = Answer::computed(move |request| next_step(&scripts, request));
        let model = ScriptedModel::new().when("anyone", |_| true, [react]).repeating_last();
        let mut stage = Stage::new(model.with_price(Price::new(1_000, 1_000, 1_000, 1_000)));
        (self.set)(&mut stage);
        stage
    }

    /// Plays the round as it would be if nobody died.
    pub(super) fn play_undisturbed(&self) -> (Stage, Vec<Event>) {
        let stage = self.stage();
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let session = SessionHandle::start(stage.parts());
            self.play(&stage, &session, Command::Start(self.request())).await;
            session.close().await.unwrap();
        });
        let events = stage.played().events;
        (stage, events)
    }

    /// Tells the session something and does what the person does, to the end of the round.
    pub(super) async fn play(&self, stage: &Stage, session: &SessionHandle, command: Command) {
        let has_spoken = stage.journal.events().iter().any(|event| said_something(event));
        let words = self.words.filter(|_| !has_spoken);
        let stream = session.subscribe();
        session.send(command).await.unwrap();
        bounded("the round's end", self.attend(stream, session, words)).await;
    }

    async fn attend(&self, mut stream: EventStream, session: &SessionHandle, words: Option<&str>) {
        let mut words = words;
        while let Some(published) = stream.next().await {
            let Published::Event(event) = published.unwrap() else { continue };
            match &event.body {
                EventBody::Question { question_id, options, .. } => {
                    let text = if options.is_empty() { "예쁘게" } else { self.answer };
                    let answer = Command::Answer { question: *question_id, text: text.to_owned() };
                    // It may have been answered by its deadline.
                    drop(session.send(answer).await);
                }
                EventBody::Intervention { action: InterventionAction::Opened, .. } => {
                    if let Some(words) = words.take() {
                        session.send(Command::Message(words.to_owned())).await.unwrap();
                    }
                }
                EventBody::RoundFinished { .. } => return,
                _ => {}
            }
        }
    }
}

fn said_something(event: &Event) -> bool {
    matches!(
        event.body,
        EventBody::Intervention { action: InterventionAction::Message, .. } | EventBody::MessageQueued { .. }
    )
}

fn attended(stage: &mut Stage) {
    stage.presence = Presence::Present {
        question_timeout: Duration::from_secs(600),
        intervention: Duration::from_secs(5),
    };
}

fn write_right() -> [Answer; 2] {
    [write("sum.sh", "right"), coded(&["sum.sh"])]
}

fn critical(message: &str) -> Answer {
    reviewed("request_changes", &[("critical", message)])
}

pub(super) fn stories() -> Vec<Story> {
    let plain = |_: &mut Stage| {};
    vec![
        Story {
            name: "a good day",
            request: Request::new("합계를 더해줘"),
            scripts: good_day,
            set: plain,
            answer: "",
            words: None,
        },
        Story {
            name: "a long day in short memory",
            request: Request::new("합계를 더해줘"),
            scripts: good_day,
            set: |stage| stage.limits = Limits { max_messages: 5, ..Limits::default() },
            answer: "",
            words: None,
        },
        Story {
            name: "a person who asks for more in a window",
            request: Request::new("합계를 더해줘"),
            scripts: good_day,
            set: attended,
            answer: "",
            words: Some("서둘러 주세요"),
        },
        Story {
            name: "a question",
            request: Request::new("무엇을"),
            scripts: || {
                let ask = Answer::call("ask_user", json!({ "question": "어느 쪽?", "options": ["a", "b"] }));
                vec![
                    script("manager", "무엇을", [ask, task("coder", "write it"), finish("done")]),
                    script("coder", "write it", write_right()),
                ]
            },
            set: attended,
            answer: "b",
            words: None,
        },
        Story {
            name: "reviews at their limit, accepted",
            request: Request::new("합계를 더해줘"),
            scripts: || {
                vec![
                    script(
                        "manager",
                        "합계를",
                        [task("coder", "write it"), task("reviewer", "look"), finish("done")],
                    ),
                    script("coder", "write it", write_right()),
                    script("reviewer", "look", [critical("it is ugly")]),
                ]
            },
            set: |stage| {
                attended(stage);
                stage.limits.max_review_iterations = 1;
            },
            answer: "accept as it is",
            words: None,
        },
        Story {
            name: "reviews at their limit, with guidance",
            request: Request::new("합계를 더해줘"),
            scripts: || {
                vec![
                    script(
                        "manager",
                        "합계를",
                        [
                            task("coder", "write it"),
                            task("reviewer", "look"),
                            task("coder", "mend it"),
                            task("reviewer", "again"),
                            finish("done"),
                        ],
                    ),
                    script("coder", "write it", write_right()),
                    script("coder", "mend it", [write("sum.sh", "better"), coded(&["sum.sh"])]),
                    script("reviewer", "look", [critical("it is ugly")]),
                    script("reviewer", "again", [reviewed("approve", &[])]),
                ]
            },
            set: |stage| {
                attended(stage);
                stage.limits.max_review_iterations = 1;
            },
            answer: "guidance",
            words: None,
        },
        Story {
            name: "workers called by name",
            request: Request::typed("@coder 합계를 써줘 @tester 시험해줘"),
            scripts: || {
                vec![
                    script("coder", "합계를 써줘", write_right()),
                    script("tester", "시험해줘", [run("run-tests"), tested(true, &["run-tests"])]),
                ]
            },
            set: attended,
            answer: "",
            words: Some("꼼꼼히"),
        },
        Story {
            name: "tests of the engine's own",
            request: Request::new("합계를 더해줘"),
            scripts: || {
                vec![
                    script("manager", "합계를", [task("coder", "write it"), finish("done")]),
                    script("coder", "write it", write_right()),
                ]
            },
            set: |stage| {
                stage.verify = vec!["make check".to_owned()];
                stage.processes = FakeProcesses::new().on("make check", FakeCommand::exits(0)).into();
            },
            answer: "",
            words: None,
        },
        Story {
            name: "a worker that fails, and prose",
            request: Request::new("합계를 더해줘"),
            scripts: || {
                vec![
                    script(
                        "manager",
                        "합계를",
                        [task("planner", "plan it"), Answer::text("다음은 시험입니다."), finish("partial")],
                    ),
                    script("planner", "plan it", [Answer::text("a fine plan"), Answer::text("as I said")]),
                ]
            },
            set: plain,
            answer: "",
            words: None,
        },
        Story {
            name: "two at once",
            request: Request::new("둘 다"),
            scripts: || {
                let one = |text: &str, path: &str| json!({ "task_description": text, "writes": [path] });
                let both = Answer::call("execute_coder_task", one("write one", "one.sh"))
                    .and_call("execute_coder_task", one("write two", "two.sh"));
                vec![
                    script("manager", "둘 다", [both, finish("done")]),
                    script("coder", "write one", [write("one.sh", "1"), coded(&["one.sh"])]),
                    script("coder", "write two", [write("two.sh", "2"), coded(&["two.sh"])]),
                ]
            },
            set: |stage| stage.coder_has_bash = false,
            answer: "",
            words: None,
        },
    ]
}

fn good_day() -> Vec<Script> {
    let plan = Answer::thinking("먼저 계획")
        .and_call("execute_planner_task", json!({ "task_description": "plan it" }));
    let mend = Answer::thinking("hm").and_call("write", json!({ "path": "sum.sh", "content": "right" }));
    vec![
        script(
            "manager",
            "합계를",
            [
                plan,
                task("coder", "write it"),
                task("reviewer", "look at it"),
                task("coder", "mend it"),
                task("reviewer", "look again"),
                task("tester", "test it"),
                task("committer", "commit it"),
                finish("done"),
            ],
        ),
        script("planner", "plan it", [Answer::call("read", json!({})), planned()]),
        script("coder", "write it", [write("sum.sh", "wrong"), coded(&["sum.sh"])]),
        script("coder", "mend it", [mend, run("echo 확인"), coded(&["./sum.sh"])]),
        script("reviewer", "look at it", [critical("it is wrong")]),
        script("reviewer", "look again", [reviewed("approve", &[])]),
        script("tester", "test it", [run("run-tests"), tested(true, &["run-tests"])]),
        script(
            "committer",
            "commit it",
            [Answer::call("commit", json!({ "message": "Add sum" })), committed("0123456789")],
        ),
    ]
}
