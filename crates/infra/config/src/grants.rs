//! Leave that a person gives for good (`always`): rules in their configuration for one workspace.

use domain::{
    permission::Rule,
    ports::{GrantError, GrantPort},
};

use crate::workspace_store::{StoreError, WorkspaceStore};

/// Keeps rules beside a person's trust in a workspace; [`crate::Settings::load`] gives them back among its rules.
#[derive(Debug, Clone)]
pub struct WorkspaceGrants {
    pub(crate) store: WorkspaceStore,
}

impl GrantPort for WorkspaceGrants {
    fn keep(&self, rule: &Rule) -> Result<(), GrantError> {
        let place = self.store.file().display().to_string();
        let failed = |source| GrantError { place: place.clone(), source };
        rule.check().map_err(|error| failed(error.into()))?;
        let kept = self.store.update(|decisions| {
            if !decisions.rules.contains(rule) {
                decisions.rules.push(rule.clone());
            }
        });
        kept.map_err(|error: StoreError| failed(error.into()))
    }
}
