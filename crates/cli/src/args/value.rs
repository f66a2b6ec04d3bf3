//! Values of options: from text to what it stands for.

use std::{
    ffi::OsString,
    num::{NonZeroU32, NonZeroU64},
    path::PathBuf,
    time::Duration,
};

use domain::{agent::AgentName, model::Effort, permission::PermissionMode, text::nearest};

use super::{
    ContextSource, ModelChoice, OutputFormat, Provider, Sandbox, UsageError, VerbError, Wanted,
    table::{LATER_PROVIDERS, OptionRow, PROVIDERS, Takes},
};
use crate::words::Language;

/// A value beside its option, for errors.
pub(super) struct Given {
    row: &'static OptionRow,
    value: OsString,
}

impl Given {
    pub(super) const fn new(row: &'static OptionRow, value: OsString) -> Self {
        Self { row, value }
    }

    fn bad(&self, wanted: Wanted) -> UsageError {
        UsageError::BadValue { option: self.row.typed(), value: self.shown(), wanted }
    }

    fn shown(&self) -> String {
        self.value.to_string_lossy().into_owned()
    }

    /// The id of a session, or its beginning.
    pub(super) fn session(&self) -> Result<String, UsageError> {
        let text = self.text()?;
        if is_session_beginning(text) { Ok(text.to_owned()) } else { Err(self.bad(Wanted::Session)) }
    }

    fn text(&self) -> Result<&str, UsageError> {
        self.value.to_str().ok_or_else(|| UsageError::NotUnicode { argument: self.shown() })
    }

    /// The value as one of the option's words, turned into what the word stands for.
    fn choice<T>(&self, meaning: impl Fn(&str) -> Option<T>) -> Result<T, UsageError> {
        let text = self.text()?;
        if let Some(meant) = meaning(text) {
            return Ok(meant);
        }
        let (now, later) = match self.row.takes {
            Takes::OneOf { now, later } => (now, later),
            Takes::Nothing | Takes::Value(_) => (&[][..], &[][..]),
        };
        Err(self.no_choice(text, now, later))
    }

