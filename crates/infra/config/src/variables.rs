//! The environment and the `.env` files as one: who may set what, and what holds.

use std::path::Path;

use domain::secret::Secret;

use crate::{
    dotenv::{self, Assignment, Malformed},
    environment::{Environment, WORKER_TIMEOUT, is_ours},
    files::read_text,
    notice::{Notice, VariableRule},
    problem::{Fault, Problems, Spot},
    source::{Source, Sourced},
};

/// Variables that hold a credential.
pub(crate) const CREDENTIALS: [&str; 3] = ["CLAUDE_CODE_OAUTH_TOKEN", "ANTHROPIC_API_KEY", "OPENAI_API_KEY"];

/// Every variable that is set, with its source.
pub(crate) struct Variables<'e> {
    environment: &'e Environment,
    /// Of the `.env` files, the one that counts first before the others.
    assigned: Vec<Sourced<Assigned>>,
}

struct Assigned {
    name: String,
    value: String,
}

/// Whose `.env` it is.
enum Owner<'t> {
    /// It came with the workspace. The function says whether git tracks a file.
    Workspace(&'t dyn Fn(&Path) -> bool),
    /// It lies in the person's config root.
    Person,
}

impl<'e> Variables<'e> {
    /// Reads the `.env` of the workspace, then that of the config root.
    pub(crate) fn gather(
        environment: &'e Environment,
        cwd: &Path,
        config: &Path,
        is_tracked: &dyn Fn(&Path) -> bool,
        problems: &mut Problems,
        notices: &mut Vec<Notice>,
    ) -> Self {
        let mut variables = Self { environment, assigned: Vec::new() };
        variables.read(&cwd.join(".env"), &Owner::Workspace(is_tracked), problems, notices);
        if cwd != config {
            variables.read(&config.join(".env"), &Owner::Person, problems, notices);
        }
        variables
    }

    fn read(&mut self, file: &Path, owner: &Owner<'_>, problems: &mut Problems, notices: &mut Vec<Notice>) {
        let text = match read_text(file) {
            Ok(Some(text)) => text,
            Ok(None) => return,
            // A folder called `.env` is common (virtual environments) and no file of ours.
            Err(Fault::NoFile) => return,
            Err(fault) => return problems.add(Spot::file(file), fault),
        };
        let mut tracked = None;
        for line in dotenv::parse(&text) {
            match line {
                Err(malformed) => report(file, malformed, problems),
                Ok(Assignment { line, name, value }) if is_ours(&name) => {
                    if let Some(reason) = refusal(&name, file, owner, &mut tracked) {
                        notices.push(Notice::VariableIgnored { file: file.to_owned(), line, name, reason });
                    } else {
                        let source = Source::DotEnv { file: file.to_owned(), line, name: name.clone() };
                        self.assigned.push(Sourced::new(Assigned { name, value }, source));
                    }
                }
                // Another program's variable.
                Ok(_) => {}
            }
        }
    }

    /// The value of a variable, where it is set and not empty.
    pub(crate) fn text(&self, name: &str, problems: &mut Problems) -> Option<Sourced<String>> {
        if let Some(value) = self.environment.get(name) {
            let source = Source::Environment(name.to_owned());
            let text = value.to_str().map(|text| Sourced::new(text.to_owned(), source));
            if text.is_none() {
                problems.add(Spot::Variable(name.to_owned()), Fault::NotText);
            }
            return text;
        }
        // In one file the last line counts, as in a shell that reads it; the first file that has any counts.
        let mut found: Option<&Sourced<Assigned>> = None;
        for set in self.assigned.iter().filter(|set| set.value.name == name && !set.value.value.is_empty()) {
            if found.is_none_or(|before| same_file(&before.source, &set.source)) {
                found = Some(set);
            }
        }
        found.map(|set| Sourced::new(set.value.value.clone(), set.source.clone()))
    }

    /// A credential, where it is set and not blank.
    pub(crate) fn secret(&self, name: &str, problems: &mut Problems) -> Option<Sourced<Secret>> {
        let text = self.text(name, problems)?;
        Some(Sourced::new(Secret::new(&text.value)?, text.source))
    }

    /// The workers' timeouts that are set: `WORKER_TIMEOUT_*`.
    pub(crate) fn timeouts(&self) -> Vec<String> {
        let assigned = self.assigned.iter().map(|set| set.value.name.as_str());
        let mut names: Vec<String> = (self.environment.names().chain(assigned))
            .filter(|name| name.starts_with(WORKER_TIMEOUT))
            .map(str::to_owned)
            .collect();
        names.sort();
        names.dedup();
        names
    }
}

/// Where to point to when the value of a variable is wrong.
pub(crate) fn spot_of(source: &Source) -> Spot {
    match source {
        Source::DotEnv { file, line, name } => {
            Spot::File { file: file.clone(), line: Some(*line), column: None, path: name.clone() }
        }
        Source::Environment(name) => Spot::Variable(name.clone()),
        Source::Flag(flag) => Spot::Flag(flag),
        Source::File(file) => Spot::file(file),
        Source::Default => Spot::BuiltIn("default".to_owned()),
    }
}

fn same_file(one: &Source, other: &Source) -> bool {
    matches!((one, other), (Source::DotEnv { file: one, .. }, Source::DotEnv { file: other, .. }) if one == other)
}

/// A line about a variable of ours that cannot be read is an error; other programs' lines are theirs.
fn report(file: &Path, malformed: Malformed, problems: &mut Problems) {
    if let Some(name) = malformed.name.filter(|name| is_ours(name)) {
        let spot = Spot::File { file: file.to_owned(), line: Some(malformed.line), column: None, path: name };
        problems.add(spot, Fault::Rule(malformed.what.to_owned()));
    }
}

/// Why `file` may not set `name`; `None` where it may. `tracked` keeps git's answer.
fn refusal(name: &str, file: &Path, owner: &Owner<'_>, tracked: &mut Option<bool>) -> Option<VariableRule> {
    let is_credential = CREDENTIALS.contains(&name);
    match owner {
        Owner::Workspace(is_tracked) if is_credential => {
            tracked.get_or_insert_with(|| is_tracked(file)).then_some(VariableRule::Tracked)
        }
        Owner::Workspace(_) => {
            let allowed = name.starts_with(WORKER_TIMEOUT) || matches!(name, "LOG_LEVEL" | "LOG_FORMAT");
            (!allowed).then_some(VariableRule::NeedsTrust)
        }
        Owner::Person => {
            let allowed = is_credential
                || name.starts_with(WORKER_TIMEOUT)
                || name.starts_with("FLOW_")
                || name.starts_with("LOG_")
                || name.ends_with("_BASE_URL")
                || name == "USE_SUBPROCESS_WORKER";
            (!allowed).then_some(VariableRule::EnvironmentOnly)
        }
    }
}
