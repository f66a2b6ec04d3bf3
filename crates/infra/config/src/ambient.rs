//! Values that come from the environment in the first place: endpoint, language, log, credentials.

use std::path::Path;

use serde_json::json;

use crate::{
    language::Language,
    log::{LogFormat, LogLevel},
    picker::{Key, Picker},
    places::Places,
    problem::{Fault, Problems, Spot, nearest},
    provider::{Credential, Credentials, LaterCredential},
    resolve::SystemSources,
    source::Source,
    trust::{Widening, never},
    variables::spot_of,
};

impl SystemSources<'_> {
    /// The endpoint of the Messages API, without `/v1`.
    pub(crate) fn base_url(&self, picker: &mut Picker<'_>, problems: &mut Problems) -> Option<String> {
        let variable = self.variables.text("ANTHROPIC_BASE_URL", problems);
        let url = picker.pick(Key {
            path: "providers.anthropic.base_url",
            get: &|file| file.providers.anthropic.base_url.clone().map(Some),
            default: None,
            narrows: never,
            widening: Widening::Endpoint,
            above: variable.map(|variable| (Some(variable.value), variable.source)),
        })?;
        let shown = picker.shown.last();
        if let Some(what) = base_url_fault(&url) {
            let source = shown.map_or(Source::Default, |shown| shown.source.clone());
            let spot = match source {
                Source::File(file) => Spot::File {
                    file,
                    line: None,
                    column: None,
                    path: "providers.anthropic.base_url".to_owned(),
                },
                source => spot_of(&source),
            };
            problems.add(spot, Fault::Rule(what.to_owned()));
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
        let later = [("CLAUDE_CODE_OAUTH_TOKEN", "claude-code"), ("OPENAI_API_KEY", "openai")]
            .map(|(variable, provider)| find(variable).map(|_| LaterCredential { variable, provider }));
        let anthropic = find("ANTHROPIC_API_KEY");
        let provider = json!(self.request.flags.provider);
        let source = if provider.is_null() { Source::Default } else { Source::Flag("--provider") };
        picker.show("provider", provider, source);
        Credentials { anthropic, later: later.into_iter().flatten().next() }
    }
}

/// What is wrong with an endpoint. Does not repeat it: it may hold a password.
fn base_url_fault(url: &str) -> Option<&'static str> {
    let Some(rest) = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://")) else {
        return Some("should begin with https:// or http://");
    };
    let host = rest.split('/').next().unwrap_or_default();
    if host.is_empty() || url.chars().any(char::is_whitespace) {
        Some("should name a host, as in https://api.example.com")
    } else if host.contains('@') {
        Some("should hold no user or password; the key belongs into ANTHROPIC_API_KEY")
    } else if url.trim_end_matches('/').ends_with("/v1") {
        Some("should end before /v1, which is added to it")
    } else {
        None
    }
}
