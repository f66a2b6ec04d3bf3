//! Writing what there is to say: progress to standard error, the answer or JSON lines to standard output, each
//! flushed as it comes.
//!
//! A reader that goes away (`| head -1`) is no fault (reliability P51): standard error falls silent, and a closed
//! standard output is told to the caller, which ends the round quietly. Nothing here panics on a closed pipe. Where
//! others must not wait for a slow reader, the streams are lanes of [`crate::writer`]. Only [`Markup`] can be said.

use std::{
    io::{self, ErrorKind, Write},
    process::ExitCode,
    sync::Arc,
};

use better_llm::Notice;
use domain::{
    event::{Delta, Event, EventBody},
    secret::Redactor,
    terminal::Sanitized,
};
use serde_json::Value;

use crate::{
    args::OutputFormat,
    render::{
        json::{self, delta_line, event_line, start_failure_line},
        start::{StartFailure, start_failure_text},
        style::{Markup, Role, Style},
        text::{BrokenOff, Teller, Told},
    },
    typed::Shown,
    words::{Language, Said},
    work::WhyRefused,
    writer::Lane,
};

/// Why something could not be said on standard output.
#[derive(Debug)]
pub(crate) enum OutputError {
    /// Nobody reads it any more.
    ReaderGone,
    /// It cannot be written.
    Write(io::Error),
    /// An event cannot be written as JSON, which is our own fault.
    Encode(serde_json::Error),
}

impl From<io::Error> for OutputError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            ErrorKind::BrokenPipe => Self::ReaderGone,
            _ => Self::Write(error),
        }
    }
}

/// Says what happens, in the format that was asked for.
#[derive(Debug)]
pub(crate) struct Printer<O, E> {
    format: OutputFormat,
    teller: Teller,
    out: O,
    /// None: its reader is gone.
    err: Option<E>,
    exit_code: Option<u8>,
    /// The cursor stands behind a prompt.
    is_prompting: bool,
}

impl Printer<Lane, Lane> {
    /// Says nothing from now on that this redactor takes out; the log and panics say nothing of it, either.
    pub(crate) fn catch(&self, redactor: &Arc<Redactor>) {
        self.out.net().renew(redactor);
    }
}

impl<O: Write, E: Write> Printer<O, E> {
    /// Says things in `language` and `format` on the two streams; `style` is that of `err`.
    pub(crate) fn new(format: OutputFormat, language: Language, style: Style, out: O, err: E) -> Self {
        Self {
            format,
            teller: Teller::new(language, style),
            out,
            err: Some(err),
            exit_code: None,
            is_prompting: false,
        }
    }

    /// The exit code of the round that has ended; none while it goes on.
    pub(crate) const fn exit_code(&self) -> Option<u8> {
        self.exit_code
    }

    /// The language in which things are said.
    pub(crate) const fn language(&self) -> Language {
        self.teller.language()
    }

    /// How progress looks.
    pub(crate) const fn style(&self) -> Style {
        self.teller.style()
    }

    /// Says everything from now on in this language.
    pub(crate) fn speak(&mut self, language: Language) {
        self.teller.speak(language);
    }

    /// Keeps what the program exits with where a round ends, whether or not anybody reads of it.
    pub(crate) fn heed(&mut self, event: &Event) {
        if let EventBody::RoundFinished { exit_code, .. } = &event.body {
            self.exit_code = Some(*exit_code);
        }
    }

    /// Takes note of what becomes of the round in which the session had broken off, if it had.
    pub(crate) const fn know_broken_off(&mut self, round: Option<BrokenOff>) {
        self.teller.know_broken_off(round);
    }

    /// Takes note of what the configuration left out, so that the notices of it are said in the person's language.
    pub(crate) fn know(&mut self, notices: &[Notice]) {
        self.teller.know(notices);
    }

    /// Says an event.
    ///
    /// # Errors
    /// [`OutputError`] where standard output takes nothing any more.
    pub(crate) fn event(&mut self, event: &Event) -> Result<(), OutputError> {
        self.heed(event);
        match self.format {
            OutputFormat::Text => {
                let told = self.teller.event(event);
                self.tell(&told)
            }
            OutputFormat::Json if !event.body.ends_round() => Ok(()),
            OutputFormat::Json | OutputFormat::StreamJson { .. } => {
                let line = event_line(event).map_err(OutputError::Encode)?;
                self.answer(&line)
            }
        }
    }

    /// Says a delta, where the format shows deltas.
    ///
    /// # Errors
    /// [`OutputError`] where standard output takes nothing any more.
    pub(crate) fn delta(&mut self, delta: &Delta) -> Result<(), OutputError> {
        match self.format {
            OutputFormat::Text => {
                let told = self.teller.delta(delta);
                self.tell(&told)
            }
            OutputFormat::Json | OutputFormat::StreamJson { partial: false } => Ok(()),
            OutputFormat::StreamJson { partial: true } => {
                let line = delta_line(delta).map_err(OutputError::Encode)?;
                self.answer(&line)
            }
        }
    }

    /// Says why no round began: for people on standard error, for programs as the only line of standard output.
    ///
    /// # Errors
    /// [`OutputError`] where standard output takes nothing any more.
    pub(crate) fn start_failure(&mut self, failure: &StartFailure) -> Result<(), OutputError> {
        match self.format {
            OutputFormat::Text => {
                let text = start_failure_text(failure, self.language(), self.style());
                self.progress(&text);
                Ok(())
            }
            OutputFormat::Json | OutputFormat::StreamJson { .. } => {
                let line = start_failure_line(failure).map_err(OutputError::Encode)?;
                self.answer(&line)
            }
        }
    }

