//! What is left for a person to read: that protected files were put back after their program had been killed. It stands
//! in the run folder until the next session in the same folder says it.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use super::note;
use crate::{protected::When, settle::Settled};

/// Ends the name of every word.
const ENDING: &str = ".put-back";
/// The most bytes that are read of one.
const LONGEST: u64 = 256 * 1024;

/// What was put back, and what could not be: codes of notices.
const PUT_BACK: &str = "protected_files_put_back";
const LEFT: &str = "protected_files_left_changed";

/// Leaves word of what was done with a record, in place of an earlier word about it.
pub(super) fn leave(
    run_folder: &Path,
    record: &Path,
    workspace: &Path,
    settled: &Settled,
    when: When,
) -> io::Result<()> {
    let Settled { restored, not_restored } = settled;
    let mut fields = vec![("workspace", workspace.as_os_str().to_owned())];
    if !restored.is_empty() {
        let aside = match when {
            When::AtOnce => "",
            When::Later => {
                "; what stood there is kept beside each, with `.found-by-better-llm` after its name"
            }
        };
        let paths = restored.join(", ");
        let text = format!(
            "better-llm was killed while a command ran, and protected files that the command had changed were put \
             back: {paths}{aside}"
        );
        fields.push((PUT_BACK, text.into()));
    }
    if !not_restored.is_empty() {
        let paths: Vec<_> = not_restored.iter().map(ToString::to_string).collect();
        let text = format!(
            "better-llm was killed while a command ran, and protected files that the command had changed could not be \
             put back: {}",
            paths.join("; ")
        );
        fields.push((LEFT, text.into()));
    }
    if fields.len() == 1 {
        return Ok(());
    }
    let name = record.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let place = run_folder.join(format!("{name}{ENDING}"));
    let mut text = Vec::new();
    note::write_fields(&mut text, &fields);
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(place)?;
    file.write_all(&text)
}

/// Takes the words about these folders: code and text of notices.
pub(crate) fn take<'a>(run_folder: &Path, roots: impl Iterator<Item = &'a Path>) -> Vec<(String, String)> {
    let roots: Vec<&Path> = roots.collect();
    let Ok(entries) = fs::read_dir(run_folder) else { return Vec::new() };
    let is_word = |path: &PathBuf| path.to_string_lossy().ends_with(ENDING);
    let mut words = Vec::new();
    for place in entries.filter_map(Result::ok).map(|entry| entry.path()).filter(is_word) {
        match take_one(&place, &roots) {
            Ok(found) => words.extend(found),
            Err(error) => tracing::warn!(word = %place.display(), %error, "cannot read what was put back"),
        }
    }
    words
}

fn take_one(place: &Path, roots: &[&Path]) -> io::Result<Vec<(String, String)>> {
    let mut text = Vec::new();
    File::open(place)?.take(LONGEST).read_to_end(&mut text)?;
    let fields = note::read_fields(&text);
    if !note::path_of(&fields, "workspace").is_some_and(|workspace| roots.contains(&&*workspace)) {
        return Ok(Vec::new());
    }
    note::remove(place)?;
    let said = |code: &str| {
        let text = fields.get(code.as_bytes())?;
        Some((code.to_owned(), String::from_utf8_lossy(text).into_owned()))
    };
    Ok([PUT_BACK, LEFT].into_iter().filter_map(said).collect())
}
