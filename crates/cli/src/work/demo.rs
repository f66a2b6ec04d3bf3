//! `demo`: the bundled story, and what it left behind.

use std::env;

use better_llm::{
    Helper,
    demo::{Demo, DemoSettings},
    domain::{
        event::EventBody,
        evidence::ObservedCommand,
        permission::{SandboxLevel, SandboxState},
    },
};

use super::{
    Done, Terminal,
    round::{self, Presence, Signals},
};
use crate::{
    render::{
        demo::{DemoEnd, demo_end},
        start::StartFailure,
        style::Role,
    },
    words::Said,
    writer::Writer,
};

/// Plays the demo in a new temporary folder, which stays.
pub(super) async fn play(
    helper: Helper,
    writer: &Writer,
    printer: &mut Terminal,
) -> Result<Done, StartFailure> {
    let mut signals = Signals::listen().map_err(|error| StartFailure::internal(&error))?;
    printer.aside(Role::Name, printer.language().demo_opening());
    let folder = tempfile::Builder::new().prefix("better-llm-demo-").tempdir().map_err(no_folder)?.keep();
    let settings = DemoSettings {
        folder,
        variables: env::vars_os().collect(),
        language: Some(printer.language().into()),
        overlay: Vec::new(),
        helper: Some(helper),
    };
    let preparing = async { Demo::prepare(settings).await.map_err(|error| StartFailure::from(&error)) };
    let Demo { engine, request, aftermath } = signals.or_before(preparing).await?;
    let journal = engine.settings().places.database().display().to_string();
    let records = engine.settings().places.records();

    let mut seen = Seen::default();
    let opening = round::Opening { session: None, request: Some(request) };
    let done = round::play(engine, opening, writer, printer, signals, Presence::Nobody, |event| {
        seen.take(&event.body, event.session_id.to_string());
    })
    .await?;
    let diff = match aftermath.diff().await {
        Ok(diff) => diff,
        Err(error) => error.to_string(),
    };
    let commit = aftermath.commit().await.ok().flatten();
    let end = DemoEnd {
        diff: &diff,
        files_changed: &seen.files_changed,
        commands: &seen.commands,
        commit: commit.as_deref(),
        sandbox: &seen.sandbox,
        repository: &aftermath.repository.display().to_string(),
        record: &records.join(format!("{}.json", seen.session)).display().to_string(),
        journal: &journal,
    };
    let text = demo_end(&end, printer.language(), printer.style());
    printer.epilogue(&text);
    Ok(done)
}

/// What the events of the demo say about its end.
struct Seen {
    session: String,
    sandbox: SandboxState,
    files_changed: Vec<String>,
    commands: Vec<ObservedCommand>,
}

impl Default for Seen {
    fn default() -> Self {
        let sandbox = SandboxState { level: SandboxLevel::None, reason: String::new(), usable: false };
        Self { session: String::new(), sandbox, files_changed: Vec::new(), commands: Vec::new() }
    }
}

impl Seen {
    fn take(&mut self, body: &EventBody, session: String) {
        match body {
            EventBody::SessionStarted { sandbox, .. } => {
                self.session = session;
                self.sandbox.clone_from(sandbox);
            }
            EventBody::Report { evidence, .. } => self.commands.extend(evidence.commands.iter().cloned()),
            EventBody::RoundFinished { result, .. } => self.files_changed.clone_from(&result.files_changed),
            _ => {}
        }
    }
}

fn no_folder(error: std::io::Error) -> StartFailure {
    let words = Said::by(|language| language.no_demo_folder().to_owned());
    let hint = Said::by(|language| language.no_demo_folder_hint().to_owned());
    StartFailure::new("demo", StartFailure::INTERNAL, words, hint).because(vec![error.to_string()])
}
