//! What follows from a round's decisions: they are told to everybody, and an end stops what is under way.

use domain::{
    event::EventBody,
    id::QuestionId,
    ports::JournalError,
    workflow::{RoundEffect, RoundInput},
};

use crate::round_context::RoundContext;

impl RoundContext {
    /// Tells the round what happened and performs what follows, but for what the caller has to do itself.
    pub(crate) async fn apply(&self, input: RoundInput) -> Result<Vec<RoundEffect>, JournalError> {
        let effects = self.observe(input);
        for effect in &effects {
            match effect {
                RoundEffect::ReviewCycle { cycle, verdict, open_findings } => {
                    let (cycle, limit) = (cycle.number(), cycle.limit());
                    let (verdict, open_findings) = (*verdict, open_findings.clone());
                    self.append(EventBody::ReviewCycle { cycle, limit, verdict, open_findings }).await?;
                }
                RoundEffect::LimitReached { limit, value } => {
                    let (limit, value) = ((*limit).to_owned(), *value);
                    self.append(EventBody::LimitReached { limit, value }).await?;
                }
                RoundEffect::AskAboutReviews { open_findings } => {
                    let findings = open_findings.iter().map(|finding| finding.message.as_str());
                    let text = findings.map(|finding| format!("\n- {finding}")).collect::<String>();
                    self.append(EventBody::Question {
                        question_id: QuestionId::new(self.ports.ids.next()),
                        asker: "engine".to_owned(),
                        text: format!("The reviews do not converge. Still open:{text}"),
                        options: ["one more review", "guidance", "accept as it is", "stop"]
                            .map(str::to_owned)
                            .to_vec(),
                        deadline: self.ports.clock.now(),
                    })
                    .await?;
                }
                RoundEffect::End { ending, .. } => self.stop.trigger(*ending),
                RoundEffect::RunWorker { .. } | RoundEffect::Refuse { .. } => {}
            }
        }
        Ok(effects)
    }
}
