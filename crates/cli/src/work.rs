//! Everything that needs the library: options become a builder, verbs become calls of it (law 12).
//!
//! The environment is handed to the library here, and nowhere else.

mod confirm;
mod data;
mod demo;
mod fork;
mod permissions;
mod round;
mod trust;
mod undo;

pub(crate) use self::round::WhyRefused;

use std::{
    env,
    io::{self, sink, stderr, stdout},
    process::ExitCode,
    time::Duration,
};

use better_llm::{Engine, EngineBuilder, Helper, Overrides, SandboxChoice};
use tokio::runtime::Runtime;

use crate::{
    args::{Invocation, ModelChoice, Options, Provider, Sandbox, Verb},
    net::{Caught, Net},
    output::{OutputError, Printer},
    render::{start::StartFailure, style::Style},
    words::{Language, Said},
    writer::{Lane, Writer},
};

/// The printer of the program itself: what it says, the writer's thread writes.
type Terminal = Printer<Lane, Lane>;

/// How long a reader is waited for that takes nothing any more, once everything else has ended.
const PATIENCE: Duration = Duration::from_secs(2);

/// Between two looks whether what was begun has ended, where this program itself broke.
const LOOK_AGAIN: Duration = Duration::from_millis(20);
/// How long calls of the system have that nobody waits for any more, when everything else has ended.
const LAST_CALLS: Duration = Duration::from_millis(500);

/// Carries out a verb that needs the library.
pub(crate) fn carry_out(
    invocation: &Invocation,
    helper: Helper,
    language: Language,
    style: Style,
    net: &Net,
) -> ExitCode {
    let format = invocation.options.output;
    match Machinery::start(invocation.options.verbose, net) {
        Ok(machinery) => {
            let (out, err) = (machinery.writer.out(), machinery.writer.err());
            machinery.carry_out(invocation, helper, Printer::new(format, language, style, out, err))
        }
        Err(error) => {
            let words = Said::by(|language| language.no_runtime().to_owned());
            let hint = Said::by(|language| language.internal_hint().to_owned());
            let failure = StartFailure::new("internal", StartFailure::INTERNAL, words, hint)
                .because(vec![error.to_string()]);
            let (out, err) = (Caught::new(stdout(), net.clone()), Caught::new(stderr(), net.clone()));
            let mut printer = Printer::new(format, language, style, out, err);
            let said = printer.start_failure(&failure);
            printer.exit(said, failure.exit_code)
        }
    }
}

/// What a verb runs on.
struct Machinery {
    runtime: Runtime,
    writer: Writer,
    /// `--verbose`: a writer of its own, so that nobody needs to read the log.
    log: Option<Writer>,
}

impl Machinery {
    fn start(is_verbose: bool, net: &Net) -> io::Result<Self> {
        // One thread: agents wait for models and processes, they do not compute.
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let log = if is_verbose { Some(log_to_standard_error(net)?) } else { None };
        Ok(Self { runtime, writer: Writer::start(stdout(), stderr(), net)?, log })
    }

    fn carry_out(self, invocation: &Invocation, helper: Helper, mut printer: Terminal) -> ExitCode {
        let Self { runtime, writer, log } = self;
        let done = unbroken(&runtime, work(invocation, helper, &writer, &mut printer));
        let done = match done {
            Some(done) => done,
            None => Err(StartFailure::internal(&io::Error::other("what it says is on standard error"))),
        };
        let Done { said, exit_code } = done.unwrap_or_else(|failure| {
            let said = printer.start_failure(&failure);
            Done { said, exit_code: failure.exit_code }
        });
        let patience = patience(&invocation.verb);
        let written = runtime.block_on(writer.finish(patience));
        let exit_code = printer.exit(said.and(written), exit_code);
        // Only standard error is left, which may fall silent.
        runtime.block_on(writer.finish(patience)).unwrap_or_default();
        if let Some(log) = log {
            runtime.block_on(log.finish(Some(PATIENCE))).unwrap_or_default();
        }
        // What still hangs in a call of the system's is not waited for.
        runtime.shutdown_timeout(LAST_CALLS);
        exit_code
    }
}

/// Does the work. None where this program itself broke in it: that has been said ([`crate::panic`]), and what was begun
/// has ended.
fn unbroken<T>(runtime: &Runtime, work: impl Future<Output = T>) -> Option<T> {
    let working = std::panic::AssertUnwindSafe(|| runtime.block_on(work));
    std::panic::catch_unwind(working)
        .map_err(|_| {
            // A session that nobody holds any more cancels its round, and keeps its end.
            let ending = async {
                while runtime.metrics().num_alive_tasks() > 0 {
                    tokio::time::sleep(LOOK_AGAIN).await;
                }
            };
            drop(runtime.block_on(async { tokio::time::timeout(PATIENCE, ending).await }));
        })
        .ok()
}

/// How long the reader of the last words is waited for. One who pages through data takes the time he needs, as with
/// any program, and a signal ends it; a round listens to signals itself, and so has to end by itself.
const fn patience(verb: &Verb) -> Option<Duration> {
    match verb {
        Verb::Run(_) | Verb::GoOn | Verb::Demo => Some(PATIENCE),
        Verb::AgentsList
        | Verb::AgentsShow(_)
        | Verb::ConfigShow
        | Verb::ConfigCheck
        | Verb::ConfigSchema
        | Verb::ConfigPaths
        | Verb::ConfigTrust
        | Verb::PermissionsExplain(_)
        | Verb::SessionUndo(_)
        | Verb::SessionFork(_)
        | Verb::Help(_)
        | Verb::Version => None,
    }
}

