//! What `session undo` shows before anything is undone: the diff, then what becomes of each file.

use better_llm::Undo;
use domain::terminal::Sanitized;

use super::{
    diff::diff,
    style::{Markup, Style},
};
use crate::words::Language;

/// The plan, diff first. Data goes to standard output, which has no colours.
pub(crate) fn planned(undo: &Undo, language: Language) -> Markup {
    let plan = undo.plan();
    let mut text = diff(&plan.diff, Style { colour: false, columns: Style::USUAL_COLUMNS });
    let mut line = |line: String| text.append(&Markup::from(Sanitized::name(&line)).ended());
    line(language.undo_of(&undo.session().to_string(), undo.round()));
    if undo.is_cut_off() {
        line(format!("  {}", language.round_cut_off()));
    }
    if let Some(why) = &plan.partial {
        line(format!("  {}", language.partial_evidence(&language.detail(why))));
    }
    for file in &plan.files {
        line(format!("  {} {}", language.undo_kind(file.what), file.path));
    }
    for file in &plan.refused {
        line(format!("  ✗ {}: {}", file.path, language.undo_refusal(file.why)));
    }
    if plan.is_empty() {
        line(format!("  {}", language.undone_already()));
    }
    line(format!("  {}", language.not_covered_by_undo()));
    if !plan.commits.is_empty() {
        line(format!("  {}: {}", language.commits_stay(), plan.commits.join(", ")));
    }
    text
}
