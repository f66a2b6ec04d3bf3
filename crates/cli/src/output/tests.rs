//! What goes to which stream in which format, and readers that go away.

use better_llm::{ProviderError, StartError};
use domain::{
    event::{DeltaBody, EventBody},
    outcome::Ending,
};
use serde_json::Value;

use super::*;
use crate::render::fixtures::{delta, every_kind, manager, of, request, round_finished};

const PLAIN: Style = Style { colour: false, columns: 80 };

/// A stream whose reader has gone.
struct Closed;

impl Write for Closed {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Err(ErrorKind::BrokenPipe.into())
    }
}

fn printer<O: Write, E: Write>(format: OutputFormat, out: O, err: E) -> Printer<O, E> {
    Printer::new(format, Language::English, PLAIN, out, err)
}

fn piece() -> Delta {
    delta(manager(), DeltaBody::TextDelta { request_id: request(1) }, 0, "Hi")
}

/// Everything that is said on the two streams when a whole session is played.
fn played(format: OutputFormat) -> (String, String) {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let mut printer = printer(format, &mut out, &mut err);
    printer.delta(&piece()).unwrap();
    for event in every_kind() {
        printer.event(&event).unwrap();
    }
    assert_eq!(printer.exit_code(), Some(11));
    (String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap())
}

/// O-6.
#[test]
fn text_goes_to_standard_error_and_the_answer_alone_to_standard_output() {
    let (out, err) = played(OutputFormat::Text);
    assert_eq!(out, "I believe that it works.\n");
    assert!(err.starts_with("manager\nHi\nbetter-llm 0.1.0"), "{err}");
}

#[test]
fn json_is_the_last_event_alone() {
    let (out, err) = played(OutputFormat::Json);
    let found: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(found, serde_json::to_value(every_kind().last().unwrap()).unwrap());
    assert_eq!((out.matches('\n').count(), err.as_str()), (1, ""));
}

#[test]
fn stream_json_is_every_event_and_deltas_only_where_asked_for() {
    let (out, err) = played(OutputFormat::StreamJson { partial: false });
    let found: Vec<Event> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(found, every_kind());
    assert_eq!(err, "");
    let (partial, _) = played(OutputFormat::StreamJson { partial: true });
    let (first, rest) = partial.split_once('\n').unwrap();
    assert_eq!(serde_json::from_str::<Delta>(first).unwrap(), piece());
    assert_eq!(rest, out);
}

#[test]
fn each_line_is_flushed_as_it_comes() {
    /// Counts what was written since the last flush.
    struct Unflushed(usize);
    impl Write for Unflushed {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            self.0 = 0;
            Ok(())
        }
    }
    for format in [OutputFormat::Text, OutputFormat::Json, OutputFormat::StreamJson { partial: true }] {
        let mut printer = printer(format, Unflushed(0), Unflushed(0));
        for event in every_kind() {
            printer.event(&event).unwrap();
            assert_eq!((printer.out.0, printer.err.as_ref().unwrap().0), (0, 0), "{format:?}");
        }
    }
}

/// Reliability P51.
#[test]
fn a_closed_standard_output_is_told_and_a_closed_standard_error_is_not() {
    let mut out = Vec::new();
    let mut text = printer(OutputFormat::Text, &mut out, Closed);
    for event in every_kind() {
        text.event(&event).unwrap();
    }
    assert_eq!(out, b"I believe that it works.\n");
    let mut lines = printer(OutputFormat::StreamJson { partial: true }, Closed, Vec::new());
    assert!(matches!(lines.event(&round_finished(Ending::Done, "x")), Err(OutputError::ReaderGone)));
    assert!(matches!(lines.delta(&piece()), Err(OutputError::ReaderGone)));
    assert_eq!(lines.exit_code(), Some(0));
}

#[test]
fn where_no_round_began_the_only_line_is_an_error() {
    let failure = StartFailure::from(&StartError::Provider(ProviderError::KeyMissing {
        provider: "anthropic",
        variable: "ANTHROPIC_API_KEY",
    }))
    .because(vec!["nobody set it".to_owned()]);
    let (mut out, mut err) = (Vec::new(), Vec::new());
    printer(OutputFormat::StreamJson { partial: false }, &mut out, &mut err).start_failure(&failure).unwrap();
    let expected = concat!(
        r#"{"v":1,"type":"error","code":"no_credentials","text":"provider `anthropic` needs ANTHROPIC_API_KEY, "#,
        r#"which is not set. Set ANTHROPIC_API_KEY for provider `anthropic` or OPENAI_API_KEY for `openai` (in the "#,
        r#"environment or in a .env file), name a server of your own that speaks Chat Completions by OPENAI_BASE_URL "#,
        r#"(Ollama: http://127.0.0.1:11434/v1), play a script of answers with `--provider script:FILE`, or see it work "#,
        r#"without a key: `better-llm-cli demo`","chain":["nobody set it"],"exit_code":4}"#,
        "\n"
    );
    assert_eq!((String::from_utf8(out).unwrap().as_str(), err.as_slice()), (expected, &b""[..]));

    let (mut out, mut err) = (Vec::new(), Vec::new());
    printer(OutputFormat::Text, &mut out, &mut err).start_failure(&failure).unwrap();
    let expected = "error: provider `anthropic` needs ANTHROPIC_API_KEY, which is not set\n  \
                    because: nobody set it\n  → set ANTHROPIC_API_KEY or OPENAI_API_KEY in the environment or in \
                    `.env`, name a model server of your own with OPENAI_BASE_URL (Ollama: \
                    http://127.0.0.1:11434/v1), play a script of answers with `--provider script:FILE`, or try \
                    `better-llm-cli demo`, which needs no key\n";
    assert_eq!((out.as_slice(), String::from_utf8(err).unwrap().as_str()), (&b""[..], expected));
}

#[test]
fn an_aside_is_for_people_only() {
    for (format, expected) in [(OutputFormat::Text, "note\n"), (OutputFormat::Json, "")] {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        printer(format, &mut out, &mut err).aside(Role::Warning, "note");
        assert_eq!((out.as_slice(), String::from_utf8(err).unwrap().as_str()), (&b""[..], expected));
    }
}

#[test]
fn a_line_never_holds_what_a_terminal_would_obey() {
    let notice = EventBody::Notice { code: "x".to_owned(), text: "\u{9b}2J\u{202e}\u{1b}[0m".to_owned() };
    let mut out = Vec::new();
    let event = of(manager(), notice);
    printer(OutputFormat::StreamJson { partial: false }, &mut out, Vec::new()).event(&event).unwrap();
    let line = String::from_utf8(out).unwrap();
    assert!(
        line.trim_end().chars().all(|character| !character.is_control() && character != '\u{202e}'),
        "{line}"
    );
    assert_eq!(serde_json::from_str::<Event>(&line).unwrap(), event);
}
