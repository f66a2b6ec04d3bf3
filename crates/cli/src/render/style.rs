//! How text looks: colours by role, in one place.

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
    pub(crate) fn paint(self, role: Role, text: &str) -> String {
        match (self.colour, sgr(role)) {
            (true, Some(code)) if !text.is_empty() => format!("\u{1b}[{code}m{text}\u{1b}[0m"),
            _ => text.to_owned(),
        }
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
