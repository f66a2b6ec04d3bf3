//! Everything that needs the library: options become a builder, verbs become calls of it (law 12).
//!
//! The environment is handed to the library here, and nowhere else.

mod data;
mod demo;
mod round;

use std::{
    env,
    io::{Stderr, Stdout, stderr},
    process::ExitCode,
};

use better_llm::{Engine, EngineBuilder, Overrides, SandboxChoice};

use crate::{
    args::{Invocation, ModelChoice, Options, Provider, Sandbox, Verb},
    output::{OutputError, Printer},
    render::start::StartFailure,
    words::Said,
};

/// The printer of the program itself.
type Terminal = Printer<Stdout, Stderr>;

/// Carries out a verb that needs the library.
pub(crate) fn carry_out(invocation: &Invocation, mut printer: Terminal) -> ExitCode {
    if invocation.options.verbose {
        log_to_standard_error();
    }
    // One thread: agents wait for models and processes, they do not compute.
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            let words = Said::by(|language| language.no_runtime().to_owned());
            let hint = Said::by(|language| language.internal_hint().to_owned());
            let failure = StartFailure::new("internal", StartFailure::INTERNAL, words, hint)
                .because(vec![error.to_string()]);
            let said = printer.start_failure(&failure);
            return printer.exit(said, failure.exit_code);
        }
    };
    let done = runtime.block_on(work(invocation, &mut printer));
    match done {
        Ok(Done { said, exit_code }) => printer.exit(said, exit_code),
        Err(failure) => {
            let said = printer.start_failure(&failure);
            printer.exit(said, failure.exit_code)
        }
    }
}

/// How a verb ended.
struct Done {
    said: Result<(), OutputError>,
    exit_code: u8,
}

async fn work(invocation: &Invocation, printer: &mut Terminal) -> Result<Done, StartFailure> {
    let options = &invocation.options;
    match &invocation.verb {
        Verb::Run(task) => round::run(task, options, printer).await,
        Verb::Demo => demo::play(printer).await,
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
        // Answered before the library comes in.
        Verb::Help(_) | Verb::Version => Ok(Done { said: Ok(()), exit_code: 0 }),
    }
}

/// The engine whose data is shown, in the language that its configuration asks for.
async fn engine_for_data(options: &Options, printer: &mut Terminal) -> Result<Engine, StartFailure> {
    let engine = build(builder(options)).await?;
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
            Provider::Offline => "offline".to_owned(),
            Provider::Script(file) => format!("script:{}", file.display()),
        }),
        permission_mode: options.permission_mode,
        sandbox: options.sandbox.map(|sandbox| match sandbox {
            Sandbox::Auto => SandboxChoice::Auto,
            Sandbox::Kernel => SandboxChoice::Kernel,
            Sandbox::None => SandboxChoice::None,
        }),
        verify: options.verify.clone(),
        max_turns: options.max_turns.map(std::num::NonZeroU32::get),
        timeout_seconds: options.timeout.map(|timeout| timeout.as_secs_f64()),
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
fn log_to_standard_error() {
    tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::DEBUG)
        .with_ansi(false)
        .with_writer(stderr)
        .init();
}
