//! Whether two tasks can write the same file, told from the globs of their `writes` alone.
//!
//! No glob is interpreted here: only the folders in front of the first sign with a meaning are compared. Where that
//! says nothing for certain the answer is that they meet.

use icu_normalizer::DecomposingNormalizerBorrowed;

/// Signs with a meaning in some dialect of globs.
const SIGNS: [char; 9] = ['*', '?', '[', ']', '{', '}', '!', '\\', ','];

/// Whether no path is covered by a glob of each list. Never true where one could be, on no file system: names that
/// differ in their case, or in how their characters are composed, count as the same.
#[must_use]
pub fn are_disjoint(ones: &[String], others: &[String]) -> bool {
    let others: Vec<Folders> = others.iter().map(|glob| Folders::before_signs(glob)).collect();
    ones.iter()
        .map(|glob| Folders::before_signs(glob))
        .all(|one| others.iter().all(|other| one.parts_from(other)))
}

/// The beginning of every path that a glob covers, name by name.
struct Folders {
    is_absolute: bool,
    /// As [`same`] writes them.
    names: Vec<String>,
}

impl Folders {
    fn before_signs(glob: &str) -> Self {
        let glob = glob.trim();
        let is_absolute = glob.starts_with('/');
        let names = glob.split('/').filter(|name| !matches!(*name, "" | "."));
        if names.clone().any(|name| name == "..") {
            return Self { is_absolute, names: Vec::new() };
        }
        let names = names.take_while(|name| !name.contains(SIGNS)).map(same).collect();
        Self { is_absolute, names }
    }

    /// Whether every path that begins like this one differs from every path that begins like the other.
    fn parts_from(&self, other: &Self) -> bool {
        self.is_absolute == other.is_absolute
            && self.names.iter().zip(&other.names).any(|(name, other)| name != other)
    }
}

/// A name in a form that is the same for all names which some file system takes for one: case, composition and signs
/// without a shape left out.
fn same(name: &str) -> String {
    let apart = DecomposingNormalizerBorrowed::new_nfkd();
    let small = apart.normalize(name).to_uppercase().to_lowercase();
    let shown: String = small.chars().filter(|sign| !is_shapeless(*sign)).collect();
    apart.normalize(&shown).into_owned()
}

/// Signs that HFS+ does not see in names.
const fn is_shapeless(sign: char) -> bool {
    matches!(sign, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}
