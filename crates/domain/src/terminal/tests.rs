//! What no terminal gets to see, and what every script keeps.

mod payloads;
mod properties;
mod scripts;
mod suspicious;

use super::Sanitized;

fn check(text: &str, shown: &str) {
    assert_eq!(Sanitized::lines(text).as_str(), shown, "{text:?}");
}
