//! The values of the system configuration, each from the strongest place that has one.

use std::time::Duration;

use domain::limits::Limits;

use crate::{
    files::{Document, Layers},
    language::Language,
    log::{LogFormat, LogLevel},
    notice::Notice,
    picker::{Key, Picker, SystemLayer},
    places::Places,
    problem::{Fault, Problems, Spot},
    provider::Credentials,
    proxy::ProxySettings,
    request::LoadRequest,
    rules::{RuleNames, SourcedRule},
    schema::system_shape,
    source::{Shown, Source},
    system_file::LONGEST_SECONDS,
    trust::{Widening, is_shorter, is_smaller, never},
    variables::Variables,
    walls::Walls,
};

/// What the values come from.
pub(crate) struct SystemSources<'s> {
    pub(crate) request: &'s LoadRequest<'s>,
    pub(crate) layers: &'s Layers,
    pub(crate) variables: &'s Variables<'s>,
    pub(crate) rule_names: RuleNames<'s>,
    /// Rules that the person made in this workspace by saying `always`.
    pub(crate) kept: Vec<SourcedRule>,
}

/// Everything but the team.
pub(crate) struct SystemValues {
    pub(crate) places: Places,
    pub(crate) limits: Limits,
    pub(crate) idle_timeout: Duration,
    pub(crate) first_byte_timeout: Duration,
    pub(crate) verify_commands: Vec<String>,
    pub(crate) walls: Walls,
    pub(crate) rules: Vec<SourcedRule>,
    pub(crate) lang: Language,
    pub(crate) log_level: LogLevel,
    pub(crate) log_format: LogFormat,
    pub(crate) base_url: Option<String>,
    pub(crate) proxy: ProxySettings,
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
        let replaced = self.layers.replaced.as_ref().and_then(|document| read(document, problems));
        if problems.count() > before {
            return None;
        }
        let mut picker = Picker { base, workspace, replaced, notices, shown: Vec::new() };
        self.check_flags(problems);
        let limits = self.limits(&mut picker);
        let (idle_timeout, first_byte_timeout) = waits(&mut picker);
        let walls = self.walls(&mut picker, problems);
        let rules = picker.rules(&self.rule_names, self.kept.clone(), problems);
        let verify_commands = self.verify_commands(&mut picker);
        let base_url = self.base_url(&mut picker, problems);
        let lang = self.lang(&mut picker, problems);
        let (log_level, log_format) = self.log(&mut picker, &mut places, problems);
        let proxy = self.proxy(&mut picker, problems);
        let credentials = self.credentials(&mut picker, problems);
        Some(SystemValues {
            places,
            limits,
            idle_timeout,
            first_byte_timeout,
            verify_commands,
            walls,
            rules,
            lang,
            log_level,
            log_format,
            base_url,
            proxy,
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
            ..Limits::default()
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
