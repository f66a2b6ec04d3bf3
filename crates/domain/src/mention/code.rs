//! Which parts of a message are code, as Markdown has it: fenced blocks and spans between backquotes.
//!
//! Lines that are merely indented are no code here: people indent what they write.

use std::ops::Range;

/// The byte ranges that are code, in order; they do not overlap.
pub(super) fn ranges(text: &str) -> Vec<Range<usize>> {
    let mut ranges = Vec::new();
    let mut fence: Option<(Fence, usize)> = None;
    // Spans do not reach over a blank line: up to here their paragraphs are read.
    let mut paragraph = 0;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let end = at + line.len();
        match (fence, Fence::begun_by(line)) {
            (Some((open, start)), _) => {
                if open.is_closed_by(line) {
                    ranges.push(start..end);
                    (fence, paragraph) = (None, end);
                }
            }
            (None, Some(opened)) => {
                spans(text, paragraph..at, &mut ranges);
                fence = Some((opened, at));
            }
            (None, None) if line.trim().is_empty() => {
                spans(text, paragraph..at, &mut ranges);
                paragraph = end;
            }
            (None, None) => {}
        }
        at = end;
    }
    match fence {
        Some((_, start)) => ranges.push(start..at),
        None => spans(text, paragraph..at, &mut ranges),
    }
    ranges
}

/// Whether the byte at `at` is in one of `ranges`, which are in order.
pub(super) fn contains(ranges: &[Range<usize>], at: usize) -> bool {
    let next = ranges.partition_point(|range| range.end <= at);
    ranges.get(next).is_some_and(|range| range.contains(&at))
}

/// The line that opens a fenced block.
#[derive(Clone, Copy)]
struct Fence {
    mark: char,
    length: usize,
}

impl Fence {
    const SHORTEST: usize = 3;

    fn begun_by(line: &str) -> Option<Self> {
        let line = line.trim();
        let mark = line.chars().next().filter(|first| matches!(first, '`' | '~'))?;
        let info = line.trim_start_matches(mark);
        let length = line.len() - info.len();
        // A line with further backquotes is a span.
        let is_fence = length >= Self::SHORTEST && !(mark == '`' && info.contains('`'));
        is_fence.then_some(Self { mark, length })
    }

    fn is_closed_by(self, line: &str) -> bool {
        let line = line.trim();
        line.len() >= self.length && line.chars().all(|character| character == self.mark)
    }
}

/// Adds the spans in one paragraph: a run of backquotes up to the next run of the same length.
fn spans(text: &str, paragraph: Range<usize>, ranges: &mut Vec<Range<usize>>) {
    let runs = backquotes(text.get(paragraph.clone()).unwrap_or_default(), paragraph.start);
    let mut next = 0;
    while let Some(opening) = runs.get(next) {
        let later = runs.iter().enumerate().skip(next + 1);
        next = match later.into_iter().find(|(_, closing)| closing.len() == opening.len()) {
            Some((index, closing)) => {
                ranges.push(opening.start..closing.end);
                index + 1
            }
            None => next + 1,
        };
    }
}

/// The runs of backquotes in `text`, which begins at byte `start` of the whole.
fn backquotes(text: &str, start: usize) -> Vec<Range<usize>> {
    let mut runs: Vec<Range<usize>> = Vec::new();
    for (at, _) in text.match_indices('`') {
        match runs.last_mut() {
            Some(run) if run.end == start + at => run.end += 1,
            _ => runs.push(start + at..start + at + 1),
        }
    }
    runs
}
