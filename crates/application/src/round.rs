//! One round: the work of the manager, or of the workers that the person called, within its time; verification; the end.

use domain::{
    brief::Brief,
    context::Conversation,
    event::EventBody,
    mention::Addressee,
    message::Message,
    outcome::Ending,
    ports::JournalError,
    run::{AgentRun, RunEnd},
    session::Request,
};

use crate::agent_run::{RunContext, Start};

mod chain;
mod claim;
mod context;
mod denials;
mod effects;
mod end;
mod going_on;
mod protection;
mod verification;

use chain::WorkEnd;
pub(crate) use context::{RoundContext, RoundPorts, RoundState, SessionMemory};
pub(crate) use end::Broken;

impl RoundContext {
    /// Runs a round that has begun to its end. The terminal event is the last thing appended.
    pub(crate) async fn run(
        &self,
        request: &Request,
        addressee: &Addressee,
        conversation: &mut Conversation,
    ) -> Result<(), JournalError> {
        self.to_its_end(self.work(request, addressee, conversation)).await
    }

    /// Does the work, within its time, verifies what is called done, and says how that ended.
    async fn to_its_end(
        &self,
        work: impl Future<Output = Result<WorkEnd, JournalError>>,
    ) -> Result<(), JournalError> {
        // Boxed, because it holds the runs of the round.
        let work = Box::pin(self.verified(work));
        let end = self.listening(self.in_time(work)).await?;
        self.say_unread().await?;
        self.say_denials().await?;
        self.look_once_more().await;
        self.heed_protected_files().await?;
        let end = self.with_protection(end);
        let tests_passed = self.tests_passed();
        self.finish(end, tests_passed).await
    }

    /// The work of the round, at most for its timeout.
    async fn in_time(
        &self,
        work: impl Future<Output = Result<WorkEnd, JournalError>>,
    ) -> Result<WorkEnd, JournalError> {
        let Some(timeout) = self.ports.limits.timeout_seconds else { return work.await };
        let (limit, value) = ("timeout_seconds".to_owned(), timeout.into());
        let say = self.append(EventBody::LimitReached { limit, value });
        self.stop.in_time(work, tokio::time::sleep(timeout), say).await
    }

    /// The work of the manager, or of the workers that the person called.
    async fn work(
        &self,
        request: &Request,
        addressee: &Addressee,
        conversation: &mut Conversation,
    ) -> Result<WorkEnd, JournalError> {
        match addressee {
            Addressee::Manager => {
                let words = self.first_words(request.to_text());
                Ok(WorkEnd::Manager(self.run_manager(&request.text, words, conversation).await?))
            }
            Addressee::Workers(mentions) => self.run_chain(mentions, request).await,
        }
    }

    /// The work, and the verification of what is called done. What stops either of them is the end.
    async fn verified(
        &self,
        work: impl Future<Output = Result<WorkEnd, JournalError>>,
    ) -> Result<WorkEnd, JournalError> {
        let end = work.await?;
        if end.ending() != Ending::Done {
            return Ok(end);
        }
        self.verify().await?;
        Ok(self.stop.ending().map_or(end, |ending| WorkEnd::Manager(RunEnd::Stopped(ending))))
    }

    /// Files may have changed since the last call ended: by the person, or by a process that outlived its command. A
    /// test that ran before says nothing about them.
    async fn look_once_more(&self) {
        if self.bases().round.is_none() {
            return;
        }
        // What cannot be seen counts as changed.
        if self.stop.bound(self.ports.workspace.touched()).await.unwrap_or(true) {
            self.state().seen.files_changed();
        }
    }

    /// Begins the manager's run, with these words of the person's `task`.
    async fn run_manager(
        &self,
        task: &str,
        words: Message,
        conversation: &mut Conversation,
    ) -> Result<RunEnd, JournalError> {
        let mut run = RunContext::new(self, &self.team.manager, None);
        let brief =
            Brief { task_description: task.to_owned(), context: None, done_when: Vec::new(), writes: None };
        run.begin(brief).await?;
        // A copy: where the round is broken off, the next one goes on from what was said before it.
        let machine = run.machine(conversation.clone());
        self.lead(&run, machine, Start::Begin(words), conversation).await
    }

    /// Drives the manager's run to its end.
    async fn lead(
        &self,
        run: &RunContext<'_>,
        mut machine: AgentRun,
        start: Start,
        conversation: &mut Conversation,
    ) -> Result<RunEnd, JournalError> {
        let end = run.drive(&mut machine, start).await?;
        let turns = machine.turns();
        run.take_back(&mut machine);
        *conversation = machine.into_conversation();
        run.end(&end, turns).await?;
        Ok(end)
    }
}
