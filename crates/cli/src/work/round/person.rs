//! Who is there while a round goes on, and what they say: somebody who types at the terminal, a program that writes lines,
//! or nobody.
//!
//! What they say becomes commands to the session, and what is to be shown to them; both are carried out by
//! [`super::saying`]. What may be asked and what an answer means is the engine's business.

mod program;
mod talk;

use std::{io, sync::Arc};

use better_llm::domain::{event::Event, order::BadOrder, session::Command};

pub(super) use self::{program::Program, talk::Talk};
use crate::{
    commands::OrderLine,
    render::style::Role,
    typed::{Heard, Shown},
    words::Language,
};

/// Who is there.
#[derive(Debug)]
pub(super) enum Person {
    /// Nobody, or nobody any more.
    Nobody,
    /// Somebody who types.
    Types(Box<Talk>),
    /// A program in their place.
    Sends(Program),
}

/// What they said.
#[derive(Debug)]
pub(super) enum Input {
    /// Something was typed.
    Typed(Heard),
    /// A program sent a line; none: it sends no more.
    Sent(Option<OrderLine>),
}

/// What follows from what a person said, or from what they get to see.
#[derive(Debug, PartialEq)]
pub(super) enum Act {
    /// The session is told.
    Tell(Command),
    /// The session is told what this line of a program's says.
    Carry {
        /// Its number.
        line: u64,
        /// What it says.
        command: Command,
    },
    /// They see this event now.
    Show(Arc<Event>),
    /// They are told something.
    Say(Role, String),
    /// The line that they type has changed.
    Echo(Vec<Shown>),
    /// They ended the line that they typed, and the cursor stands on the next one.
    EndPrompt,
    /// A line of a program's said nothing that could be done.
    Refuse(Refused),
    /// Nobody is there any more.
    Leave,
    /// The terminal went away.
    HangUp,
}

/// A line that was not carried out.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refused {
    /// Its number.
    pub(super) line: u64,
    /// Why.
    pub(super) why: WhyRefused,
}

/// Why a line was not carried out.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum WhyRefused {
    /// It is no command.
    Bad(BadOrder),
    /// The session does not take it now.
    NotNow(better_llm::CommandRefused),
}

impl Person {
    /// Somebody at the terminal.
    ///
    /// # Errors
    /// Where the system gives no thread to listen with.
    pub(super) fn at_the_terminal() -> io::Result<Self> {
        Talk::start().map(|talk| Self::Types(Box::new(talk)))
    }

    /// A program that writes commands to standard input.
    ///
    /// # Errors
    /// Where the system gives no thread to listen with.
    pub(super) fn behind_a_pipe() -> io::Result<Self> {
        Program::start().map(Self::Sends)
    }

    /// What they say next; never anything where nobody is there. Safe to drop.
    pub(super) async fn next(&mut self) -> Input {
        match self {
            Self::Nobody => std::future::pending().await,
            Self::Types(talk) => Input::Typed(talk.next().await),
            Self::Sends(program) => Input::Sent(program.next().await),
        }
    }

    /// What follows from what they said.
    pub(super) fn hear(&mut self, input: Input, language: Language) -> Vec<Act> {
        match (self, input) {
            (Self::Types(talk), Input::Typed(heard)) => talk.hear(heard, language),
            (Self::Sends(_), Input::Sent(line)) => Program::hear(line),
            _ => Vec::new(),
        }
    }

    /// What follows from an event that happened: as a rule, that it is shown.
    pub(super) fn see(&mut self, event: &Arc<Event>, language: Language) -> Vec<Act> {
        match self {
            Self::Nobody | Self::Sends(_) => vec![Act::Show(Arc::clone(event))],
            Self::Types(talk) => talk.see(event, language),
        }
    }

    /// What stands before the place where they type, and what they have typed there; none where nothing is awaited.
    pub(super) fn prompt(&self, language: Language) -> Option<String> {
        match self {
            Self::Types(talk) => talk.prompt(language),
            Self::Nobody | Self::Sends(_) => None,
        }
    }
}
