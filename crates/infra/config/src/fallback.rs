//! Who answers where a provider cannot: `providers.<name>.fallback`, in the order in which they are asked.
//!
//! Only back ends that answer single requests over a network can stand in for each other. When they do is not decided
//! here.

use crate::{
    picker::{Key, Picker},
    problem::{Fault, Problems, Spot, nearest},
    provider::{Provider, ProviderName},
    source::Source,
    system_file::SystemFile,
    trust::{Widening, never},
    variables::spot_of,
};

/// One that answers instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fallback {
    /// The back end.
    pub provider: Provider,
    /// The model; none: the one of the same grade as that which was asked for.
    pub model: Option<String>,
}

/// One that answers instead, as the configuration names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NamedFallback {
    pub(crate) provider: ProviderName,
    pub(crate) model: Option<String>,
}

/// Of each provider those that answer instead.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Fallbacks {
    anthropic: Vec<NamedFallback>,
    openai: Vec<NamedFallback>,
}

/// Names that can stand in for others.
const STAND_INS: [&str; 2] = ["anthropic", "openai"];

impl Fallbacks {
    pub(crate) fn pick(picker: &mut Picker<'_>, problems: &mut Problems) -> Self {
        Self {
            anthropic: list(
                ("providers.anthropic.fallback", "anthropic"),
                |file| file.providers.anthropic.fallback.clone(),
                picker,
                problems,
            ),
            openai: list(
                ("providers.openai.fallback", "openai"),
                |file| file.providers.openai.fallback.clone(),
                picker,
                problems,
            ),
        }
    }

    /// Those of a back end.
    pub(crate) fn of(&self, provider: &Provider) -> &[NamedFallback] {
        match provider {
            Provider::Anthropic { .. } => &self.anthropic,
            Provider::OpenAi { .. } => &self.openai,
            Provider::Offline | Provider::Script(_) => &[],
        }
    }
}

fn list(
    (path, owner): (&str, &str),
    get: fn(&SystemFile) -> Option<Vec<String>>,
    picker: &mut Picker<'_>,
    problems: &mut Problems,
) -> Vec<NamedFallback> {
    let texts = picker.pick(Key {
        path,
        get: &get,
        default: Vec::new(),
        narrows: never,
        widening: Widening::Endpoint,
        above: None,
    });
    let source = picker.shown.last().map_or(Source::Default, |shown| shown.source.clone());
    let mut fallbacks = Vec::new();
    for (index, text) in texts.iter().enumerate() {
        let read = match texts.iter().take(index).any(|earlier| earlier == text) {
            true => Err(Fault::Repeated),
            false => read(text, owner),
        };
        match read {
            Ok(fallback) => fallbacks.push(fallback),
            Err(fault) => {
                let spot = match &source {
                    Source::File(file) => Spot::File {
                        file: file.clone(),
                        line: None,
                        column: None,
                        path: format!("{path}[{index}]"),
                    },
                    source => spot_of(source),
                };
                problems.add(spot, fault);
            }
        }
    }
    fallbacks
}

/// `provider`, or `provider/model`. A model's name may hold a `/` itself.
fn read(text: &str, owner: &str) -> Result<NamedFallback, Fault> {
    let (name, model) = match text.split_once('/') {
        Some((name, model)) => (name, Some(model.trim())),
        None => (text, None),
    };
    let provider = match name {
        "anthropic" => ProviderName::Anthropic,
        "openai" => ProviderName::OpenAi,
        _ if ProviderName::parse(name).is_ok() || name == "claude-code" || name.starts_with("replay") => {
            let what = format!("`{name}` cannot answer instead of a provider; `anthropic` and `openai` can");
            return Err(Fault::Rule(what));
        }
        _ => {
            let nearest = nearest(name, STAND_INS);
            return Err(Fault::UnknownName { what: "provider".to_owned(), name: name.to_owned(), nearest });
        }
    };
    match model {
        Some("") => Err(Fault::Rule(format!("`{text}` names no model after the `/`"))),
        None if name == owner => Err(Fault::Rule(format!(
            "`{name}` is the provider itself; name another one, or another model of it, as in `{name}/fast`"
        ))),
        model => Ok(NamedFallback { provider, model: model.map(str::to_owned) }),
    }
}
