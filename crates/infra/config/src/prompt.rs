//! System prompts: files beside the agent configuration, else the built-in texts (spec O-13).

use std::{
    path::{Component, Path, PathBuf},
    sync::Arc,
};

use crate::{
    problem::Fault,
    reading::{Snapshot, Unread, read_text, text_of},
};

/// A prompt and where it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Prompt {
    pub(crate) text: Arc<str>,
    /// A path, or `built-in`.
    pub(crate) source: String,
}

impl Prompt {
    const BUILT_IN: &str = "built-in";

    /// Whether no file has it.
    pub(crate) fn is_built_in(&self) -> bool {
        self.source == Self::BUILT_IN
    }
}

/// Why a prompt file was not taken.
#[derive(Debug)]
pub(crate) enum NoPrompt {
    /// It lies outside of the folder that it must stay in.
    Outside,
    /// It is wrong in itself.
    Fault(Fault),
}

/// Where prompts come from.
pub(crate) struct Prompts<'p> {
    /// The built-in ones: the agent's name and the text.
    pub(crate) embedded: &'p [(&'p str, &'p str)],
    /// The folder that names are relative to.
    pub(crate) base: PathBuf,
    /// The workspace's files, where they are its own prompts: they stay in it, links followed.
    pub(crate) snapshot: Option<&'p Snapshot>,
}

impl Prompts<'_> {
    /// The prompt in `prompts/<name>.txt`, else the built-in one. `None`: neither is there.
    pub(crate) fn of_name(&self, name: &str) -> Result<Option<Prompt>, NoPrompt> {
        let file = self.read(&Path::new("prompts").join(format!("{name}.txt")))?;
        Ok(file.or_else(|| self.built_in(name)))
    }

    /// The prompt in `file`; where the file is missing and called like a built-in one, that.
    pub(crate) fn of_file(&self, file: &Path) -> Result<Prompt, NoPrompt> {
        if let Some(prompt) = self.read(file)? {
            return Ok(prompt);
        }
        let mut parts = file.components().filter(|part| *part != Component::CurDir);
        let name = match (parts.next(), parts.next(), parts.next()) {
            (Some(Component::Normal(folder)), Some(Component::Normal(name)), None) if folder == "prompts" => {
                name.to_str().and_then(|name| name.strip_suffix(".txt"))
            }
            _ => None,
        };
        name.and_then(|name| self.built_in(name)).ok_or(NoPrompt::Fault(Fault::Missing))
    }

    /// The built-in prompt of an agent.
    pub(crate) fn built_in(&self, name: &str) -> Option<Prompt> {
        let (_, text) = self.embedded.iter().find(|(known, _)| *known == name)?;
        Some(Prompt { text: (*text).into(), source: Prompt::BUILT_IN.to_owned() })
    }

    fn read(&self, file: &Path) -> Result<Option<Prompt>, NoPrompt> {
        let goes_down =
            file.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
        let file = self.base.join(file);
        let text = match self.snapshot {
            None => read_text(&file).map_err(NoPrompt::Fault)?,
            Some(_) if !goes_down => return Err(NoPrompt::Outside),
            Some(snapshot) => match snapshot.read(&file) {
                Ok(bytes) => bytes.as_deref().map(text_of).transpose().map_err(NoPrompt::Fault)?,
                Err(Unread::Outside) => return Err(NoPrompt::Outside),
                Err(Unread::Fault(fault)) => return Err(NoPrompt::Fault(fault)),
            },
        };
        let Some(text) = text else { return Ok(None) };
        if text.trim().is_empty() {
            return Err(NoPrompt::Fault(Fault::Rule("is an empty prompt".to_owned())));
        }
        Ok(Some(Prompt { text: text.into(), source: file.display().to_string() }))
    }
}
