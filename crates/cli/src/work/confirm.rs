//! A yes or a no of the person who called a verb.
//!
//! Where nobody is at a terminal, or a program reads the answer as JSON, the call itself is their word.

use super::Terminal;
use crate::{
    args::Options, render::style::Role, surroundings::is_at_a_terminal, typed::Typed, words::is_yes,
};

/// Exit code of a verb that the person called off (contract 2: stopped).
pub(super) const CALLED_OFF: u8 = 15;

/// Whether somebody is there to be asked.
pub(super) fn can_ask(options: &Options) -> bool {
    !options.json && is_at_a_terminal()
}

/// Whether to go on. Asks at a terminal, and takes nothing but a plain yes for one.
pub(super) async fn is_wanted(question: &str, options: &Options, printer: &mut Terminal) -> bool {
    if !can_ask(options) {
        return true;
    }
    let typed = match Typed::start() {
        Ok(mut typed) => {
            printer.ask(question);
            // Bounded by the person: nothing else goes on, and Ctrl+C ends the program.
            typed.line().await
        }
        Err(error) => {
            let text = printer.language().unreadable_input("-");
            printer.aside(Role::Bad, &format!("{text}: {error}"));
            None
        }
    };
    if typed.is_some() {
        printer.end_prompt();
    }
    typed.is_some_and(|typed| is_yes(&typed))
}
