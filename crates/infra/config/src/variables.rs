//! The environment and the `.env` files as one: who may set what, and what holds.

use std::path::Path;

use domain::secret::Secret;

use crate::{
    dotenv::{Assignment, Malformed},
    env_file::{EnvFile, Weight},
    environment::{Environment, WORKER_TIMEOUT, is_ours},
    notice::{Notice, VariableRule},
    problem::{Fault, Problems, Spot},
    request::LoadRequest,
    secret_names::secrets_in,
    source::{Source, Sourced},
};

/// Every variable that is set, with its source.
pub(crate) struct Variables<'e> {
    environment: &'e Environment,
    /// Of the `.env` files, the one that counts first before the others.
    assigned: Vec<Sourced<Assigned>>,
    secrets: Vec<Secret>,
}

struct Assigned {
    name: String,
    value: String,
}

/// Whose `.env` it is.
enum Owner<'t> {
    /// It came with the workspace.
    Workspace {
        /// Whether git tracks a file.
        is_tracked: &'t dyn Fn(&Path) -> bool,
        /// Whether a person trusts what the file says.
        trusted: bool,
    },
    /// It lies in the person's config root.
    Person,
}

impl<'e> Variables<'e> {
    /// Takes the `.env` of the workspace, then reads that of the config root.
    pub(crate) fn gather(
        request: &'e LoadRequest<'_>,
        workspace: Option<&EnvFile>,
        trusted: bool,
        config: &Path,
        problems: &mut Problems,
        notices: &mut Vec<Notice>,
    ) -> Self {
        let secrets = request.environment.secrets().to_vec();
        let mut variables = Self { environment: request.environment, assigned: Vec::new(), secrets };
        if let Some(file) = workspace {
            let owner = Owner::Workspace { is_tracked: request.is_tracked, trusted };
            variables.take(file, &owner, problems, notices);
        }
        if request.cwd != config
            && let Some(file) = EnvFile::read(&config.join(".env"), problems, notices)
        {
            variables.take(&file, &Owner::Person, problems, notices);
        }
        variables
    }

    fn take(
        &mut self,
        file: &EnvFile,
        owner: &Owner<'_>,
        problems: &mut Problems,
        notices: &mut Vec<Notice>,
    ) {
        let mut tracked = None;
        for line in &file.lines {
            let Assignment { line, name, value } = match line {
                Ok(assignment) => assignment,
                Err(malformed) => {
                    report(&file.path, malformed, problems);
                    continue;
                }
            };
            self.secrets.extend(secrets_in(name, value));
            // Another program's variable.
            if !is_ours(name) {
                continue;
            }
            let (path, line, name) = (file.path.clone(), *line, name.clone());
            if let Some(reason) = refusal(&name, &path, owner, &mut tracked) {
                notices.push(Notice::VariableIgnored { file: path, line, name, reason });
            } else {
                let source = Source::DotEnv { file: path, line, name: name.clone() };
                self.assigned.push(Sourced::new(Assigned { name, value: value.clone() }, source));
            }
        }
    }

    /// Everything in the environment and in `.env` files that looks like a secret, whether it counts or not.
    pub(crate) fn secrets(&self) -> &[Secret] {
        &self.secrets
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
fn report(file: &Path, malformed: &Malformed, problems: &mut Problems) {
    if let Some(name) = malformed.name.clone().filter(|name| is_ours(name)) {
        let spot = Spot::File { file: file.to_owned(), line: Some(malformed.line), column: None, path: name };
        problems.add(spot, Fault::Rule(malformed.what.to_owned()));
    }
}

/// Why `file` may not set `name`; `None` where it may. `tracked` keeps git's answer.
fn refusal(name: &str, file: &Path, owner: &Owner<'_>, tracked: &mut Option<bool>) -> Option<VariableRule> {
    match (Weight::of(name), owner) {
        (Weight::Free, _)
        | (Weight::Credential | Weight::Steering, Owner::Person)
        | (Weight::Steering | Weight::Home, Owner::Workspace { trusted: true, .. }) => None,
        (Weight::Credential, Owner::Workspace { is_tracked, .. }) => {
            tracked.get_or_insert_with(|| is_tracked(file)).then_some(VariableRule::Tracked)
        }
        (Weight::Steering | Weight::Home, Owner::Workspace { trusted: false, .. }) => {
            Some(VariableRule::NeedsTrust)
        }
        (Weight::Home, Owner::Person) | (Weight::EnvironmentOnly, _) => Some(VariableRule::EnvironmentOnly),
    }
}
