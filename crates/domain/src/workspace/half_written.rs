//! Files that a tool writes beside another, whose name they then take. They are no files of the person's.

use std::fmt;

const PREFIX: &str = ".better-llm-";
const SUFFIX: &str = ".tmp";

/// The name of such a file says whose it is, so that what was left behind can be told from what is being written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HalfWritten {
    /// The process that writes it, above zero.
    pub process: i32,
    /// Tells whose numbers processes have there: of which machine since which start, of which container.
    pub numbering: u32,
    /// Tells it from the other files of the process.
    pub random: u32,
}

impl HalfWritten {
    /// Reads a name; none where it is not one of these.
    #[must_use]
    pub fn of_name(name: &[u8]) -> Option<Self> {
        let name = std::str::from_utf8(name).ok()?;
        let (process, rest) = name.strip_prefix(PREFIX)?.strip_suffix(SUFFIX)?.split_once('-')?;
        let (numbering, random) = rest.split_at_checked(8)?;
        let is_number =
            |text: &str, by: fn(&u8) -> bool| !text.is_empty() && text.bytes().all(|byte| by(&byte));
        if !is_number(process, u8::is_ascii_digit)
            || !is_number(rest, u8::is_ascii_hexdigit)
            || random.len() != 8
        {
            return None;
        }
        Some(Self {
            process: process.parse().ok().filter(|process| *process > 0)?,
            numbering: u32::from_str_radix(numbering, 16).ok()?,
            random: u32::from_str_radix(random, 16).ok()?,
        })
    }
}

/// Its name.
impl fmt::Display for HalfWritten {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { process, numbering, random } = self;
        write!(f, "{PREFIX}{process}-{numbering:08x}{random:08x}{SUFFIX}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_that_we_give_are_ours() {
        let ours = HalfWritten { process: 12, numbering: 0x0123_4567, random: 0x89ab_cdef };
        for (name, expected) in [
            (".better-llm-12-0123456789abcdef.tmp", Some(ours)),
            (".better-llm-12-0123456789abcde.tmp", None),
            (".better-llm-12-+123456789abcdef.tmp", None),
            (".better-llm--0123456789abcdef.tmp", None),
            (".better-llm-0-0123456789abcdef.tmp", None),
            (".better-llm-12-notes.tmp", None),
            (".better-llm-12-가나다0123456.tmp", None),
            ("better-llm-12-0123456789abcdef.tmp", None),
        ] {
            assert_eq!(HalfWritten::of_name(name.as_bytes()), expected, "{name}");
        }
        assert_eq!(ours.to_string(), ".better-llm-12-0123456789abcdef.tmp");
    }
}
