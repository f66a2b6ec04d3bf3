//! Both languages say everything.

mod happenings;
mod library;

use domain::outcome::Ending;

use super::*;
use crate::{
    args::{
        Known, Topic, UsageError, VerbError, Wanted,
        table::{OPTIONS, VERBS},
    },
    render::help::help,
};

fn is_korean(text: &str) -> bool {
    text.chars().any(|character| ('가'..='힣').contains(&character))
}

/// What is said of many things in both languages, as it stands in two golden files.
fn check_golden(said: impl Fn(Language) -> String, english: &str, korean: &str) {
    let found = Language::ALL.map(&said);
    assert_eq!(found[0], english, "found:\n{}", found[0]);
    assert_eq!(found[1], korean, "found:\n{}", found[1]);
}

/// Two texts that say the same in English and in Korean.
fn check_pair(english: &str, korean: &str) {
    assert!(!english.is_empty() && !is_korean(english), "{english}");
    assert!(is_korean(korean), "{korean}");
}

#[test]
fn every_ending_says_what_happened_and_what_to_do() {
    for ending in Ending::ALL {
        let (english, korean) = (Language::English.ending(ending), Language::Korean.ending(ending));
        check_pair(english.short, korean.short);
        check_pair(english.what, korean.what);
        assert_eq!(english.next.is_empty(), ending.is_success(), "{ending:?}");
        if !ending.is_success() {
            check_pair(english.next, korean.next);
        }
    }
    let mut texts: Vec<&str> =
        Ending::ALL.iter().map(|ending| Language::English.ending(*ending).what).collect();
    texts.sort_unstable();
    texts.dedup();
    assert_eq!(texts.len(), Ending::ALL.len(), "two endings say the same");
}

#[test]
fn every_usage_error_says_what_is_wrong_and_what_to_do() {
    let text = || "--x".to_owned();
    let errors = [
        UsageError::NothingToDo,
        UsageError::TwoSessions,
        UsageError::ContextWithoutTask,
        VerbError::BadSession { given: text() }.into(),
        UsageError::BadValue { option: text(), value: text(), wanted: Wanted::Session },
        UsageError::EmptyTask,
        UsageError::NotUnicode { argument: text() },
        UsageError::UnknownOption { option: text(), nearest: Some("--config".to_owned()) },
        UsageError::LaterOption { option: text() },
        UsageError::NoEffect { option: text(), verb: text() },
        UsageError::Repeated { option: text(), most: 2 },
        UsageError::MissingValue { option: text() },
        UsageError::UnexpectedValue { option: text(), value: text() },
        UsageError::BadValue { option: text(), value: text(), wanted: Wanted::Seconds },
        UsageError::UnknownChoice { option: text(), value: text(), known: vec!["a"], nearest: Some("a") },
        UsageError::LaterChoice { option: text(), value: text() },
        UsageError::TwoModels { agent: None },
        UsageError::TwoModels { agent: Some(text()) },
        UsageError::StandardInputTwice,
        UsageError::PartialAlone,
        UsageError::Unreadable { why: text() },
        VerbError::Mistyped { word: text(), nearest: Known { name: "demo", later: false } }.into(),
        VerbError::IsOption { word: "help" }.into(),
        VerbError::Later { verb: text() }.into(),
        VerbError::Incomplete { group: "config", known: vec!["show"] }.into(),
        VerbError::Unknown { group: "config", word: text(), known: vec!["show"], nearest: None }.into(),
        VerbError::MissingOperand { verb: text(), operand: "TASK" }.into(),
        VerbError::ExtraArgument { argument: text() }.into(),
        VerbError::BadAgentName { name: text() }.into(),
    ];
    for error in &errors {
        check_pair(&Language::English.usage_error(error), &Language::Korean.usage_error(error));
        check_pair(&Language::English.usage_hint(error), &Language::Korean.usage_hint(error));
    }
    let near =
        UsageError::UnknownOption { option: "--confg".to_owned(), nearest: Some("--config".to_owned()) };
    assert_eq!(Language::English.usage_error(&near), "there is no option `--confg`");
    assert_eq!(Language::English.usage_hint(&near), "did you mean `--config`?");
}

/// Whoever the engine names in an answer is named in the person's language.
#[test]
fn whoever_answered_is_named_in_both_languages() {
    use domain::{event::Decision, person::Settled};
    let all = [Settled::Answered(()), Settled::Late, Settled::Unattended, Settled::Stopped];
    for by in all.map(|settled| settled.by()) {
        let korean =
            [Language::Korean.answered(by), Language::Korean.permission_answered(Decision::Deny, by)];
        assert!(!korean.iter().any(|said| said.contains(by)), "{korean:?}");
        assert_eq!(Language::English.answered(by), format!("answer ({by})"));
    }
}

/// A disk that is full and a folder that cannot be written are no faults of ours: what to do is said in both languages.
#[test]
fn what_cannot_be_saved_says_what_to_do() {
    for (why, english, korean) in [
        ("write the event: database or disk is full", "free some space", "공간을 확보"),
        ("No space left on device (os error 28)", "free some space", "공간을 확보"),
        ("attempt to write a readonly database", "make it writable", "쓰기 권한"),
        ("Read-only file system (os error 30)", "make it writable", "쓰기 권한"),
        ("something else", "check the disk", "디스크와"),
    ] {
        let said = Language::ALL.map(|language| language.unsaved(why));
        assert!(said.iter().all(|said| said.contains(why)), "{said:?}");
        assert!(said[0].contains(english) && said[1].contains(korean), "{said:?}");
    }
}

/// O-6.
#[test]
fn help_names_every_verb_and_option_in_both_languages() {
    for language in Language::ALL {
        let whole = help(Topic::Program, language);
        let whole = whole.as_str();
        for row in &VERBS {
            assert!(whole.contains(&row.path.join(" ")), "{}", row.path.join(" "));
            assert!(whole.contains(language.verb_help(row.id)));
            let own = help(Topic::Verb(row.id), language);
            let own = own.as_str();
            assert!(own.contains(row.example), "{own}");
            for option in &OPTIONS {
                let takes = own.contains(&format!("{} ", option.typed()));
                assert_eq!(takes, option.verbs.contains(&row.id), "{} {}", row.example, option.long);
            }
        }
        for row in &OPTIONS {
            assert!(whole.contains(&row.typed()) && whole.contains(language.option_help(row.id)));
        }
        assert_eq!(language == Language::Korean, is_korean(whole));
    }
    for row in &OPTIONS {
        let (english, korean) = (Language::English.option_help(row.id), Language::Korean.option_help(row.id));
        assert_ne!(english, korean);
    }
}
