//! Finding the configuration files, and reading them with bounds.

use std::{
    fs::{self, File},
    io::{ErrorKind, Read},
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::{
    json::{Kind, Node, line_at},
    places::Places,
    problem::{Fault, Problems, Spot},
};

/// The most bytes of a configuration file, a `.env` or a prompt.
const LARGEST: u64 = 256 * 1024;

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
}

impl Layers {
    /// The files in use, base first.
    pub(crate) fn used(&self, kind: FileKind) -> impl Iterator<Item = UsedFile> {
        let files = [&self.base, &self.workspace].into_iter().flatten();
        files.map(move |document| UsedFile { kind, origin: document.origin, path: document.file.clone() })
    }
}

/// Finds the system and the agent configuration.
pub(crate) fn find(
    given: &[PathBuf],
    cwd: &Path,
    places: &Places,
    problems: &mut Problems,
) -> (Layers, Layers) {
    let (mut system, mut agents) = (Layers::default(), Layers::default());
    for file in given {
        let Some(document) = read_given(file, problems) else { continue };
        let (kind, layers) = match kind_of(&document.root) {
            FileKind::Agents => (FileKind::Agents, &mut agents),
            FileKind::System => (FileKind::System, &mut system),
        };
        if let Some(first) = &layers.base {
            let name = kind.file_name();
            let what = format!("is a second {name} beside {}: give one of each kind", first.file.display());
            problems.add(Spot::file(file), Fault::Rule(what));
        } else {
            layers.base = Some(document);
        }
    }
    for (kind, layers) in [(FileKind::System, &mut system), (FileKind::Agents, &mut agents)] {
        if layers.base.is_none() {
            let own = places.config.join(kind.file_name());
            layers.workspace = read_workspace(kind, cwd, &own, problems);
            layers.base = read_document(&own, Origin::Person, problems);
        }
    }
    (system, agents)
}

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

/// The workspace's file: in `.better-llm/`, or in `config/` where it is ours.
fn read_workspace(kind: FileKind, cwd: &Path, own: &Path, problems: &mut Problems) -> Option<Document> {
    let ours = cwd.join(".better-llm").join(kind.file_name());
    let maybe = cwd.join("config").join(kind.file_name());
    // Started in the config root's own folder, the person's file is no workspace's.
    let is_own = |file: &Path| {
        fs::canonicalize(file).is_ok_and(|file| fs::canonicalize(own).is_ok_and(|own| own == file))
    };
    if !is_own(&ours) {
        let count = problems.count();
        let document = read_document(&ours, Origin::Workspace, problems);
        if document.is_some() || problems.count() > count {
            return document;
        }
    }
    if is_own(&maybe) {
        return None;
    }
    // Another program's file of this name is none of our business, readable or not.
    let text = read_text(&maybe).ok().flatten()?;
    let ours = Node::parse(&text).map_or_else(|_| may_be_ours(kind, &text), |root| is_ours(kind, &root));
    if ours { Document::parse(&maybe, Origin::Workspace, text, problems) } else { None }
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

/// The text of a regular file of at most 256 KiB without its byte order mark; `None` where there is no file.
pub(crate) fn read_text(file: &Path) -> Result<Option<String>, Fault> {
    let unreadable = |source| Fault::Unreadable { source: Arc::new(source) };
    // Looked at before it is opened: opening a pipe would wait for its writer.
    let about = match fs::metadata(file) {
        Ok(about) => about,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(error) => return Err(unreadable(error)),
    };
    if !about.is_file() {
        return Err(Fault::NoFile);
    }
    let mut bytes = Vec::new();
    File::open(file).and_then(|file| file.take(LARGEST + 1).read_to_end(&mut bytes)).map_err(unreadable)?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length > LARGEST) {
        return Err(Fault::TooLarge { limit: LARGEST });
    }
    let text = String::from_utf8(bytes).map_err(|_| Fault::NotText)?;
    Ok(Some(match text.strip_prefix('\u{feff}') {
        Some(rest) => rest.to_owned(),
        None => text,
    }))
}
