//! Values that come from the environment in the first place: endpoint, language, log, credentials.

use std::path::Path;

use serde_json::json;

use crate::{
    language::Language,
    log::{LogFormat, LogLevel},
    picker::{Key, Picker},
    places::Places,
    problem::{Fault, Problems, Spot, nearest},
    provider::{BaseUrls, Credential, Credentials, LaterCredential},
    resolve::SystemSources,
    source::Source,
    system_file::SystemFile,
    trust::{Widening, never},
    variables::spot_of,
};

/// Where a provider's endpoint is named.
struct EndpointKey {
    variable: &'static str,
    path: &'static str,
    get: fn(&SystemFile) -> Option<String>,
    /// Where its key belongs.
    key: &'static str,
    /// Whether the address may end with the version that is added to it otherwise.
    takes_version: bool,
}

const ANTHROPIC: EndpointKey = EndpointKey {
    variable: "ANTHROPIC_BASE_URL",
    path: "providers.anthropic.base_url",
    get: |file| file.providers.anthropic.base_url.clone(),
    key: "ANTHROPIC_API_KEY",
    takes_version: false,
};

const OPENAI: EndpointKey = EndpointKey {
    variable: "OPENAI_BASE_URL",
    path: "providers.openai.base_url",
    get: |file| file.providers.openai.base_url.clone(),
    key: "OPENAI_API_KEY",
    takes_version: true,
};

impl SystemSources<'_> {
    /// The endpoints that are named, without a slash at their ends.
    pub(crate) fn base_urls(&self, picker: &mut Picker<'_>, problems: &mut Problems) -> BaseUrls {
        BaseUrls {
            anthropic: self.base_url(&ANTHROPIC, picker, problems),
            openai: self.base_url(&OPENAI, picker, problems),
        }
    }

    fn base_url(
        &self,
        key: &EndpointKey,
        picker: &mut Picker<'_>,
        problems: &mut Problems,
    ) -> Option<String> {
        let variable = self.variables.text(key.variable, problems);
        let url = picker.pick(Key {
            path: key.path,
            get: &|file| (key.get)(file).map(Some),
            default: None,
            narrows: never,
            widening: Widening::Endpoint,
            above: variable.map(|variable| (Some(variable.value), variable.source)),
        })?;
        let shown = picker.shown.last();
        if let Some(what) = base_url_fault(&url, key) {
            let source = shown.map_or(Source::Default, |shown| shown.source.clone());
            let spot = match source {
                Source::File(file) => {
                    Spot::File { file, line: None, column: None, path: key.path.to_owned() }
                }
                source => spot_of(&source),
            };
            problems.add(spot, Fault::Rule(what));
        }
        Some(url.trim_end_matches('/').to_owned())
    }

    /// A flag, else the configuration, else the locale: nearly every environment has a locale, and above the
    /// configuration it would leave `ui.lang` without effect.
    pub(crate) fn lang(&self, picker: &mut Picker<'_>, problems: &mut Problems) -> Language {
        let locale = ["LC_ALL", "LC_MESSAGES", "LANG"]
            .into_iter()
            .find_map(|name| self.variables.text(name, problems));
        let default = locale.as_ref().map_or(Language::En, |locale| Language::of_locale(&locale.value));
        let lang = picker.pick(Key {
            path: "ui.lang",
            get: &|file| file.ui.lang,
            default,
            narrows: never,
            widening: Widening::Taste,
            above: self.request.flags.lang.map(|lang| (lang, Source::Flag("--lang"))),
        });
        if let (Some(shown), Some(locale)) = (picker.shown.last_mut(), locale)
            && shown.source == Source::Default
        {
            shown.source = locale.source;
        }
        lang
    }

    pub(crate) fn log(
        &self,
        picker: &mut Picker<'_>,
        places: &mut Places,
        problems: &mut Problems,
    ) -> (LogLevel, LogFormat) {
        const LEVELS: [(&str, LogLevel); 5] = [
            ("DEBUG", LogLevel::Debug),
            ("INFO", LogLevel::Info),
            ("WARNING", LogLevel::Warning),
            ("ERROR", LogLevel::Error),
            ("CRITICAL", LogLevel::Critical),
        ];
        const FORMATS: [(&str, LogFormat); 2] = [("json", LogFormat::Json), ("console", LogFormat::Console)];
        let level =
            self.word(("LOG_LEVEL", "log level"), ("INFO", LogLevel::Info), &LEVELS, picker, problems);
        let format =
            self.word(("LOG_FORMAT", "log format"), ("json", LogFormat::Json), &FORMATS, picker, problems);
        let folder = self.variables.text("LOG_DIR", problems);
        let source = folder.as_ref().map_or(Source::Default, |folder| folder.source.clone());
        if let Some(folder) = folder {
            places.logs = self.request.cwd.join(Path::new(&folder.value));
        }
        picker.show("LOG_DIR", json!(places.logs.display().to_string()), source);
        (level, format)
    }

    /// A variable that holds one of a few words, in capitals or not.
    fn word<T: Copy>(
        &self,
        (variable, what): (&str, &str),
        default: (&str, T),
        words: &[(&str, T)],
        picker: &mut Picker<'_>,
        problems: &mut Problems,
    ) -> T {
        let Some(text) = self.variables.text(variable, problems) else {
            picker.show(variable, json!(default.0), Source::Default);
            return default.1;
        };
        let found = words.iter().find(|(word, _)| word.eq_ignore_ascii_case(text.value.trim()));
        if let Some((word, value)) = found {
            picker.show(variable, json!(word), text.source);
            return *value;
        }
        let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        let name = text.value.clone();
        let nearest = nearest(&name, known.iter().copied());
        let what = format!("{what} ({})", known.join(", "));
        problems.add(spot_of(&text.source), Fault::UnknownName { what, name, nearest });
        default.1
    }

    /// The credentials. They are shown as set or not set.
    pub(crate) fn credentials(&self, picker: &mut Picker<'_>, problems: &mut Problems) -> Credentials {
        let mut find = |name: &'static str| {
            let found = self.variables.secret(name, problems);
            let source = found.as_ref().map_or(Source::Default, |found| found.source.clone());
            picker.show(name, json!(if found.is_some() { "set" } else { "not set" }), source);
            found.map(|found| Credential { secret: found.value, source: found.source })
        };
        let later = find("CLAUDE_CODE_OAUTH_TOKEN");
        let later =
            later.map(|_| LaterCredential { variable: "CLAUDE_CODE_OAUTH_TOKEN", provider: "claude-code" });
        let openai = find("OPENAI_API_KEY");
        let anthropic = find("ANTHROPIC_API_KEY");
        let provider = json!(self.request.flags.provider);
        let source = if provider.is_null() { Source::Default } else { Source::Flag("--provider") };
        picker.show("provider", provider, source);
        Credentials { anthropic, openai, later }
    }
}

/// What is wrong with an endpoint. Does not repeat it: it may hold a password.
fn base_url_fault(url: &str, endpoint: &EndpointKey) -> Option<String> {
    let Some(rest) = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://")) else {
        return Some("should begin with https:// or http://".to_owned());
    };
    let host = rest.split('/').next().unwrap_or_default();
    if host.is_empty() || url.chars().any(char::is_whitespace) {
        Some("should name a host, as in https://api.example.com".to_owned())
    } else if host.contains('@') {
        Some(format!("should hold no user or password; the key belongs into {}", endpoint.key))
    } else if !endpoint.takes_version && url.trim_end_matches('/').ends_with("/v1") {
        Some("should end before /v1, which is added to it".to_owned())
    } else {
        None
    }
}
