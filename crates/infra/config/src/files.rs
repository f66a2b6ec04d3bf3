//! Finding the configuration files.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{
    json::{Kind, Node, line_at},
    problem::{Fault, Problems, Spot},
    reading::{Snapshot, Unread, read_text, text_of},
};

/// What a configuration file is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    /// `system_config.json`.
    System,
    /// `agent_config.json`.
    Agents,
}

impl FileKind {
    const fn file_name(self) -> &'static str {
        match self {
            Self::System => "system_config.json",
            Self::Agents => "agent_config.json",
        }
    }

    const fn schema_name(self) -> &'static str {
        match self {
            Self::System => "system_config.schema.json",
            Self::Agents => "agent_config.schema.json",
        }
    }
}

/// How a configuration file was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// Named by `--config`: counts in full.
    Given,
    /// In the person's config root: counts in full.
    Person,
    /// In the workspace: may only narrow ([`crate::trust`]).
    Workspace,
    /// In the workspace, and a person trusts it as it is: counts in full.
    Trusted,
}

/// A configuration file that counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsedFile {
    /// What it is about.
    pub kind: FileKind,
    /// How it was found.
    pub origin: Origin,
    /// Where it lies.
    pub path: PathBuf,
}

/// A file that was read and is JSON.
#[derive(Debug)]
pub(crate) struct Document {
    pub(crate) file: PathBuf,
    pub(crate) origin: Origin,
    text: String,
    pub(crate) root: Node,
}

impl Document {
    /// The place of `node`, which `path` leads to.
    pub(crate) fn spot(&self, node: &Node, path: &str) -> Spot {
        Spot::File {
            file: self.file.clone(),
            line: Some(line_at(&self.text, node.offset)),
            column: None,
            path: path.to_owned(),
        }
    }

    /// The folder that prompts are relative to: the one above `config/`, else the file's own.
    pub(crate) fn base(&self) -> PathBuf {
        prompt_base(self.file.parent().unwrap_or(Path::new(".")))
    }

    fn parse(file: &Path, origin: Origin, text: String, problems: &mut Problems) -> Option<Self> {
        match Node::parse(&text) {
            Ok(root) => Some(Self { file: file.to_owned(), origin, text, root }),
            Err(error) => {
                let (line, column) = (Some(error.line), Some(error.column));
                let spot = Spot::File { file: file.to_owned(), line, column, path: String::new() };
                problems.add(spot, error.fault());
                None
            }
        }
    }
}

/// The folder that prompts are relative to, of configuration files in `folder`.
pub(crate) fn prompt_base(folder: &Path) -> PathBuf {
    match folder.parent() {
        Some(above) if folder.file_name().is_some_and(|name| name == "config") => above.to_owned(),
        _ => folder.to_owned(),
    }
}

/// The files of one kind: the one that counts in full, and the one laid over it.
#[derive(Debug, Default)]
pub(crate) struct Layers {
    pub(crate) base: Option<Document>,
    pub(crate) workspace: Option<Document>,
    /// The person's own file where a trusted one has taken its place: what it denies still holds.
    pub(crate) replaced: Option<Document>,
}

impl Layers {
    /// The files in use, base first.
    pub(crate) fn used(&self, kind: FileKind) -> impl Iterator<Item = UsedFile> {
        let files = [&self.replaced, &self.base, &self.workspace].into_iter().flatten();
        files.map(move |document| UsedFile { kind, origin: document.origin, path: document.file.clone() })
    }
}

/// Where configuration files are looked for.
pub(crate) struct FilePlaces<'f> {
    /// `--config`.
    pub(crate) given: &'f [PathBuf],
    /// The workspace.
    pub(crate) workspace: &'f Path,
    /// Its files.
    pub(crate) snapshot: &'f Snapshot,
    /// Whether a person trusts them as they are.
    pub(crate) trusted: bool,
    /// The person's config root.
    pub(crate) config: &'f Path,
}

