//! What follows from a round's decisions: they are told to everybody, and an end stops what is under way.

use std::collections::VecDeque;

use domain::{
    event::EventBody,
    id::QuestionId,
    ports::JournalError,
    review::ReviewDecision,
    workflow::{RoundEffect, RoundInput},
};

use super::RoundContext;

impl RoundContext {
    /// Tells the round what happened and performs what follows, but for what the caller has to do itself.
    pub(crate) async fn apply(&self, input: RoundInput) -> Result<Vec<RoundEffect>, JournalError> {
        let effects = self.observe(input);
        self.perform(effects.into_iter().map(|effect| (effect, None))).await
    }

    /// Performs what was decided, and what follows from that. A question that was put to the person before the program died
    /// is put to them again.
    pub(crate) async fn perform(
        &self,
        effects: impl IntoIterator<Item = (RoundEffect, Option<QuestionId>)>,
    ) -> Result<Vec<RoundEffect>, JournalError> {
        let mut waiting: VecDeque<_> = effects.into_iter().collect();
        let mut effects = Vec::new();
        while let Some((effect, question)) = waiting.pop_front() {
            match &effect {
                RoundEffect::ReviewCycle { cycle, verdict, open_findings, closed, ignored } => {
                    let (cycle, limit) = (cycle.number(), cycle.limit());
                    let (verdict, open_findings) = (*verdict, open_findings.clone());
                    let (closed, ignored) = (closed.clone(), ignored.clone());
                    let reopenable = self.state().machine.ledger().reopenable();
                    self.append(EventBody::ReviewCycle {
                        cycle,
                        limit,
                        verdict,
                        open_findings,
                        closed,
                        ignored,
                        reopenable,
                    })
                    .await?;
                }
                RoundEffect::LimitReached { limit, value } => {
                    let (limit, value) = ((*limit).to_owned(), (*value).into());
                    self.append(EventBody::LimitReached { limit, value }).await?;
                }
                RoundEffect::AskAboutReviews { open_findings, default } => {
                    let decision = self.ask_about_reviews(open_findings, *default, question).await?;
                    waiting.extend(self.decided(decision).into_iter().map(|effect| (effect, None)));
                }
                RoundEffect::AskForGuidance => {
                    let decision = self.ask_for_guidance(question).await?;
                    waiting.extend(self.decided(decision).into_iter().map(|effect| (effect, None)));
                }
                RoundEffect::End { ending, .. } => self.stop.trigger(*ending),
                RoundEffect::ReviewsSettled { .. }
                | RoundEffect::RunWorker { .. }
                | RoundEffect::Refuse { .. } => {}
            }
            effects.push(effect);
        }
        Ok(effects)
    }

    fn decided(&self, decision: Option<ReviewDecision>) -> Vec<RoundEffect> {
        decision.map(|decision| self.observe(RoundInput::ReviewsDecided(decision))).unwrap_or_default()
    }
}
