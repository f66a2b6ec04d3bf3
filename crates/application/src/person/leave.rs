//! Leave to run a call: what the policy says, and the person where it has to be asked (contract 6, law 6).
//!
//! Nobody there to be asked means no, at once. A person has a deadline; past it the answer is no, too.

use std::{
    borrow::Cow,
    sync::{Arc, Mutex},
    time::Duration,
};

use domain::{
    event::{Decision, EventBody},
    id::CallId,
    past::NOBODY_THERE,
    permission::{CallFacts, Ceiling, Effect, Leave, PathRules, Policy, Rule},
    person::{LeaveAnswer, Settled},
    ports::{GrantPort, JournalError, PreparedCall},
    tool::{Access, CallTarget, Preview},
    workflow::RoundInput,
};
use serde_json::Value;

use crate::{agent_run::RunContext, locking::lock, telling::with_causes};

/// The permissions of a session: what was configured, and what the person agreed to since.
pub(crate) struct Permissions {
    ceiling: Mutex<Ceiling>,
    grants: Option<Arc<dyn GrantPort>>,
}

impl Permissions {
    pub(crate) fn new(policy: Policy, grants: Option<Arc<dyn GrantPort>>) -> Self {
        Self { ceiling: Mutex::new(Ceiling::new(policy)), grants }
    }

    /// What the session allows by now.
    pub(crate) fn ceiling(&self) -> Ceiling {
        lock(&self.ceiling).clone()
    }

    fn allow(&self, rule: Rule) {
        let mut ceiling = lock(&self.ceiling);
        *ceiling = ceiling.with_leave(rule);
    }
}

/// Whether a call may run, and what it may touch.
pub(crate) enum Permit {
    Granted(PathRules),
    /// Why not, for the model.
    Refused(String),
}

/// A call that wants to run.
pub(crate) struct Wanting<'c> {
    pub(crate) call: &'c CallId,
    pub(crate) tool: &'c str,
    pub(crate) input: &'c Value,
    pub(crate) access: Access,
}

/// What a person is asked about a call.
struct LeaveQuestion {
    asked: EventBody,
    /// What `session` and `always` would allow.
    lasting: Rule,
    /// Whether that can be written down.
    can_last: bool,
    /// Whether the person sees all of the call: leave for what nobody saw lasts for no other one.
    is_whole: bool,
}

