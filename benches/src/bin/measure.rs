//! Runs product and limit in turns (A B A B ...) against a model server of zero latency, and prints their figures.
//!
//! ```text
//! measure BETTER_LLM_CLI LIMIT MOCK_MESSAGES [--runs N] [CASE ...]
//! ```
//!
//! Figures are medians of whole processes, children included, by the kernel's own accounting (`wait4`). Quote ratios:
//! machines differ, and both sides of a ratio ran in the same minute on the same one. Nothing is asserted.
#![expect(clippy::print_stdout, reason = "a program")]

use std::{
    error::Error,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Instant,
};

use serde_json::{Value, json};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const KEY: &str = "fake-key";

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let mut program = |name: &str| -> Result<PathBuf> {
        let path = arguments.next().ok_or_else(|| {
            format!("usage: measure CLI LIMIT MOCK [--runs N] [CASE ...]; {name} is missing")
        })?;
        Ok(std::fs::canonicalize(path)?)
    };
    let (product, limit, server) = (program("CLI")?, program("LIMIT")?, program("MOCK")?);
    let mut runs = 7;
    let mut wanted = Vec::new();
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--runs" => runs = arguments.next().ok_or("--runs needs a number")?.parse()?,
            case => wanted.push(case.to_owned()),
        }
    }
    let bench = Bench { product, limit, server, runs };
    println!("| case | CPU ms | limit CPU ms | ratio | wall ratio | RSS MiB | limit RSS MiB |");
    println!("|---|---|---|---|---|---|---|");
    let mut measured = Vec::new();
    for case in cases() {
        if wanted.is_empty() || wanted.contains(&case.name.to_owned()) {
            let (ours, theirs) = bench.pair(&case)?;
            row(&case, &ours, &theirs);
            measured.push((case, ours, theirs));
        }
    }
    per_turn(&measured);
    Ok(())
}

/// One thing both sides do.
struct Case {
    name: &'static str,
    /// Turns of work in it, beside those of an answer at once.
    turns: u32,
    kind: Kind,
}

enum Kind {
    Version,
    /// A conversation with this script, at this sandbox level.
    Conversation(Value, &'static str),
}

fn cases() -> Vec<Case> {
    let read = || json!({ "tool_calls": [{ "name": "read", "input": { "path": "notes.txt" } }] });
    let shell = || json!({ "tool_calls": [{ "name": "bash", "input": { "command": "echo hello" } }] });
    let coder = || json!({ "tool_calls": [{ "name": "execute_coder_task", "input": { "task_description": "work" } }] });
    let report =
        || json!({ "tool_calls": [{ "name": "report", "input": { "summary": "s", "files_changed": [] } }] });
    let finish =
        || json!({ "tool_calls": [{ "name": "finish", "input": { "summary": "s", "status": "done" } }] });
    let times = |step: Value, count: usize| std::iter::repeat_n(step, count);
    let script = |manager: Vec<Value>, coder: Vec<Value>| json!({ "v": 1, "agents": { "manager": manager, "coder": coder } });
    let conversation =
        |name, turns, level, script| Case { name, turns, kind: Kind::Conversation(script, level) };
    let looks = |count| script(times(read(), count).chain([finish()]).collect(), vec![]);
    let shells = || script(vec![coder(), finish()], times(shell(), 50).chain([report()]).collect());
    let workers = times(coder(), 5).chain([finish()]).collect();
    let works = (0..5).flat_map(|_| times(read(), 9).chain([report()])).collect();
    vec![
        Case { name: "version", turns: 0, kind: Kind::Version },
        conversation("one-shot", 0, "none", script(vec![json!({ "text": "42" })], vec![])),
        conversation("50-tool-turns", 50, "none", looks(50)),
        conversation("200-tool-turns", 200, "none", looks(200)),
        conversation("50-shell-turns", 50, "none", shells()),
        conversation("50-shell-turns-kernel", 50, "kernel", shells()),
        conversation("5-workers-of-10-turns", 55, "none", script(workers, works)),
    ]
}

/// What one process took.
#[derive(Debug, Clone, Copy)]
struct Figures {
    cpu_ms: f64,
    wall_ms: f64,
    rss_mib: f64,
}

struct Bench {
    product: PathBuf,
    limit: PathBuf,
    server: PathBuf,
    runs: usize,
}

impl Bench {
    fn pair(&self, case: &Case) -> Result<(Figures, Figures)> {
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        // One run of each to warm up.
        for run in 0..=self.runs {
            let (one, other) = (self.run(case, true)?, self.run(case, false)?);
            if run > 0 {
                ours.push(one);
                theirs.push(other);
            }
        }
        Ok((median(&ours), median(&theirs)))
    }

