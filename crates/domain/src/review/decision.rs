//! What a person can decide where reviews do not converge (spec O-15).

/// The ways on that a person is offered, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReviewOption {
    /// One more review, after another attempt at what is open.
    OneMore,
    /// The same, with what the person says about it.
    Guidance,
    /// What is open stays as it is; it counts as approved.
    Accept,
    /// The round ends.
    Stop,
}

impl ReviewOption {
    /// Every option, in the order in which they are offered.
    pub const ALL: [Self; 4] = [Self::OneMore, Self::Guidance, Self::Accept, Self::Stop];

    /// Its text in a `question` event. Front ends show words of their own.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::OneMore => "one more review",
            Self::Guidance => "guidance",
            Self::Accept => "accept as it is",
            Self::Stop => "stop",
        }
    }

    /// The option of this text.
    #[must_use]
    pub fn named(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|option| text.eq_ignore_ascii_case(option.text()))
    }
}

/// What came of asking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReviewDecision {
    /// The person chose an option.
    Chosen(ReviewOption),
    /// The person said what to do.
    Guided(String),
    /// Nobody answered in time, and what the question takes then was taken.
    Unanswered,
    /// Nobody is there, or nobody answered in time and there was nothing to take.
    NobodyThere,
}

impl ReviewDecision {
    /// Reads an answer: an option's text or its number from 1; nothing at all is the first option; anything else is
    /// guidance.
    #[must_use]
    pub fn read(answer: &str) -> Self {
        let answer = answer.trim();
        if answer.is_empty() {
            return Self::Chosen(ReviewOption::OneMore);
        }
        let mut numbered = ReviewOption::ALL.into_iter().zip(1_u32..);
        let by_number = numbered.find(|(_, number)| answer == number.to_string()).map(|(option, _)| option);
        let chosen = ReviewOption::named(answer).or(by_number);
        chosen.map_or_else(|| Self::Guided(answer.to_owned()), Self::Chosen)
    }
}
