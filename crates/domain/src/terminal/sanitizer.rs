//! The way from any text to [`Sanitized`] text: character by character, looking one step ahead where the meaning of
//! a character depends on the next.

use super::{
    Sanitized,
    characters::{
        BLACK_FLAG, Class, INITIAL_FILLER, KEYCAP, ZERO_WIDTH_JOINER, class, is_half_a_key,
        is_hangul_initial, is_hangul_vowel, is_joined_script, is_joiner, is_pictograph, is_skin_tone,
        is_virama, selects,
    },
};

const TAB: &str = "    ";
/// What a mark lies on that has no base of its own.
const DOTTED_CIRCLE: char = '\u{25cc}';
/// The regions whose flags are spelled in tags: England, Scotland, Wales.
const TAGGED_FLAGS: [&str; 3] = [
    "\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}",
    "\u{e0067}\u{e0062}\u{e0073}\u{e0063}\u{e0074}\u{e007f}",
    "\u{e0067}\u{e0062}\u{e0077}\u{e006c}\u{e0073}\u{e007f}",
];

/// What becomes of white space, and how hidden characters are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// Line breaks stay.
    Lines,
    /// White space becomes one space.
    Line,
    /// Line breaks are shown.
    Name,
    /// Hidden characters are escaped.
    Json,
}

/// `text` in a form, in one go.
pub(super) fn sanitize(form: Form, text: &str) -> String {
    let mut scan = Scan::new(form, text.len());
    text.chars().for_each(|character| scan.take(character));
    scan.settle(None);
    scan.shown
}

/// The characters of `text` that are shown in another form, each with its line (from 1).
pub(super) fn hidden(text: &str) -> Vec<(usize, char)> {
    let mut scan = Scan { hidden: Some(Vec::new()), ..Scan::new(Form::Lines, text.len()) };
    text.chars().for_each(|character| scan.take(character));
    scan.settle(None);
    scan.hidden.unwrap_or_default()
}

/// Sanitizes text of several lines that comes in pieces, wherever it was cut: the pieces together give what
/// [`Sanitized::lines`] gives for the whole.
#[derive(Debug)]
pub struct Sanitizer(Scan);

impl Default for Sanitizer {
    fn default() -> Self {
        Self(Scan::new(Form::Lines, 0))
    }
}

impl Sanitizer {
    /// What can be shown after another piece. At most a few characters at its end wait for the next one.
    #[must_use]
    pub fn push(&mut self, text: &str) -> Sanitized {
        text.chars().for_each(|character| self.0.take(character));
        Sanitized(std::mem::take(&mut self.0.shown))
    }

    /// What was still waiting; the text is over.
    #[must_use]
    pub fn finish(mut self) -> Sanitized {
        self.0.settle(None);
        Sanitized(self.0.shown)
    }
}

/// A text, as far as it was read.
#[derive(Debug)]
struct Scan {
    form: Form,
    shown: String,
    /// What waits for the next character: a `\r`, a joiner, a selector of a key, a filler, or the tags of a flag
    /// (fewer than [`TAGGED_FLAGS`] are long).
    waiting: Vec<char>,
    /// The character that marks lie on; none at the beginning of a line and after a character that was shown.
    base: Option<char>,
    /// The character before, marks, selectors and joiners included; none where `base` is none.
    before: Option<char>,
    /// Marks on `base`.
    marks: u8,
    /// Whether `base` is a picture that a joiner may join to the next.
    is_picture: bool,
    /// A space is due before the next character ([`Form::Line`]).
    is_gap: bool,
    /// Line breaks so far, and the characters that were shown with their lines, where somebody wants to know.
    breaks: usize,
    hidden: Option<Vec<(usize, char)>>,
}

impl Scan {
    fn new(form: Form, length: usize) -> Self {
        Self {
            form,
            shown: String::with_capacity(length),
            waiting: Vec::new(),
            base: None,
            before: None,
            marks: 0,
            is_picture: false,
            is_gap: false,
            breaks: 0,
            hidden: None,
        }
    }

    fn take(&mut self, character: char) {
        if !self.waiting.is_empty() && self.settle(Some(character)) {
            return;
        }
        match (character, self.form) {
            ('\n', Form::Lines | Form::Json) => {
                self.breaks += 1;
                self.break_line("\n");
            }
            ('\t', Form::Lines) => {
                self.break_line(TAB);
                (self.base, self.before) = (Some(' '), Some(' '));
            }
            (' ' | '\t' | '\n', Form::Line) => {
                self.is_gap = true;
                self.forget();
            }
            ('\r', Form::Lines | Form::Line) => self.waiting.push(character),
            _ => self.take_visible(character),
        }
    }

    fn take_visible(&mut self, character: char) {
        match class(character) {
            Class::Plain => self.plain(character),
            Class::Mark => self.mark(character),
            Class::Selector => self.selector(character),
            Class::Joiner | Class::Tag if self.before.is_some() => self.waiting.push(character),
            Class::Filler if character == INITIAL_FILLER => self.waiting.push(character),
            Class::Filler if self.before.is_some_and(is_hangul_initial) => self.keep(character),
            Class::Joiner | Class::Tag | Class::Filler | Class::Hidden => self.show(character),
        }
    }

