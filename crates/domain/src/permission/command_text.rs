//! Reads the text of a command as far as a rule needs to. No shell is imitated: what is not plain is unclear.
//!
//! The two questions are asked with opposite care. Whether a text *is* what a rule allows is answered yes only for
//! one plain command, word by word. Whether a text *holds* what a rule denies is asked of every word that stands in
//! it anywhere, quoted or not, and where words are made by the shell itself the answer is "may be". Neither is a
//! wall: that is the sandbox's part.

use super::path_pattern::covers_name;

mod programs;
#[cfg(test)]
mod tests;

use programs::{HAS_COMMANDS, RUNS_ITS_WORDS, SHELLS};

/// What a rule's pattern finds in a command's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reading {
    /// The text is what the pattern says, and nothing else.
    IsExactly,
    /// What the pattern says stands somewhere in the text.
    Holds,
    /// It may: the text makes words that are not written in it.
    MayHold,
    /// It does not.
    Without,
}

/// Signs beside letters and digits that no shell gives a meaning to.
const PLAIN_SIGNS: &str = "-_./:@%+,= ";

/// A rule's text about commands.
#[derive(Debug, Clone, Copy)]
pub(super) struct CommandPattern<'p>(&'p str);

impl<'p> CommandPattern<'p> {
    pub(super) const fn new(pattern: &'p str) -> Self {
        Self(pattern)
    }

    /// The pattern that covers exactly this command.
    pub(super) fn escape(command: &str) -> String {
        let mut pattern = String::with_capacity(command.len());
        for character in command.trim().chars() {
            if matches!(character, '*' | '\\') {
                pattern.push('\\');
            }
            pattern.push(character);
        }
        pattern
    }

    /// What it finds in a command's text.
    pub(super) fn reading(self, command: &str) -> Reading {
        let command = command.trim();
        if self.exact_text().is_some_and(|exact| exact == command) || self.covers_plain(command) {
            return Reading::IsExactly;
        }
        self.search(command)
    }

    /// The one text that it covers; none where a star stands for more.
    fn exact_text(self) -> Option<String> {
        let mut text = String::with_capacity(self.0.len());
        let mut characters = self.0.trim().chars();
        while let Some(character) = characters.next() {
            match character {
                '*' => return None,
                '\\' => text.push(characters.next().unwrap_or('\\')),
                literal => text.push(literal),
            }
        }
        Some(text)
    }

    /// Whether the text is one plain command whose words it covers, one by one.
    fn covers_plain(self, command: &str) -> bool {
        let Some(words) = plain_words(command) else { return false };
        let pattern: Vec<&str> = self.0.split_whitespace().collect();
        let (pattern, takes_more) = match pattern.split_last() {
            Some((&"*", before)) => (before, true),
            _ => (pattern.as_slice(), false),
        };
        let (Some(&program), true) = (pattern.first(), words.len() >= pattern.len()) else { return false };
        let (named, more) = words.split_at(pattern.len());
        let covers = pattern.iter().zip(named).all(|(pattern, word)| covers_word(pattern, word));
        let has_star = takes_more || pattern.iter().any(|word| word.contains('*'));
        let spells_command = pattern.get(1).is_some_and(|word| !word.contains('*'));
        let runs_words = RUNS_ITS_WORDS.contains(&program)
            || (HAS_COMMANDS.contains(&program) && words.len() > 1 && !spells_command);
        covers
            && !(has_star && runs_words)
            && (more.is_empty() || takes_more)
            && more.iter().all(|word| is_harmless(word))
    }