impl RunContext<'_> {
    /// Asks the policy, then the person where the policy says so.
    pub(crate) async fn permit(
        &self,
        wanting: &Wanting<'_>,
        prepared: &mut dyn PreparedCall,
    ) -> Result<Permit, JournalError> {
        let ports = &self.round.ports;
        let target = prepared.target();
        // Such a call reaches only what a call before it had leave for: the output of a server.
        let access = match (wanting.access, &target) {
            (Access::Command, CallTarget::None) => Access::Read,
            (access, _) => access,
        };
        let sandbox = match access {
            Access::Command => ports.processes.sandbox().await,
            _ => ports.sandbox.clone(),
        };
        let ceiling = ports.permissions.ceiling();
        let facts = CallFacts { agent: self.agent(), tool: wanting.tool, target: &target };
        let paths = PathRules::of(self.agent(), ceiling.rules());
        #[cfg(test)]
        if ports.planted.is(crate::simulator::Bug::LeaveForgotten) {
            return Ok(Permit::Granted(paths));
        }
        match ceiling.decide(facts, access, &sandbox).leave {
            Leave::Granted => Ok(Permit::Granted(paths)),
            Leave::Denied(text) => Ok(Permit::Refused(format!("denied: {text}"))),
            Leave::Ask(rule) if ports.person.is_attended() => {
                self.ask_leave(wanting, &target, prepared, rule, paths).await
            }
            Leave::Ask(rule) => Ok(self.denied_unasked(&rule)),
        }
    }

    /// Nobody is there to be asked.
    fn denied_unasked(&self, rule: &str) -> Permit {
        self.round.observe(RoundInput::DeniedUnasked);
        Permit::Refused(format!(
            "denied: {rule}, and {NOBODY_THERE} to be asked. Do not try again; go on without it."
        ))
    }

    /// Shows the person the call, waits for the answer, and keeps what it means for later calls.
    async fn ask_leave(
        &self,
        wanting: &Wanting<'_>,
        target: &CallTarget,
        prepared: &mut dyn PreparedCall,
        rule: String,
        paths: PathRules,
    ) -> Result<Permit, JournalError> {
        let question = match self.question(wanting, target, prepared, &rule).await {
            Ok(question) => question,
            Err(refusal) => return Ok(Permit::Refused(refusal)),
        };
        // Before the question is out, so that no answer can come too early.
        let Some(waiting) = self.round.ports.person.ask(wanting.call.clone()) else {
            return Ok(self.denied_unasked(&rule));
        };
        self.append(question.asked).await?;
        let settled = waiting.settled(&self.stop).await;
        let LeaveAnswer { decision, note } = match &settled {
            Settled::Answered(answer) => answer.clone(),
            Settled::Late | Settled::Unattended | Settled::Stopped => {
                LeaveAnswer { decision: Decision::Deny, note: None }
            }
        };
        let decision = match decision {
            Decision::Session | Decision::Always if !question.is_whole => Decision::Once,
            decision => decision,
        };
        let (call_id, by) = (wanting.call.clone(), settled.by().to_owned());
        self.append(EventBody::PermissionAnswered { call_id, decision, note, by }).await?;
        if matches!(settled, Settled::Late | Settled::Unattended) {
            self.round.observe(RoundInput::DeniedUnasked);
        }
        let permissions = &self.round.ports.permissions;
        if decision == Decision::Deny {
            let patience = self.round.ports.person.question_timeout();
            return Ok(Permit::Refused(refusal(&settled, patience)));
        }
        if matches!(decision, Decision::Session | Decision::Always) {
            permissions.allow(question.lasting.clone());
        }
        if decision == Decision::Always && question.can_last {
            self.keep(question.lasting).await?;
        }
        Ok(Permit::Granted(match target {
            CallTarget::Path(path) => paths.with_leave_for(path),
            CallTarget::Command(_) | CallTarget::None => paths,
        }))
    }

    /// What to show the person. A person decides about what they see, and a credential is shown to nobody: a command
    /// that holds one is refused, and of a diff it is said.
    async fn question(
        &self,
        wanting: &Wanting<'_>,
        target: &CallTarget,
        prepared: &mut dyn PreparedCall,
        rule: &str,
    ) -> Result<LeaveQuestion, String> {
        let redactor = self.round.ports.log.redactor();
        let hides = |text: &str| matches!(redactor.redact(text), Cow::Owned(_));
        if matches!(target, CallTarget::Command(command) if hides(command)) {
            return Err("denied: a person has to see all of a command they are asked about, and this one holds what \
                        looks like a credential, which is never shown. Put it where the command finds it by itself: \
                        in a file, or in a variable that the person passes with `--pass-env`."
                .to_owned());
        }
        let (diff, is_whole) = match prepared.preview(&self.round.bases()).await {
            Some(Preview { text, is_whole }) => (Some(text), is_whole),
            None => (None, true),
        };
        let is_hidden = diff.as_deref().is_some_and(hides);
        let mut rule = rule.to_owned();
        if is_hidden {
            rule.push_str("; what looks like a credential in it is not shown");
        }
        if !is_whole {
            rule.push_str("; not all that it would change is shown here, so it can be allowed only once");
        }
        let lasting = Rule::for_call(Effect::Allow, wanting.tool, target);
        // A rule is written into a file, and no credential is.
        let can_last = !lasting.argument.as_deref().is_some_and(hides);
        let mut options = vec![Decision::Once, Decision::Session, Decision::Always, Decision::Deny];
        options.retain(|option| match option {
            Decision::Once | Decision::Deny => true,
            Decision::Session => is_whole,
            Decision::Always => is_whole && can_last,
        });
        let asked = EventBody::PermissionAsked {
            call_id: wanting.call.clone(),
            tool: wanting.tool.to_owned(),
            input: wanting.input.clone(),
            diff,
            rule,
            options,
        };
        Ok(LeaveQuestion { asked, lasting, can_last, is_whole })
    }

    /// Keeps a rule for later sessions. Where that fails it holds for this one, and the person is told.
    async fn keep(&self, rule: Rule) -> Result<(), JournalError> {
        let Some(grants) = &self.round.ports.permissions.grants else {
            let text = format!("the rule `{rule}` holds for this session only: there is no place to keep it");
            return self.append(EventBody::Notice { code: "rule_not_kept".to_owned(), text }).await;
        };
        let (grants, kept) = (Arc::clone(grants), rule.clone());
        let why = match tokio::task::spawn_blocking(move || grants.keep(&kept)).await {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(error)) => with_causes(&error),
            Err(defect) => defect.to_string(),
        };
        let text = format!("the rule `{rule}` holds for this session only: {why}");
        self.append(EventBody::Notice { code: "rule_not_kept".to_owned(), text }).await
    }
}

/// What the model reads where the answer was no.
fn refusal(settled: &Settled<LeaveAnswer>, patience: Duration) -> String {
    match settled {
        Settled::Answered(answer) => match answer.note.as_deref().map(str::trim) {
            Some(note) if !note.is_empty() => format!("denied by the person, who says: {note}"),
            _ => "denied by the person. Do not try it another way; go on without it.".to_owned(),
        },
        Settled::Late => format!(
            "denied: the person was asked and did not answer within {} s. Do not try again; go on without it.",
            patience.as_secs()
        ),
        Settled::Unattended => {
            format!("denied: {NOBODY_THERE} any more to be asked. Do not try again; go on without it.")
        }
        Settled::Stopped => "denied: the run was stopped while the person was being asked".to_owned(),
    }
}
