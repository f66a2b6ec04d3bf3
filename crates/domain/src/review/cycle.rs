//! Reviews of one subject, counted.

/// Which review of a subject it is. A later cycle exists only within the limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReviewCycle {
    number: u32,
    limit: u32,
}

impl ReviewCycle {
    /// The first review of a subject. A limit of 0 counts as 1.
    #[must_use]
    pub fn first(limit: u32) -> Self {
        Self { number: 1, limit: limit.max(1) }
    }

    /// The review of this number, of so many, as an event tells of it.
    #[must_use]
    pub fn told(number: u32, limit: u32) -> Self {
        Self { number: number.max(1), limit: limit.max(1) }
    }

    /// The next review of the same subject, where the limit allows one.
    #[must_use]
    pub fn next(self) -> Option<Self> {
        (!self.is_last()).then_some(Self { number: self.number + 1, ..self })
    }

    /// The same review of a subject that may have one more: a person said so.
    #[must_use]
    pub const fn with_one_more(self) -> Self {
        Self { limit: self.limit.saturating_add(1), ..self }
    }

    /// Whether the limit allows no further review.
    #[must_use]
    pub const fn is_last(self) -> bool {
        self.number >= self.limit
    }

    /// From 1.
    #[must_use]
    pub const fn number(self) -> u32 {
        self.number
    }

    /// How many there may be.
    #[must_use]
    pub const fn limit(self) -> u32 {
        self.limit
    }
}