    /// Looks for its words anywhere in the text.
    fn search(self, command: &str) -> Reading {
        let pattern: Vec<&str> = self.0.split_whitespace().filter(|word| *word != "*").collect();
        let Some((program, rest)) = pattern.split_first() else { return Reading::Holds };
        let segments = segments(command);
        let mut reading = Reading::Without;
        for segment in &segments {
            for (at, word) in segment.iter().enumerate() {
                let after = segment.get(at + 1..).unwrap_or_default();
                let name = word.rsplit('/').next().unwrap_or(word);
                if !covers_name(program, name) && !covers_name(program, word) {
                    continue;
                }
                if rest.iter().all(|wanted| stands_among(wanted, after)) {
                    return Reading::Holds;
                }
                if after.iter().any(|word| is_made(word)) {
                    reading = Reading::MayHold;
                }
            }
            if makes_its_program(segment) {
                reading = Reading::MayHold;
            }
        }
        reading
    }
}

/// The words of a text that is one plain command: letters, digits and signs that mean nothing to a shell.
fn plain_words(command: &str) -> Option<Vec<&str>> {
    let is_plain = |sign: char| sign.is_alphanumeric() || PLAIN_SIGNS.contains(sign);
    let words: Vec<&str> = command.split(' ').filter(|word| !word.is_empty()).collect();
    let is_assignment = words.first().is_some_and(|word| word.contains('='));
    (!words.is_empty() && !is_assignment && command.chars().all(is_plain)).then_some(words)
}

/// Whether a pattern's word covers a word. A star in it stands for no option and for no way out of a folder.
fn covers_word(pattern: &str, word: &str) -> bool {
    let starts_alike = !word.starts_with('-') || pattern.starts_with('-');
    covers_name(pattern, word)
        && (!pattern.contains('*') || (starts_alike && !word.contains("..") && !word.starts_with('/')))
}

/// Whether a word that a rule does not spell out may go with it: no option, no assignment, no path out of the
/// workspace.
fn is_harmless(word: &str) -> bool {
    !word.starts_with(['-', '/', '+', '@']) && !word.contains('=') && !word.contains("..")
}

/// Whether one of `words` says what a denied word says, or its letters stand among the short options.
fn stands_among(wanted: &str, words: &[String]) -> bool {
    let says = |word: &String| {
        covers_name(wanted, word)
            || word.split_once('=').is_some_and(|(option, _)| covers_name(wanted, option))
    };
    let given = || words.iter().filter_map(|word| short_options(word)).flat_map(str::chars);
    words.iter().any(says)
        || short_options(wanted)
            .is_some_and(|wanted| wanted.chars().all(|letter| given().any(|given| given == letter)))
}

/// The letters of a word that is a bundle of short options.
fn short_options(word: &str) -> Option<&str> {
    word.strip_prefix('-').filter(|letters| !letters.is_empty() && !letters.starts_with('-'))
}

/// Every word of every command in a text, as a shell might run them: quotes taken away, split wherever one command
/// could end and another begin.
fn segments(command: &str) -> Vec<Vec<String>> {
    let text: String =
        command.replace("\\\n", "").chars().filter(|sign| !matches!(sign, '"' | '\'' | '\\')).collect();
    let is_end = |sign: char| matches!(sign, ';' | '&' | '|' | '\n' | '\r' | '(' | ')' | '`');
    text.split(is_end)
        .map(|segment| {
            segment
                .split(|sign: char| sign.is_whitespace() || matches!(sign, '<' | '>' | '{' | '}' | ','))
                .filter(|word| !word.is_empty())
                .map(str::to_owned)
                .collect::<Vec<_>>()
        })
        .filter(|words| !words.is_empty())
        .collect()
}

/// Whether the shell makes this word out of something that does not stand in it.
fn is_made(word: &str) -> bool {
    word.contains(['$', '*', '?', '[', '~'])
}

/// Whether it cannot be read which program a command runs: its name is made by the shell, or it takes a script from
/// elsewhere.
fn makes_its_program(segment: &[String]) -> bool {
    let mut words = segment.iter().skip_while(|word| word.contains('=') && !word.starts_with(['$', '=']));
    let Some(first) = words.next() else { return segment.iter().any(|word| is_made(word)) };
    let name = first.rsplit('/').next().unwrap_or(first);
    is_made(first)
        || SHELLS.contains(&name)
        || (RUNS_ITS_WORDS.contains(&name) && words.any(|word| is_made(word)))
}