    fn no_choice(
        &self,
        text: &str,
        now: &'static [&'static str],
        later: &'static [&'static str],
    ) -> UsageError {
        let option = self.row.typed();
        if later.iter().any(|word| text == *word || word.ends_with(':') && text.starts_with(word)) {
            return UsageError::LaterChoice { option, value: self.shown() };
        }
        UsageError::UnknownChoice {
            option,
            value: self.shown(),
            known: now.to_vec(),
            nearest: nearest(text, now.iter().copied()),
        }
    }

    pub(super) fn provider(&self) -> Result<Provider, UsageError> {
        const NOW: &[&str] = &PROVIDERS;
        const LATER: &[&str] = &LATER_PROVIDERS;
        let text = self.text()?;
        match text {
            "anthropic" => Ok(Provider::Anthropic),
            "openai" => Ok(Provider::OpenAi),
            "offline" => Ok(Provider::Offline),
            "script" | "script:" => Err(self.bad(Wanted::File)),
            _ => match text.strip_prefix("script:") {
                Some(file) => Ok(Provider::Script(PathBuf::from(file))),
                None => Err(self.no_choice(text, NOW, LATER)),
            },
        }
    }

    pub(super) fn model(&self) -> Result<ModelChoice, UsageError> {
        let text = self.text()?.trim();
        let (agent, model) = match text.split_once('=') {
            Some((agent, model)) => (Some(agent_name(agent)?), model),
            None => (None, text),
        };
        if model.is_empty() {
            return Err(self.bad(Wanted::Model));
        }
        Ok(ModelChoice { agent, model: model.to_owned() })
    }

    pub(super) fn effort(&self) -> Result<Effort, UsageError> {
        self.choice(|word| match word {
            "low" => Some(Effort::Low),
            "medium" => Some(Effort::Medium),
            "high" => Some(Effort::High),
            _ => None,
        })
    }

    pub(super) fn permission_mode(&self) -> Result<PermissionMode, UsageError> {
        self.choice(|word| PermissionMode::ALL.into_iter().find(|mode| mode.as_str() == word))
    }

    pub(super) fn sandbox(&self) -> Result<Sandbox, UsageError> {
        self.choice(|word| match word {
            "auto" => Some(Sandbox::Auto),
            "strict" => Some(Sandbox::Strict),
            "kernel" => Some(Sandbox::Kernel),
            "none" => Some(Sandbox::None),
            _ => None,
        })
    }

    pub(super) fn output_format(&self) -> Result<OutputFormat, UsageError> {
        self.choice(|word| match word {
            "text" => Some(OutputFormat::Text),
            "json" => Some(OutputFormat::Json),
            "stream-json" => Some(OutputFormat::StreamJson { partial: false }),
            _ => None,
        })
    }

    /// Whether commands come as lines.
    pub(super) fn input_format(&self) -> Result<bool, UsageError> {
        self.choice(|word| (word == "stream-json").then_some(true))
    }

    pub(super) fn language(&self) -> Result<Language, UsageError> {
        self.choice(Language::parse)
    }

    pub(super) fn positive(&self) -> Result<NonZeroU32, UsageError> {
        self.text()?.parse().map_err(|_| self.bad(Wanted::PositiveNumber))
    }

    pub(super) fn tokens(&self) -> Result<NonZeroU64, UsageError> {
        self.text()?.parse().map_err(|_| self.bad(Wanted::PositiveNumber))
    }

    pub(super) fn dollars(&self) -> Result<f64, UsageError> {
        let usd: Option<f64> = self.text()?.parse().ok();
        usd.filter(|usd| usd.is_finite() && *usd > 0.0).ok_or_else(|| self.bad(Wanted::Dollars))
    }

    pub(super) fn seconds(&self) -> Result<Duration, UsageError> {
        let seconds: Option<f64> = self.text()?.parse().ok();
        seconds
            .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
            .filter(|duration| !duration.is_zero())
            .ok_or_else(|| self.bad(Wanted::Seconds))
    }

    pub(super) fn seconds_or_none(&self) -> Result<Duration, UsageError> {
        let seconds: Option<f64> = self.text()?.parse().ok();
        seconds
            .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
            .ok_or_else(|| self.bad(Wanted::SecondsOrNone))
    }

    pub(super) fn words(&self) -> Result<String, UsageError> {
        let text = self.text()?;
        if text.trim().is_empty() { Err(self.bad(Wanted::Text)) } else { Ok(text.to_owned()) }
    }

    pub(super) fn folder(&self) -> Result<String, UsageError> {
        let text = self.text()?;
        let folder = text.strip_suffix(":ro").unwrap_or(text);
        if folder.is_empty() { Err(self.bad(Wanted::Folder)) } else { Ok(text.to_owned()) }
    }

    pub(super) fn variable(&self) -> Result<String, UsageError> {
        let text = self.text()?;
        if text.is_empty() || text.contains(['=', '\0']) {
            return Err(self.bad(Wanted::Variable));
        }
        Ok(text.to_owned())
    }

    pub(super) fn path(&self) -> Result<PathBuf, UsageError> {
        if self.value.is_empty() { Err(self.bad(Wanted::File)) } else { Ok(PathBuf::from(&self.value)) }
    }

    pub(super) fn context(&self) -> Result<ContextSource, UsageError> {
        if self.value == "-" {
            Ok(ContextSource::StandardInput)
        } else {
            self.path().map(ContextSource::File)
        }
    }
}

/// A name of the manager or of a worker.
pub(super) fn agent_name(text: &str) -> Result<AgentName, UsageError> {
    if text == AgentName::manager().as_str() {
        return Ok(AgentName::manager());
    }
    AgentName::parse(text).map_err(|_| UsageError::Verb(VerbError::BadAgentName { name: text.to_owned() }))
}

/// Whether a text can be the id of a session, or its first characters, as many as name one at least.
pub(super) fn is_session_beginning(text: &str) -> bool {
    (6..=26).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}
