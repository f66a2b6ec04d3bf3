//! Many sessions in one process: the library as an embedding program uses it, on one thread.
//!
//! ```text
//! sessions COUNT SYSTEM_CONFIG      so many sessions at the same time in the present folder
//! ```
//!
//! What a session may know comes from the environment. Ends with an error where any session did not end as done.

use std::{env, error::Error};

use better_llm::Published;
use better_llm::{
    Engine, EngineBuilder, Overrides, SandboxChoice,
    domain::{
        event::EventBody,
        outcome::Ending,
        permission::PermissionMode,
        session::{Command, Request},
    },
};
use futures_util::future::join_all;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [count, config] = arguments.as_slice() else {
        return Err("usage: sessions COUNT SYSTEM_CONFIG".into());
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(run(count.parse()?, config))
}

async fn run(count: usize, config: &str) -> Result<()> {
    let flags = Overrides {
        provider: Some("anthropic".to_owned()),
        permission_mode: Some(PermissionMode::Full),
        sandbox: Some(SandboxChoice::None),
        ..Overrides::default()
    };
    let builder = EngineBuilder::new(env::current_dir()?).environment(env::vars_os()).overrides(flags);
    let engine = builder.config_file(config).build().await?;
    let ended = join_all((0..count).map(|_| session(&engine))).await;
    let failed: Vec<String> =
        ended.into_iter().filter_map(|ended| ended.err().map(|error| error.to_string())).collect();
    engine.close().await?;
    match failed.first() {
        None => Ok(()),
        Some(first) => Err(format!("{} of {count} sessions failed; the first: {first}", failed.len()).into()),
    }
}

/// One session with one round, listened to as a front end does.
async fn session(engine: &Engine) -> Result<()> {
    let session = engine.session().await?;
    let mut events = session.subscribe();
    session.send(Command::Start(Request::new("go"))).await?;
    loop {
        let event = match events.next().await.ok_or("the session ended in the middle of its round")?? {
            Published::Event(event) => event,
            Published::Delta(_) => continue,
        };
        if let EventBody::RoundFinished { ending, summary, .. } = &event.body {
            let said = format!("{}: {summary}", ending.outcome());
            let is_done = *ending == Ending::Done;
            session.close().await?;
            return if is_done { Ok(()) } else { Err(said.into()) };
        }
    }
}
