//! The right to write in the workspace: taken before the session's first effect, kept to its end. A round that only reads
//! never asks for it. Who else has it is the port's business.

use domain::{
    event::EventBody,
    past::{WORKSPACE_BUSY, WORKSPACE_NOT_LOCKED},
    ports::{ClaimError, JournalError},
    tool::ToolStatus,
    workflow::RoundInput,
};

use super::RoundContext;
use crate::{stop::StopSignal, telling::with_causes};

/// Why a call with effects does not run: its status, and what the model reads.
pub(crate) type Unclaimed = (ToolStatus, String);

impl RoundContext {
    /// Takes the right, or finds that the session has it. Where it cannot be had the person hears it once a round, and it
    /// counts as what nobody could be asked about: only they can see to it.
    pub(crate) async fn claim_workspace(
        &self,
        stop: &StopSignal,
    ) -> Result<Result<(), Unclaimed>, JournalError> {
        let claimed = tokio::select! {
            biased;
            claimed = self.ports.claim.claim() => claimed,
            _ = stop.stopped() => {
                let text = "cancelled while it waited for the right to write in the workspace".to_owned();
                return Ok(Err((ToolStatus::Cancelled, text)));
            }
        };
        let Err(error) = claimed else { return Ok(Ok(())) };
        self.observe(RoundInput::DeniedUnasked);
        let text = with_causes(&error);
        let is_new = self.state().denials.is_first_without_claim();
        if is_new {
            let code = match error {
                ClaimError::Held { .. } => WORKSPACE_BUSY,
                ClaimError::Lock { .. } => WORKSPACE_NOT_LOCKED,
            };
            self.append(EventBody::Notice { code: code.to_owned(), text: text.clone() }).await?;
        }
        let text = format!("denied, and nothing was done: {text}. Do not try again; go on without it.");
        Ok(Err((ToolStatus::Denied, text)))
    }
}
