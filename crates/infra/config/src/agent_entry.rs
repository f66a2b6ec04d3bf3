//! From a file's entries to agents that are valid in themselves; what each may do in the end is
//! [`crate::team`]'s business.

use std::path::Path;

use domain::agent::{AgentName, WorkerKind};

use crate::{
    agent_file::{AgentEntry, AgentFile},
    files::{Document, Origin},
    json::Node,
    problem::{Fault, Problems, Spot, nearest},
    prompt::{NoPrompt, Prompt, Prompts},
    provider::ProviderName,
    schema::agents_shape,
};

/// Names that have a built-in prompt and, except for devops, a kind of their own.
pub(crate) const BUILT_IN: [&str; 6] = ["planner", "coder", "reviewer", "tester", "committer", "devops"];

/// Tools that every agent of its part has, or that a later version brings.
const OWN_TOOLS: [&str; 3] = ["report", "finish", "ask_user"];
const LATER_TOOLS: [(&str, &str); 1] = [("execute_code", "the REPL")];

/// What was trusted is a folder, and nothing outside of it.
const LEADS_OUT_PROMPT: &str = "leads out of the workspace: its prompts must lie inside of it";

/// An agent as a file describes it.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) name: AgentName,
    pub(crate) role: String,
    pub(crate) kind: WorkerKind,
    /// None: outside of an untrusted workspace.
    pub(crate) prompt: Option<Prompt>,
    pub(crate) tools: Vec<String>,
    pub(crate) model: Option<String>,
    pub(crate) provider: Option<ProviderName>,
    pub(crate) thinking: Option<bool>,
    pub(crate) timeout: Option<f64>,
    pub(crate) description: Option<String>,
    /// Its path in the file, e.g. `agents[2]`.
    pub(crate) path: String,
}

/// Reads the entries of an agent configuration; `None` where something is wrong, which is then in `problems`.
pub(crate) fn read_entries(
    document: &Document,
    prompts: &Prompts<'_>,
    known_tools: &[&str],
    problems: &mut Problems,
) -> Option<Vec<Entry>> {
    let before = problems.count();
    agents_shape().check(document, problems);
    if problems.count() > before {
        return None;
    }
    let file: AgentFile = match serde_json::from_value(document.root.to_value()) {
        Ok(file) => file,
        Err(error) => {
            problems.add(Spot::file(&document.file), Fault::Rule(error.to_string()));
            return None;
        }
    };
    let nodes = document.root.get("agents").map_or(&[][..], Node::items);
    let mut entries: Vec<Entry> = Vec::new();
    for (index, (entry, node)) in file.agents.into_iter().zip(nodes).enumerate() {
        let path = format!("agents[{index}]");
        let mut reader = EntryReader { document, node, path, prompts, known_tools, problems };
        let Some(entry) = reader.read(entry) else { continue };
        // Names that differ only in case would be one name to people.
        let twin = entries.iter().find(|other| other.name.as_str().eq_ignore_ascii_case(entry.name.as_str()));
        if let Some(twin) = twin {
            let what = format!("`{}` is the name of {} already", entry.name, twin.path);
            reader.add("name", Fault::Rule(what));
        } else {
            entries.push(entry);
        }
    }
    (problems.count() == before).then_some(entries)
}

struct EntryReader<'r> {
    document: &'r Document,
    node: &'r Node,
    path: String,
    prompts: &'r Prompts<'r>,
    known_tools: &'r [&'r str],
    problems: &'r mut Problems,
}

