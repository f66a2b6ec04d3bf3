//! What a refused run is told: who changed the file, and what it holds now.

use domain::{permission::PathRules, tool::ToolOutcome};

use super::{Author, Caller, Stale, State};
use crate::{
    binary::is_binary,
    confined::{Confined, FileError, Place, Version},
    off_thread::Stop,
    preview,
    read::{Page, Range},
    text::count,
};

/// A call that was refused, and the file that it was about.
pub(super) struct Refusal<'a> {
    pub(super) files: &'a Confined,
    pub(super) place: &'a Place,
    pub(super) rules: &'a PathRules,
    pub(super) now: &'a State,
}

impl Refusal<'_> {
    /// In at most 48,000 characters: the file where all of it fits, else the lines that changed, where that can be
    /// told, else its beginning. Nothing of it where the agent may not read it.
    pub(super) fn told(&self, stale: &Stale) -> ToolOutcome {
        let place = self.place;
        let happened = match stale {
            Stale::Changed { by, .. } if self.now.version == Version::Missing => {
                return ToolOutcome::error(format!(
                    "`{place}` is gone: {}removed it since this run last saw it, so nothing was written. If it has to \
                     be there all the same, `write` it again.",
                    remover(by)
                ));
            }
            Stale::Changed { by, .. } => format!("was changed by {by} since this run last saw it"),
            Stale::Unseen { by } => {
                format!("was changed by {by} since this run began, which has not seen that")
            }
            Stale::Resumed => {
                "stood there before this session was taken up again, and this run has not looked at it \
                               since, so it may have changed"
                    .to_owned()
            }
        };
        let refused = format!("`{place}` {happened}. Nothing was written.");
        match self.shown(stale, refused.chars().count() + LEAD) {
            Ok(Shown { lead, outcome }) => {
                let output = format!("{refused} {lead}\n{}", outcome.output);
                ToolOutcome { omitted_bytes: outcome.omitted_bytes, ..ToolOutcome::error(output) }
            }
            Err(FileError::Forbidden { .. }) => ToolOutcome::error(format!(
                "{refused} What it holds now is not for you to read, so it cannot be shown; if this is still what it \
                 has to hold, call again."
            )),
            Err(error) => {
                ToolOutcome::error(format!("{refused} It cannot be shown: {}", error.outcome().output))
            }
        }
    }

    fn shown(&self, stale: &Stale, before: usize) -> Result<Shown, FileError> {
        let stop = Stop::default();
        let failed = |source| FileError::Io { doing: "read", place: self.place.clone(), source };
        // Asks what rules leave to the agent, too.
        let opened = self.files.open(self.place, self.rules)?;
        let Some(content) = &self.now.content else {
            let outcome =
                Page::read(opened.file, opened.size, Range::BEGINNING, before, &stop).map_err(failed)?;
            return Ok(Shown { lead: BEGINNING, outcome });
        };
        let page = |range| {
            Page::read(content.as_slice(), count(content.len()), range, before, &stop).map_err(failed)
        };
        let whole = page(Range::ALL)?;
        if whole.omitted_bytes == 0 {
            return Ok(Shown { lead: WHOLE, outcome: whole });
        }
        if let Stale::Changed { seen: Some(seen), .. } = stale
            && !is_binary(seen)
            && count(content.len()) <= preview::COMPARED
        {
            let (text, omitted_bytes) = preview::changes(self.place, seen, content, before);
            let lead = if omitted_bytes == 0 { DIFF } else { PART_OF_DIFF };
            return Ok(Shown { lead, outcome: ToolOutcome { omitted_bytes, ..ToolOutcome::ok(text) } });
        }
        Ok(Shown { lead: BEGINNING, outcome: page(Range::BEGINNING)? })
    }
}

/// Room for the longest of the leads.
const LEAD: usize = 200;
const WHOLE: &str = "What it holds now follows; begin from that:";
const DIFF: &str = "What changed since then follows; `read` it for more:";
const PART_OF_DIFF: &str = "The first changes since then follow; `read` it for more:";
const BEGINNING: &str = "It now begins as follows; `read` it for more:";

struct Shown {
    lead: &'static str,
    outcome: ToolOutcome,
}

/// No file tool removes files, so it was no run as such.
fn remover(by: &Author) -> String {
    match by {
        Author::Run(_) | Author::Others => "a command or somebody outside ".to_owned(),
        Author::RunAndOthers(caller) => {
            format!("{} changed it, and then a command or somebody outside ", named(caller))
        }
    }
}

fn named(caller: &Caller) -> String {
    format!("`{}` (run {})", caller.agent, caller.run)
}

impl std::fmt::Display for Author {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Run(caller) => f.write_str(&named(caller)),
            Self::RunAndOthers(caller) => {
                write!(f, "{}, and after that by a command or somebody outside,", named(caller))
            }
            Self::Others => f.write_str("a command or somebody outside"),
        }
    }
}
