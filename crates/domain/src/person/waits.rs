//! Things of one kind that wait for the person, by name, and what came of them.

use std::collections::BTreeMap;

use super::PersonQueue;
use crate::{
    event::Decision,
    id::{CallId, QuestionId},
};

/// What came of something that waited for the person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settled<A> {
    /// The person answered.
    Answered(A),
    /// They did not, up to the deadline.
    Late,
    /// Nobody is there, or nobody is there any more.
    Unattended,
    /// Whoever asked was stopped first.
    Stopped,
}

impl<A> Settled<A> {
    /// Who settled it, as events name them.
    #[must_use]
    pub const fn by(&self) -> &'static str {
        match self {
            Self::Answered(_) => "person",
            Self::Late => "deadline",
            Self::Unattended | Self::Stopped => "engine",
        }
    }
}

/// The person's answer to a call that wants leave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeaveAnswer {
    /// Yes or no, and for how long.
    pub decision: Decision,
    /// What the agent should know.
    pub note: Option<String>,
}

/// Things of one kind that wait: open, or settled and not yet fetched.
#[derive(Debug)]
pub struct Waits<M: Matter>(BTreeMap<M, Option<Settled<M::Answer>>>);

impl<M: Matter> Default for Waits<M> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<M: Matter> Waits<M> {
    /// Lets `matter` wait, or be settled from the beginning.
    pub(super) fn insert(&mut self, matter: M, settled: Option<Settled<M::Answer>>) {
        self.0.insert(matter, settled);
    }

    pub(super) fn remove(&mut self, matter: &M) {
        self.0.remove(matter);
    }

    pub(super) fn fetch(&mut self, matter: &M) -> Option<Settled<M::Answer>> {
        matches!(self.0.get(matter), Some(Some(_))).then(|| self.0.remove(matter).flatten())?
    }

    /// Whether it was open until now.
    pub(super) fn settle(&mut self, matter: &M, settled: Settled<M::Answer>) -> bool {
        let Some(waiting @ None) = self.0.get_mut(matter) else { return false };
        *waiting = Some(settled);
        true
    }

    pub(super) fn settle_all(&mut self, settled: impl Fn() -> Settled<M::Answer>) {
        self.0
            .values_mut()
            .filter(|waiting| waiting.is_none())
            .for_each(|waiting| *waiting = Some(settled()));
    }

    pub(super) fn is_any_open(&self) -> bool {
        self.0.values().any(Option::is_none)
    }
}

/// The name of what a person can be asked.
pub trait Matter: Clone + Ord {
    /// What the person answers.
    type Answer;

    /// Those of its kind that wait.
    fn waits(queue: &mut PersonQueue) -> &mut Waits<Self>;
}

impl Matter for CallId {
    type Answer = LeaveAnswer;

    fn waits(queue: &mut PersonQueue) -> &mut Waits<Self> {
        &mut queue.leaves
    }
}

impl Matter for QuestionId {
    type Answer = String;

    fn waits(queue: &mut PersonQueue) -> &mut Waits<Self> {
        &mut queue.questions
    }
}
