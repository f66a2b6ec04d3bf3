//! Serves a script of model answers as an Anthropic Messages API and as OpenAI's Chat Completions on 127.0.0.1, for
//! benchmarks and scripts.

use std::{error::Error, ffi::OsString, fs, io::Write, process::ExitCode, thread};

use better_llm_testkit::mock_server::{Flavour, Settings, read_script};
use tokio::sync::oneshot;

const USAGE: &str = "\
usage: mock-messages SCRIPT.json [--port N] [--key KEY | --no-key] [--flavour NAME] [--checked] [--story]
                     [--until-eof]

Prints its base URL, then serves both protocols there until it is ended.
  --port N      listen there (default: any free port)
  --key KEY     take this key only (default: the test key)
  --no-key      ask for no key
  --flavour NAME
                tell answers over Chat Completions as this server does: openai (default), ollama, vllm,
                old-vllm, llama-cpp, lm-studio, open-router, litellm, gemini, odd, from-one
  --checked     refuse what the real service refuses (default: skim requests only, which is cheap)
  --story       choose turns by what the conversation shows, without delays, each with a
                signed thought: a program that was ended can go on
  --until-eof   end when standard input does, so that it never outlives the program that started it";

struct Options {
    script: OsString,
    settings: Settings,
    is_story: bool,
    until_eof: bool,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let mut text = error.to_string();
            let mut cause = error.source();
            while let Some(deeper) = cause {
                text = format!("{text}: {deeper}");
                cause = deeper.source();
            }
            // Nobody is left to tell where standard error is closed.
            writeln!(std::io::stderr(), "mock-messages: {text}").unwrap_or_default();
            ExitCode::from(2)
        }
    }
}

async fn run() -> Result<(), Box<dyn Error>> {
    let Options { script, settings, is_story, until_eof } = options()?;
    let text =
        fs::read_to_string(&script).map_err(|error| format!("{}: {error}", script.to_string_lossy()))?;
    let script = read_script(&text)?;
    let script = if is_story { script.as_story().with_thoughts() } else { script };
    let server = settings.start(script).await?;
    let mut output = std::io::stdout();
    writeln!(output, "{}", server.url())?;
    output.flush()?;
    if until_eof {
        let (ended, end) = oneshot::channel();
        // A thread, because a read of standard input cannot be cancelled; it ends with the process.
        thread::spawn(move || {
            let read = std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink());
            ended.send(read)
        });
        end.await??;
        server.shutdown().await;
    } else {
        server.run().await;
    }
    Ok(())
}

fn options() -> Result<Options, Box<dyn Error>> {
    let mut arguments = std::env::args_os().skip(1);
    let (mut script, mut settings) = (None, Settings::default());
    let (mut checked, mut is_story, mut until_eof) = (false, false, false);
    while let Some(argument) = arguments.next() {
        let mut value = || {
            let value = arguments.next().and_then(|value| value.into_string().ok());
            value.ok_or_else(|| format!("{} needs a value\n{USAGE}", argument.to_string_lossy()))
        };
        match argument.to_str() {
            Some("--port") => settings = settings.on_port(value()?.parse()?),
            Some("--key") => settings = settings.with_key(&value()?),
            Some("--no-key") => settings = settings.without_key(),
            Some("--flavour") => settings = settings.flavoured(flavour(&value()?)?),
            Some("--checked") => checked = true,
            Some("--story") => is_story = true,
            Some("--until-eof") => until_eof = true,
            Some(flag) if flag.starts_with('-') => {
                return Err(format!("unknown option {flag}\n{USAGE}").into());
            }
            _ if script.is_none() => script = Some(argument),
            _ => return Err(format!("one script only\n{USAGE}").into()),
        }
    }
    Ok(Options {
        script: script.ok_or(USAGE)?,
        settings: if checked { settings } else { settings.unchecked() },
        is_story,
        until_eof,
    })
}

fn flavour(name: &str) -> Result<Flavour, Box<dyn Error>> {
    let known = Flavour::ALL.into_iter().find(|(known, _)| *known == name).map(|(_, flavour)| flavour);
    known.ok_or_else(|| format!("unknown flavour {name}\n{USAGE}").into())
}
