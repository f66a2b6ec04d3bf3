//! A worker in the making: described by a file or built in, narrowed by an untrusted workspace.

use std::time::Duration;

use domain::agent::{AgentKind, AgentName, AgentSpec, WorkerKind};
use serde_json::{Value, json};

use crate::{
    agent_entry::Entry,
    files::Document,
    notice::Notice,
    prompt::Prompt,
    provider::ProviderName,
    source::{Shown, Source, Sourced},
    trust::{Widening, is_smaller},
};

/// A worker in the making.
#[derive(Debug, Clone)]
pub(crate) struct Draft {
    pub(crate) name: AgentName,
    pub(crate) role: String,
    pub(crate) kind: WorkerKind,
    pub(crate) prompt: Sourced<Prompt>,
    pub(crate) tools: Sourced<Vec<String>>,
    pub(crate) model: Sourced<Option<String>>,
    pub(crate) provider: Sourced<Option<ProviderName>>,
    pub(crate) thinking: Option<bool>,
    pub(crate) timeout: Sourced<f64>,
    pub(crate) description: Option<String>,
}

/// The workers that a file describes.
pub(crate) fn drafts_of(entries: Vec<Entry>, document: &Document) -> Vec<Draft> {
    let source = Source::File(document.file.clone());
    let draft = |entry: Entry| {
        let default = entry.kind.default_timeout().as_secs_f64();
        let given = |seconds| Sourced::new(seconds, source.clone());
        Some(Draft {
            name: entry.name,
            role: entry.role,
            kind: entry.kind,
            prompt: Sourced::new(entry.prompt?, source.clone()),
            tools: Sourced::new(entry.tools, source.clone()),
            timeout: entry.timeout.map_or_else(|| Sourced::default(default), given),
            model: entry
                .model
                .map_or_else(|| Sourced::default(None), |model| Sourced::new(Some(model), source.clone())),
            provider: entry.provider.map_or_else(
                || Sourced::default(None),
                |provider| Sourced::new(Some(provider), source.clone()),
            ),
            thinking: entry.thinking,
            description: entry.description,
        })
    };
    entries.into_iter().filter_map(draft).collect()
}

/// Lays an untrusted workspace's agents over the team that holds without them ([`crate::trust`]).
pub(crate) fn narrow(
    base: Vec<Draft>,
    entries: Vec<Entry>,
    document: &Document,
    notices: &mut Vec<Notice>,
) -> Vec<Draft> {
    let mut narrowed = Vec::new();
    for entry in entries {
        if let Some(draft) = base.iter().find(|draft| draft.name == entry.name) {
            narrowed.push(draft.clone().narrowed(entry, document, notices));
        } else {
            let (file, widening) = (document.file.clone(), Widening::NewAgent);
            notices.push(Notice::NotTrusted { file, path: entry.path, widening });
        }
    }
    // A team without anyone is no smaller team.
    if narrowed.is_empty() { base } else { narrowed }
}

impl Draft {
    fn narrowed(mut self, entry: Entry, document: &Document, notices: &mut Vec<Notice>) -> Self {
        let source = Source::File(document.file.clone());
        let mut ignore = |key: &str, widening| {
            let path = format!("{}.{key}", entry.path);
            notices.push(Notice::NotTrusted { file: document.file.clone(), path, widening });
        };
        if entry.kind != self.kind {
            ignore("kind", Widening::Kind);
        }
        if entry.model.is_some() && entry.model != self.model.value {
            ignore("model", Widening::Model);
        }
        // Where the code is sent.
        if entry.provider.is_some() && entry.provider != self.provider.value {
            ignore("provider", Widening::Endpoint);
        }
        if entry.thinking.is_some() && entry.thinking != self.thinking {
            ignore("thinking", Widening::Model);
        }
        match entry.timeout {
            Some(wanted) if is_smaller(&wanted, &self.timeout.value) => {
                self.timeout = Sourced::new(wanted, source.clone());
            }
            Some(wanted) if wanted > self.timeout.value => ignore("timeout_seconds", Widening::Limit),
            Some(_) | None => {}
        }
        let in_force = self.tools.value.len();
        if entry.tools.iter().any(|tool| !self.tools.value.contains(tool)) {
            ignore("tools", Widening::Tools);
        }
        self.tools.value.retain(|tool| entry.tools.contains(tool));
        if self.tools.value.len() < in_force {
            self.tools.source = source.clone();
        }
        match entry.prompt {
            // The built-in prompt is no other prompt: the person may have put one of their own in its place.
            Some(prompt) if prompt.is_built_in() => {}
            Some(prompt) => self.prompt = Sourced::new(prompt, source),
            None => ignore("system_prompt_file", Widening::PromptOutside),
        }
        self.role = entry.role;
        self.description = entry.description.or(self.description);
        self
    }

    /// The worker, decided.
    pub(crate) fn finish(self) -> AgentSpec {
        AgentSpec {
            name: self.name,
            role: self.role,
            kind: AgentKind::Worker(self.kind),
            prompt: self.prompt.value.text,
            prompt_source: self.prompt.value.source,
            tools: self.tools.value,
            model: self.model.value,
            thinking: self.thinking,
            timeout: Duration::from_secs_f64(self.timeout.value),
            description: self.description,
        }
    }
}

/// The settings of a team, for `config show`.
pub(crate) fn shown(
    drafts: &[Draft],
    manager_model: &Sourced<Option<String>>,
    manager_prompt: &Prompt,
) -> Vec<Shown> {
    let entry = |name: &str, key: &str, value: Value, source: &Source| Shown {
        key: format!("agents.{name}.{key}"),
        value,
        source: source.clone(),
    };
    let prompt = |name: &str, prompt: &Prompt| {
        // A prompt is a file's text: its file is both value and source.
        let source =
            if prompt.is_built_in() { Source::Default } else { Source::File(prompt.source.clone().into()) };
        entry(name, "prompt", json!(prompt.source), &source)
    };
    let mut shown = vec![
        prompt("manager", manager_prompt),
        entry("manager", "model", json!(manager_model.value), &manager_model.source),
    ];
    for draft in drafts {
        let name = draft.name.as_str();
        shown.extend([
            prompt(name, &draft.prompt.value),
            entry(name, "tools", json!(draft.tools.value), &draft.tools.source),
            entry(name, "model", json!(draft.model.value), &draft.model.source),
            entry(
                name,
                "provider",
                json!(draft.provider.value.as_ref().map(ProviderName::to_string)),
                &draft.provider.source,
            ),
            entry(name, "timeout_seconds", json!(draft.timeout.value), &draft.timeout.source),
        ]);
    }
    shown
}
