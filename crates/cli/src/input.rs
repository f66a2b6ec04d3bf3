//! Texts that the person names instead of typing: the task and its context from files or standard input.

use std::{
    fs::File,
    io::{self, Read, stdin},
    thread,
};

use domain::session::{ContextItem, Request};
use tokio::sync::oneshot;

use crate::{
    args::{ContextSource, Task, UsageError},
    words::Language,
};

/// The most bytes of one text.
pub(crate) const LONGEST: u64 = 4 * 1024 * 1024;

/// The name of standard input.
const STANDARD_INPUT: &str = "-";

/// A text that cannot be used.
#[derive(Debug)]
pub(crate) enum InputError {
    /// It cannot be opened or read.
    Read {
        /// The file, or `-`.
        name: String,
        /// Why.
        source: io::Error,
    },
    /// It is longer than [`LONGEST`].
    TooLong {
        /// The file, or `-`.
        name: String,
    },
    /// It is not UTF-8.
    NotText {
        /// The file, or `-`.
        name: String,
    },
    /// The task that it should hold is blank.
    NoTask,
}

impl InputError {
    /// The error in words.
    pub(crate) fn in_words(&self, language: Language) -> String {
        match self {
            Self::Read { name, .. } => language.unreadable_input(name),
            Self::TooLong { name } => language.input_too_long(name, LONGEST),
            Self::NotText { name } => language.input_not_text(name),
            Self::NoTask => language.usage_error(&UsageError::EmptyTask),
        }
    }

    /// Its causes.
    pub(crate) fn chain(&self) -> Vec<String> {
        match self {
            Self::Read { source, .. } => vec![source.to_string()],
            Self::TooLong { .. } | Self::NotText { .. } | Self::NoTask => Vec::new(),
        }
    }
}

/// What the round is about, read on a thread of its own: neither the runtime nor the end of the program waits for who
/// writes a pipe. Standard input is read only where it is named.
///
/// # Errors
/// [`InputError`] for the first text that cannot be used.
pub(crate) async fn request(task: &Task, context: &[ContextSource]) -> Result<Request, InputError> {
    let (task, context) = (task.clone(), context.to_vec());
    let (answer, read) = oneshot::channel();
    let reading = move || {
        let request = task_text(&task).and_then(|text| {
            let context = context_items(&context)?;
            Ok(Request { text, is_typed: matches!(task, Task::Text(_)), context })
        });
        // An error means that nobody waits any more.
        drop(answer.send(request));
    };
    let unread = |source| InputError::Read { name: STANDARD_INPUT.to_owned(), source };
    thread::Builder::new().name("input".to_owned()).spawn(reading).map_err(unread)?;
    read.await.unwrap_or_else(|error| Err(unread(io::Error::other(error))))
}

/// The task's text. Waits for standard input only where the task stands there.
fn task_text(task: &Task) -> Result<String, InputError> {
    match task {
        Task::Text(text) => Ok(text.clone()),
        Task::StandardInput => {
            let text = text_of(STANDARD_INPUT, stdin().lock())?;
            if text.trim().is_empty() { Err(InputError::NoTask) } else { Ok(text) }
        }
    }
}

/// The data that goes with the task, in the order it was named.
fn context_items(sources: &[ContextSource]) -> Result<Vec<ContextItem>, InputError> {
    sources
        .iter()
        .map(|source| match source {
            ContextSource::StandardInput => {
                let text = text_of(STANDARD_INPUT, stdin().lock())?;
                Ok(ContextItem { name: STANDARD_INPUT.to_owned(), text })
            }
            ContextSource::File(path) => {
                let name = path.display().to_string();
                let file =
                    File::open(path).map_err(|source| InputError::Read { name: name.clone(), source })?;
                Ok(ContextItem { text: text_of(&name, file)?, name })
            }
        })
        .collect()
}

/// Reads a text to its end, within [`LONGEST`].
fn text_of(name: &str, source: impl Read) -> Result<String, InputError> {
    let mut bytes = Vec::new();
    source
        .take(LONGEST + 1)
        .read_to_end(&mut bytes)
        .map_err(|source| InputError::Read { name: name.to_owned(), source })?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length > LONGEST) {
        return Err(InputError::TooLong { name: name.to_owned() });
    }
    String::from_utf8(bytes).map_err(|_| InputError::NotText { name: name.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(bytes: &[u8], expected: Result<&str, &str>) {
        let found = text_of("f", bytes).map_err(|error| error.in_words(Language::English));
        assert_eq!(found.as_deref().map_err(String::as_str), expected);
    }

    #[test]
    fn a_text_is_utf_8_and_bounded() {
        check("한글\n".as_bytes(), Ok("한글\n"));
        check(b"\xff", Err("`f` is not UTF-8 text"));
        let longest = usize::try_from(LONGEST).unwrap();
        assert!(text_of("f", &vec![b'a'; longest][..]).is_ok());
        check(&vec![b'a'; longest + 1], Err("`f` is longer than 4194304 bytes"));
    }

    #[test]
    fn context_keeps_the_order_and_names_what_cannot_be_read() {
        let folder = tempfile::tempdir().unwrap();
        let (first, second) = (folder.path().join("하나.txt"), folder.path().join("two.txt"));
        std::fs::write(&first, "1").unwrap();
        std::fs::write(&second, "2").unwrap();
        let sources = [ContextSource::File(second.clone()), ContextSource::File(first)];
        let texts: Vec<String> = context_items(&sources).unwrap().into_iter().map(|item| item.text).collect();
        assert_eq!(texts, ["2", "1"]);
        let missing = folder.path().join("missing");
        let error = context_items(&[ContextSource::File(missing.clone())]).unwrap_err();
        let text = error.in_words(Language::English);
        assert_eq!(text, format!("`{}` cannot be read", missing.display()));
        assert_eq!(error.chain().len(), 1);
    }
}
