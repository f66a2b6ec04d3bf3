//! Values that stand nowhere but where a test plants them, each in a form that a rule knows or that is made known.

/// Every canary of a test, with the place where it was planted.
#[derive(Default)]
pub(super) struct Canaries(Vec<(String, String)>);

impl Canaries {
    /// A vendor's token, another one each time.
    pub(super) fn token(&mut self, place: &str) -> String {
        let core = self.core(place);
        let small = core.to_lowercase();
        match self.0.len() % 7 {
            0 => format!("AKIA{core}"),
            1 => format!("ghp_{core}{small}{}", "aB3d"),
            2 => format!("sk-ant-api03-{core}-{small}"),
            3 => format!("glpat-{core}{small}"),
            4 => format!("xoxb-{core}-{small}"),
            5 => format!("npm_{core}{small}{}", "aB3d"),
            _ => format!("hf_{core}{small}{}", "aB"),
        }
    }

    /// A value without any form, of letters that every encoding writes differently.
    pub(super) fn value(&mut self, place: &str) -> String {
        format!("열쇠/\"{}\"+=?", self.core(place))
    }

    /// A value that fits into a URL.
    pub(super) fn word(&mut self, place: &str) -> String {
        format!("word{}", self.core(place))
    }

    fn core(&mut self, place: &str) -> String {
        let number = self.0.len() as u64 + 1;
        let core = format!("{:016X}", number.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        self.0.push((place.to_owned(), core.clone()));
        core
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.0.len()
    }

    /// Those planted at these places.
    pub(super) fn of(&self, places: &[&str]) -> Self {
        let of = |place: &String| places.iter().any(|wanted| place.starts_with(wanted));
        Self(self.0.iter().filter(|(place, _)| of(place)).cloned().collect())
    }

    /// None of them stands in `bytes`, however it is written.
    pub(super) fn check_absent(&self, bytes: &[u8], what: &str) {
        let text = String::from_utf8_lossy(bytes);
        for (place, core) in &self.0 {
            let found = text.find(core.as_str()).or_else(|| text.find(&core.to_lowercase()));
            if let Some(at) = found {
                let around: String = text
                    .get(text.floor_char_boundary(at.saturating_sub(200))..)
                    .unwrap_or_default()
                    .chars()
                    .take(300)
                    .collect();
                panic!("the canary of `{place}` stands in {what}: …{around}…");
            }
        }
    }
}

/// A shell command that prints a secret without holding it.
pub(super) fn printing(secret: &str) -> String {
    let letters: Vec<char> = secret.chars().collect();
    let pieces = letters.chunks(5).map(|piece| format!("'{}'", piece.iter().collect::<String>()));
    format!("printf %s {}; echo", pieces.collect::<Vec<_>>().join(" "))
}