impl EntryReader<'_> {
    /// Adds a problem at a key of the entry, or at the entry where it has no such key.
    fn add(&mut self, key: &str, fault: Fault) {
        let node = self.node.get(key).unwrap_or(self.node);
        self.problems.add(self.document.spot(node, &format!("{}.{key}", self.path)), fault);
    }

    fn read(&mut self, entry: AgentEntry) -> Option<Entry> {
        let name = self.name(&entry.name)?;
        let kind = self.kind(&name, entry.kind);
        let prompt = self.prompt(&name, entry.system_prompt_file.as_deref());
        let tools = match (entry.tools, entry.allowed_tools) {
            (Some(tools), None) => self.tools("tools", tools),
            (None, Some(tools)) => self.tools("allowed_tools", tools),
            (Some(_), Some(_)) => {
                let what = "is another word for `tools`, which is there, too; keep one of them";
                self.add("allowed_tools", Fault::Rule(what.to_owned()));
                Vec::new()
            }
            (None, None) => {
                let expected = "a list".to_owned();
                let fault = Fault::MissingKey { key: "tools".to_owned(), expected };
                self.problems.add(self.document.spot(self.node, &self.path), fault);
                Vec::new()
            }
        };
        let provider = entry.provider.and_then(|provider| self.provider(&provider));
        Some(Entry {
            name,
            role: entry.role,
            kind,
            prompt,
            tools,
            model: entry.model,
            provider,
            thinking: entry.thinking,
            timeout: entry.timeout_seconds,
            description: entry.description,
            path: self.path.clone(),
        })
    }

    fn name(&mut self, text: &str) -> Option<AgentName> {
        let reserved = AgentName::RESERVED.iter().find(|reserved| reserved.eq_ignore_ascii_case(text));
        match AgentName::parse(reserved.copied().unwrap_or(text)) {
            Ok(name) => Some(name),
            Err(error) => {
                self.add("name", Fault::Rule(error.to_string()));
                None
            }
        }
    }

    fn provider(&mut self, text: &str) -> Option<ProviderName> {
        match ProviderName::parse(text) {
            Ok(provider) => Some(provider),
            Err(error) => {
                self.add("provider", Fault::Rule(error.to_string()));
                None
            }
        }
    }

    fn kind(&mut self, name: &AgentName, kind: Option<WorkerKind>) -> WorkerKind {
        let implied = WorkerKind::implied_by(name);
        let kind = kind.unwrap_or(implied);
        if implied != WorkerKind::General && kind != implied {
            let what =
                format!("the name `{name}` implies the kind `{}`; choose another name", implied.as_str());
            self.add("kind", Fault::Rule(what));
        }
        kind
    }

    fn prompt(&mut self, name: &AgentName, file: Option<&str>) -> Option<Prompt> {
        let found = match file {
            Some(file) => self.prompts.of_file(Path::new(file)).map(Some),
            None if BUILT_IN.contains(&name.as_str()) => self.prompts.of_name(name.as_str()),
            None => Ok(None),
        };
        match found {
            Ok(Some(prompt)) => Some(prompt),
            Ok(None) => {
                let (key, expected) = ("system_prompt_file".to_owned(), "a file with its prompt".to_owned());
                let fault = Fault::MissingKey { key, expected };
                self.problems.add(self.document.spot(self.node, &self.path), fault);
                None
            }
            // What an untrusted file may not have is ignored, and said where the team is put together.
            Err(NoPrompt::Outside) if self.document.origin == Origin::Workspace => None,
            Err(NoPrompt::Outside) => {
                self.add("system_prompt_file", Fault::Rule(LEADS_OUT_PROMPT.to_owned()));
                None
            }
            Err(NoPrompt::Fault(Fault::Missing)) => {
                let file = self.prompts.base.join(file.unwrap_or_default());
                let what = format!("there is no file {}", file.display());
                self.add("system_prompt_file", Fault::Rule(what));
                None
            }
            Err(NoPrompt::Fault(fault)) => {
                self.add("system_prompt_file", fault);
                None
            }
        }
    }

    fn tools(&mut self, key: &str, names: Vec<String>) -> Vec<String> {
        for (index, name) in names.iter().enumerate() {
            let fault = if names.iter().take(index).any(|earlier| earlier == name) {
                Fault::Repeated
            } else if self.known_tools.contains(&name.as_str()) {
                continue;
            } else if let Some((_, feature)) = LATER_TOOLS.iter().find(|(later, _)| later == name) {
                Fault::Later { feature }
            } else if OWN_TOOLS.contains(&name.as_str()) || name.starts_with("execute_") {
                let what = format!("`{name}` is given by the engine where it belongs; leave it out");
                Fault::Rule(what)
            } else {
                let nearest = nearest(name, self.known_tools.iter().copied());
                Fault::UnknownName { what: "tool".to_owned(), name: name.clone(), nearest }
            };
            let item = self.node.get(key).and_then(|list| list.items().get(index)).unwrap_or(self.node);
            self.problems.add(self.document.spot(item, &format!("{}.{key}[{index}]", self.path)), fault);
        }
        names
    }
}

impl Document {
    /// Whether the file came with a workspace.
    pub(crate) fn is_workspaces(&self) -> bool {
        matches!(self.origin, Origin::Workspace | Origin::Trusted)
    }
}
