//! A program in the person's place: lines of JSON in, commands out. It is told of what it names wrongly and goes on.

use std::{collections::HashSet, io};

use better_llm::domain::{
    event::{Event, EventBody},
    id::{CallId, QuestionId},
    session::Command,
};

use super::{Act, Refused, WhyRefused};
use crate::commands::{Order, OrderLine, Orders};

/// A program, and what it was asked and has not answered. Not bounded by itself: the engine bounds what waits.
#[derive(Debug)]
pub(in super::super) struct Program {
    orders: Orders,
    asked: Asked,
}

#[derive(Debug, Default)]
struct Asked {
    questions: HashSet<QuestionId>,
    calls: HashSet<CallId>,
}

impl Program {
    pub(super) fn start() -> io::Result<Self> {
        Ok(Self { orders: Orders::start()?, asked: Asked::default() })
    }

    pub(super) async fn next(&mut self) -> Option<OrderLine> {
        self.orders.next().await
    }

    pub(super) fn hear(&mut self, line: Option<OrderLine>) -> Vec<Act> {
        vec![line.map_or(Act::Leave, |line| self.asked.act(line))]
    }

    pub(super) fn see(&mut self, event: &Event) {
        self.asked.see(&event.body);
    }
}

impl Asked {
    fn see(&mut self, body: &EventBody) {
        match body {
            EventBody::PermissionAsked { call_id, .. } => drop(self.calls.insert(call_id.clone())),
            EventBody::PermissionAnswered { call_id, .. } => drop(self.calls.remove(call_id)),
            EventBody::Question { question_id, .. } => drop(self.questions.insert(*question_id)),
            EventBody::Answer { question_id, .. } => drop(self.questions.remove(question_id)),
            _ => {}
        }
    }

    fn act(&mut self, OrderLine { number, order }: OrderLine) -> Act {
        let refuse = |why| Act::Refuse(Refused { line: number, why });
        let command = match order {
            Err(bad) => return refuse(WhyRefused::Bad(bad)),
            Ok(Order::Answer { question, .. }) if !self.questions.remove(&question) => {
                return refuse(WhyRefused::NoQuestion(question.to_string()));
            }
            Ok(Order::Permission { call, .. }) if !self.calls.remove(&call) => {
                return refuse(WhyRefused::NoCall(call.to_string()));
            }
            Ok(Order::Answer { question, text }) => Command::Answer { question, text },
            Ok(Order::Permission { call, decision, note }) => Command::Permission { call, decision, note },
            Ok(Order::Message(text)) => Command::Message(text),
            Ok(Order::Pause) => Command::Pause,
            Ok(Order::Continue) => Command::Continue,
            Ok(Order::Stop) => Command::Stop,
        };
        Act::Carry { line: number, command }
    }
}

#[cfg(test)]
mod tests {
    use better_llm::domain::{event::Decision, time::Timestamp};

    use super::*;

    /// What an answer may answer: once, and only what was asked.
    #[test]
    fn only_what_waits_can_be_answered_and_only_once() {
        let mut asked = Asked::default();
        let question: QuestionId = "01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap();
        let answer = || Order::Answer { question, text: "둘째".to_owned() };
        let allow = || Order::Permission { call: CallId::new("c"), decision: Decision::Once, note: None };
        let act = |asked: &mut Asked, order| asked.act(OrderLine { number: 7, order: Ok(order) });
        let no_question = WhyRefused::NoQuestion(question.to_string());
        assert_eq!(act(&mut asked, answer()), Act::Refuse(Refused { line: 7, why: no_question }));
        asked.see(&EventBody::Question {
            question_id: question,
            asker: "manager".to_owned(),
            text: "?".to_owned(),
            options: Vec::new(),
            deadline: Timestamp::from_micros(0),
        });
        let text = "둘째".to_owned();
        assert_eq!(
            act(&mut asked, answer()),
            Act::Carry { line: 7, command: Command::Answer { question, text } }
        );
        assert!(matches!(act(&mut asked, answer()), Act::Refuse(_)));
        let no_call = WhyRefused::NoCall("c".to_owned());
        assert_eq!(act(&mut asked, allow()), Act::Refuse(Refused { line: 7, why: no_call }));
    }
}