impl FilePlaces<'_> {
    /// Finds the system and the agent configuration.
    pub(crate) fn find(&self, problems: &mut Problems) -> (Layers, Layers) {
        let (mut system, mut agents) = (Layers::default(), Layers::default());
        for file in self.given {
            let Some(document) = read_given(file, problems) else { continue };
            let (kind, layers) = match kind_of(&document.root) {
                FileKind::Agents => (FileKind::Agents, &mut agents),
                FileKind::System => (FileKind::System, &mut system),
            };
            if let Some(first) = &layers.base {
                let name = kind.file_name();
                let what =
                    format!("is a second {name} beside {}: give one of each kind", first.file.display());
                problems.add(Spot::file(file), Fault::Rule(what));
            } else {
                layers.base = Some(document);
            }
        }
        for (kind, layers) in [(FileKind::System, &mut system), (FileKind::Agents, &mut agents)] {
            if layers.base.is_none() {
                self.find_unnamed(kind, layers, problems);
            }
        }
        (system, agents)
    }

    fn find_unnamed(&self, kind: FileKind, layers: &mut Layers, problems: &mut Problems) {
        let own = read_document(&self.config.join(kind.file_name()), Origin::Person, problems);
        let found = self.workspace_file(kind, problems);
        if self.trusted && found.is_some() {
            layers.base = found;
            layers.replaced = own.filter(|_| kind == FileKind::System);
        } else {
            layers.base = own;
            layers.workspace = found;
        }
    }

    /// The workspace's file: in `.better-llm/`, or in `config/` where it is ours.
    pub(crate) fn workspace_file(&self, kind: FileKind, problems: &mut Problems) -> Option<Document> {
        let own = self.config.join(kind.file_name());
        let origin = if self.trusted { Origin::Trusted } else { Origin::Workspace };
        let [ours, maybe] =
            [".better-llm", "config"].map(|folder| self.workspace.join(folder).join(kind.file_name()));
        // Started in the config root's own folder, the person's file is no workspace's.
        let is_own = |file: &Path| {
            fs::canonicalize(file).is_ok_and(|file| fs::canonicalize(&own).is_ok_and(|own| own == file))
        };
        if !is_own(&ours) {
            match self.snapshot.read(&ours) {
                Ok(None) => {}
                Ok(Some(bytes)) => match text_of(&bytes) {
                    Ok(text) => return Document::parse(&ours, origin, text, problems),
                    Err(fault) => {
                        problems.add(Spot::file(&ours), fault);
                        return None;
                    }
                },
                Err(unread) => {
                    problems.add(Spot::file(&ours), unread.fault());
                    return None;
                }
            }
        }
        if is_own(&maybe) {
            return None;
        }
        // Another program's file of this name is none of our business, readable or not.
        let text = text_of(&self.snapshot.peek(&maybe).ok().flatten()?).ok()?;
        let is_ours =
            Node::parse(&text).map_or_else(|_| may_be_ours(kind, &text), |root| is_ours(kind, &root));
        if !is_ours || self.snapshot.read(&maybe).is_err() {
            return None;
        }
        Document::parse(&maybe, origin, text, problems)
    }
}

impl Unread {
    /// What is wrong, in the terms of a configuration file.
    fn fault(self) -> Fault {
        match self {
            Self::Fault(fault) => fault,
            Self::Outside => Fault::Rule(LEADS_OUT.to_owned()),
        }
    }
}

/// What is said of a workspace's file that lies elsewhere.
pub(crate) const LEADS_OUT: &str =
    "is a link that leads out of the workspace: put the file itself there, or name it by `--config`";

fn read_given(file: &Path, problems: &mut Problems) -> Option<Document> {
    let count = problems.count();
    let document = read_document(file, Origin::Given, problems);
    if document.is_none() && problems.count() == count {
        problems.add(Spot::file(file), Fault::Missing);
    }
    document
}

/// An agent configuration has `agents` or names its schema; everything else is a system configuration.
fn kind_of(root: &Node) -> FileKind {
    if root.get("agents").is_some() || names_schema(root, FileKind::Agents) {
        FileKind::Agents
    } else {
        FileKind::System
    }
}

fn names_schema(root: &Node, kind: FileKind) -> bool {
    root.get("$schema").and_then(Node::text).is_some_and(|name| name.ends_with(kind.schema_name()))
}

/// Whether a file in a workspace's `config/` is meant for us: by its schema, or by the keys of the documents that
/// better-llm was specified by.
fn is_ours(kind: FileKind, root: &Node) -> bool {
    let has = |node: &Node, keys: &[&str]| keys.iter().any(|key| node.get(key).is_some());
    names_schema(root, kind)
        || match kind {
            FileKind::System => has(root, &["workflow_limits", "performance"]),
            FileKind::Agents => root.get("agents").is_some_and(|agents| {
                agents.items().iter().any(|agent| {
                    matches!(agent.kind, Kind::Object(_))
                        && has(agent, &["name"])
                        && has(agent, &["system_prompt_file", "tools", "allowed_tools"])
                })
            }),
        }
}

/// The same guess about a text that is no JSON.
fn may_be_ours(kind: FileKind, text: &str) -> bool {
    text.contains(kind.schema_name())
        || match kind {
            FileKind::System => text.contains("\"workflow_limits\""),
            FileKind::Agents => text.contains("\"agents\"") && text.contains("\"system_prompt_file\""),
        }
}

fn read_document(file: &Path, origin: Origin, problems: &mut Problems) -> Option<Document> {
    match read_text(file) {
        Ok(text) => Document::parse(file, origin, text?, problems),
        Err(fault) => {
            problems.add(Spot::file(file), fault);
            None
        }
    }
}
