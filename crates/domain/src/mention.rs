//! `@coder add refund`: what a person types calls workers directly, without the manager (spec O-11).
//!
//! A mention stands at the start of a line or after white space and is the name of a known agent, letter for letter; a
//! Korean particle or punctuation may follow it. Everything else that has an `@` is text: code spans and fenced blocks,
//! e-mail addresses, `@types/node`, `@src/main.rs`. Whether a text may mention at all is not decided here: only what a
//! person typed may ([`crate::session::Request::is_typed`]).
//!
//! - Words before the first mention are the introduction, which every worker that is called reads.
//! - A message whose first mention is `@manager` goes to the manager as it stands, whoever else it names.
//! - An unknown name at the start of a line is a slip, and refused; anywhere else it is text.

use icu_properties::{
    CodePointMapData, CodePointSetData,
    props::{BidiControl, GeneralCategory, GeneralCategoryGroup},
};

use crate::{agent::AgentName, text};

mod code;
mod particle;
#[cfg(test)]
mod tests;

/// The most workers that one message may call.
pub const MOST_MENTIONS: usize = 16;

/// Of a name that nobody has, so many characters are repeated.
const LONGEST_NAME: usize = 60;

/// Whom a message speaks to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Addressee {
    /// The manager, as usual.
    Manager,
    /// Workers, directly.
    Workers(Mentions),
}

impl Addressee {
    /// The workers that are called, in the order written.
    pub fn mentioned(&self) -> impl Iterator<Item = &AgentName> {
        let tasks = match self {
            Self::Manager => &[][..],
            Self::Workers(mentions) => &mentions.tasks,
        };
        tasks.iter().map(|task| &task.agent)
    }
}

/// The workers that a message calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mentions {
    /// The words before the first mention, trimmed; every worker reads them.
    pub introduction: String,
    /// Who is called, in the order written; at least one, at most [`MOST_MENTIONS`].
    pub tasks: Vec<MentionedTask>,
}

/// One mention.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MentionedTask {
    /// The worker.
    pub agent: AgentName,
    /// The words up to the next mention, trimmed. May be empty where an introduction or an earlier worker says what
    /// it is about.
    pub text: String,
}

/// A message that nobody can be given.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MentionError {
    /// A line begins with the name of nobody.
    #[error("there is no agent `{name}` ({}); as plain text it is written in backquotes: `@{name}`", listed(.known))]
    UnknownAgent {
        /// The name as typed, shortened where it is long.
        name: String,
        /// The names there are, the nearest first.
        known: Vec<AgentName>,
    },
    /// Nothing says what the first worker is to do.
    #[error("`@{agent}` is given nothing to do: write it after the name")]
    NothingToDo {
        /// The worker.
        agent: AgentName,
    },
    /// The manager is mentioned after workers.
    #[error(
        "`@manager` cannot be called after workers that are called directly: write to the manager alone, or put the \
         name in backquotes"
    )]
    ManagerAfterWorkers,
    /// More than [`MOST_MENTIONS`].
    #[error("a message can call at most {MOST_MENTIONS} workers: send the rest in a message of its own")]
    TooMany,
}

fn listed(known: &[AgentName]) -> String {
    let names: Vec<String> = known.iter().map(|name| format!("`{name}`")).collect();
    format!("known: {}", names.join(", "))
}

/// What begins a mention: the sign, and its wide form, which input methods of Korean, Chinese and Japanese give.
const SIGNS: [char; 2] = ['@', '＠'];

/// Reads whom `text` speaks to, where `workers` are known beside the manager.
///
/// # Errors
/// [`MentionError`] where it cannot be given to anybody as it stands.
pub fn addressee(text: &str, workers: &[AgentName]) -> Result<Addressee, MentionError> {
    let code = code::ranges(text);
    let mut introduction = text;
    let mut tasks: Vec<MentionedTask> = Vec::new();
    // What stands after the last mention so far.
    let mut open: &str = "";
    for (at, _) in text.match_indices(SIGNS) {
        let (before, sign_and_rest) = text.split_at_checked(at).unwrap_or((text, ""));
        let (Some(place), false) = (Place::after(before), code::contains(&code, at)) else { continue };
        let rest = sign_and_rest.strip_prefix(SIGNS).unwrap_or_default();
        match Name::read(rest, workers) {
            Name::Manager if tasks.is_empty() => return Ok(Addressee::Manager),
            Name::Manager => return Err(MentionError::ManagerAfterWorkers),
            Name::Worker(_) if tasks.len() == MOST_MENTIONS => return Err(MentionError::TooMany),
            Name::Worker(Called { agent, after }) => {
                match tasks.last_mut() {
                    Some(last) => last.text = words(until(open, sign_and_rest)),
                    None => introduction = before,
                }
                tasks.push(MentionedTask { agent, text: String::new() });
                open = after;
            }
            Name::Unknown(name) if place == Place::LineStart => return Err(unknown(name, workers)),
            Name::Unknown(_) | Name::None => {}
        }
    }
    match tasks.last_mut() {
        Some(last) => last.text = words(open),
        None => return Ok(Addressee::Manager),
    }
    let introduction = trimmed(introduction).to_owned();
    match tasks.first() {
        Some(first) if first.text.is_empty() && introduction.is_empty() => {
            Err(MentionError::NothingToDo { agent: first.agent.clone() })
        }
        _ => Ok(Addressee::Workers(Mentions { introduction, tasks })),
    }
}