    /// Decides about what waits, now that the next character is known (none: the text is over). Says whether the
    /// next one is dealt with, too.
    fn settle(&mut self, next: Option<char>) -> bool {
        let waiting = std::mem::take(&mut self.waiting);
        let [first, ..] = waiting.as_slice() else { return false };
        match *first {
            // The line break that follows says it all.
            '\r' if next == Some('\n') => {}
            joiner if is_joiner(joiner) && self.joins(joiner, next) => {
                self.keep(joiner);
                self.marks = self.marks.saturating_add(1);
            }
            selector
                if next == Some(KEYCAP) && self.before.is_some_and(|base| is_half_a_key(base, selector)) =>
            {
                self.keep(selector);
            }
            INITIAL_FILLER if next.is_some_and(is_hangul_vowel) => self.plain(INITIAL_FILLER),
            tag if class(tag) == Class::Tag => return self.settle_tags(waiting, next),
            hidden => self.show(hidden),
        }
        false
    }

    /// Goes on collecting the tags of a flag as long as they may yet spell one.
    fn settle_tags(&mut self, mut tags: Vec<char>, next: Option<char>) -> bool {
        let spells = |tags: &[char]| {
            TAGGED_FLAGS
                .iter()
                .find(|flag| flag.chars().zip(tags).filter(|(a, b)| a == *b).count() == tags.len())
        };
        let is_tag = next.is_some_and(|next| class(next) == Class::Tag);
        if let (Some(next), true, Some(BLACK_FLAG)) = (next, is_tag, self.before) {
            tags.push(next);
            match spells(&tags) {
                Some(flag) if flag.chars().count() == tags.len() => {
                    tags.iter().for_each(|tag| self.keep(*tag));
                    return true;
                }
                Some(_) => {
                    self.waiting = tags;
                    return true;
                }
                None => {
                    tags.iter().for_each(|tag| self.show(*tag));
                    return true;
                }
            }
        }
        tags.iter().for_each(|tag| self.show(*tag));
        false
    }

    /// Whether a joiner between the character before and `next` belongs to the text.
    fn joins(&self, joiner: char, next: Option<char>) -> bool {
        let (Some(base), Some(before)) = (self.base, self.before) else { return false };
        if is_joiner(before) || self.marks >= Sanitized::MOST_MARKS {
            return false;
        }
        let joins_pictures =
            joiner == ZERO_WIDTH_JOINER && self.is_picture && next.is_some_and(is_pictograph);
        let joins_letters =
            |next| matches!(class(next), Class::Plain | Class::Mark) && is_joined_script(base, next);
        joins_pictures || is_virama(before) || next.is_some_and(joins_letters)
    }

    fn plain(&mut self, character: char) {
        let is_next_picture = self.before == Some(ZERO_WIDTH_JOINER) && self.is_picture;
        let is_tone = self.is_picture && is_skin_tone(character);
        self.keep(character);
        self.base = Some(character);
        self.is_picture = is_tone || is_pictograph(character);
        // A sequence of joined pictures is one character for the eye.
        if !is_next_picture && !is_tone {
            self.marks = 0;
        }
    }

    fn mark(&mut self, character: char) {
        if self.base.is_none() && self.form == Form::Json {
            return self.show(character);
        }
        if self.base.is_none() {
            self.plain(DOTTED_CIRCLE);
        }
        if self.marks >= Sanitized::MOST_MARKS {
            self.show_code(character);
        } else {
            self.marks += 1;
            self.keep(character);
        }
    }

    fn selector(&mut self, character: char) {
        match self.before {
            Some(before) if is_half_a_key(before, character) => self.waiting.push(character),
            Some(before) if self.base == Some(before) && selects(before, character) => self.keep(character),
            _ => self.show(character),
        }
    }

    fn keep(&mut self, character: char) {
        self.fill_gap();
        self.shown.push(character);
        self.before = Some(character);
    }

    fn show(&mut self, character: char) {
        self.show_code(character);
        self.forget();
    }

    fn show_code(&mut self, character: char) {
        self.fill_gap();
        if let Some(hidden) = &mut self.hidden {
            hidden.push((self.breaks + 1, character));
        }
        let code = u32::from(character);
        // Unicode has a picture for each of the C0 characters and for DEL.
        let picture = match character {
            '\0'..='\u{1f}' => char::from_u32(0x2400 + code),
            '\u{7f}' => Some('\u{2421}'),
            _ => None,
        };
        match (self.form, picture) {
            (Form::Json, _) => {
                let mut units = [0; 2];
                for unit in character.encode_utf16(&mut units) {
                    self.shown.push_str(&format!("\\u{unit:04x}"));
                }
            }
            (_, Some(picture)) => self.shown.push(picture),
            (_, None) => self.shown.push_str(&format!("<U+{code:04X}>")),
        }
    }

    fn break_line(&mut self, with: &str) {
        self.shown.push_str(with);
        self.forget();
    }

    /// Nothing that follows lies on, joins or shapes what stands before.
    fn forget(&mut self) {
        (self.base, self.before, self.marks, self.is_picture) = (None, None, 0, false);
    }

    fn fill_gap(&mut self) {
        if std::mem::take(&mut self.is_gap) && !self.shown.is_empty() {
            self.shown.push(' ');
        }
    }
}
