//! A worker's report beside what the engine saw (law 7).

use std::collections::BTreeSet;

use domain::{
    event::EventBody,
    evidence::{CheckedClaims, Evidence, ObservedFiles, Share, check_claims, claimed_files},
    ports::JournalError,
    report::Report,
    workflow::CheckedReport,
    workspace::{Changes, WorkspaceError},
};

use super::RunContext;
use crate::{team::worker_kind, telling::with_causes};

impl RunContext<'_> {
    /// Lays the engine's evidence beside a report, holds its claims against it, and tells everybody.
    pub(crate) async fn take_report(&self, report: &Report) -> Result<CheckedReport, JournalError> {
        let (evidence, claims) = match self.stop.bound(self.evidence(report)).await {
            Ok(checked) => checked,
            Err(error) => {
                // What cannot be observed is not verified, and it is said.
                let why = with_causes(&error);
                let evidence = Evidence { partial: Some(why.clone()), ..Evidence::default() };
                let unverified = vec![format!("nothing could be checked: {why}")];
                (evidence, CheckedClaims { refuted: Vec::new(), unverified })
            }
        };
        let kind = worker_kind(&self.member.spec);
        let report = serde_json::to_value(report).unwrap_or_else(|error| error.to_string().into());
        self.append(EventBody::Report {
            kind,
            report: report.clone(),
            evidence: evidence.clone(),
            claims_refuted: claims.refuted.clone(),
            claims_unverified: claims.unverified.clone(),
        })
        .await?;
        Ok(CheckedReport { kind, report, evidence, claims })
    }

    async fn evidence(&self, report: &Report) -> Result<(Evidence, CheckedClaims), WorkspaceError> {
        let workspace = &self.round.ports.workspace;
        let own = match self.base.get() {
            Some(base) => workspace.changes_since(base).await?,
            None => Changes::default(),
        };
        let claimed: Vec<String> = claimed_files(report).to_vec();
        let (of_round, overlooked) = if claimed.is_empty() {
            (Changes::default(), BTreeSet::new())
        } else {
            let of_round = match self.round.bases().round {
                Some(base) => workspace.changes_since(&base).await?,
                None => Changes::default(),
            };
            (of_round, workspace.overlooked(&claimed).await?.into_iter().collect())
        };
        let state = self.round.state();
        let beside = match state.seen.share_of(self.id) {
            Share::All => None,
            Share::Part(beside) if self.base.get().is_some() => Some(beside.since(own.paths())),
            Share::Part(beside) => Some(beside),
        };
        let (files_changed, mixed) = match &beside {
            None => (own.paths(), None),
            Some(beside) => (beside.files_changed(), beside.partial()),
        };
        let partial: Vec<String> = own.partial.into_iter().chain(mixed).collect();
        let evidence = Evidence {
            files_changed,
            commands: state.seen.commands_of(self.id),
            partial: (!partial.is_empty()).then(|| partial.join("; ")),
        };
        let files = ObservedFiles {
            root: &self.round.ports.cwd,
            changes: &of_round,
            overlooked: &overlooked,
            beside: beside.as_ref(),
        };
        let claims = check_claims(report, &state.seen, files);
        Ok((evidence, claims))
    }
}
