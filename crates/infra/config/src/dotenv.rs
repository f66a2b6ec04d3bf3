//! Reading `.env` files: `NAME=VALUE`, `export`, quotes and comments; nothing is expanded, nothing is run.
//!
//! A value ends with its line. Which variables a file may set is decided in [`crate::variables`].

/// A line that sets a variable.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Assignment {
    /// From 1.
    pub(crate) line: usize,
    pub(crate) name: String,
    pub(crate) value: String,
}

/// A line that sets nothing although it is no comment.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Malformed {
    /// From 1.
    pub(crate) line: usize,
    /// The variable it seems to be about, where that much can be read.
    pub(crate) name: Option<String>,
    pub(crate) what: &'static str,
}

/// Reads a file's text line by line. CRLF is no part of any value.
pub(crate) fn parse(text: &str) -> Vec<Result<Assignment, Malformed>> {
    text.lines().zip(1..).filter_map(|(content, line)| parse_line(content.trim(), line).transpose()).collect()
}

fn parse_line(content: &str, line: usize) -> Result<Option<Assignment>, Malformed> {
    if content.is_empty() || content.starts_with('#') {
        return Ok(None);
    }
    let malformed = |name: Option<&str>, what| Malformed { line, name: name.map(str::to_owned), what };
    let content = match content.strip_prefix("export") {
        Some(rest) if rest.starts_with(char::is_whitespace) => rest.trim_start(),
        _ => content,
    };
    let (name, value) =
        content.split_once('=').ok_or_else(|| malformed(None, "should have the form NAME=VALUE"))?;
    let name = name.trim_end();
    if !is_name(name) {
        return Err(malformed(None, "should begin with a name of letters, digits and `_`"));
    }
    let value = parse_value(value.trim_start()).map_err(|what| malformed(Some(name), what))?;
    Ok(Some(Assignment { line, name: name.to_owned(), value }))
}

fn is_name(text: &str) -> bool {
    let mut characters = text.chars();
    characters.next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
        && characters.all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn parse_value(text: &str) -> Result<String, &'static str> {
    let mut characters = text.chars();
    let value = match characters.next() {
        Some('\'') => quoted(&mut characters, '\'', |_| None)?,
        Some('"') => quoted(&mut characters, '"', escaped)?,
        _ => return Ok(unquoted(text)),
    };
    let rest = characters.as_str().trim_start();
    if rest.is_empty() || rest.starts_with('#') { Ok(value) } else { Err("has text after the closing quote") }
}

fn quoted(
    characters: &mut std::str::Chars<'_>,
    quote: char,
    escape: fn(char) -> Option<char>,
) -> Result<String, &'static str> {
    let mut value = String::new();
    while let Some(character) = characters.next() {
        if character == quote {
            return Ok(value);
        }
        let escaped = characters.clone().next().filter(|_| character == '\\').and_then(escape);
        if escaped.is_some() {
            characters.next();
        }
        value.push(escaped.unwrap_or(character));
    }
    Err("has no closing quote on its line")
}

fn escaped(character: char) -> Option<char> {
    Some(match character {
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        '"' | '\\' | '$' => character,
        _ => return None,
    })
}

/// Up to a `#` that begins the text or follows white space.
fn unquoted(text: &str) -> String {
    let mut value = String::new();
    let mut after_space = true;
    for character in text.chars() {
        if character == '#' && after_space {
            break;
        }
        after_space = character.is_whitespace();
        value.push(character);
    }
    value.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[(&str, &str)]) {
        let read: Vec<_> = parse(text).into_iter().map(Result::unwrap).collect();
        let read: Vec<_> = read.iter().map(|line| (line.name.as_str(), line.value.as_str())).collect();
        assert_eq!(read, expected, "{text:?}");
    }

    #[test]
    fn every_form_of_a_line_is_read() {
        check("", &[]);
        check("# 주석\n\n   \n", &[]);
        check("A=1", &[("A", "1")]);
        check("A=1\r\nB = 둘 셋 \r\n", &[("A", "1"), ("B", "둘 셋")]);
        check("export A=1\nexporter=2", &[("A", "1"), ("exporter", "2")]);
        check("A=\nB=  # nothing", &[("A", ""), ("B", "")]);
        check("A=a#b #c", &[("A", "a#b")]);
        check(r#"A="a # b\n\"c\" \$d \x" # e"#, &[("A", "a # b\n\"c\" $d \\x")]);
        check(r"A='a \n $B' ", &[("A", r"a \n $B")]);
        check("A=$HOME/${B}", &[("A", "$HOME/${B}")]);
        check("A=x=y", &[("A", "x=y")]);
    }

    #[test]
    fn a_line_that_cannot_be_read_says_where_and_why_and_the_others_count() {
        let text = "A=1\nnonsense\nB=\"open\n2C=3\nD='x' y\nE=2";
        let read = parse(text);
        let malformed =
            |line, name: Option<&str>, what| Err(Malformed { line, name: name.map(str::to_owned), what });
        let set = |line, name: &str, value: &str| {
            Ok(Assignment { line, name: name.to_owned(), value: value.to_owned() })
        };
        assert_eq!(
            read,
            [
                set(1, "A", "1"),
                malformed(2, None, "should have the form NAME=VALUE"),
                malformed(3, Some("B"), "has no closing quote on its line"),
                malformed(4, None, "should begin with a name of letters, digits and `_`"),
                malformed(5, Some("D"), "has text after the closing quote"),
                set(6, "E", "2"),
            ]
        );
    }
}
