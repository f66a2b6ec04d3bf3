//! The values of the system configuration, each from the strongest place that has one.

use std::{path::Path, time::Duration};

use domain::{limits::Limits, permission::PermissionMode};
use serde_json::json;

use crate::{
    files::{Document, Layers},
    language::Language,
    notice::Notice,
    picker::{Key, Picker, SystemLayer},
    places::Places,
    problem::{Fault, Problems, Spot, nearest},
    provider::{Credential, Credentials, LaterCredential},
    schema::system_shape,
    settings::{LoadRequest, LogFormat, LogLevel},
    source::{Shown, Source},
    system_file::{LONGEST_SECONDS, SandboxChoice},
    trust::{Widening, is_narrower, is_shorter, is_smaller, is_stronger, never},
    variables::{Variables, spot_of},
};

/// What the values come from.
pub(crate) struct SystemSources<'s> {
    pub(crate) request: &'s LoadRequest<'s>,
    pub(crate) layers: &'s Layers,
    pub(crate) variables: &'s Variables<'s>,
}

/// Everything but the team.
pub(crate) struct SystemValues {
    pub(crate) places: Places,
    pub(crate) limits: Limits,
    pub(crate) idle_timeout: Duration,
    pub(crate) first_byte_timeout: Duration,
    pub(crate) verify_commands: Vec<String>,
    pub(crate) permission_mode: PermissionMode,
    pub(crate) sandbox: SandboxChoice,
    pub(crate) lang: Language,
    pub(crate) log_level: LogLevel,
    pub(crate) log_format: LogFormat,
    pub(crate) base_url: Option<String>,
    pub(crate) credentials: Credentials,
    pub(crate) shown: Vec<Shown>,
}

