//! What an index knows of files by their times, so that a file that is as it was need not be read again.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::file::Stat;

/// An entry that holds no content yet (`git add --intent-to-add`), among the flags of git's index in memory.
const INTENT_TO_ADD: u64 = 1 << 29;

/// A moment as an index writes it: seconds, and nanoseconds where it knows them (else 0).
type Moment = (u64, u64);

/// What an entry says of the file that it was made of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct EntryTimes {
    changed: Moment,
    modified: Moment,
    inode: u64,
    size: u64,
    flags: u64,
}

impl EntryTimes {
    /// Reads what `ls-files --debug` says of an entry, and gives the rest. None where it does not say it, or says it
    /// otherwise than we know: then nothing is known of the file.
    pub(crate) fn parse(text: &[u8]) -> (Option<Self>, &[u8]) {
        let mut rest = text;
        let mut words = Vec::new();
        while rest.starts_with(b"  ")
            && let Some(end) = rest.iter().position(|byte| *byte == b'\n')
            && let Some((line, after)) = rest.split_at_checked(end.saturating_add(1))
        {
            words.extend(String::from_utf8_lossy(line).split_ascii_whitespace().map(str::to_owned));
            rest = after;
        }
        (Self::from_words(&words), rest)
    }

    fn from_words(words: &[String]) -> Option<Self> {
        let value = |name: &str| {
            let at = words.iter().position(|word| word.strip_suffix(':') == Some(name))?;
            words.get(at.checked_add(1)?).map(String::as_str)
        };
        let moment = |name| {
            let (seconds, nanoseconds) = value(name)?.split_once(':')?;
            Some((seconds.parse().ok()?, nanoseconds.parse().ok()?))
        };
        Some(Self {
            changed: moment("ctime")?,
            modified: moment("mtime")?,
            inode: value("ino")?.parse().ok()?,
            size: value("size")?.parse().ok()?,
            flags: u64::from_str_radix(value("flags")?, 16).ok()?,
        })
    }

    /// Whether a file is the one that the entry was made of. Says no in every doubt; of the time of the entry itself
    /// see [`EntryTimes::is_sure`].
    pub(crate) fn is_of(&self, stat: &Stat) -> bool {
        let is_moment = |(seconds, nanoseconds): Moment, (stat_seconds, stat_nanoseconds): (i64, i64)| {
            let nanosecond = u64::try_from(stat_nanoseconds).unwrap_or_default();
            // An index has 32 bits for each.
            stat_seconds.cast_unsigned() & 0xffff_ffff == seconds
                && (nanoseconds == 0 || nanoseconds == nanosecond)
        };
        self.size > 0
            && self.size == stat.size & 0xffff_ffff
            && self.inode == stat.inode() & 0xffff_ffff
            && self.flags & INTENT_TO_ADD == 0
            && is_moment(self.modified, stat.modified())
            && is_moment(self.changed, stat.changed())
    }

    /// Whether the file was left alone for long enough before the index was written that its times can tell a change.
    pub(crate) fn is_sure(&self, index: SystemTime) -> bool {
        let written = index.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        self.modified.0 < written
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_git_says_of_an_entry_is_read_and_what_it_may_say_one_day_is_passed_by() {
        let text = "  ctime: 1795186128:953139427\n  mtime: 1795186127:0\n  dev: 65024\tino: 11838611\n  uid: 0\tgid: 0\n  \
            size: 2\tflags: 20000000\n";
        let rest = "H 100644 78981922613b2afb6025042ff6bd878ac1994e85 0\ta\nb";
        let times = EntryTimes {
            changed: (1_795_186_128, 953_139_427),
            modified: (1_795_186_127, 0),
            inode: 11_838_611,
            size: 2,
            flags: INTENT_TO_ADD,
        };
        let check = |text: &str, expected: Option<&EntryTimes>| {
            let whole = format!("{text}{rest}");
            assert_eq!(EntryTimes::parse(whole.as_bytes()), (expected.cloned(), rest.as_bytes()));
        };
        check(text, Some(&times));
        check(&format!("{text}  more: 1\n"), Some(&times));
        check("  ctime: unknown\n", None);
        check("", None);
    }
}
