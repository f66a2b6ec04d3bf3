//! How the demo closes: the diff, the evidence, where everything lies, and what to type next.

use domain::{evidence::ObservedCommand, permission::SandboxState, terminal::Sanitized};

use super::{
    diff::diff,
    help::PROGRAM,
    style::{Markup, Role, Style},
};
use crate::words::Language;

/// What the demo left behind.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct DemoEnd<'a> {
    /// Everything that changed, as a unified diff.
    pub(crate) diff: &'a str,
    /// The files that changed.
    pub(crate) files_changed: &'a [String],
    /// The commands that ran.
    pub(crate) commands: &'a [ObservedCommand],
    /// The commit, where there is one.
    pub(crate) commit: Option<&'a str>,
    /// The wall that commands ran behind.
    pub(crate) sandbox: &'a SandboxState,
    /// The folder of the repository.
    pub(crate) repository: &'a str,
    /// The file of the record.
    pub(crate) record: &'a str,
    /// The file of the journal.
    pub(crate) journal: &'a str,
}

/// The demo's last words.
pub(crate) fn demo_end(end: &DemoEnd<'_>, language: Language, style: Style) -> Markup {
    let mut text = heading(language.demo_diff(), style);
    text.append(&diff(end.diff, style));
    text.append(&heading(language.demo_evidence(), style));
    let line = |text: &mut Markup, line: &str| text.append(&Markup::from(Sanitized::name(line)).ended());
    line(&mut text, &format!("  {}: {}", language.files_changed(), end.files_changed.join(", ")));
    for command in end.commands {
        let (role, code) = match command.exit_code {
            Some(0) => (Role::Good, language.exit_code(0)),
            Some(code) => (Role::Bad, language.exit_code(code)),
            None => (Role::Warning, language.no_exit_code().to_owned()),
        };
        text.text(&Sanitized::name(&format!("  {}: {} ", language.command_ran(), command.command)));
        text.append(&style.paint(role, &Sanitized::line(&format!("({code})"))).ended());
    }
    if let Some(commit) = end.commit {
        line(&mut text, &format!("  {}: {commit}", language.commit()));
    }
    line(&mut text, &format!("  {}", language.sandbox(end.sandbox)));
    text.append(&heading(language.demo_places(), style));
    let places = [
        (language.demo_repository(), end.repository),
        (language.demo_record(), end.record),
        (language.demo_journal(), end.journal),
    ];
    for (label, place) in places {
        line(&mut text, &format!("  {label}: {place}"));
    }
    text.append(&heading(language.demo_next(), style));
    line(&mut text, &format!("  git -C {} show", shell_word(end.repository)));
    let (project, task) = (language.demo_your_project(), language.demo_your_task());
    line(&mut text, &format!("  ANTHROPIC_API_KEY=... {PROGRAM} --cwd {project} \"{task}\""));
    text
}

fn heading(words: &'static str, style: Style) -> Markup {
    let mut heading = Markup::default();
    heading.words("\n");
    heading.append(&style.paint(Role::Name, &Sanitized::line(words)).ended());
    heading
}

/// A path as one word of a shell.
fn shell_word(path: &str) -> String {
    let plain = |character: char| character.is_alphanumeric() || "/._-+,:@".contains(character);
    if !path.is_empty() && path.chars().all(plain) {
        path.to_owned()
    } else {
        format!("'{}'", path.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use domain::permission::SandboxLevel;

    use super::*;

    #[test]
    fn the_demo_closes_with_diff_evidence_places_and_next_commands() {
        let end = DemoEnd {
            diff: "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-old\n+새 것\u{1b}[2J\n",
            files_changed: &["lib/money.sh".to_owned()],
            commands: &[ObservedCommand { command: "sh tests/run.sh".to_owned(), exit_code: Some(0) }],
            commit: Some("0123abc"),
            sandbox: &SandboxState {
                level: SandboxLevel::None,
                reason: "no Landlock".to_owned(),
                usable: true,
            },
            repository: "/tmp/de mo",
            record: "/data/1.json",
            journal: "/data/journal.db",
        };
        let expected = "\nWhat changed\n  --- a/x\n  +++ b/x\n  @@ -1 +1 @@\n  -old\n  +새 것␛[2J\n\n\
                        What the engine saw\n  changed: lib/money.sh\n  ran: sh tests/run.sh (exit code 0)\n  \
                        commit: 0123abc\n  no sandbox (no Landlock)\n\nWhere everything lies\n  \
                        repository: /tmp/de mo\n  record: /data/1.json\n  journal: /data/journal.db\n\n\
                        Try next\n  git -C '/tmp/de mo' show\n  ANTHROPIC_API_KEY=... better-llm-cli --cwd \
                        path/to/your/project \"your task\"\n";
        let plain = Style { colour: false, columns: 80 };
        assert_eq!(demo_end(&end, Language::English, plain).as_str(), expected);
        let korean = demo_end(&end, Language::Korean, Style { colour: true, columns: 80 });
        assert!(korean.as_str().contains("\u{1b}[1m변경 내용\u{1b}[0m"), "{korean:?}");
        assert!(korean.as_str().contains("\u{1b}[32m+새 것␛[2J\u{1b}[0m"), "{korean:?}");
    }

    #[test]
    fn a_path_is_one_word_of_a_shell() {
        assert_eq!(shell_word("/tmp/데모-1"), "/tmp/데모-1");
        assert_eq!(shell_word("/tmp/it's"), "'/tmp/it'\\''s'");
        assert_eq!(shell_word(""), "''");
    }
}
