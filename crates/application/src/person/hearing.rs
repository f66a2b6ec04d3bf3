//! What the person says without being asked: written down at once, read by the manager with its next request.
//!
//! Words that no request of the round took along are kept for the next round of the session, and a notice says so.

use std::future::Future;

use domain::{
    event::EventBody,
    person::PersonQueue,
    ports::JournalError,
    run::{AgentRun, RunEffect, RunInput},
};
use futures_util::future::try_join;

use crate::{
    agent_run::RunContext,
    round::{RoundContext, RoundState},
};

impl RoundContext {
    /// Does the work of the round, and writes down what the person says meanwhile. Nothing is taken after it.
    pub(crate) async fn listening<T>(
        &self,
        work: impl Future<Output = Result<T, JournalError>>,
    ) -> Result<T, JournalError> {
        let work = async {
            let done = work.await;
            self.ports.person.change(PersonQueue::stop_listening);
            done
        };
        let (done, ()) = try_join(work, self.write_down()).await?;
        Ok(done)
    }

    /// Writes down what is said until nothing is taken any more: before the manager reads it (law 1).
    async fn write_down(&self) -> Result<(), JournalError> {
        let person = &self.ports.person;
        loop {
            let said = person.until(|queue| match queue.unwritten() {
                Some(text) => Some(Some(text.to_owned())),
                None => (!queue.is_listening()).then_some(None),
            });
            let Some(text) = said.await else { return Ok(()) };
            self.append(EventBody::MessageQueued { text }).await?;
            person.change(PersonQueue::written);
        }
    }

    /// What the person has said by now and nobody has read.
    pub(crate) async fn words_said(&self) -> Vec<String> {
        // What is not written down yet is being written down beside this.
        self.ports.person.until(|queue| queue.unwritten().is_none().then(|| queue.read())).await
    }

    /// Lets what was said to the manager before this round wait until it is over: workers do not read it.
    pub(crate) async fn set_words_aside(&self) {
        let set_aside = |queue: &mut PersonQueue| queue.unwritten().is_none().then(|| queue.set_aside());
        let count = self.ports.person.until(set_aside).await;
        self.state().unread_before = count;
    }

    /// Takes back everything that the manager was given in a round that broke off: its conversation is lost with it.
    pub(crate) fn take_back_all(&self) {
        let words = std::mem::take(&mut self.state().handed_over);
        self.ports.person.change(|queue| queue.take_back(words));
    }

    /// Says that words of the person were not read in this round.
    pub(crate) async fn say_unread(&self) -> Result<(), JournalError> {
        let waiting = self.ports.person.change(|queue| queue.unread());
        let RoundState { unread_in_conversation, unread_before, .. } = *self.state();
        let text = match (waiting + unread_in_conversation).saturating_sub(unread_before) {
            0 => return Ok(()),
            1 => "a message came too late for this round: the manager of the session's next round reads it first"
                .to_owned(),
            count => format!(
                "{count} messages came too late for this round: the manager of the session's next round reads them first"
            ),
        };
        self.append(EventBody::Notice { code: "message_unread".to_owned(), text }).await
    }
}

impl RunContext<'_> {
    /// Hands the manager everything that the person has said by now. What joins its conversation at once has to be told
    /// before anything else.
    pub(crate) async fn hand_over(&self, machine: &mut AgentRun) -> Vec<RunEffect> {
        if !self.is_manager() {
            return Vec::new();
        }
        let said = self.round.words_said().await;
        self.round.state().handed_over.extend(said.iter().cloned());
        said.into_iter().flat_map(|text| machine.step(RunInput::Said(text))).collect()
    }

    /// Takes back what the manager's run did not read.
    pub(crate) fn take_back(&self, machine: &mut AgentRun) {
        let (joined, unsaid) = machine.take_unread();
        {
            let mut state = self.round.state();
            state.unread_in_conversation = joined;
            state.handed_over.clear();
        }
        self.round.ports.person.change(|queue| queue.take_back(unsaid));
    }
}
