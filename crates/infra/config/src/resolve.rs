//! The values of the system configuration, each from the strongest place that has one.

use std::{collections::BTreeMap, time::Duration};

use domain::{limits::Limits, model::RetrySettings, price::Price};

use crate::{
    fallback::Fallbacks,
    files::{Document, Layers},
    language::Language,
    limits::{check_flags, limits},
    log::{LogFormat, LogLevel},
    model_calls::{prices, retry, waits},
    notice::Notice,
    picker::{Key, Picker, SystemLayer},
    places::Places,
    problem::{Fault, Problems, Spot},
    provider::Access,
    proxy::ProxySettings,
    request::{LoadRequest, Overrides},
    rules::{RuleNames, SourcedRule},
    schema::system_shape,
    source::{Shown, Source},
    trust::{Widening, never},
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
    pub(crate) intervention: Duration,
    pub(crate) question_timeout: Duration,
    pub(crate) idle_timeout: Duration,
    pub(crate) first_byte_timeout: Duration,
    pub(crate) retry: RetrySettings,
    pub(crate) prices: BTreeMap<String, Price>,
    pub(crate) verify_commands: Vec<String>,
    pub(crate) walls: Walls,
    pub(crate) rules: Vec<SourcedRule>,
    pub(crate) lang: Language,
    pub(crate) log_level: LogLevel,
    pub(crate) log_format: LogFormat,
    pub(crate) proxy: ProxySettings,
    pub(crate) access: Access,
    pub(crate) fallbacks: Fallbacks,
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
        check_flags(self.request.flags, problems);
        let limits = limits(self.request.flags, &mut picker);
        let (intervention, question_timeout) = patience(self.request.flags, &mut picker);
        let (idle_timeout, first_byte_timeout) = waits(&mut picker);
        let retry = retry(&mut picker);
        let prices = prices(&mut picker);
        let walls = self.walls(&mut picker, problems);
        let rules = picker.rules(&self.rule_names, self.kept.clone(), problems);
        let verify_commands = self.verify_commands(&mut picker);
        let base_urls = self.base_urls(&mut picker, problems);
        let fallbacks = Fallbacks::pick(&mut picker, problems);
        let lang = self.lang(&mut picker, problems);
        let (log_level, log_format) = self.log(&mut picker, &mut places, problems);
        let proxy = self.proxy(&mut picker, problems);
        let credentials = self.credentials(&mut picker, problems);
        Some(SystemValues {
            places,
            limits,
            intervention,
            question_timeout,
            idle_timeout,
            first_byte_timeout,
            retry,
            prices,
            verify_commands,
            walls,
            rules,
            lang,
            log_level,
            log_format,
            proxy,
            access: Access { credentials, base_urls },
            fallbacks,
            shown: picker.shown,
        })
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

/// How long a person is waited for: after a report, and with a question.
fn patience(flags: &Overrides, picker: &mut Picker<'_>) -> (Duration, Duration) {
    let given = flags.intervention_seconds.map(|seconds| (seconds, Source::Flag("--intervention")));
    let intervention = picker.pick(Key {
        path: "intervention_seconds",
        get: &|file| file.intervention_seconds,
        default: 5.0,
        narrows: never,
        widening: Widening::Taste,
        above: given,
    });
    let question = picker.pick(Key {
        path: "question_timeout_seconds",
        get: &|file| file.question_timeout_seconds,
        default: 600.0,
        narrows: never,
        widening: Widening::Taste,
        above: None,
    });
    // A flag out of bounds is a problem already.
    let intervention = Duration::try_from_secs_f64(intervention).unwrap_or_default();
    (intervention, Duration::from_secs_f64(question))
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