impl SystemSources<'_> {
    /// Reads and resolves; `None` where a file is wrong, which is then in `problems`.
    pub(crate) fn resolve(
        &self,
        mut places: Places,
        problems: &mut Problems,
        notices: &mut Vec<Notice>,
    ) -> Option<SystemValues> {
        let before = problems.count();
        let base = self.layers.base.as_ref().and_then(|document| read(document, problems));
        let workspace = self.layers.workspace.as_ref().and_then(|document| read(document, problems));
        if problems.count() > before {
            return None;
        }
        let mut picker = Picker { base, workspace, notices, shown: Vec::new() };
        self.check_flags(problems);
        let limits = self.limits(&mut picker);
        let (idle_timeout, first_byte_timeout) = waits(&mut picker);
        let (permission_mode, sandbox) = self.walls(&mut picker);
        let verify_commands = self.verify_commands(&mut picker);
        let base_url = self.base_url(&mut picker, problems);
        let lang = self.lang(&mut picker, problems);
        let (log_level, log_format) = self.log(&mut picker, &mut places, problems);
        let credentials = self.credentials(&mut picker, problems);
        Some(SystemValues {
            places,
            limits,
            idle_timeout,
            first_byte_timeout,
            verify_commands,
            permission_mode,
            sandbox,
            lang,
            log_level,
            log_format,
            base_url,
            credentials,
            shown: picker.shown,
        })
    }

    fn check_flags(&self, problems: &mut Problems) {
        let flags = self.request.flags;
        if flags.max_turns == Some(0) {
            problems.add(Spot::Flag("--max-turns"), wrong("a whole number of at least 1", "0"));
        }
        let seconds =
            flags.timeout_seconds.filter(|seconds| !(*seconds > 0.0 && *seconds <= LONGEST_SECONDS));
        if let Some(seconds) = seconds {
            let expected = format!("a number of seconds above 0 and at most {LONGEST_SECONDS}");
            problems.add(Spot::Flag("--timeout"), wrong(&expected, &seconds.to_string()));
        }
        if flags.verify.iter().any(|command| command.trim().is_empty()) {
            problems.add(Spot::Flag("--verify"), wrong("a command", "a blank text"));
        }
    }

    fn limits(&self, picker: &mut Picker<'_>) -> Limits {
        let flags = self.request.flags;
        let turns = flags.max_turns.map(|turns| (turns, Source::Flag("--max-turns")));
        let seconds = flags.timeout_seconds.map(|seconds| (Some(seconds), Source::Flag("--timeout")));
        let default = Limits::default();
        Limits {
            max_review_iterations: picker.count(
                "max_review_iterations",
                |limits| limits.max_review_iterations,
                default.max_review_iterations,
                None,
            ),
            max_retry_cycles: picker.count(
                "max_retry_cycles",
                |limits| limits.max_retry_cycles,
                default.max_retry_cycles,
                None,
            ),
            max_coder_retries: picker.count(
                "max_coder_retries",
                |limits| limits.max_coder_retries,
                default.max_coder_retries,
                None,
            ),
            max_turns: picker.count("max_turns", |limits| limits.max_turns, default.max_turns, turns),
            max_worker_turns: picker.count(
                "max_worker_turns",
                |limits| limits.max_worker_turns,
                default.max_worker_turns,
                None,
            ),
            max_messages: picker.count(
                "max_messages",
                |limits| limits.max_messages,
                default.max_messages,
                None,
            ),
            timeout_seconds: picker
                .pick(Key {
                    path: "workflow_limits.timeout_seconds",
                    get: &|file| file.workflow_limits.timeout_seconds.map(Some),
                    default: None,
                    narrows: is_shorter,
                    widening: Widening::Limit,
                    above: seconds,
                })
                .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()),
        }
    }

    fn verify_commands(&self, picker: &mut Picker<'_>) -> Vec<String> {
        let commands = Some(self.request.flags.verify.clone()).filter(|commands| !commands.is_empty());
        picker.pick(Key {
            path: "verify.commands",
            get: &|file| file.verify.commands.clone(),
            default: Vec::new(),
            narrows: never,
            widening: Widening::Commands,
            above: commands.map(|commands| (commands, Source::Flag("--verify"))),
        })
    }

    fn walls(&self, picker: &mut Picker<'_>) -> (PermissionMode, SandboxChoice) {
        let flags = self.request.flags;
        let mode = picker.pick(Key {
            path: "permissions.mode",
            get: &|file| file.permissions.mode,
            default: self.request.default_mode,
            narrows: is_narrower,
            widening: Widening::PermissionMode,
            above: flags.permission_mode.map(|mode| (mode, Source::Flag("--permission-mode"))),
        });
        let sandbox = picker.pick(Key {
            path: "sandbox.level",
            get: &|file| file.sandbox.level,
            default: SandboxChoice::Auto,
            narrows: is_stronger,
            widening: Widening::Sandbox,
            above: flags.sandbox.map(|level| (level, Source::Flag("--sandbox"))),
        });
        (mode, sandbox)
    }

    /// The endpoint of the Messages API, without `/v1`.
    fn base_url(&self, picker: &mut Picker<'_>, problems: &mut Problems) -> Option<String> {
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
    fn lang(&self, picker: &mut Picker<'_>, problems: &mut Problems) -> Language {
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

    fn log(
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
    fn credentials(&self, picker: &mut Picker<'_>, problems: &mut Problems) -> Credentials {
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

fn waits(picker: &mut Picker<'_>) -> (Duration, Duration) {
    let idle = picker.pick(Key {
        path: "performance.idle_timeout_seconds",
        get: &|file| file.performance.idle_timeout_seconds,
        default: 90.0,
        narrows: is_smaller,
        widening: Widening::Limit,
        above: None,
    });
    let first_byte = picker.pick(Key {
        path: "performance.first_byte_timeout_seconds",
        get: &|file| file.performance.first_byte_timeout_seconds,
        default: 120.0,
        narrows: is_smaller,
        widening: Widening::Limit,
        above: None,
    });
    (Duration::from_secs_f64(idle), Duration::from_secs_f64(first_byte))
}

fn wrong(expected: &str, found: &str) -> Fault {
    Fault::WrongValue { expected: expected.to_owned(), found: found.to_owned() }
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

fn read<'d>(document: &'d Document, problems: &mut Problems) -> Option<SystemLayer<'d>> {
    let before = problems.count();
    system_shape().check(document, problems);
    if problems.count() > before {
        return None;
    }
    match serde_json::from_value(document.root.to_value()) {
        Ok(file) => Some(SystemLayer { document, file }),
        Err(error) => {
            problems.add(Spot::file(&document.file), Fault::Rule(error.to_string()));
            None
        }
    }
}
