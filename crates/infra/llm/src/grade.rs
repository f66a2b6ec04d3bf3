//! Models of one vendor where those of another are asked for: families of names, and how strong what they name is.
//!
//! A team that was written for one vendor works with another one: a name that the other vendor cannot know is answered by
//! its model of the same grade. Names that begin otherwise (`org/model`, names of local models) belong to nobody and are
//! left alone.

/// How strong a model is, among those of its vendor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Grade {
    /// For plans and what is hard.
    Strong,
    /// For most work.
    Standard,
    /// For what is simple, and cheap.
    Fast,
}

/// Whose name it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    /// Those of the Messages API.
    Claude,
    /// Those of Chat Completions.
    Gpt,
}

/// What a word of a vendor's names says of the grade; the first that occurs counts.
const CLAUDE: [(&str, Grade); 4] =
    [("opus", Grade::Strong), ("fable", Grade::Strong), ("mythos", Grade::Strong), ("haiku", Grade::Fast)];
const GPT: [(&str, Grade); 7] = [
    ("nano", Grade::Fast),
    ("mini", Grade::Fast),
    ("luna", Grade::Fast),
    ("gpt-3.5", Grade::Fast),
    ("astra", Grade::Strong),
    ("sol", Grade::Strong),
    ("-pro", Grade::Strong),
];

impl Grade {
    /// The grade that a word of ours names.
    pub(crate) fn named(word: &str) -> Option<Self> {
        match word {
            "strong" => Some(Self::Strong),
            "standard" => Some(Self::Standard),
            "fast" => Some(Self::Fast),
            _ => None,
        }
    }

    /// The grade of a model that belongs to a family, by its name.
    pub(crate) fn of(family: Family, name: &str) -> Self {
        let words = match family {
            Family::Claude => &CLAUDE[..],
            Family::Gpt => &GPT[..],
        };
        words.iter().find(|(word, _)| name.contains(word)).map_or(Self::Standard, |(_, grade)| *grade)
    }
}

impl Family {
    /// Whose name it is; none where it may be anybody's.
    pub(crate) fn of(name: &str) -> Option<Self> {
        let begins = |words: &[&str]| words.iter().any(|word| name.starts_with(word));
        if begins(&["claude-"]) || matches!(name, "opus" | "sonnet" | "haiku") {
            Some(Self::Claude)
        } else if begins(&["gpt-", "chatgpt-", "o1-", "o3-", "o4-"]) || matches!(name, "o1" | "o3") {
            // Open weights run anywhere.
            (!name.starts_with("gpt-oss")).then_some(Self::Gpt)
        } else {
            None
        }
    }
}

/// Whether `resolved` answers in the place of a model of another vendor that was `wanted`.
#[must_use]
pub fn is_stand_in(wanted: &str, resolved: &str) -> bool {
    wanted != resolved && Family::of(wanted).is_some_and(|family| Family::of(resolved) != Some(family))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_tells_whose_it_is_and_how_strong() {
        let check = |name: &str, expected: Option<(Family, Grade)>| {
            let got = Family::of(name).map(|family| (family, Grade::of(family, name)));
            assert_eq!(got, expected, "{name}");
        };
        check("claude-sonnet-4-20250514", Some((Family::Claude, Grade::Standard)));
        check("claude-3-opus", Some((Family::Claude, Grade::Strong)));
        check("haiku", Some((Family::Claude, Grade::Fast)));
        check("gpt-4o-mini", Some((Family::Gpt, Grade::Fast)));
        check("gpt-6-sol", Some((Family::Gpt, Grade::Strong)));
        check("o4-mini", Some((Family::Gpt, Grade::Fast)));
        check("gpt-4.1", Some((Family::Gpt, Grade::Standard)));
        for nobodys in ["qwen3", "gpt-oss-120b", "anthropic/claude-sonnet-4", "내-모델", "strong", ""] {
            check(nobodys, None);
        }
    }

    #[test]
    fn only_another_vendors_model_is_a_stand_in() {
        assert!(is_stand_in("claude-sonnet-4", "gpt-6-sol") && is_stand_in("gpt-4o", "qwen3"));
        for (wanted, resolved) in
            [("strong", "gpt-6-sol"), ("claude-sonnet-4", "claude-sonnet-5-5"), ("qwen3", "qwen3")]
        {
            assert!(!is_stand_in(wanted, resolved), "{wanted} {resolved}");
        }
    }
}