/// The part of `text` before `end`, which is a later part of the same text.
fn until<'a>(text: &'a str, end: &str) -> &'a str {
    text.get(..text.len().saturating_sub(end.len())).unwrap_or_default()
}

/// Where an `@` stands that may begin a mention.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    LineStart,
    AfterGap,
}

impl Place {
    /// The place after `before`; none where something is written right in front of it.
    fn after(before: &str) -> Option<Self> {
        let written = before.trim_end_matches(is_gap);
        let gap = before.strip_prefix(written).unwrap_or_default();
        if written.is_empty() || gap.contains(is_line_break) {
            Some(Self::LineStart)
        } else {
            (!gap.is_empty()).then_some(Self::AfterGap)
        }
    }
}

/// What stands after an `@`.
enum Name<'a> {
    Manager,
    Worker(Called<'a>),
    /// A bare name that nobody has.
    Unknown(&'a str),
    /// No name: a path, a number, a decorator with arguments.
    None,
}

/// A worker by name.
struct Called<'a> {
    agent: AgentName,
    /// What stands after the name and its particle.
    after: &'a str,
}

impl<'a> Name<'a> {
    fn read(rest: &'a str, workers: &[AgentName]) -> Self {
        let (name, after) = split_where(rest, |character| !is_of_a_name(character));
        let (_, after_particle) = particle::split(after).unwrap_or(("", after));
        if ends_a_name(after_particle) {
            if name == AgentName::manager().as_str() {
                return Self::Manager;
            }
            if let Some(agent) = workers.iter().find(|worker| worker.as_str() == name) {
                return Self::Worker(Called { agent: agent.clone(), after: after_particle });
            }
            if name.starts_with(|first: char| first.is_ascii_alphabetic()) {
                return Self::Unknown(name);
            }
        }
        let (word, after) = split_where(rest, |character| !is_of_a_word(character));
        if word.starts_with(char::is_alphabetic) && ends_a_name(after) {
            Self::Unknown(word)
        } else {
            Self::None
        }
    }
}

fn split_where(text: &str, is_end: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at_checked(text.find(is_end).unwrap_or(text.len())).unwrap_or((text, ""))
}

const fn is_of_a_name(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '_' | '-')
}

/// Letters, digits and their accents in any script.
fn is_of_a_word(character: char) -> bool {
    is_of_a_name(character)
        || character.is_alphanumeric()
        || GeneralCategoryGroup::Mark.contains(CodePointMapData::<GeneralCategory>::new().get(character))
}

/// Whether a name can end before `rest`: at the end, before a gap, before punctuation that is not part of a path.
fn ends_a_name(rest: &str) -> bool {
    let Some(first) = rest.chars().next() else { return true };
    match first {
        _ if is_gap(first) => true,
        // `@coder.` ends a sentence; `@coder.rs` is a file, `@coder's` another word.
        '.' | '\'' | '’' => {
            let next = rest.trim_start_matches(['.', '\'', '’']).chars().next();
            next.is_none_or(|next| !is_of_a_word(next) && !matches!(next, '/' | '\\'))
        }
        ',' | ':' | ';' | '!' | '?' | ')' | ']' | '}' | '"' => true,
        _ if first.is_ascii() => false,
        _ => {
            let category = CodePointMapData::<GeneralCategory>::new().get(first);
            GeneralCategoryGroup::Punctuation.contains(category)
                || GeneralCategoryGroup::Symbol.contains(category)
        }
    }
}

/// White space, and what is nothing to see: marks of direction that stand between words of two directions.
fn is_gap(character: char) -> bool {
    character.is_whitespace()
        || matches!(character, '\u{200b}' | '\u{feff}')
        || CodePointSetData::new::<BidiControl>().contains(character)
}

const fn is_line_break(character: char) -> bool {
    matches!(character, '\n' | '\r' | '\u{2028}' | '\u{2029}')
}

/// Without the white space around it. Marks that open or close a direction stay: they come in pairs.
fn trimmed(text: &str) -> &str {
    text.trim_matches(|character: char| {
        character.is_whitespace()
            || matches!(character, '\u{200b}' | '\u{feff}' | '\u{200e}' | '\u{200f}' | '\u{61c}')
    })
}

/// The words after a mention, without the punctuation that belongs to the address (`@coder, ...`).
fn words(after: &str) -> String {
    const OF_THE_ADDRESS: [char; 18] =
        [',', ':', ';', '!', '?', '.', '…', '—', '–', '،', '、', '，', '：', '；', '！', '？', '。', '؟'];
    trimmed(after.trim_start_matches(OF_THE_ADDRESS)).to_owned()
}

fn unknown(name: &str, workers: &[AgentName]) -> MentionError {
    let name = text::head(name, LONGEST_NAME).to_owned();
    let typed = name.to_lowercase();
    let mut known: Vec<AgentName> = workers.iter().cloned().chain([AgentName::manager()]).collect();
    known.sort_by_key(|known| strsim::damerau_levenshtein(&typed, &known.as_str().to_lowercase()));
    MentionError::UnknownAgent { name, known }
}
