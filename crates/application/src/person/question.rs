//! A question to the person, of an agent or of the engine, and what comes of it (contract 2, law 5).
//!
//! Nobody there to be asked settles it at once. A person has a deadline; past it the first option is taken, where there
//! is one. What follows from an answer, or from none, is decided by whoever asks.

use domain::{
    event::{EventBody, Scope},
    id::QuestionId,
    past::PastQuestion,
    person::Settled,
    ports::JournalError,
    tool::ToolStatus,
    workflow::RoundInput,
};

use crate::{agent_run::RunContext, coordination::AskUser, round::RoundContext};

/// A question.
pub(crate) struct Question {
    /// Who asks: an agent's name, or `engine`.
    pub(crate) asker: String,
    /// What is asked.
    pub(crate) text: String,
    /// The answers to choose from, the best first; none: a free answer. The person may answer in other words.
    pub(crate) options: Vec<String>,
    /// What is taken where nobody answers in time.
    pub(crate) default: Option<String>,
    /// The same question, where it was put to the person before the program died.
    pub(crate) before: Option<PastQuestion>,
}

/// What came of a question.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Answered {
    /// The person's words, or the option that was taken in their place.
    With {
        /// The answer.
        text: String,
        /// Whether the person said so themselves.
        by_person: bool,
    },
    /// Nobody is there to answer, or there was no answer in time and no option to take.
    Unanswered,
    /// The round was stopped meanwhile.
    Stopped,
}

/// What came of a question before the program died.
enum Before {
    Answered(Answered),
    /// It is put to the person again, under its id.
    Waits(QuestionId),
    /// Nobody was there any more, or the round was being stopped: it is another question now.
    Lost,
}

fn answered_before(PastQuestion { id, answer }: PastQuestion) -> Before {
    match answer {
        None => Before::Waits(id),
        Some((text, by)) => match by.as_str() {
            "person" => Before::Answered(Answered::With { text, by_person: true }),
            "deadline" if text.is_empty() => Before::Answered(Answered::Unanswered),
            "deadline" => Before::Answered(Answered::With { text, by_person: false }),
            _ => Before::Lost,
        },
    }
}

impl RoundContext {
    /// Asks the person, and waits for the answer. The events stand in `scope`.
    pub(crate) async fn ask(&self, scope: &Scope, question: Question) -> Result<Answered, JournalError> {
        let Question { asker, text, options, default, before } = question;
        let (person, log) = (&self.ports.person, &self.ports.log);
        let question_id = match before.map(answered_before) {
            Some(Before::Answered(answered)) => return Ok(answered),
            Some(Before::Waits(id)) => id,
            Some(Before::Lost) | None => QuestionId::new(self.ports.ids.next()),
        };
        // Before the question is out, so that no answer can come too early.
        let waiting = person.ask(question_id);
        let now = self.ports.clock.now();
        let deadline = if waiting.is_some() { now.plus(person.question_timeout()) } else { now };
        log.append(scope, EventBody::Question { question_id, asker, text, options, deadline }).await?;
        let Some(waiting) = waiting else { return Ok(Answered::Unanswered) };
        let settled = waiting.settled(&self.stop).await;
        let by = settled.by().to_owned();
        let answered = match settled {
            Settled::Answered(text) => Answered::With { text, by_person: true },
            Settled::Late => {
                default.map_or(Answered::Unanswered, |text| Answered::With { text, by_person: false })
            }
            Settled::Unattended => Answered::Unanswered,
            Settled::Stopped => Answered::Stopped,
        };
        let text = match &answered {
            Answered::With { text, .. } => text.clone(),
            Answered::Unanswered | Answered::Stopped => String::new(),
        };
        log.append(scope, EventBody::Answer { question_id, text, by }).await?;
        Ok(answered)
    }
}

impl RunContext<'_> {
    /// Puts the manager's question to the person, again where it had been put `before` the program died. Where nobody answers, the round ends and says what it waits for.
    pub(crate) async fn ask_person(
        &self,
        asked: AskUser,
        before: Option<PastQuestion>,
    ) -> Result<(ToolStatus, String), JournalError> {
        let AskUser { question: text, options } = asked;
        let default = options.first().cloned();
        let question = Question { asker: self.agent().to_string(), text, options, default, before };
        Ok(match self.round.ask(&self.scope, question).await? {
            Answered::With { text, by_person: true } => (ToolStatus::Ok, text),
            Answered::With { text, by_person: false } => {
                (ToolStatus::Ok, format!("the person did not answer in time; taken in their place: {text}"))
            }
            Answered::Unanswered => {
                self.round.apply(RoundInput::QuestionUnanswered).await?;
                (ToolStatus::Cancelled, "nobody is there to answer; the round ends here".to_owned())
            }
            Answered::Stopped => {
                (ToolStatus::Cancelled, "the round was stopped before the person answered".to_owned())
            }
        })
    }
}
