//! A page of a file: some of its lines, whatever its size, in bounded memory.

use std::{
    borrow::Cow,
    io::{self, BufRead, BufReader, Read},
};

use domain::tool::ToolOutcome;

use crate::{
    binary::{SNIFFED, describe, is_binary},
    off_thread::Stop,
    output::{LONGEST_LINE, Output, shortened},
    text::{count, counted},
};

const BUFFER: usize = 64 * 1024;
/// Bytes of a line that are kept: the most that can be shown, and room for what shortening cuts off.
const KEPT: usize = (LONGEST_LINE + 64) * 4;
/// In files up to this size all lines are counted, in larger ones those up to the end of the page.
const COUNTED: u64 = 16 * 1024 * 1024;
const BOM: &[u8] = b"\xef\xbb\xbf";

/// Which lines to show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Range {
    /// The first one, from 1.
    pub(crate) first: u64,
    /// How many.
    pub(crate) lines: u64,
}

impl Range {
    /// The whole file.
    pub(crate) const ALL: Self = Self { first: 1, lines: u64::MAX };
    /// As much of its beginning as a call shows that asks for no more.
    pub(crate) const BEGINNING: Self = Self { first: 1, lines: 2_000 };
}

/// A page while it is being made.
pub(crate) struct Page<'a, R> {
    reader: BufReader<R>,
    stop: &'a Stop,
    output: Output,
    /// Lines read so far.
    line: u64,
    invalid_lines: u64,
    crlf_lines: u64,
    ends_without_newline: bool,
}

/// Bytes that were cut off anywhere, without a character that is no longer whole.
fn whole_characters(cut: &[u8]) -> &[u8] {
    let broken = cut.utf8_chunks().last().map_or(0, |chunk| chunk.invalid().len());
    cut.get(..cut.len() - broken).unwrap_or(cut)
}

/// A line, of which at most [`KEPT`] bytes were kept.
#[derive(Clone, Copy)]
struct Line {
    /// Its bytes without the line end.
    length: u64,
    end: LineEnd,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum LineEnd {
    Lf,
    CrLf,
    None,
}

impl<'a, R: Read> Page<'a, R> {
    /// Reads the page of a file of `size` bytes, with room for `before` characters that will stand before it.
    pub(crate) fn read(
        file: R,
        size: u64,
        range: Range,
        before: usize,
        stop: &'a Stop,
    ) -> io::Result<ToolOutcome> {
        let mut reader = BufReader::with_capacity(BUFFER, file);
        let beginning = reader.fill_buf()?;
        if beginning.is_empty() {
            return Ok(ToolOutcome::ok("[the file is empty]"));
        }
        if is_binary(beginning) {
            let sniffed = beginning.get(..SNIFFED).unwrap_or(beginning).to_vec();
            reader.consume(sniffed.len());
            return Ok(ToolOutcome::ok(describe(&sniffed, reader, size, stop)?));
        }
        let has_bom = beginning.starts_with(BOM);
        if has_bom {
            reader.consume(BOM.len());
        }
        let page = Page {
            reader,
            stop,
            output: Output::after(before),
            line: 0,
            invalid_lines: 0,
            crlf_lines: 0,
            ends_without_newline: false,
        };
        page.make(size, range, has_bom)
    }

    fn make(mut self, size: u64, range: Range, has_bom: bool) -> io::Result<ToolOutcome> {
        let mut kept = Vec::new();
        while self.line < range.first - 1 {
            if self.next_line(&mut kept, 0)?.is_none() {
                let last = self.line;
                return Ok(ToolOutcome::error(format!(
                    "the file has only {}, so there is none at offset {}",
                    counted(last, "line", "lines"),
                    range.first
                )));
            }
        }
        let last_wanted = range.first.saturating_add(range.lines - 1);
        let mut last_shown = self.line;
        while self.line < last_wanted {
            let Some(line) = self.next_line(&mut kept, KEPT)? else { break };
            if last_shown + 1 == self.line && self.show(&kept, line) {
                last_shown = self.line;
            } else {
                self.output.omit(line.length.saturating_add(1));
            }
        }
        if last_shown == 0 && range.first == 1 {
            return Ok(ToolOutcome::ok("[the file is empty but for a byte order mark]"));
        }
        if self.line < range.first {
            return Ok(ToolOutcome::error(format!(
                "the file has only {}, so there is none at offset {}",
                counted(self.line, "line", "lines"),
                range.first
            )));
        }
        let total = self.total(size)?;
        let notes = self.notes(range.first, last_shown, total, size, has_bom);
        Ok(self.output.finish(&notes))
    }