/// How a verb ended.
struct Done {
    said: Result<(), OutputError>,
    exit_code: u8,
}

async fn work(
    invocation: &Invocation,
    helper: Helper,
    writer: &Writer,
    printer: &mut Terminal,
) -> Result<Done, StartFailure> {
    let options = &invocation.options;
    match &invocation.verb {
        Verb::Run(task) => round::run(Some(task), options, helper, writer, printer).await,
        Verb::GoOn => round::run(None, options, helper, writer, printer).await,
        Verb::Demo => demo::play(helper, writer, printer).await,
        Verb::AgentsList => Ok(data::agents(&engine_for_data(options, printer).await?, options, printer)),
        Verb::AgentsShow(name) => {
            let engine = engine_for_data(options, printer).await?;
            data::agent(&engine, name, options, printer).ok_or_else(|| data::no_such_agent(&engine, name))
        }
        Verb::ConfigShow => {
            Ok(data::config_show(&engine_for_data(options, printer).await?, options, printer))
        }
        Verb::ConfigCheck => {
            Ok(data::config_check(&engine_for_data(options, printer).await?, options, printer))
        }
        Verb::ConfigSchema => Ok(data::config_schema(printer)),
        Verb::ConfigPaths => {
            Ok(data::config_paths(&engine_for_data(options, printer).await?, options, printer))
        }
        Verb::PermissionsExplain(question) => {
            permissions::explain(&engine_for_data(options, printer).await?, question, options, printer).await
        }
        Verb::ConfigTrust => trust::trust(&engine_for_data(options, printer).await?, options, printer).await,
        Verb::SessionUndo(request) => {
            undo::undo(&engine_for_data(options, printer).await?, request, options, printer).await
        }
        Verb::SessionFork(session) => {
            fork::fork(&engine_for_data(options, printer).await?, session, options, printer).await
        }
        // Answered before the library comes in.
        Verb::Help(_) | Verb::Version => Ok(Done { said: Ok(()), exit_code: 0 }),
    }
}

/// The engine whose data is shown, in the language that its configuration asks for.
async fn engine_for_data(options: &Options, printer: &mut Terminal) -> Result<Engine, StartFailure> {
    let engine = build(builder(options)).await?;
    printer.catch(engine.redactor());
    printer.speak(engine.settings().lang.into());
    Ok(engine)
}

async fn build(builder: EngineBuilder) -> Result<Engine, StartFailure> {
    builder.build().await.map_err(|error| StartFailure::from(&error))
}

/// The engine that the options describe.
fn builder(options: &Options) -> EngineBuilder {
    let cwd = match &options.cwd {
        Some(folder) => folder.clone(),
        None => env::current_dir().unwrap_or_else(|_| ".".into()),
    };
    let mut builder = EngineBuilder::new(cwd)
        .environment(env::vars_os())
        .overrides(overrides(options))
        .worktree(options.worktree)
        .effort(options.effort);
    for file in &options.configs {
        builder = builder.config_file(file);
    }
    builder
}

fn overrides(options: &Options) -> Overrides {
    let mut overrides = Overrides {
        provider: options.provider.as_ref().map(|provider| match provider {
            Provider::Anthropic => "anthropic".to_owned(),
            Provider::OpenAi => "openai".to_owned(),
            Provider::Offline => "offline".to_owned(),
            Provider::Script(file) => format!("script:{}", file.display()),
        }),
        permission_mode: options.permission_mode,
        sandbox: options.sandbox.map(|sandbox| match sandbox {
            Sandbox::Auto => SandboxChoice::Auto,
            Sandbox::Strict => SandboxChoice::Strict,
            Sandbox::Kernel => SandboxChoice::Kernel,
            Sandbox::None => SandboxChoice::None,
        }),
        allow_network: options.allow_network,
        add_dirs: options.add_dirs.clone(),
        pass_env: options.pass_env.clone(),
        verify: options.verify.clone(),
        max_turns: options.max_turns.map(std::num::NonZeroU32::get),
        max_tokens: options.max_tokens.map(std::num::NonZeroU64::get),
        max_cost_usd: options.max_cost_usd,
        timeout_seconds: options.timeout.map(|timeout| timeout.as_secs_f64()),
        intervention_seconds: options.intervention.map(|intervention| intervention.as_secs_f64()),
        lang: options.language.map(better_llm::Language::from),
        ..Overrides::default()
    };
    for ModelChoice { agent, model } in &options.models {
        match agent {
            Some(agent) => overrides.agent_models.push((agent.to_string(), model.clone())),
            None => overrides.model = Some(model.clone()),
        }
    }
    overrides
}

/// `--verbose`: what the engine logs, at DEBUG, on standard error.
fn log_to_standard_error(net: &Net) -> io::Result<Writer> {
    let writer = Writer::start(sink(), stderr(), net)?;
    let lane = writer.log();
    tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::DEBUG)
        .with_ansi(false)
        .with_writer(move || lane.clone())
        .init();
    Ok(writer)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Law 4: where the front end itself breaks, what was begun has ended before that is said.
    #[test]
    fn a_panic_leaves_nothing_running() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (session, mut is_held) = tokio::sync::oneshot::channel::<()>();
        let work = async {
            tokio::spawn(async move { (&mut is_held).await.unwrap_or_default() });
            tokio::task::yield_now().await;
            let _session = session;
            panic!("a fault of ours");
        };
        assert_eq!(unbroken::<()>(&runtime, work), None);
        assert_eq!(runtime.metrics().num_alive_tasks(), 0);
    }
}
