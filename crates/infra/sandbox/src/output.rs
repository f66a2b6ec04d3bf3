//! Bytes of a command become text in bounded space.

use domain::command::BoundedOutput;

/// Turns bytes into text, piece by piece: a character cut by two reads stays whole, what is no UTF-8 becomes U+FFFD.
#[derive(Debug, Default)]
pub(crate) struct Decoder {
    /// The beginning of a character whose end has not come yet: at most three bytes.
    cut: Vec<u8>,
}

impl Decoder {
    /// Appends the text of `bytes` to `text`.
    pub(crate) fn decode(&mut self, bytes: &[u8], text: &mut String) {
        if self.cut.is_empty() {
            self.decode_joined(bytes, text);
        } else {
            let mut joined = std::mem::take(&mut self.cut);
            joined.extend_from_slice(bytes);
            self.decode_joined(&joined, text);
        }
    }

    fn decode_joined(&mut self, bytes: &[u8], text: &mut String) {
        let mut pieces = bytes.utf8_chunks().peekable();
        while let Some(piece) = pieces.next() {
            text.push_str(piece.valid());
            let invalid = piece.invalid();
            let unfinished = pieces.peek().is_none()
                && std::str::from_utf8(invalid).is_err_and(|error| error.error_len().is_none());
            if unfinished {
                self.cut.extend_from_slice(invalid);
            } else if !invalid.is_empty() {
                text.push(char::REPLACEMENT_CHARACTER);
            }
        }
    }

    /// Appends what is left when no more bytes come.
    pub(crate) fn finish(&mut self, text: &mut String) {
        if !std::mem::take(&mut self.cut).is_empty() {
            text.push(char::REPLACEMENT_CHARACTER);
        }
    }
}

/// Keeps the head and the tail of a text of any length; holds at most three times [`BoundedOutput::SIDE`].
#[derive(Debug, Default)]
pub(crate) struct Collector {
    output: BoundedOutput,
    /// The head has left something out; from here on all is tail.
    head_is_full: bool,
}

impl Collector {
    /// Takes more text.
    pub(crate) fn push(&mut self, text: &str) {
        let BoundedOutput { head, tail, .. } = &mut self.output;
        let mut rest = text;
        if !self.head_is_full {
            let room = BoundedOutput::SIDE - head.len();
            let (fits, more) = text.split_at(text.floor_char_boundary(room));
            head.push_str(fits);
            self.head_is_full = !more.is_empty();
            rest = more;
        }
        tail.push_str(rest);
        // Cut only when a whole side is too much, so that each byte is moved about once.
        if tail.len() > 2 * BoundedOutput::SIDE {
            self.trim();
        }
    }

    fn trim(&mut self) {
        let BoundedOutput { tail, omitted_bytes, .. } = &mut self.output;
        let surplus = tail.ceil_char_boundary(tail.len().saturating_sub(BoundedOutput::SIDE));
        tail.drain(..surplus);
        *omitted_bytes += surplus as u64;
    }

    /// The output so far, bounded.
    pub(crate) fn finish(mut self) -> BoundedOutput {
        self.trim();
        self.output
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "한국어 출력 👩‍👩‍👧‍👦 שלום e\u{301}\n";

    fn decoded(pieces: &[&[u8]]) -> String {
        let (mut decoder, mut text) = (Decoder::default(), String::new());
        for piece in pieces {
            decoder.decode(piece, &mut text);
        }
        decoder.finish(&mut text);
        text
    }

    fn collected(pieces: impl IntoIterator<Item = String>) -> BoundedOutput {
        let mut collector = Collector::default();
        for piece in pieces {
            collector.push(&piece);
            assert!(collector.output.tail.capacity() < 8 * BoundedOutput::SIDE);
        }
        collector.finish()
    }

    #[test]
    fn a_character_split_between_reads_stays_whole() {
        let bytes = TEXT.as_bytes();
        for cut in 0..=bytes.len() {
            assert_eq!(decoded(&[&bytes[..cut], &bytes[cut..]]), TEXT, "cut at {cut}");
        }
        let single: Vec<&[u8]> = bytes.chunks(1).collect();
        assert_eq!(decoded(&single), TEXT);
    }

    #[test]
    fn what_is_no_utf_8_becomes_a_replacement_character_as_in_one_piece() {
        for bytes in
            [&b"a\xFFb"[..], b"\xED\x95", b"\xED\x95x", b"\xC3\x28", b"\xF0\x9F\x91", b"\xE2\x82\xE2\x82\xAC"]
        {
            let whole = String::from_utf8_lossy(bytes).into_owned();
            for cut in 0..=bytes.len() {
                assert_eq!(decoded(&[&bytes[..cut], &bytes[cut..]]), whole, "{bytes:x?} cut at {cut}");
            }
        }
    }

    #[test]
    fn output_that_fits_the_head_has_no_tail() {
        let text = "가".repeat(BoundedOutput::SIDE / 3);
        assert_eq!(
            collected([text.clone()]),
            BoundedOutput { head: text, tail: String::new(), omitted_bytes: 0 }
        );
    }

    #[test]
    fn head_and_tail_are_whole_characters_and_the_rest_is_counted() {
        let whole = "가나다라\n".repeat(50_000);
        for size in [1, 7, 1_000, 60_000] {
            let letters: Vec<char> = whole.chars().collect();
            let BoundedOutput { head, tail, omitted_bytes } =
                collected(letters.chunks(size).map(|piece| piece.iter().collect()));
            assert!(whole.starts_with(&head) && whole.ends_with(&tail));
            assert!((BoundedOutput::SIDE - 3..=BoundedOutput::SIDE).contains(&head.len()), "{}", head.len());
            assert!((BoundedOutput::SIDE - 3..=BoundedOutput::SIDE).contains(&tail.len()), "{}", tail.len());
            assert_eq!(head.len() as u64 + omitted_bytes + tail.len() as u64, whole.len() as u64);
        }
    }

    #[test]
    fn a_text_of_head_and_tail_leaves_nothing_out() {
        let whole = "x".repeat(2 * BoundedOutput::SIDE);
        let output = collected([whole.clone()]);
        assert_eq!((output.head + &output.tail, output.omitted_bytes), (whole, 0));
    }
}
