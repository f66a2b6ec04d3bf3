//! From arguments to an [`Invocation`]: options in any place, then the verb and what it needs.

use std::ffi::{OsStr, OsString};

use domain::text::nearest;
use lexopt::Arg;

use super::{
    ContextSource, EarlierSession, Invocation, ModelChoice, Options, OutputFormat, Rejected, Task, Topic,
    UsageError, Verb, VerbError,
    operands::{Operands, complete},
    table::{self, LATER_OPTIONS, OPTIONS, OptionId, OptionRow, Takes, VerbId, VerbRow},
    value::Given,
    verbs::{Calls, find_verb, verbs_of},
};
use crate::words::Language;

/// Reads the arguments, the program's own name left out.
///
/// # Errors
/// [`Rejected`] where they make no call of this version.
pub(crate) fn parse(arguments: Vec<OsString>) -> Result<Invocation, Rejected> {
    let glance = Glance::at(&arguments);
    read(arguments).map_err(|error| Rejected { error, language: glance.language, output: glance.output })
}

/// What an error needs to know of a call that could not be read to its end.
struct Glance {
    language: Option<Language>,
    output: OutputFormat,
}

impl Glance {
    fn at(arguments: &[OsString]) -> Self {
        let value = |option: &str| {
            let mut rest = arguments.iter().take_while(|argument| *argument != "--");
            rest.by_ref()
                .find_map(|argument| {
                    let text = argument.to_str()?;
                    let own = text.strip_prefix(option)?.strip_prefix('=').map(str::to_owned);
                    Some((own, text == option))
                })
                .and_then(|(own, bare)| {
                    own.or_else(|| bare.then(|| rest.next()?.to_str().map(str::to_owned))?)
                })
        };
        let output = match value("--output-format").as_deref() {
            Some("json") => OutputFormat::Json,
            Some("stream-json") => OutputFormat::StreamJson { partial: false },
            _ => OutputFormat::Text,
        };
        Self { language: value("--lang").as_deref().and_then(Language::parse), output }
    }
}

/// What has been read so far.
#[derive(Default)]
struct Draft {
    words: Vec<String>,
    /// How many words stood before `--`, where it stood.
    plain: Option<usize>,
    given: Vec<&'static OptionRow>,
    options: Options,
    partial: bool,
    help: bool,
    version: bool,
}

fn read(arguments: Vec<OsString>) -> Result<Invocation, UsageError> {
    let mut parser = lexopt::Parser::from_args(arguments);
    let mut draft = Draft::default();
    loop {
        let dashes = parser.try_raw_args().is_some_and(|rest| rest.peek() == Some(OsStr::new("--")));
        if dashes && draft.plain.is_none() {
            draft.plain = Some(draft.words.len());
        }
        match parser.next().map_err(unreadable)? {
            None => return draft.finish(),
            Some(Arg::Value(word)) => draft.words.push(unicode(word)?),
            Some(Arg::Long(name)) => {
                let row = OPTIONS.iter().find(|row| row.long == name).ok_or_else(|| unknown_option(name))?;
                draft.option(row, &mut parser)?;
            }
            Some(Arg::Short(letter)) => {
                let row = OPTIONS.iter().find(|row| row.short == Some(letter));
                let row = row.ok_or_else(|| unknown_letter(letter))?;
                draft.option(row, &mut parser)?;
            }
        }
    }
}

impl Draft {
    fn option(&mut self, row: &'static OptionRow, parser: &mut lexopt::Parser) -> Result<(), UsageError> {
        self.given.push(row);
        if self.given.iter().filter(|earlier| earlier.id == row.id).count() > row.most {
            return Err(UsageError::Repeated { option: row.typed(), most: row.most });
        }
        let value = match row.takes {
            Takes::Nothing => OsString::new(),
            Takes::Value(_) | Takes::OneOf { .. } => {
                parser.value().map_err(|_| UsageError::MissingValue { option: row.typed() })?
            }
        };
        self.take(&Given::new(row, value), row.id)
    }

