//! How text looks: colours by role, in one place, and [`Markup`], the only thing that is ever written.

use domain::terminal::Sanitized;

/// What a piece of text is, which decides its colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// What an agent says.
    Prose,
    /// A name or a heading.
    Name,
    /// What stands in the background.
    Faint,
    /// What an agent does.
    Action,
    /// It went well.
    Good,
    /// Look here.
    Warning,
    /// It went wrong.
    Bad,
    /// It is not true.
    Alarm,
}

/// How text looks on one stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Style {
    /// Whether colours are used.
    pub(crate) colour: bool,
    /// The width to which long arguments are cut, in columns.
    pub(crate) columns: usize,
}

impl Style {
    /// The width where there is no terminal to ask.
    pub(crate) const USUAL_COLUMNS: usize = 100;

    /// `text` in the colour of its role. Gives one line what it is given; call it once a line.
    pub(crate) fn paint(self, role: Role, text: &Sanitized) -> Markup {
        match (self.colour, sgr(role)) {
            (true, Some(code)) if !text.is_empty() => Markup(format!("\u{1b}[{code}m{text}\u{1b}[0m")),
            _ => Markup(text.to_string()),
        }
    }
}

/// Text that is ready for a terminal: sanitized text, colours, and words of the program's own. There is no way to
/// put anything else into it, and nothing else can be written (reliability decision 9).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Markup(String);

impl Markup {
    /// Adds words or layout that stand in the program's source.
    pub(crate) fn words(&mut self, words: &'static str) {
        self.0.push_str(words);
    }

    /// Adds text of any origin.
    pub(crate) fn text(&mut self, text: &Sanitized) {
        self.0.push_str(text.as_str());
    }

    /// Adds what is ready.
    pub(crate) fn append(&mut self, other: &Self) {
        self.0.push_str(&other.0);
    }

    /// The same with a line break at its end.
    pub(crate) fn ended(mut self) -> Self {
        self.0.push('\n');
        self
    }

    /// Whether there is nothing to write.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What is written.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<Sanitized> for Markup {
    fn from(text: Sanitized) -> Self {
        Self(text.to_string())
    }
}

const fn sgr(role: Role) -> Option<&'static str> {
    match role {
        Role::Prose => None,
        Role::Name => Some("1"),
        Role::Faint => Some("2"),
        Role::Action => Some("36"),
        Role::Good => Some("32"),
        Role::Warning => Some("33"),
        Role::Bad => Some("31"),
        Role::Alarm => Some("1;7;31"),
    }
}
