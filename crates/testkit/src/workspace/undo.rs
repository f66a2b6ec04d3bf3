//! Undoing in a fake workspace: as the real one does it, without modes, folders and bounds.

use std::sync::Arc;

use domain::workspace::{
    Checkpoint, RefusedFile, UndoError, UndoFile, UndoKind, UndoPlan, UndoRefusal, Undone, WorkspaceError,
};

use super::{
    diff,
    state::{State, compare},
};

impl State {
    pub(super) fn undo_plan(
        &self,
        begin: &Checkpoint,
        end: Option<&Checkpoint>,
        paths: Option<&[String]>,
    ) -> Result<UndoPlan, WorkspaceError> {
        let before = &self.kept(begin)?.files;
        let now = self.visible();
        let after = match end {
            Some(end) => &self.kept(end)?.files,
            None => &now,
        };
        let is_named = |path: &str| {
            let within = |named: &String| path == named || path.starts_with(&format!("{named}/"));
            paths.is_none_or(|paths| paths.iter().any(within))
        };
        let (mut files, mut refused, mut text) = (Vec::new(), Vec::new(), String::new());
        for change in compare(before, after) {
            let path = change.path;
            let (was, left, is) = (before.get(&path), after.get(&path), now.get(&path));
            if was == is || !is_named(&path) {
                continue;
            }
            if left != is {
                refused.push(RefusedFile { path, why: UndoRefusal::EditedSince });
                continue;
            }
            text.push_str(&diff::unified(&path, is, was));
            let what = match (was, is) {
                (None, _) => UndoKind::Remove,
                (_, None) => UndoKind::Recreate,
                _ => UndoKind::Restore,
            };
            files.push(UndoFile { path, what });
        }
        Ok(UndoPlan {
            begin: begin.clone(),
            end: end.cloned(),
            paths: paths.map(<[String]>::to_vec),
            files,
            refused,
            unchanged: Vec::new(),
            commits: self.commits.iter().rev().map(|commit| commit.id.clone()).collect(),
            partial: self.partial.clone(),
            diff: text,
        })
    }

    pub(super) fn undo(&mut self, plan: &UndoPlan) -> Result<Undone, UndoError> {
        let again = self.undo_plan(&plan.begin, plan.end.as_ref(), plan.paths.as_deref())?;
        if again != *plan {
            return Err(UndoError::Outdated);
        }
        if !plan.refused.is_empty() {
            return Err(UndoError::Refused(plan.refused.clone()));
        }
        if plan.files.is_empty() {
            return Err(UndoError::Nothing);
        }
        let kept = self.keep();
        let before = self.kept(&plan.begin)?.files.clone();
        for file in &plan.files {
            match before.get(&file.path) {
                Some(bytes) => drop(self.files.insert(file.path.clone(), Arc::clone(bytes))),
                None => drop(self.files.remove(&file.path)),
            }
        }
        Ok(Undone { kept, now: self.keep(), files: plan.files.clone() })
    }
}