    fn take(&mut self, given: &Given, id: OptionId) -> Result<(), UsageError> {
        let options = &mut self.options;
        match id {
            OptionId::Config => options.configs.push(given.path()?),
            OptionId::Provider => options.provider = Some(given.provider()?),
            OptionId::Model => add_model(&mut options.models, given.model()?)?,
            OptionId::Effort => options.effort = Some(given.effort()?),
            OptionId::Cwd => options.cwd = Some(given.path()?),
            OptionId::Resume => go_on_with(options, EarlierSession::Named(given.session()?))?,
            OptionId::Continue => go_on_with(options, EarlierSession::Latest)?,
            OptionId::PermissionMode => options.permission_mode = Some(given.permission_mode()?),
            OptionId::Sandbox => options.sandbox = Some(given.sandbox()?),
            OptionId::Worktree => options.worktree = true,
            OptionId::AllowNetwork => options.allow_network = true,
            OptionId::AddDir => options.add_dirs.push(given.folder()?),
            OptionId::PassEnv => options.pass_env.push(given.variable()?),
            OptionId::Verify => options.verify.push(given.words()?),
            OptionId::MaxTurns => options.max_turns = Some(given.positive()?),
            OptionId::MaxTokens => options.max_tokens = Some(given.tokens()?),
            OptionId::MaxCostUsd => options.max_cost_usd = Some(given.dollars()?),
            OptionId::Timeout => options.timeout = Some(given.seconds()?),
            OptionId::Intervention => options.intervention = Some(given.seconds_or_none()?),
            OptionId::Context => options.context.push(given.context()?),
            OptionId::Round => options.round = Some(given.positive()?),
            OptionId::OutputFormat => options.output = given.output_format()?,
            OptionId::Partial => self.partial = true,
            OptionId::InputFormat => options.takes_commands = given.input_format()?,
            OptionId::Json => options.json = true,
            OptionId::Lang => options.language = Some(given.language()?),
            OptionId::Verbose => options.verbose = true,
            OptionId::Help => self.help = true,
            OptionId::Version => self.version = true,
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Invocation, UsageError> {
        let calls = find_verb(&self.words, self.plain.unwrap_or(self.words.len()))?;
        if self.help {
            let topic = match calls {
                Calls::Nothing => Topic::Program,
                Calls::Group(group) => Topic::Group(group),
                Calls::Verb { row, .. } => Topic::Verb(row.id),
                Calls::Task => Topic::Verb(VerbId::Run),
            };
            return Ok(Invocation { verb: Verb::Help(topic), options: self.options });
        }
        if self.version {
            return Ok(Invocation { verb: Verb::Version, options: self.options });
        }
        let plain = self.plain.unwrap_or(self.words.len());
        let (row, operands) = match calls {
            Calls::Nothing if self.options.session.is_some() => {
                (table::verb(VerbId::Run), Operands { plain: 0, all: Vec::new() })
            }
            Calls::Nothing => return Err(UsageError::NothingToDo),
            Calls::Group(group) => {
                return Err(VerbError::Incomplete { group, known: verbs_of(group) }.into());
            }
            Calls::Verb { row, words } => {
                let all = self.words.split_off(words);
                (row, Operands { plain: plain.saturating_sub(words), all })
            }
            Calls::Task => (table::verb(VerbId::Run), Operands { plain, all: self.words }),
        };
        check_effects(&self.given, row)?;
        let mut options = self.options;
        options.output = match options.output {
            OutputFormat::StreamJson { .. } => OutputFormat::StreamJson { partial: self.partial },
            _ if self.partial => return Err(UsageError::PartialAlone),
            other => other,
        };
        let verb = match row.id {
            VerbId::Run if operands.all.is_empty() && options.session.is_some() => go_on(&options)?,
            _ => complete(row, operands)?,
        };
        check_standard_input(&verb, &options)?;
        Ok(Invocation { verb, options })
    }
}

fn go_on_with(options: &mut Options, session: EarlierSession) -> Result<(), UsageError> {
    match options.session.replace(session.clone()) {
        Some(earlier) if earlier != session => Err(UsageError::TwoSessions),
        _ => Ok(()),
    }
}

/// Going on without a task: there is nothing that data could go with.
fn go_on(options: &Options) -> Result<Verb, UsageError> {
    if options.context.is_empty() { Ok(Verb::GoOn) } else { Err(UsageError::ContextWithoutTask) }
}

fn add_model(models: &mut Vec<ModelChoice>, model: ModelChoice) -> Result<(), UsageError> {
    if models.iter().any(|earlier| earlier.agent == model.agent) {
        return Err(UsageError::TwoModels { agent: model.agent.map(|agent| agent.to_string()) });
    }
    models.push(model);
    Ok(())
}

fn check_effects(given: &[&'static OptionRow], verb: &VerbRow) -> Result<(), UsageError> {
    match given.iter().find(|row| !row.verbs.contains(&verb.id)) {
        Some(row) => Err(UsageError::NoEffect { option: row.typed(), verb: verb.path.join(" ") }),
        None => Ok(()),
    }
}

fn check_standard_input(verb: &Verb, options: &Options) -> Result<(), UsageError> {
    let named = options.context.iter().filter(|source| **source == ContextSource::StandardInput).count()
        + usize::from(*verb == Verb::Run(Task::StandardInput))
        + usize::from(options.takes_commands);
    if named > 1 { Err(UsageError::StandardInputTwice) } else { Ok(()) }
}

fn unicode(word: OsString) -> Result<String, UsageError> {
    word.into_string()
        .map_err(|word| UsageError::NotUnicode { argument: word.to_string_lossy().into_owned() })
}

fn unknown_option(name: &str) -> UsageError {
    let option = format!("--{name}");
    if LATER_OPTIONS.contains(&name) {
        return UsageError::LaterOption { option };
    }
    let known = OPTIONS.iter().map(|row| row.long).chain(LATER_OPTIONS);
    UsageError::UnknownOption { option, nearest: nearest(name, known).map(|near| format!("--{near}")) }
}

/// A letter that is none: probably the first one of an option's name.
fn unknown_letter(letter: char) -> UsageError {
    let nearest = OPTIONS.iter().rev().find(|row| row.long.starts_with(letter)).map(OptionRow::typed);
    UsageError::UnknownOption { option: format!("-{letter}"), nearest }
}

fn unreadable(error: lexopt::Error) -> UsageError {
    match error {
        lexopt::Error::UnexpectedValue { option, value } => {
            UsageError::UnexpectedValue { option, value: value.to_string_lossy().into_owned() }
        }
        other => UsageError::Unreadable { why: other.to_string() },
    }
}
