//! What the program was started in: its language, its terminal. Read once, here; nothing else looks at the
//! environment. Credentials and configuration are the library's business.

use std::{
    env, fs,
    io::{IsTerminal, stderr, stdin},
};

use crate::{render::style::Style, typed::is_in_foreground, words::Language};

/// The surroundings of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Surroundings {
    /// The language of the locale.
    pub(crate) language: Language,
    /// How text on standard error looks.
    pub(crate) style: Style,
}

impl Surroundings {
    /// Those of this process.
    pub(crate) fn of_this_process() -> Self {
        let variable = |name| env::var(name).ok();
        let locale = [variable("LC_ALL"), variable("LC_MESSAGES"), variable("LANG")];
        let terminal = stderr().is_terminal().then(|| Terminal {
            no_color: variable("NO_COLOR"),
            kind: variable("TERM"),
            columns: rustix::termios::tcgetwinsize(stderr()).map_or(0, |size| usize::from(size.ws_col)),
        });
        Self { language: language(locale.iter().map(Option::as_deref)), style: style(terminal.as_ref()) }
    }
}

/// The language of the locale: the first variable that is set and not empty decides.
fn language<'a>(variables: impl IntoIterator<Item = Option<&'a str>>) -> Language {
    let locale = variables.into_iter().flatten().find(|locale| !locale.is_empty()).unwrap_or_default();
    better_llm::Language::of_locale(locale).into()
}

/// The terminal behind standard error.
struct Terminal {
    no_color: Option<String>,
    kind: Option<String>,
    /// 0: it does not say.
    columns: usize,
}

/// Colours only on a terminal that understands them, and only where nobody switched them off.
fn style(terminal: Option<&Terminal>) -> Style {
    let Some(terminal) = terminal else {
        return Style { colour: false, columns: Style::USUAL_COLUMNS };
    };
    let switched_off = terminal.no_color.as_deref().is_some_and(|value| !value.is_empty());
    let understood = is_understanding(terminal.kind.as_deref());
    let columns = if terminal.columns == 0 { Style::USUAL_COLUMNS } else { terminal.columns };
    Style { colour: understood && !switched_off, columns }
}

/// Whether the terminal understands sequences that are no text.
pub(crate) fn understands_sequences() -> bool {
    is_understanding(env::var("TERM").ok().as_deref())
}

fn is_understanding(kind: Option<&str>) -> bool {
    kind.is_some_and(|kind| !kind.is_empty() && kind != "dumb")
}

/// Whether a person can be asked: they read standard error and type at standard input.
pub(crate) fn is_at_a_terminal() -> bool {
    stdin().is_terminal() && stderr().is_terminal()
}

/// Whether a person can be asked in the middle of a round: they are at a terminal that listens to us. In the background
/// of one, reading would stop the program.
pub(crate) fn can_be_asked() -> bool {
    is_at_a_terminal() && is_in_foreground()
}

/// Whether this process ignores a signal, by its number: as a rule because whoever started it wanted so.
pub(crate) fn ignores(signal: i32) -> bool {
    let ignored = fs::read_to_string("/proc/self/status").ok().and_then(|status| {
        let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"))?;
        u64::from_str_radix(mask.trim(), 16).ok()
    });
    let bit = u32::try_from(signal).ok().and_then(|signal| 1_u64.checked_shl(signal.checked_sub(1)?));
    ignored.zip(bit).is_some_and(|(ignored, bit)| ignored & bit != 0)
}

/// Whether standard input is a pipe or a file that holds data. Never waits: what comes later is not seen.
pub(crate) fn standard_input_holds_data() -> bool {
    !stdin().is_terminal() && rustix::io::ioctl_fionread(stdin()).is_ok_and(|bytes| bytes > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(no_color: Option<&str>, kind: Option<&str>, columns: usize, expected: Style) {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        let terminal = Terminal { no_color: owned(no_color), kind: owned(kind), columns };
        assert_eq!(style(Some(&terminal)), expected, "{no_color:?} {kind:?}");
    }

    #[test]
    fn the_locale_decides_by_its_first_variable_that_is_set() {
        let check = |variables: [Option<&str>; 3], expected| {
            assert_eq!(language(variables), expected, "{variables:?}");
        };
        check([None, None, Some("ko_KR.UTF-8")], Language::Korean);
        check([Some("en_US.UTF-8"), None, Some("ko_KR.UTF-8")], Language::English);
        check([Some(""), Some("ko"), Some("en_US")], Language::Korean);
        check([None, None, None], Language::English);
    }

    #[test]
    fn colours_need_a_terminal_that_understands_them_and_nobody_who_minds() {
        let coloured = Style { colour: true, columns: 80 };
        let plain = Style { colour: false, columns: 80 };
        check(None, Some("xterm-256color"), 80, coloured);
        check(Some(""), Some("xterm"), 80, coloured);
        check(Some("1"), Some("xterm"), 80, plain);
        check(None, Some("dumb"), 80, plain);
        check(None, None, 80, plain);
        check(None, Some("xterm"), 0, Style { colour: true, columns: Style::USUAL_COLUMNS });
        assert_eq!(style(None), Style { colour: false, columns: Style::USUAL_COLUMNS });
    }
}
