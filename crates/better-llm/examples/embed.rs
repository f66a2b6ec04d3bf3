//! better-llm inside of another program: a team on a folder, one task, and what happens as events. The program stands in
//! for the person: it answers a question, and is asked for leave before a file is written.
//!
//! ```text
//! cargo run -p better-llm --example embed [-- path/to/project]
//! ```
//!
//! The models' words come from a script here, so that it needs no key. Without `overrides`, and with
//! `ANTHROPIC_API_KEY` in what `environment` is given, the same program talks to a model.

#![expect(clippy::print_stdout, reason = "it is a program for a terminal")]

use std::{env, error::Error, fs, time::Duration};

use better_llm::{
    EngineBuilder, Helper, Overrides, Published,
    domain::{
        event::{Decision, EventBody},
        permission::PermissionMode,
        session::{Command, Request},
    },
};

/// What the manager and the coder answer.
const SCRIPT: &str = r#"{"v": 1, "agents": {
    "manager": [
        {"tool_calls": [{"name": "ask_user",
            "input": {"question": "In which file shall the notes stand?", "options": ["NOTES.md", "TODO.md"]}}]},
        {"tool_calls": [{"name": "execute_coder_task", "input": {"task_description": "Write TODO.md."}}]},
        {"tool_calls": [{"name": "finish",
            "input": {"summary": "The notes are yours to write.", "status": "partial"}}]}
    ],
    "coder": [
        {"tool_calls": [{"name": "write", "input": {"path": "TODO.md", "content": "- nothing\n"}}]},
        {"tool_calls": [{"name": "report",
            "input": {"summary": "I was not allowed to write.", "files_changed": []}}]}
    ]
}}"#;

fn main() -> Result<(), Box<dyn Error>> {
    // First of all: should this program be killed, it once more, as a small process, ends what commands left running.
    let helper = better_llm::run_helper_if_asked();
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(work(helper))
}

async fn work(helper: Helper) -> Result<(), Box<dyn Error>> {
    let project = env::args_os().nth(1).unwrap_or_else(|| ".".into());
    let home = tempfile::tempdir()?;
    let script = home.path().join("script.json");
    fs::write(&script, SCRIPT)?;

    // Nothing is read from the process: the engine knows the variables that it is handed, and no others.
    let variables = [
        ("PATH".into(), env::var_os("PATH").unwrap_or_default()),
        ("BETTER_LLM_HOME".into(), home.path().into()),
    ];
    let provider = Some(format!("script:{}", script.display()));
    let engine = EngineBuilder::new(project)
        .environment(variables)
        .helper(helper)
        .overrides(Overrides { provider, permission_mode: Some(PermissionMode::Ask), ..Overrides::default() })
        // Somebody answers here. Without it nothing is asked: leave is denied at once, a question ends the round.
        .attended(true)
        .intervention(Duration::ZERO)
        .build()
        .await?;

    let session = engine.session().await?;
    let mut events = session.subscribe();
    session.send(Command::Start(Request::new("What would make this project better?"))).await?;
    while let Some(published) = events.next().await {
        let Published::Event(event) = published? else { continue };
        let agent = event.scope.run.as_ref().map_or("", |run| run.agent.as_str());
        match &event.body {
            EventBody::RunStarted { .. } if agent != "manager" => println!("{agent} begins"),
            EventBody::Question { question_id, asker, text, options, .. } => {
                let Some(answer) = options.last() else { continue };
                println!("{asker} asks: {text} {answer}");
                session.send(Command::Answer { question: *question_id, text: answer.clone() }).await?;
            }
            EventBody::PermissionAsked { call_id, tool, rule, .. } => {
                println!("{agent} wants to call {tool} ({rule})");
                let note = Some("this example writes nothing".to_owned());
                let call = call_id.clone();
                session.send(Command::Permission { call, decision: Decision::Deny, note }).await?;
            }
            EventBody::RunFinished { ending, .. } => println!("{agent}: {}", ending.outcome()),
            EventBody::RoundFinished { ending, summary, .. } => println!("{}: {summary}", ending.outcome()),
            _ => {}
        }
        if event.body.ends_round() {
            break;
        }
    }
    session.close().await?;
    engine.close().await?;
    Ok(())
}
