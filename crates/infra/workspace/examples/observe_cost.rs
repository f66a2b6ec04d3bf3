//! What watching a workspace costs: `cargo run --release -p better-llm-workspace --example observe_cost`.
//!
//! For repositories of 100 and of 10,000 small files: the first checkpoint, one where nothing changed, one after an
//! edit, `touched`, and `changes_since`. Medians of wall time on a quiet machine; git processes included.

#![expect(clippy::print_stdout, reason = "an example speaks to whoever runs it")]

use std::{
    collections::BTreeMap,
    error::Error,
    ffi::OsString,
    fs,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use better_llm_workspace::{Author, Workspace, WorkspaceSettings, create_repository};
use domain::ports::WorkspacePort;

/// How often each figure is taken.
const TIMES: usize = 21;
/// Files in one folder.
const IN_A_FOLDER: usize = 50;

type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> Outcome<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    println!(
        "{:>7}  {:>11}  {:>11}  {:>11}  {:>11}  {:>11}",
        "files", "first", "unchanged", "one edit", "touched", "changes"
    );
    for files in [100, 10_000] {
        runtime.block_on(measure(files))?;
    }
    Ok(())
}

async fn measure(files: usize) -> Outcome<()> {
    let place = tempfile::TempDir::new()?;
    let base = place.path().canonicalize()?;
    let root = base.join("work");
    for number in 0..files {
        let folder = root.join(format!("src/part{}", number / IN_A_FOLDER));
        fs::create_dir_all(&folder)?;
        fs::write(folder.join(format!("file{number}.rs")), format!("fn number() -> u32 {{ {number} }}\n"))?;
    }
    fs::write(root.join(".gitignore"), "target/\n*.log\n")?;
    let path = std::env::var_os("PATH").unwrap_or_default();
    let environment = BTreeMap::from([(OsString::from("PATH"), path)]);
    let settings = WorkspaceSettings::new(root.clone(), base.join("store"), environment);
    create_repository(&settings, Author { name: "a", email: "a@example.org" }, "all").await?;
    settle(&root)?;

    let mut first = Vec::new();
    for _ in 0..5 {
        let workspace = Workspace::open(settings.clone());
        let start = Instant::now();
        workspace.checkpoint().await?;
        first.push(start.elapsed());
    }
    let workspace = Workspace::open(settings);
    let base_line = workspace.checkpoint().await?;
    let (mut unchanged, mut edited, mut touched, mut changes) = (vec![], vec![], vec![], vec![]);
    for number in 0..TIMES {
        let start = Instant::now();
        workspace.touched().await?;
        touched.push(start.elapsed());
        let start = Instant::now();
        workspace.checkpoint().await?;
        unchanged.push(start.elapsed());
        fs::write(root.join("src/part0/file0.rs"), format!("// {number}\n"))?;
        let start = Instant::now();
        workspace.changes_since(&base_line).await?;
        changes.push(start.elapsed());
        fs::write(root.join("src/part0/file1.rs"), format!("// {number}\n"))?;
        let start = Instant::now();
        workspace.checkpoint().await?;
        edited.push(start.elapsed());
    }
    println!(
        "{files:>7}  {:>8.2} ms  {:>8.2} ms  {:>8.2} ms  {:>8.2} ms  {:>8.2} ms",
        median(first),
        median(unchanged),
        median(edited),
        median(touched),
        median(changes)
    );
    Ok(())
}

/// Lets the index know the files by their times, as it does in a repository that is in use.
fn settle(root: &Path) -> Outcome<()> {
    let status = Command::new("git")
        .args(["update-index", "--refresh", "--really-refresh"])
        .current_dir(root)
        .status()?;
    if status.success() { Ok(()) } else { Err("git update-index failed".into()) }
}

fn median(mut times: Vec<Duration>) -> f64 {
    times.sort();
    let middle = times.get(times.len() / 2).copied().unwrap_or_default();
    middle.as_secs_f64() * 1_000.0
}
