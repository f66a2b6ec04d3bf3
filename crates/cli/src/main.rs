//! The command line of better-llm: flags become commands, events become lines; nothing else (law 12).
//!
//! `--help`, `--version` and mistyped calls are answered here without starting a runtime. What a round is, what is
//! allowed and how it ends is the library's business.

mod args;
mod commands;
mod input;
mod net;
mod output;
mod panic;
mod render;
mod surroundings;
mod typed;
mod words;
mod work;
mod writer;

use std::{
    env,
    io::{Stderr, Stdout, stderr, stdout},
    process::ExitCode,
};

use better_llm::{EngineBuilder, Helper};

use crate::{
    args::{Invocation, OutputFormat, Rejected, Verb},
    net::{Caught, Net},
    output::Printer,
    render::{
        help::{help, version},
        start::StartFailure,
        style::Markup,
    },
    surroundings::Surroundings,
    words::Language,
};

fn main() -> ExitCode {
    let helper = better_llm::run_helper_if_asked();
    let net = Net::new(EngineBuilder::new(".").environment(env::vars_os()).redactor());
    panic::say_panics_safely(net.clone());
    let surroundings = Surroundings::of_this_process();
    match args::parse(env::args_os().skip(1).collect()) {
        Ok(invocation) => carry_out(&invocation, helper, surroundings, &net),
        Err(rejected) => refuse(&rejected, surroundings, &net),
    }
}

fn carry_out(invocation: &Invocation, helper: Helper, surroundings: Surroundings, net: &Net) -> ExitCode {
    let language = invocation.options.language.unwrap_or(surroundings.language);
    let printer = || printer(invocation.options.output, language, surroundings, net);
    match &invocation.verb {
        Verb::Help(topic) => say(printer(), &help(*topic, language)),
        Verb::Version => say(printer(), &version()),
        Verb::Run(_)
        | Verb::GoOn
        | Verb::Demo
        | Verb::AgentsList
        | Verb::AgentsShow(_)
        | Verb::ConfigShow
        | Verb::ConfigCheck
        | Verb::ConfigSchema
        | Verb::ConfigPaths
        | Verb::ConfigTrust
        | Verb::PermissionsExplain(_)
        | Verb::SessionUndo(_)
        | Verb::SessionFork(_) => work::carry_out(invocation, helper, language, surroundings.style, net),
    }
}

fn say(mut printer: Plain, text: &Markup) -> ExitCode {
    let said = printer.answer(text);
    printer.exit(said, 0)
}

fn refuse(rejected: &Rejected, surroundings: Surroundings, net: &Net) -> ExitCode {
    let language = rejected.language.unwrap_or(surroundings.language);
    let mut printer = printer(rejected.output, language, surroundings, net);
    let failure = StartFailure::usage(&rejected.error);
    let said = printer.start_failure(&failure);
    printer.exit(said, failure.exit_code)
}

/// What says things before there is a thread that writes them.
type Plain = Printer<Caught<Stdout>, Caught<Stderr>>;

fn printer(format: OutputFormat, language: Language, surroundings: Surroundings, net: &Net) -> Plain {
    let (out, err) = (Caught::new(stdout(), net.clone()), Caught::new(stderr(), net.clone()));
    Printer::new(format, language, surroundings.style, out, err)
}
