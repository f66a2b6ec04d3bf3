//! Which verb the words of a call begin with.

use domain::text::nearest;

use super::{
    UsageError, VerbError,
    error::Known,
    table::{LATER_VERBS, VERBS, VerbRow},
};

/// What the words call.
pub(super) enum Calls {
    Nothing,
    Task,
    Group(&'static str),
    Verb { row: &'static VerbRow, words: usize },
}

/// Finds the verb among the words before `--`, which are the first `plain` ones.
pub(super) fn find_verb(words: &[String], plain: usize) -> Result<Calls, UsageError> {
    let mut before = words.iter().take(plain).map(String::as_str);
    let (first, second) = match (before.next(), before.next()) {
        (None, _) if words.is_empty() => return Ok(Calls::Nothing),
        (None, _) => return Ok(Calls::Task),
        (Some(first), second) => (first, second),
    };
    if let Some(row) = rows().find(|row| row.path == [first]) {
        return Ok(Calls::Verb { row, words: 1 });
    }
    if let Some(later) = LATER_VERBS.iter().find(|path| starts(path, first, second)) {
        return Err(VerbError::Later { verb: later.join(" ") }.into());
    }
    if let Some(group) = groups().find(|group| *group == first) {
        return find_in_group(group, second);
    }
    // A call for help is no task, which would cost money; help is an option here.
    if let Some(option) = ["help", "version"].into_iter().find(|word| *word == first) {
        return Err(VerbError::IsOption { word: option }.into());
    }
    match likely_verb(first) {
        Some(nearest) => Err(VerbError::Mistyped { word: first.to_owned(), nearest }.into()),
        None => Ok(Calls::Task),
    }
}

fn find_in_group(group: &'static str, second: Option<&str>) -> Result<Calls, UsageError> {
    let Some(second) = second else {
        return Ok(Calls::Group(group));
    };
    if let Some(row) = rows().find(|row| row.path == [group, second]) {
        return Ok(Calls::Verb { row, words: 2 });
    }
    let known = verbs_of(group);
    let later = LATER_VERBS.iter().filter(|path| path.first() == Some(&group));
    let later = later.filter_map(|path| path.get(1).copied()).collect::<Vec<_>>();
    let nearest = nearest_verb(second, &known, &later);
    Err(VerbError::Unknown { group, word: second.to_owned(), known, nearest }.into())
}

fn rows() -> impl Iterator<Item = &'static VerbRow> {
    const ROWS: &[VerbRow] = &VERBS;
    ROWS.iter()
}

/// The words that begin verbs of two words.
fn groups() -> impl Iterator<Item = &'static str> {
    rows().filter(|row| row.path.len() > 1).filter_map(|row| row.path.first().copied())
}

pub(super) fn verbs_of(group: &str) -> Vec<&'static str> {
    rows().filter(|row| row.path.first() == Some(&group)).filter_map(|row| row.path.get(1).copied()).collect()
}

fn starts(path: &[&str], first: &str, second: Option<&str>) -> bool {
    match path {
        [only] => *only == first,
        [group, verb] => *group == first && Some(*verb) == second,
        _ => false,
    }
}

/// The verb that a single word was probably meant to be. A text with white space is a task.
fn likely_verb(word: &str) -> Option<Known> {
    if word.contains(char::is_whitespace) {
        return None;
    }
    let firsts = |paths: &mut dyn Iterator<Item = &'static [&'static str]>| {
        paths.filter_map(|path| path.first().copied()).collect::<Vec<_>>()
    };
    let now = firsts(&mut rows().map(|row| row.path));
    let later = firsts(&mut LATER_VERBS.into_iter());
    nearest_verb(word, &now, &later)
}

/// The nearest of the verbs of this version and of later ones; of equally near ones that of this version.
fn nearest_verb(word: &str, now: &[&'static str], later: &[&'static str]) -> Option<Known> {
    let name = nearest(word, now.iter().chain(later).copied())?;
    Some(Known { name, later: !now.contains(&name) })
}
