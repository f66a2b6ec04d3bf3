//! What a server has said since the last look: the newest of it, in bounded space.

use std::{
    mem,
    sync::{Arc, Mutex, PoisonError},
};

use domain::command::ServerOutput;

use crate::tap::Keep;

/// Holds at most three times [`ServerOutput::KEPT`]. When it is full, the oldest goes first and is counted.
#[derive(Debug, Default)]
struct Content {
    text: String,
    omitted_bytes: u64,
}

/// Shared by the server, which says, and those who look.
#[derive(Debug, Clone, Default)]
pub(super) struct Window(Arc<Mutex<Content>>);

impl Window {
    pub(super) fn say(&self, text: &str) {
        let mut content = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        content.text.push_str(text);
        // Cut only when a whole window is too much, so that each byte is moved about once.
        if content.text.len() > 2 * ServerOutput::KEPT {
            content.trim();
        }
    }

    /// What is new since the last call, and how many bytes before it were left out.
    pub(super) fn look(&self) -> (String, u64) {
        let mut content = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        content.trim();
        let Content { text, omitted_bytes } = mem::take(&mut *content);
        (text, omitted_bytes)
    }
}

impl Content {
    fn trim(&mut self) {
        let excess = self.text.len().saturating_sub(ServerOutput::KEPT);
        let cut = self.text.ceil_char_boundary(excess);
        self.text.drain(..cut);
        self.omitted_bytes += cut as u64;
    }
}

impl Keep for Window {
    fn take(&mut self, _bytes: &[u8], text: &str) {
        self.say(text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_gives_what_is_new_since_the_last() {
        let window = Window::default();
        window.say("하나\n");
        window.say("둘\n");
        assert_eq!(window.look(), ("하나\n둘\n".to_owned(), 0));
        assert_eq!(window.look(), (String::new(), 0));
        window.say("셋\n");
        assert_eq!(window.look(), ("셋\n".to_owned(), 0));
    }

    #[test]
    fn a_flood_leaves_its_newest_whole_characters_and_counts_the_rest() {
        for piece in [1_usize, 700, 90_000] {
            let window = Window::default();
            let said = "가나다 👩‍👧 العربية\n".repeat(20_000);
            let letters: Vec<char> = said.chars().collect();
            for piece in letters.chunks(piece) {
                window.say(&piece.iter().collect::<String>());
                let held = window.0.lock().expect("nobody panics").text.capacity();
                assert!(held <= 8 * ServerOutput::KEPT, "{held}");
            }
            let (text, omitted) = window.look();
            assert!(said.ends_with(&text));
            assert!((ServerOutput::KEPT - 3..=ServerOutput::KEPT).contains(&text.len()), "{}", text.len());
            assert_eq!(omitted + text.len() as u64, said.len() as u64);
        }
    }
}
