//! Bytes that came from a client, until they are lines.

/// The most bytes of a line without its end.
pub(crate) const LONGEST: usize = 4 << 20;

/// A line, counted from 1.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) number: u64,
    /// Without its end; none where it was longer than [`LONGEST`], and nothing of it was kept.
    pub(crate) bytes: Option<Vec<u8>>,
}

/// What was read and not taken yet. At most [`LONGEST`] and what is read at once.
#[derive(Debug, Default)]
pub(crate) struct Inbox {
    bytes: Vec<u8>,
    /// So many of them are known to hold no end of a line.
    searched: usize,
    /// The line under way is too long.
    is_too_long: bool,
    taken: u64,
}

impl Inbox {
    /// More came.
    pub(crate) fn extend(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Nothing more comes: what is left is the last line.
    pub(crate) fn end(&mut self) {
        if !self.bytes.is_empty() || self.is_too_long {
            self.bytes.push(b'\n');
        }
    }

    /// The next whole line that is not blank.
    pub(crate) fn next(&mut self) -> Option<Line> {
        loop {
            let unsearched = self.bytes.get(self.searched..).unwrap_or_default();
            let Some(end) = unsearched.iter().position(|byte| *byte == b'\n') else {
                self.searched = self.bytes.len();
                self.forget_what_is_too_long();
                return None;
            };
            let end = self.searched + end;
            let mut line: Vec<u8> = self.bytes.drain(..=end).collect();
            line.pop();
            self.searched = 0;
            self.taken += 1;
            let is_too_long = std::mem::take(&mut self.is_too_long) || line.len() > LONGEST;
            if is_too_long || !line.trim_ascii().is_empty() {
                return Some(Line { number: self.taken, bytes: (!is_too_long).then_some(line) });
            }
        }
    }

    fn forget_what_is_too_long(&mut self) {
        if self.bytes.len() > LONGEST || self.is_too_long {
            self.is_too_long = true;
            self.bytes = Vec::new();
            self.searched = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The lines that come of `text`, given in pieces of `size` bytes: their number and their length.
    fn lines(text: &[u8], size: usize) -> Vec<(u64, Option<usize>)> {
        let mut inbox = Inbox::default();
        let mut lines = Vec::new();
        let mut take = |inbox: &mut Inbox| {
            while let Some(line) = inbox.next() {
                lines.push((line.number, line.bytes.map(|bytes| bytes.len())));
            }
        };
        for piece in text.chunks(size) {
            inbox.extend(piece);
            take(&mut inbox);
            assert!(inbox.bytes.len() <= LONGEST);
        }
        inbox.end();
        take(&mut inbox);
        lines
    }

    #[test]
    fn lines_are_counted_bounded_and_taken_to_the_end_however_they_come() {
        let mut text = b"\n{}\r\n".to_vec();
        text.extend(vec![b'x'; LONGEST + 1]);
        text.extend(b"\n  \n");
        text.extend("가".repeat(LONGEST / 3).as_bytes());
        text.extend(b"\nend");
        let expected = [(2, Some(3)), (3, None), (5, Some(LONGEST / 3 * 3)), (6, Some(3))];
        for size in [7, 16 << 10, usize::MAX] {
            assert_eq!(lines(&text, size), expected, "{size}");
        }
        assert_eq!(lines(&vec![b'x'; 2 * LONGEST], 64 << 10), [(1, None)]);
        assert_eq!(lines(b"", 1), []);
    }
}
