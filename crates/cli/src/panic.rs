//! What is said where the program itself breaks: a panic quotes whatever it broke over, so its message goes the way of
//! all text (reliability decision 9). This module mends nothing and chooses no exit code.

use std::{
    backtrace::{Backtrace, BacktraceStatus},
    io::{Write, stderr},
    panic::{PanicHookInfo, set_hook},
};

use domain::terminal::Sanitized;

use crate::net::Net;

/// Says panics of this process in safe characters, and without secrets, from now on.
pub(crate) fn say_panics_safely(net: Net) {
    set_hook(Box::new(move |panic| {
        // There is no place left where a failure to say it could be said.
        stderr().write_all(message(panic, &net).as_str().as_bytes()).unwrap_or_default();
    }));
}

fn message(panic: &PanicHookInfo<'_>, net: &Net) -> Sanitized {
    let backtrace = Backtrace::capture();
    let backtrace = match backtrace.status() {
        BacktraceStatus::Captured => format!("{backtrace}\n"),
        _ => "set RUST_BACKTRACE=1 to see where\n".to_owned(),
    };
    let text = format!("better-llm-cli {panic}\n{backtrace}");
    Sanitized::lines(&String::from_utf8_lossy(&net.catch(text.as_bytes())))
}
