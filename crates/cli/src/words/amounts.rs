//! Numbers with their units: durations, turns, tokens, and what was left out.

use domain::message::Usage;

use super::Language;

impl Language {
    /// Lines of output that were not shown.
    pub(crate) fn more_lines(self, lines: usize) -> String {
        match self {
            Self::English => format!("… {lines} more lines"),
            Self::Korean => format!("… {lines}줄 더 있음"),
        }
    }

    /// Bytes that a result leaves out.
    pub(crate) fn omitted(self, bytes: u64) -> String {
        match self {
            Self::English => format!("{bytes} bytes left out"),
            Self::Korean => format!("{bytes}바이트 생략"),
        }
    }

    /// A duration with one decimal.
    pub(crate) fn seconds(self, milliseconds: u64) -> String {
        let (whole, tenths) = (milliseconds / 1000, milliseconds % 1000 / 100);
        match self {
            Self::English => format!("{whole}.{tenths} s"),
            Self::Korean => format!("{whole}.{tenths}초"),
        }
    }

    /// Turns.
    pub(crate) fn turns(self, turns: u32) -> String {
        match (self, turns) {
            (Self::English, 1) => "1 turn".to_owned(),
            (Self::English, _) => format!("{turns} turns"),
            (Self::Korean, _) => format!("{turns}턴"),
        }
    }

    /// Tokens.
    pub(crate) fn tokens(self, usage: &Usage) -> String {
        let input = usage.input_tokens.saturating_add(usage.cache_read_tokens);
        let input = input.saturating_add(usage.cache_write_tokens);
        let output = usage.output_tokens;
        match self {
            Self::English => format!("{input} tokens in, {output} out"),
            Self::Korean => format!("토큰 입력 {input}, 출력 {output}"),
        }
    }
}