    fn run(&self, case: &Case, is_product: bool) -> Result<Figures> {
        let folder = tempfile::tempdir()?;
        let program = if is_product { &self.product } else { &self.limit };
        let Kind::Conversation(script, level) = &case.kind else {
            return measure(Command::new(program).arg(if is_product { "--version" } else { "version" }));
        };
        let file = folder.path().join("script.json");
        std::fs::write(&file, script.to_string())?;
        let (mut server, url) = self.serve(&file)?;
        let workspace = folder.path().join("workspace");
        std::fs::create_dir(&workspace)?;
        std::fs::write(workspace.join("notes.txt"), "one\ntwo\n세 번째 줄\n")?;
        let mut command = Command::new(program);
        if is_product {
            // The limit never cuts its conversation, so better-llm must not either.
            let config = folder.path().join("system_config.json");
            let limits = json!({ "workflow_limits": { "max_messages": 1000, "max_turns": 300, "max_worker_turns": 300 } });
            std::fs::write(&config, limits.to_string())?;
            command.args([
                "--permission-mode",
                "full",
                "--sandbox",
                level,
                "--provider",
                "anthropic",
                "--config",
            ]);
            command.arg(&config).arg("go");
        } else {
            command.args(["run", &url]).arg(folder.path().join("limit.db"));
        }
        command
            .current_dir(&workspace)
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("HOME", folder.path())
            .env("BETTER_LLM_HOME", folder.path().join("home"))
            .env("ANTHROPIC_API_KEY", KEY)
            .env("ANTHROPIC_BASE_URL", &url);
        let figures = measure(&mut command);
        // The server ends with its standard input.
        drop(server.stdin.take());
        server.wait()?;
        figures
    }

    fn serve(&self, script: &Path) -> Result<(Child, String)> {
        let mut server = Command::new(&self.server)
            .arg(script)
            .args(["--key", KEY, "--until-eof"])
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let output = server.stdout.take().ok_or("no standard output")?;
        let mut url = String::new();
        BufReader::new(output).read_line(&mut url)?;
        Ok((server, url.trim().to_owned()))
    }
}

/// Runs a program to its end and asks the kernel what it and its children took.
fn measure(command: &mut Command) -> Result<Figures> {
    let began = Instant::now();
    let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
    let pid = i32::try_from(child.id())?;
    // Read to the end first: a full pipe would stop the program.
    let mut said = String::new();
    if let Some(mut stderr) = child.stderr {
        std::io::Read::read_to_string(&mut stderr, &mut said)?;
    }
    let mut status = 0;
    // SAFETY: all zeroes is a valid rusage, and both pointers live through the call.
    #[expect(unsafe_code, reason = "std does not give the usage of one child")]
    let (waited, usage) = unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        (libc::wait4(pid, &raw mut status, 0, &raw mut usage), usage)
    };
    let wall_ms = began.elapsed().as_secs_f64() * 1000.0;
    if waited != pid || status != 0 {
        return Err(format!("{command:?} ended with status {status}: {said}").into());
    }
    let ms = |time: libc::timeval| time.tv_sec as f64 * 1000.0 + time.tv_usec as f64 / 1000.0;
    Ok(Figures {
        cpu_ms: ms(usage.ru_utime) + ms(usage.ru_stime),
        wall_ms,
        rss_mib: usage.ru_maxrss as f64 / 1024.0,
    })
}

fn median(figures: &[Figures]) -> Figures {
    let of = |read: fn(&Figures) -> f64| {
        let mut values: Vec<f64> = figures.iter().map(read).collect();
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
    };
    Figures { cpu_ms: of(|f| f.cpu_ms), wall_ms: of(|f| f.wall_ms), rss_mib: of(|f| f.rss_mib) }
}

fn row(case: &Case, ours: &Figures, theirs: &Figures) {
    println!(
        "| {} | {:.2} | {:.2} | {:.1} | {:.1} | {:.1} | {:.1} |",
        case.name,
        ours.cpu_ms,
        theirs.cpu_ms,
        ours.cpu_ms / theirs.cpu_ms,
        ours.wall_ms / theirs.wall_ms,
        ours.rss_mib,
        theirs.rss_mib
    );
}

/// What a turn costs: a case less the answer at once, by its turns.
fn per_turn(measured: &[(Case, Figures, Figures)]) {
    let find = |name: &str| measured.iter().find(|(case, _, _)| case.name == name);
    let Some((_, ours_once, theirs_once)) = find("one-shot") else { return };
    println!("\n| per turn | CPU ms | limit CPU ms | ratio |");
    println!("|---|---|---|---|");
    let turn =
        |figures: &Figures, once: &Figures, turns: u32| (figures.cpu_ms - once.cpu_ms) / f64::from(turns);
    for (case, ours, theirs) in measured.iter().filter(|(case, _, _)| case.turns > 0) {
        let (own, other) = (turn(ours, ours_once, case.turns), turn(theirs, theirs_once, case.turns));
        println!("| {} | {own:.3} | {other:.3} | {:.1} |", case.name, own / other);
    }
    if let (Some((fifty, ours_50, _)), Some((many, ours_200, _))) =
        (find("50-tool-turns"), find("200-tool-turns"))
    {
        let growth = turn(ours_200, ours_once, many.turns) / turn(ours_50, ours_once, fifty.turns);
        println!("\nCPU per tool turn at {} turns over that at {}: {growth:.2}", many.turns, fifty.turns);
    }
}
