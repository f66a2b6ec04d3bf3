//! Help texts, laid out from the table of verbs and options.

use domain::terminal::Sanitized;

use super::style::Markup;
use crate::{
    args::{
        Topic,
        table::{self, OPTIONS, OptionRow, Takes, VERBS, VerbId, VerbRow},
    },
    words::Language,
};

/// The name of the program in usage lines and examples.
pub(crate) const PROGRAM: &str = "better-llm-cli";

/// The help text of a topic.
pub(crate) fn help(topic: Topic, language: Language) -> Markup {
    let text = match topic {
        Topic::Program => program(language),
        Topic::Group(group) => one_group(group, language),
        Topic::Verb(verb) => one_verb(table::verb(verb), language),
    };
    Sanitized::lines(&text).into()
}

/// The program's name and version.
pub(crate) fn version() -> Markup {
    let mut text = Markup::default();
    text.words(concat!("better-llm-cli ", env!("CARGO_PKG_VERSION"), "\n"));
    text
}

fn program(language: Language) -> String {
    let usage = language.usage_heading();
    let mut text = format!("{}\n\n", language.program());
    text.push_str(&format!("{usage}: {PROGRAM} [OPTION...] TASK\n"));
    text.push_str(&format!("{usage}: {PROGRAM} [OPTION...] VERB ...\n\n"));
    text.push_str(&verbs(language, |_| true));
    text.push('\n');
    text.push_str(&options(language, |_| true));
    text.push_str(&format!("\n{}:\n", language.exit_codes_heading()));
    for line in language.exit_codes().lines() {
        text.push_str(&format!("  {line}\n"));
    }
    text.push_str(&format!("\n{}:\n", language.examples_heading()));
    text.push_str(&format!("  {PROGRAM} demo\n  {PROGRAM} \"{}\"\n", language.demo_your_task()));
    text
}

fn verbs(language: Language, wanted: impl Fn(&VerbRow) -> bool) -> String {
    let rows: Vec<(String, &str)> =
        VERBS.iter().filter(|row| wanted(row)).map(|row| (call(row), language.verb_help(row.id))).collect();
    format!("{}:\n{}", language.verbs_heading(), table_of(&rows))
}

fn one_group(group: &str, language: Language) -> String {
    let own = |row: &&VerbRow| row.path.first() == Some(&group);
    let mut text = verbs(language, |row| own(&row));
    text.push_str(&format!("\n{}:\n", language.examples_heading()));
    for row in VERBS.iter().filter(own) {
        text.push_str(&format!("  {PROGRAM} {}\n", row.example));
    }
    text
}

fn one_verb(row: &VerbRow, language: Language) -> String {
    let own = |option: &OptionRow| option.verbs.contains(&row.id);
    let mut text = format!("{}\n\n", language.verb_help(row.id));
    text.push_str(&format!("{}: {PROGRAM} {} [OPTION...]\n\n", language.usage_heading(), call(row)));
    text.push_str(&options(language, own));
    text.push_str(&format!("\n{}:\n  {PROGRAM} {}\n", language.examples_heading(), row.example));
    if row.id == VerbId::Run {
        let task = language.demo_your_task();
        text.push_str(&format!("  git diff | {PROGRAM} --context - \"{task}\"\n"));
        text.push_str(&format!(
            "  printf '%s\\n' '{{\"type\":\"message\",\"text\":\"...\"}}' |\n    {PROGRAM} --input-format stream-json \
             --output-format stream-json \"{task}\"\n"
        ));
    }
    text
}

/// A verb with what it needs.
fn call(row: &VerbRow) -> String {
    row.path.iter().copied().chain(row.operand).collect::<Vec<_>>().join(" ")
}

fn options(language: Language, wanted: impl Fn(&OptionRow) -> bool) -> String {
    let rows: Vec<(String, &str)> = OPTIONS
        .iter()
        .filter(|row| wanted(row))
        .map(|row| (spelling(row), language.option_help(row.id)))
        .collect();
    format!("{}:\n{}", language.options_heading(), table_of(&rows))
}

fn spelling(row: &OptionRow) -> String {
    let short = row.short.map_or_else(|| "    ".to_owned(), |letter| format!("-{letter}, "));
    match row.takes {
        Takes::Nothing => format!("{short}{}", row.typed()),
        Takes::Value(shown) => format!("{short}{} {shown}", row.typed()),
        Takes::OneOf { now, .. } => format!("{short}{} {}", row.typed(), now.join("|")),
    }
}

/// Two columns; the left one is ASCII, so that characters are columns. A long left side gets a line of its own.
fn table_of(rows: &[(String, &str)]) -> String {
    const LEFT: usize = 28;
    let mut text = String::new();
    for (left, right) in rows {
        if left.len() > LEFT {
            text.push_str(&format!("  {left}\n  {:LEFT$}  {right}\n", ""));
        } else {
            text.push_str(&format!("  {left:LEFT$}  {right}\n"));
        }
    }
    text
}
