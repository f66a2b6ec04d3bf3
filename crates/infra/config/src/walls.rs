//! What stands around the team: permission mode, sandbox level, and the holes a person makes in it (contract 3, 6).

use std::{
    fs,
    path::{Path, PathBuf},
};

use domain::permission::PermissionMode;
use serde_json::json;

use crate::{
    environment::CREDENTIALS,
    files::Document,
    host::host_fault,
    picker::{Key, Picker},
    problem::{Fault, Problems, Spot},
    resolve::SystemSources,
    source::Source,
    system_file::{Sandbox, SandboxChoice},
    trust::{Widening, is_narrower, is_stronger, never},
    variables::spot_of,
};

/// A further folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddedDir {
    /// The folder, absolute and without links in its path.
    pub path: PathBuf,
    /// Whether files in it may be changed.
    pub writable: bool,
}

/// The wall and its holes.
#[derive(Debug)]
pub(crate) struct Walls {
    pub(crate) mode: PermissionMode,
    pub(crate) level: SandboxChoice,
    pub(crate) network: Vec<String>,
    pub(crate) add_dirs: Vec<AddedDir>,
    pub(crate) pass_env: Vec<String>,
}

/// A list of texts under `sandbox`.
struct TextList {
    path: &'static str,
    name: &'static str,
    get: fn(&Sandbox) -> &Option<Vec<String>>,
    widening: Widening,
}

impl SystemSources<'_> {
    pub(crate) fn walls(&self, picker: &mut Picker<'_>, problems: &mut Problems) -> Walls {
        let flags = self.request.flags;
        Walls {
            mode: picker.pick(Key {
                path: "permissions.mode",
                get: &|file| file.permissions.mode,
                default: self.request.default_mode,
                narrows: is_narrower,
                widening: Widening::PermissionMode,
                above: flags.permission_mode.map(|mode| (mode, Source::Flag("--permission-mode"))),
            }),
            level: picker.pick(Key {
                path: "sandbox.level",
                get: &|file| file.sandbox.level,
                default: SandboxChoice::Auto,
                narrows: is_stronger,
                widening: Widening::Sandbox,
                above: flags.sandbox.map(|level| (level, Source::Flag("--sandbox"))),
            }),
            network: self.network(picker, problems),
            add_dirs: self.add_dirs(picker, problems),
            pass_env: self.pass_env(picker, problems),
        }
    }

    fn network(&self, picker: &mut Picker<'_>, problems: &mut Problems) -> Vec<String> {
        let key = TextList {
            path: "sandbox.network",
            name: "network",
            get: |sandbox| &sandbox.network,
            widening: Widening::Network,
        };
        let flag = self.request.flags.allow_network.then(|| vec!["*".to_owned()]);
        let (hosts, spots) = picker.texts(&key, flag, "--allow-network");
        for (host, spot) in hosts.iter().zip(spots) {
            if let Some(what) = host_fault(host) {
                problems.add(spot, Fault::Rule(what.to_owned()));
            }
        }
        hosts
    }

    /// Folders must be there: one that is made later could be anything, a link included.
    fn add_dirs(&self, picker: &mut Picker<'_>, problems: &mut Problems) -> Vec<AddedDir> {
        let key = TextList {
            path: "sandbox.add_dirs",
            name: "add_dirs",
            get: |sandbox| &sandbox.add_dirs,
            widening: Widening::Folders,
        };
        let flag = Some(self.request.flags.add_dirs.clone()).filter(|folders| !folders.is_empty());
        let (texts, spots) = picker.texts(&key, flag, "--add-dir");
        let mut folders = Vec::new();
        for (text, spot) in texts.iter().zip(spots) {
            match added_dir(text, self.request.cwd) {
                Ok(folder) => folders.push(folder),
                Err(fault) => problems.add(spot, fault),
            }
        }
        if let Some(shown) = picker.shown.last_mut() {
            let text = |folder: &AddedDir| {
                format!("{}{}", folder.path.display(), if folder.writable { "" } else { ":ro" })
            };
            shown.value = json!(folders.iter().map(text).collect::<Vec<_>>());
        }
        folders
    }

    fn pass_env(&self, picker: &mut Picker<'_>, problems: &mut Problems) -> Vec<String> {
        let key = TextList {
            path: "sandbox.pass_env",
            name: "pass_env",
            get: |sandbox| &sandbox.pass_env,
            widening: Widening::PassEnv,
        };
        let flag = Some(self.request.flags.pass_env.clone()).filter(|names| !names.is_empty());
        let (names, spots) = picker.texts(&key, flag, "--pass-env");
        for (name, spot) in names.iter().zip(spots) {
            if let Some(what) = variable_fault(name) {
                problems.add(spot, Fault::Rule(what));
            }
        }
        names
    }
}

impl Picker<'_> {
    /// The texts that are in force, and the place of each.
    fn texts(
        &mut self,
        key: &TextList,
        flag: Option<Vec<String>>,
        flag_name: &'static str,
    ) -> (Vec<String>, Vec<Spot>) {
        let texts = self.pick(Key {
            path: key.path,
            get: &|file| (key.get)(&file.sandbox).clone(),
            default: Vec::new(),
            narrows: never,
            widening: key.widening,
            above: flag.map(|texts| (texts, Source::Flag(flag_name))),
        });
        let source = self.shown.last().map_or(Source::Default, |shown| shown.source.clone());
        let document = self.base.as_ref().map(|layer| layer.document);
        let document = document.filter(|document| source == Source::File(document.file.clone()));
        let spot = |index| document.map_or_else(|| spot_of(&source), |document| item(document, key, index));
        let spots = (0..texts.len()).map(spot).collect();
        (texts, spots)
    }
}

/// The place of an item of a list in a file.
fn item(document: &Document, key: &TextList, index: usize) -> Spot {
    let list = document.root.get("sandbox").and_then(|sandbox| sandbox.get(key.name));
    let node = list.and_then(|list| list.items().get(index)).unwrap_or(&document.root);
    document.spot(node, &format!("{}[{index}]", key.path))
}

/// Reads `DIR` or `DIR:ro`.
fn added_dir(text: &str, workspace: &Path) -> Result<AddedDir, Fault> {
    let (folder, writable) = match text.strip_suffix(":ro") {
        Some(folder) => (folder, false),
        None => (text, true),
    };
    if folder == "~" || folder.starts_with("~/") {
        return Err(Fault::Rule("`~` has no meaning here: write the whole path".to_owned()));
    }
    let folder = workspace.join(folder);
    match fs::canonicalize(&folder) {
        Ok(path) if path.is_dir() => Ok(AddedDir { path, writable }),
        Ok(_) => Err(Fault::Rule(format!("{} is no folder", folder.display()))),
        Err(source) if source.kind() == std::io::ErrorKind::NotFound => {
            Err(Fault::Rule(format!("there is no folder {}: make it first", folder.display())))
        }
        Err(source) => Err(Fault::Unreadable { source: source.into() }),
    }
}

/// Why commands may not get a variable.
fn variable_fault(name: &str) -> Option<String> {
    if CREDENTIALS.contains(&name) {
        return Some(format!(
            "{name} is what pays for the models: commands, which models write, never get it. Take it out; a \
             program that needs a key of its own gets it under another name"
        ));
    }
    let mut characters = name.chars();
    let is_name = characters.next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
        && characters.all(|character| character.is_ascii_alphanumeric() || character == '_');
    (!is_name).then(|| "should be the name of a variable: letters, digits and `_`".to_owned())
}
