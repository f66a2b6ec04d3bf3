//! Runs the two sides of a case in turns, each in folders of its own, with an environment of its own.

use std::{
    fs,
    io::{BufRead, BufReader, Read},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Instant,
};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    Result,
    cases::{Case, Folder, Kind, file},
    figures::{Figures, Pair, measure},
};

const KEY: &str = "fake-key";

/// The programs, and how often each runs.
pub(crate) struct Bench {
    pub(crate) product: PathBuf,
    pub(crate) limit: PathBuf,
    /// The product as a library in a program with many sessions.
    pub(crate) sessions: PathBuf,
    pub(crate) server: PathBuf,
    pub(crate) runs: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Product,
    Limit,
}

impl Bench {
    /// Runs both sides so many times. Before that once, to warm up: the first run of all also makes the journal.
    pub(crate) fn pairs(&self, case: &Case) -> Result<Vec<Pair>> {
        let places = (Place::new(case)?, Place::new(case)?);
        let mut pairs = Vec::new();
        for run in 0..=self.runs {
            let product = self.run(case, Side::Product, &places.0)?;
            let limit = self.run(case, Side::Limit, &places.1)?;
            if run > 0 {
                pairs.push(Pair { product, limit });
            }
        }
        Ok(pairs)
    }

    fn run(&self, case: &Case, side: Side, place: &Place) -> Result<Figures> {
        match &case.kind {
            Kind::Call(product, limit) => {
                let (program, argument) = match side {
                    Side::Product => (&self.product, product),
                    Side::Limit => (&self.limit, limit),
                };
                measure(Command::new(program).arg(argument).env_clear())
            }
            Kind::FirstRequest => self.first_request(side, place),
            Kind::Conversation { script, level, .. } => {
                self.converse(place, script, &[], |url| self.command(side, place, level, url))
            }
            // What a session is told depends on its own conversation alone.
            Kind::Sessions { script, count } => {
                self.converse(place, script, &["--story"], |url| self.many(side, place, *count, url))
            }
        }
    }

    fn converse(
        &self,
        place: &Place,
        script: &Value,
        options: &[&str],
        command: impl FnOnce(&str) -> Command,
    ) -> Result<Figures> {
        let script_file = place.folder.path().join("script.json");
        fs::write(&script_file, script.to_string())?;
        let (mut server, url) = self.serve(&script_file, options)?;
        let figures = measure(&mut command(&url));
        // The server ends with its standard input.
        drop(server.stdin.take());
        server.wait()?;
        figures
    }

    /// Wall time only: the program is ended in the middle.
    fn first_request(&self, side: Side, place: &Place) -> Result<Figures> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let url = format!("http://{}", listener.local_addr()?);
        let mut command = self.command(side, place, "none", &url);
        let began = Instant::now();
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        let (mut connection, _) = listener.accept()?;
        connection.read_exact(&mut [0])?;
        let wall_ms = began.elapsed().as_secs_f64() * 1000.0;
        child.kill()?;
        child.wait()?;
        Ok(Figures { cpu_ms: f64::NAN, wall_ms, rss_mib: f64::NAN })
    }

    fn command(&self, side: Side, place: &Place, level: &str, url: &str) -> Command {
        let folder = place.folder.path();
        let mut command = match side {
            Side::Product => {
                let mut command = Command::new(&self.product);
                command.args(["--permission-mode", "full", "--sandbox", level, "--provider", "anthropic"]);
                command.arg("--config").arg(folder.join("system_config.json")).arg("go");
                command
            }
            Side::Limit => {
                let mut command = Command::new(&self.limit);
                command.args(["run", level, url]).arg(folder.join("limit.db"));
                command
            }
        };
        in_place(&mut command, folder, url);
        command
    }

    fn many(&self, side: Side, place: &Place, count: u32, url: &str) -> Command {
        let folder = place.folder.path();
        let mut command = match side {
            Side::Product => Command::new(&self.sessions),
            Side::Limit => {
                let mut command = Command::new(&self.limit);
                command.arg("sessions");
                command
            }
        };
        command.arg(count.to_string());
        match side {
            Side::Product => command.arg(folder.join("system_config.json")),
            Side::Limit => command.arg(url).arg(folder.join("limit.db")),
        };
        in_place(&mut command, folder, url);
        command
    }

    fn serve(&self, script: &Path, options: &[&str]) -> Result<(Child, String)> {
        let mut server = Command::new(&self.server)
            .arg(script)
            .args(options)
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

/// Gives a program its folders and its environment, which is all that it knows.
fn in_place(command: &mut Command, folder: &Path, url: &str) {
    command
        .current_dir(folder.join("workspace"))
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .env("HOME", folder)
        .env("BETTER_LLM_HOME", folder.join("home"))
        .env("ANTHROPIC_API_KEY", KEY)
        .env("ANTHROPIC_BASE_URL", url);
}

/// Where one side of a case runs; kept from run to run, as a person's folders are.
struct Place {
    folder: TempDir,
}

impl Place {
    fn new(case: &Case) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let workspace = folder.path().join("workspace");
        fs::create_dir(&workspace)?;
        let kind = match case.kind {
            Kind::Conversation { folder, .. } => folder,
            Kind::Sessions { .. } => Folder::Large,
            Kind::Call(..) | Kind::FirstRequest => Folder::Small,
        };
        for number in 0..kind.files() {
            fs::write(workspace.join(file(number)), format!("one\n둘\n{number}\n"))?;
        }
        // The limit never cuts its conversation, so better-llm must not either.
        let limits = json!({ "max_messages": 1000, "max_turns": 300, "max_worker_turns": 300 });
        let config = json!({ "workflow_limits": limits });
        fs::write(folder.path().join("system_config.json"), config.to_string())?;
        if kind == Folder::Repository {
            git(&workspace, &["init", "--quiet"])?;
            git(&workspace, &["add", "."])?;
            git(&workspace, &["commit", "--quiet", "--message", "all"])?;
        }
        Ok(Self { folder })
    }
}

fn git(workspace: &Path, arguments: &[&str]) -> Result<()> {
    let status = Command::new("git")
        .args(["-c", "user.name=Bench", "-c", "user.email=bench@example.com"])
        .args(arguments)
        .current_dir(workspace)
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .status()?;
    if status.success() { Ok(()) } else { Err(format!("git {arguments:?} ended with {status}").into()) }
}