    /// Adds a line to the page, if it fits.
    fn show(&mut self, kept: &[u8], line: Line) -> bool {
        let kept = if count(kept.len()) < line.length { whole_characters(kept) } else { kept };
        let text = String::from_utf8_lossy(kept);
        let unread = line.length.saturating_sub(count(kept.len()));
        let (shown, missing) = shortened(&text, unread);
        if !self.output.try_line(&format!("{:>6}\t{shown}", self.line)) {
            return false;
        }
        self.output.omit(missing);
        self.invalid_lines += u64::from(matches!(text, Cow::Owned(_)));
        self.crlf_lines += u64::from(line.end == LineEnd::CrLf);
        self.ends_without_newline = line.end == LineEnd::None;
        true
    }

    /// Reads on to the end of a line, keeping at most `most` bytes of it. None at the end of the file, or when
    /// nobody waits any more.
    fn next_line(&mut self, kept: &mut Vec<u8>, most: usize) -> io::Result<Option<Line>> {
        kept.clear();
        let mut length = 0_u64;
        let mut last = None;
        loop {
            if self.stop.is_set() {
                return Ok(None);
            }
            let piece = match self.reader.fill_buf() {
                Ok(piece) => piece,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            if piece.is_empty() {
                if length == 0 {
                    return Ok(None);
                }
                self.line += 1;
                return Ok(Some(Line { length, end: LineEnd::None }));
            }
            let newline = memchr::memchr(b'\n', piece);
            let part = piece.get(..newline.unwrap_or(piece.len())).unwrap_or_default();
            let room = most.saturating_sub(kept.len());
            kept.extend_from_slice(part.get(..room).unwrap_or(part));
            length = length.saturating_add(count(part.len()));
            last = part.last().copied().or(last);
            let consumed = part.len() + usize::from(newline.is_some());
            self.reader.consume(consumed);
            if newline.is_some() {
                self.line += 1;
                if last == Some(b'\r') {
                    if count(kept.len()) == length {
                        kept.pop();
                    }
                    return Ok(Some(Line { length: length - 1, end: LineEnd::CrLf }));
                }
                return Ok(Some(Line { length, end: LineEnd::Lf }));
            }
        }
    }

    /// How many lines the file has, where that is cheap to know.
    fn total(&mut self, size: u64) -> io::Result<Option<u64>> {
        if self.reader.fill_buf()?.is_empty() {
            return Ok(Some(self.line));
        }
        if size > COUNTED {
            return Ok(None);
        }
        while self.next_line(&mut Vec::new(), 0)?.is_some() {}
        Ok(Some(self.line))
    }

    fn notes(&self, first: u64, last: u64, total: Option<u64>, size: u64, has_bom: bool) -> Vec<String> {
        let mut notes = Vec::new();
        let next = last + 1;
        match total {
            Some(total) if last < total => {
                notes.push(format!("lines {first}-{last} of {total}; go on with offset {next}"));
            }
            Some(_) => {
                if self.ends_without_newline {
                    notes.push("no newline at the end of the file".to_owned());
                }
            }
            None => notes.push(format!(
                "lines {first}-{last} of a file of {size} bytes; go on with offset {next}, or search it with `grep`"
            )),
        }
        if has_bom {
            notes.push("the file begins with a byte order mark (BOM), not shown; `edit` keeps it".to_owned());
        }
        let shown = last.saturating_sub(first).saturating_add(1);
        if self.crlf_lines > 0 {
            let which = if self.crlf_lines + u64::from(self.ends_without_newline) >= shown {
                "the lines end".to_owned()
            } else {
                format!("{} of these lines end", self.crlf_lines)
            };
            notes.push(format!("{which} with CRLF; `edit` keeps that, write \\n in its texts"));
        }
        if self.invalid_lines > 0 {
            notes.push(format!(
                "{} not valid UTF-8: the bytes in question are shown as \u{fffd} (another encoding, such as \
                 EUC-KR or Latin-1?); `edit` leaves them as they are",
                if self.invalid_lines == 1 {
                    "1 line is".to_owned()
                } else {
                    format!("{} lines are", self.invalid_lines)
                }
            ));
        }
        notes
    }
}
