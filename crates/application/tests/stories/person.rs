//! The person: asked, waited for, stepping in, heard (O-9). Law 5: whatever waits for them has an end.

use std::{sync::Arc, time::Duration};

use better_llm_application::{CommandRefused, SessionHandle};
use domain::{
    event::{Decision, Event, EventBody, InterventionAction},
    id::{CallId, QuestionId},
    message::{Role, SealedMessage, Usage},
    outcome::{Ending, LimitReason, NeedReason, Signal},
    permission::PermissionMode,
    person::{PersonQueue, Presence},
    session::{Command, Request},
    tool::ToolStatus,
};
use serde_json::json;
use testkit::{Answer, Fault, ScriptedModel, wait::Gate};

use crate::stage::*;

mod messages;
mod questions;
mod windows;

const QUESTION_TIMEOUT: Duration = Duration::from_secs(600);

/// A stage with a person on it, and windows of this length.
fn attended(model: ScriptedModel, window: u64) -> Stage {
    let mut stage = Stage::new(model);
    let intervention = Duration::from_secs(window);
    stage.presence = Presence::Present { question_timeout: QUESTION_TIMEOUT, intervention };
    stage
}

/// A round under way, and the person in it.
struct Attending<'s> {
    stage: &'s Stage,
    session: SessionHandle,
}

impl<'s> Attending<'s> {
    async fn begin(stage: &'s Stage) -> Self {
        let session = SessionHandle::start(stage.parts());
        session.send(Command::Start(Request::new("go"))).await.unwrap();
        Self { stage, session }
    }

    async fn does(&self, command: Command) {
        self.session.send(command).await.unwrap();
    }

    /// Waits for an event of which `find` makes something.
    async fn sees<T>(&self, what: &str, find: impl Fn(&Event) -> Option<T>) -> T {
        let event = self.stage.journal.wait_for(what, |event| find(event).is_some()).await;
        find(&event).unwrap()
    }

    async fn sees_window(&self, wanted: InterventionAction) {
        let action = |event: &Event| match event.body {
            EventBody::Intervention { action, .. } if action == wanted => Some(()),
            _ => None,
        };
        self.sees("a window", action).await;
    }

    async fn sees_question(&self) -> QuestionId {
        let id = |event: &Event| match event.body {
            EventBody::Question { question_id, .. } => Some(question_id),
            _ => None,
        };
        self.sees("a question", id).await
    }

    async fn sees_call(&self) -> CallId {
        let id = |event: &Event| match &event.body {
            EventBody::PermissionAsked { call_id, .. } => Some(call_id.clone()),
            _ => None,
        };
        self.sees("a call that wants leave", id).await
    }

    async fn end(self) -> Played {
        self.stage.journal.wait_for("the round's end", |event| event.body.ends_round()).await;
        self.session.close().await.unwrap();
        self.stage.played()
    }
}

/// What passed between the team and the person, each with its second of the round.
fn lines(played: &Played) -> Vec<String> {
    let start = played.events[0].ts;
    let line = |event: &Event| {
        let seconds = |time: domain::time::Timestamp| time.since(start).as_secs();
        let words = match &event.body {
            EventBody::Intervention { action, text, deadline, next } => {
                let action = serde_json::to_value(action).unwrap();
                let until = deadline.map(|deadline| format!(" until {}", seconds(deadline)));
                let rest = [text, next].into_iter().flatten().map(|text| format!(": {text}"));
                let rest = until.into_iter().chain(rest).collect::<String>();
                format!("{}{rest}", action.as_str().unwrap())
            }
            EventBody::Question { asker, text, deadline, .. } => {
                format!("{asker} asks until {}: {text}", seconds(*deadline))
            }
            EventBody::Answer { text, by, .. } => format!("answer by {by}: {text}"),
            EventBody::PermissionAsked { tool, .. } => format!("{tool} wants leave"),
            EventBody::PermissionAnswered { decision, by, .. } => {
                format!("{} by {by}", serde_json::to_value(decision).unwrap().as_str().unwrap())
            }
            EventBody::MessageQueued { text } => format!("queued: {text}"),
            EventBody::LimitReached { limit, .. } => format!("limit {limit}"),
            EventBody::Notice { code, .. } => format!("notice {code}"),
            _ => return None,
        };
        Some(format!("{} {words}", seconds(event.ts)))
    };
    played.events.iter().filter_map(line).collect()
}

/// What the person said, as the manager's nth request (from 0) shows it.
fn shown(stage: &Stage, nth: usize) -> String {
    let requests = stage.model.requests_of("manager");
    let is_users = |sealed: &&Arc<SealedMessage>| sealed.message.role == Role::User;
    let last = requests[nth].messages.iter().rev().take_while(is_users);
    last.map(|sealed| sealed.message.text()).collect()
}

fn planning() -> ScriptedModel {
    ScriptedModel::new()
        .agent("manager", [task("planner", "plan"), finish("done")])
        .agent("planner", [planned()])
}
