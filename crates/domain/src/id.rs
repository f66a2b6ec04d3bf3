//! Identifiers. Each kind is a type of its own, so that one cannot stand where another belongs.
//!
//! Ids that we mint are ULIDs: 48 bits of milliseconds and 80 random bits, written as 26 characters of
//! Crockford's base 32, so they sort by time. This module only carries them; [`crate::ports::IdSource`] mints.

use std::{fmt, str::FromStr, sync::Arc};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
pub use ulid::Ulid;

/// A text that is not an id of the kind that was expected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a {kind} id (26 characters of 0-9 and A-Z)")]
pub struct InvalidId {
    kind: &'static str,
    text: String,
}

macro_rules! ulid_id {
    ($(#[$doc:meta])* $name:ident, $kind:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Ulid);

        impl $name {
            /// Wraps a freshly minted ULID.
            #[must_use]
            pub const fn new(ulid: Ulid) -> Self {
                Self(ulid)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                text.parse().map_err(de::Error::custom)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                // The decoder drops bits that do not fit; such a text is no id.
                let ulid = Ulid::from_string(text).ok().filter(|ulid| ulid.to_string().eq_ignore_ascii_case(text));
                ulid.map(Self).ok_or_else(|| InvalidId { kind: $kind, text: text.to_owned() })
            }
        }
    };
}

ulid_id!(
    /// One conversation of a person with the team.
    SessionId,
    "session"
);
ulid_id!(
    /// One agent's way from brief to report.
    RunId,
    "run"
);
ulid_id!(
    /// One request to a model.
    RequestId,
    "request"
);
ulid_id!(
    /// One question to the person.
    QuestionId,
    "question"
);

/// One tool call. The model's side names it; the engine makes it unique within a session.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CallId(Arc<str>);

impl CallId {
    /// Takes the provider's id as it is.
    #[must_use]
    pub fn new(id: &str) -> Self {
        Self(id.into())
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(crate::properties::cases())]

        #[test]
        fn an_id_survives_its_text_and_its_json_and_sorts_like_them(one in any::<u128>(), other in any::<u128>()) {
            let (one, other) = (SessionId::new(Ulid(one)), SessionId::new(Ulid(other)));
            let text = one.to_string();
            prop_assert_eq!(text.len(), 26);
            prop_assert_eq!(text.parse::<SessionId>(), Ok(one));
            prop_assert_eq!(text.to_lowercase().parse::<SessionId>(), Ok(one));
            let json = serde_json::to_string(&one).expect("an id is a string");
            prop_assert_eq!(&json, &format!("\"{text}\""));
            prop_assert_eq!(serde_json::from_str::<SessionId>(&json).expect("it is an id"), one);
            prop_assert_eq!(one.cmp(&other), text.cmp(&other.to_string()));
        }

        #[test]
        fn a_text_is_an_id_in_one_spelling_or_not_at_all(text in "[0-9A-HJKMNP-TV-Z]{26}|\\PC{0,30}") {
            match text.parse::<RunId>() {
                Ok(id) => prop_assert_eq!(id.to_string(), text.to_ascii_uppercase()),
                Err(error) => prop_assert_eq!(
                    error.to_string(),
                    format!("`{text}` is not a run id (26 characters of 0-9 and A-Z)")
                ),
            }
        }

        #[test]
        fn a_providers_call_id_stays_as_it_is(text in "\\PC{0,40}") {
            let id = CallId::new(&text);
            let json = serde_json::to_value(&id).expect("an id is a string");
            prop_assert_eq!(&json, &serde_json::Value::from(text.as_str()));
            prop_assert_eq!(serde_json::from_value::<CallId>(json).expect("it is an id"), id);
        }
    }

    #[test]
    fn a_number_that_no_id_can_hold_is_no_id() {
        assert!("7ZZZZZZZZZZZZZZZZZZZZZZZZZ".parse::<SessionId>().is_ok());
        assert!("8ZZZZZZZZZZZZZZZZZZZZZZZZZ".parse::<SessionId>().is_err());
        assert!("80000000000000000000000000".parse::<SessionId>().is_err());
    }
}
