//! Unified diffs, coloured by their first column.

use domain::terminal::Sanitized;

use super::style::{Markup, Role, Style};

/// The whole of a diff, indented.
pub(crate) fn diff(diff: &str, style: Style) -> Markup {
    let mut text = Markup::default();
    for line in lines(diff) {
        text.words("  ");
        text.append(&style.paint(role(&line), &line).ended());
    }
    text
}

/// The lines of a diff; none for an empty one.
pub(crate) fn lines(diff: &str) -> Vec<Sanitized> {
    let diff = diff.strip_suffix('\n').unwrap_or(diff);
    Sanitized::lines(diff).split_lines().filter(|_| !diff.is_empty()).collect()
}

/// What a line of a diff is.
pub(crate) fn role(line: &Sanitized) -> Role {
    match line.as_str().chars().next() {
        Some('+') => Role::Good,
        Some('-') => Role::Bad,
        Some('@') => Role::Action,
        _ => Role::Faint,
    }
}
