//! Why a call was not allowed, for people.
//!
//! What the model reads is the engine's sentence; a person reads the same in their language, with the way out where
//! the sentence has none. Tests ask the domain for every sentence, so that the two cannot drift apart.

use std::borrow::Cow;

use domain::permission::SandboxState;

use super::Language;

/// What the engine puts around the rule that would have asked somebody.
const UNASKED: (&str, &str) =
    ("denied: ", ", and nobody is there to be asked. Do not try again; go on without it.");

impl Language {
    /// Why a call was denied, as `output` tells the model; `sandbox` is the one in force.
    pub(crate) fn denial(self, output: &str, sandbox: Option<&SandboxState>) -> String {
        let (before, after) = UNASKED;
        if let Some(rule) = output.strip_prefix(before).and_then(|rest| rest.strip_suffix(after)) {
            return self.unasked(&self.detail(rule));
        }
        let sentence = output.strip_prefix(before).unwrap_or(output);
        let said = match self {
            Self::English => Some(Cow::Borrowed(output)),
            Self::Korean => self.known_detail(sentence).or_else(|| self.known_detail(output)).map(Cow::Owned),
        };
        let said = said.map_or_else(|| self.denied_otherwise(output), Cow::into_owned);
        // The reason of the sandbox stands inside of the sentence.
        match sandbox.filter(|sandbox| said.contains(&sandbox.reason) && !sandbox.reason.is_empty()) {
            Some(sandbox) => said.replace(&sandbox.reason, &self.detail(&sandbox.reason)),
            None => said,
        }
    }

    fn unasked(self, rule: &str) -> String {
        match self {
            Self::English => format!(
                "{rule}, and nobody is there to be asked. To be asked, run it in a terminal; to allow it, start with \
                 `--permission-mode full`, or put a rule into `permissions.rules`"
            ),
            Self::Korean => format!(
                "{rule}. 물어볼 사람이 없어 거부했습니다. 터미널에서 실행하면 물어봅니다. 허용하려면 \
                 `--permission-mode full`로 시작하거나 `permissions.rules`에 규칙을 추가하세요"
            ),
        }
    }

    fn denied_otherwise(self, output: &str) -> String {
        match self {
            Self::English => output.to_owned(),
            Self::Korean => format!("권한이나 보호 규칙에 따라 허용되지 않았습니다: {output}"),
        }
    }
}