    /// Says something of the program's own to people; JSON readers get events only.
    pub(crate) fn aside(&mut self, role: Role, text: &str) {
        if self.format == OutputFormat::Text {
            let line = self.teller.aside(role, text);
            self.progress(&line);
        }
    }

    /// Says something that nobody may miss: on standard error, in every format.
    pub(crate) fn alarm(&mut self, text: &str) {
        let line = self.teller.aside(Role::Bad, text);
        self.progress(&line);
    }

    /// Says that a line of standard input was not carried out: for programs as a line of JSON among the events, without a
    /// place in the journal; where there are no such lines, on standard error.
    ///
    /// # Errors
    /// [`OutputError`] where standard output takes nothing any more.
    pub(crate) fn line_refused(&mut self, line: u64, why: &WhyRefused) -> Result<(), OutputError> {
        match self.format {
            OutputFormat::Text | OutputFormat::Json => {
                let text = self.language().line_refused(line, why);
                self.alarm(&text);
                Ok(())
            }
            OutputFormat::StreamJson { .. } => {
                let text = Language::English.line_refused(line, why);
                let refused = json::line_refused_line(line, &text).map_err(OutputError::Encode)?;
                self.answer(&refused)
            }
        }
    }

    /// Asks something of one line, and leaves the cursor behind it.
    pub(crate) fn ask(&mut self, question: &str) {
        self.progress(&Markup::from(Sanitized::name(question)));
        self.is_prompting = true;
    }

    /// Leaves the cursor behind `prompt`, if something was said since it stood there.
    pub(crate) fn renew_prompt(&mut self, prompt: &str) {
        if self.format == OutputFormat::Text && !self.is_prompting {
            self.progress(&Markup::from(Sanitized::name(prompt)));
            self.is_prompting = true;
        }
    }

    /// Shows what changed in the line that is typed behind the prompt, where the terminal does not.
    pub(crate) fn echo(&mut self, shown: &[Shown]) {
        let mut text = Markup::default();
        for shown in shown {
            match shown {
                Shown::Text(more) => text.text(&Sanitized::name(more)),
                Shown::Less(columns) => (0..*columns).for_each(|_| text.words("\u{8} \u{8}")),
            }
        }
        self.write(&text);
    }

    /// A line was typed: the cursor stands at the beginning of the next one.
    pub(crate) const fn end_prompt(&mut self) {
        self.is_prompting = false;
    }

    /// Writes text that is ready, to people only.
    pub(crate) fn epilogue(&mut self, text: &Markup) {
        if self.format == OutputFormat::Text {
            self.progress(text);
        }
    }

    /// Writes text that is ready for standard error.
    pub(crate) fn progress(&mut self, text: &Markup) {
        let mut whole = Markup::default();
        if std::mem::take(&mut self.is_prompting) {
            whole.words("\n");
        }
        whole.append(text);
        self.write(&whole);
    }

    fn write(&mut self, text: &Markup) {
        let Some(err) = &mut self.err else { return };
        if err.write_all(text.as_str().as_bytes()).and_then(|()| err.flush()).is_err() {
            // There is no place left where this could be said.
            self.err = None;
        }
    }

    /// Writes text that is ready for standard output.
    ///
    /// # Errors
    /// [`OutputError`] where standard output takes nothing any more.
    pub(crate) fn answer(&mut self, text: &Markup) -> Result<(), OutputError> {
        let written = self.out.write_all(text.as_str().as_bytes()).and_then(|()| self.out.flush());
        written.map_err(OutputError::from)
    }

    /// Writes data as JSON to standard output.
    ///
    /// # Errors
    /// [`OutputError`] where standard output takes nothing any more.
    pub(crate) fn data(&mut self, data: &Value) -> Result<(), OutputError> {
        let text = json::data(data).map_err(OutputError::Encode)?;
        self.answer(&text)
    }

    /// The program's exit code: `code`. Where what there was to say could not be said for another reason than that nobody
    /// reads it, standard error says why, and all was not well, whatever `code` says; a code that says what went wrong
    /// stays, so that it is the one that the journal has.
    pub(crate) fn exit(&mut self, said: Result<(), OutputError>, code: u8) -> ExitCode {
        let why = match said {
            Ok(()) | Err(OutputError::ReaderGone) => return ExitCode::from(code),
            Err(OutputError::Write(error)) => error.to_string(),
            Err(OutputError::Encode(error)) => error.to_string(),
        };
        let words = Said::by(|language| language.unwritable_output().to_owned());
        let hint = Said::by(|language| language.unwritable_output_hint().to_owned());
        let failure = StartFailure::new("output", StartFailure::INTERNAL, words, hint).because(vec![why]);
        let text = start_failure_text(&failure, self.language(), self.style());
        self.progress(&text);
        ExitCode::from(if code == 0 { failure.exit_code } else { code })
    }

    fn tell(&mut self, told: &Told) -> Result<(), OutputError> {
        if !told.progress.is_empty() {
            self.progress(&told.progress);
        }
        match &told.answer {
            Some(answer) => self.answer(answer),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
