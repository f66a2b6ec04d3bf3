//! Reads the text of a command as far as a rule needs to. No shell is imitated: what is not plain is unclear.
//!
//! The two questions are asked with opposite care. Whether a text *is* what a rule allows is answered yes only for
//! one plain command, word by word. Whether a text *holds* what a rule denies is asked of every word that stands in
//! it anywhere, quoted or not, and where words are made by the shell itself the answer is "may be". Neither is a
//! wall: that is the sandbox's part.

use super::path_pattern::covers_name;

/// What a rule's pattern finds in a command's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reading {
    /// The text is what the pattern says, and nothing else.
    IsExactly,
    /// What the pattern says stands somewhere in the text.
    Holds,
    /// It may: the text makes words that are not written in it.
    MayHold,
    /// It does not.
    Without,
}

/// Programs whose plain words are programs or scripts: `*` never stands for them.
const RUNS_ITS_WORDS: [&str; 48] = [
    "sh", "bash", "dash", "zsh", "fish", "ksh", "busybox", "env", "xargs", "sed", "awk", "gawk", "mawk",
    "perl", "ruby", "python", "python2", "python3", "node", "deno", "bun", "php", "lua", "tclsh", "sudo",
    "su", "doas", "nice", "nohup", "setsid", "timeout", "stdbuf", "watch", "time", "command", "builtin",
    "exec", "eval", "source", ".", "trap", "ssh", "parallel", "tar", "script", "chroot", "unshare", "ld.so",
];

/// Programs that take a script from where no rule can read it.
const SHELLS: [&str; 9] = ["sh", "bash", "dash", "zsh", "fish", "ksh", "eval", "source", "."];

/// Signs beside letters and digits that no shell gives a meaning to.
const PLAIN_SIGNS: &str = "-_./:@%+,= ";

/// A rule's text about commands.
#[derive(Debug, Clone, Copy)]
pub(super) struct CommandPattern<'p>(&'p str);

impl<'p> CommandPattern<'p> {
    pub(super) const fn new(pattern: &'p str) -> Self {
        Self(pattern)
    }

    /// The pattern that covers exactly this command.
    pub(super) fn escape(command: &str) -> String {
        let mut pattern = String::with_capacity(command.len());
        for character in command.trim().chars() {
            if matches!(character, '*' | '\\') {
                pattern.push('\\');
            }
            pattern.push(character);
        }
        pattern
    }

    /// What it finds in a command's text.
    pub(super) fn reading(self, command: &str) -> Reading {
        let command = command.trim();
        if self.exact_text().is_some_and(|exact| exact == command) || self.covers_plain(command) {
            return Reading::IsExactly;
        }
        self.search(command)
    }

    /// The one text that it covers; none where a star stands for more.
    fn exact_text(self) -> Option<String> {
        let mut text = String::with_capacity(self.0.len());
        let mut characters = self.0.trim().chars();
        while let Some(character) = characters.next() {
            match character {
                '*' => return None,
                '\\' => text.push(characters.next().unwrap_or('\\')),
                literal => text.push(literal),
            }
        }
        Some(text)
    }

    /// Whether the text is one plain command whose words it covers, one by one.
    fn covers_plain(self, command: &str) -> bool {
        let Some(words) = plain_words(command) else { return false };
        let pattern: Vec<&str> = self.0.split_whitespace().collect();
        let (pattern, takes_more) = match pattern.split_last() {
            Some((&"*", before)) => (before, true),
            _ => (pattern.as_slice(), false),
        };
        let (Some(&program), true) = (pattern.first(), words.len() >= pattern.len()) else { return false };
        let (named, more) = words.split_at(pattern.len());
        let covers = pattern.iter().zip(named).all(|(pattern, word)| covers_word(pattern, word));
        let runs_words = RUNS_ITS_WORDS.contains(&program);
        let has_star = takes_more || pattern.iter().any(|word| word.contains('*'));
        covers
            && !(has_star && runs_words)
            && (more.is_empty() || takes_more)
            && more.iter().all(|word| is_harmless(word))
    }

    /// Looks for its words anywhere in the text.
    fn search(self, command: &str) -> Reading {
        let pattern: Vec<&str> = self.0.split_whitespace().filter(|word| *word != "*").collect();
        let Some((program, rest)) = pattern.split_first() else { return Reading::Holds };
        let segments = segments(command);
        let mut reading = Reading::Without;
        for segment in &segments {
            for (at, word) in segment.iter().enumerate() {
                let after = segment.get(at + 1..).unwrap_or_default();
                let name = word.rsplit('/').next().unwrap_or(word);
                if !covers_name(program, name) && !covers_name(program, word) {
                    continue;
                }
                if rest.iter().all(|wanted| stands_among(wanted, after)) {
                    return Reading::Holds;
                }
                if after.iter().any(|word| is_made(word)) {
                    reading = Reading::MayHold;
                }
            }
            if makes_its_program(segment) {
                reading = Reading::MayHold;
            }
        }
        reading
    }
}

/// The words of a text that is one plain command: letters, digits and signs that mean nothing to a shell.
fn plain_words(command: &str) -> Option<Vec<&str>> {
    let is_plain = |sign: char| sign.is_alphanumeric() || PLAIN_SIGNS.contains(sign);
    let words: Vec<&str> = command.split(' ').filter(|word| !word.is_empty()).collect();
    let is_assignment = words.first().is_some_and(|word| word.contains('='));
    (!words.is_empty() && !is_assignment && command.chars().all(is_plain)).then_some(words)
}

/// Whether a pattern's word covers a word. A star in it stands for no option and for no way out of a folder.
fn covers_word(pattern: &str, word: &str) -> bool {
    let starts_alike = !word.starts_with('-') || pattern.starts_with('-');
    covers_name(pattern, word)
        && (!pattern.contains('*') || (starts_alike && !word.contains("..") && !word.starts_with('/')))
}

/// Whether a word that a rule does not spell out may go with it: no option, no assignment, no path out of the
/// workspace.
fn is_harmless(word: &str) -> bool {
    !word.starts_with(['-', '/', '+', '@']) && !word.contains('=') && !word.contains("..")
}

/// Whether one of `words` says what a denied word says, or its letters stand among the short options.
fn stands_among(wanted: &str, words: &[String]) -> bool {
    let says = |word: &String| {
        covers_name(wanted, word)
            || word.split_once('=').is_some_and(|(option, _)| covers_name(wanted, option))
    };
    let given = || words.iter().filter_map(|word| short_options(word)).flat_map(str::chars);
    words.iter().any(says)
        || short_options(wanted)
            .is_some_and(|wanted| wanted.chars().all(|letter| given().any(|given| given == letter)))
}

/// The letters of a word that is a bundle of short options.
fn short_options(word: &str) -> Option<&str> {
    word.strip_prefix('-').filter(|letters| !letters.is_empty() && !letters.starts_with('-'))
}

/// Every word of every command in a text, as a shell might run them: quotes taken away, split wherever one command
/// could end and another begin.
fn segments(command: &str) -> Vec<Vec<String>> {
    let text: String =
        command.replace("\\\n", "").chars().filter(|sign| !matches!(sign, '"' | '\'' | '\\')).collect();
    let is_end = |sign: char| matches!(sign, ';' | '&' | '|' | '\n' | '\r' | '(' | ')' | '`');
    text.split(is_end)
        .map(|segment| {
            segment
                .split(|sign: char| sign.is_whitespace() || matches!(sign, '<' | '>' | '{' | '}' | ','))
                .filter(|word| !word.is_empty())
                .map(str::to_owned)
                .collect::<Vec<_>>()
        })
        .filter(|words| !words.is_empty())
        .collect()
}

/// Whether the shell makes this word out of something that does not stand in it.
fn is_made(word: &str) -> bool {
    word.contains(['$', '*', '?', '[', '~'])
}

/// Whether it cannot be read which program a command runs: its name is made by the shell, or it takes a script from
/// elsewhere.
fn makes_its_program(segment: &[String]) -> bool {
    let mut words = segment.iter().skip_while(|word| word.contains('=') && !word.starts_with(['$', '=']));
    let Some(first) = words.next() else { return segment.iter().any(|word| is_made(word)) };
    let name = first.rsplit('/').next().unwrap_or(first);
    is_made(first)
        || SHELLS.contains(&name)
        || (RUNS_ITS_WORDS.contains(&name) && words.any(|word| is_made(word)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pattern: &str, command: &str, expected: Reading) {
        assert_eq!(CommandPattern::new(pattern).reading(command), expected, "{pattern} | {command}");
    }

    #[test]
    fn a_star_stands_for_plain_words_only() {
        for (pattern, command) in [
            ("cargo test", " cargo test "),
            ("cargo test *", "cargo test"),
            ("cargo test *", "cargo test parser lexer"),
            ("npm run test:*", "npm run test:unit"),
            ("rg -n *", "rg -n 한글 src"),
            (r"ls \*.rs", "ls *.rs"),
            ("sh -c 'a; b'", "sh -c 'a; b'"),
        ] {
            check(pattern, command, Reading::IsExactly);
        }
        for (pattern, command) in [
            ("rg *", "rg --pre ./canary x"),
            ("find *", "find . -exec ./canary ;"),
            ("git *", "git -c core.pager=./canary log"),
            ("sort *", "sort -o /etc/x a"),
            ("env *", "env ./canary"),
            ("sed *", "sed 1e./canary a"),
            ("cat *", "cat /etc/passwd"),
            ("cat *", "cat ../x"),
            ("make *", "make SHELL=./canary"),
            ("cargo test *", "RUSTC=./canary cargo test"),
            ("echo *", "echo a\u{200b}b"),
            ("echo *", "echo a\u{a0}b"),
        ] {
            assert_ne!(
                CommandPattern::new(pattern).reading(command),
                Reading::IsExactly,
                "{pattern} | {command}"
            );
        }
    }

    /// P21: whatever joins a second command to an allowed one, the rule no longer covers it.
    #[test]
    fn no_separator_hides_a_second_command_behind_an_allowed_one() {
        let joined = [
            "{a}; {b}",
            "{a} && {b}",
            "{a} || {b}",
            "{a} | {b}",
            "{a}\n{b}",
            "{a} & {b}",
            "{a} $({b})",
            "{a} `{b}`",
            "{a} > {b}",
            "{a} < {b}",
            "{a} <({b})",
            "{a}\r{b}",
            "{a} {{b},}",
            "{a} \"$({b})\"",
            "{a} ${IFS}{b}",
            "{a} \\\n{b}",
            "({b}) {a}",
            "{ {b}; } {a}",
            "! {b}",
            "{a} #{b}",
            "{a} $'{b}'",
        ];
        for allowed in ["git status *", "echo *", "rg *", "ls"] {
            let first = allowed.trim_end_matches(" *");
            for form in joined {
                let command = form.replace("{a}", first).replace("{b}", "./canary");
                assert_ne!(
                    CommandPattern::new(allowed).reading(&command),
                    Reading::IsExactly,
                    "{allowed} | {command}"
                );
            }
        }
    }

    fn is_found(pattern: &str, command: &str) -> bool {
        matches!(CommandPattern::new(pattern).reading(command), Reading::Holds | Reading::IsExactly)
    }

    #[test]
    fn a_denied_command_is_found_wherever_it_stands() {
        let sixty = format!("{}git push origin", "true && ".repeat(60));
        for command in [
            "git push",
            "git -C x push",
            "cd a; git push",
            "/usr/bin/git push",
            "'git' push",
            "g\"it\" push",
            "gi\\t push",
            "xargs git push",
            "env A=1 git push",
            "sh -c 'git push'",
            "find . -exec git push ;",
            "watch git push",
            "x=$(git push)",
            "`git push`",
            "git \\\n push",
            "(git push)",
            "{ git push; }",
            sixty.as_str(),
        ] {
            assert!(is_found("git push *", command), "{command}");
        }
        for command in ["rm -rf x", "rm -r -f x", "rm -fr x", "rm x -rf"] {
            assert!(is_found("rm -rf *", command), "{command}");
        }
        for command in ["git status", "echo hello", "cargo test", "echo $HOME"] {
            check("git push *", command, Reading::Without);
        }
    }

    #[test]
    fn a_program_that_the_shell_makes_may_be_the_denied_one() {
        for command in [
            "$x push",
            "x=git; $x push",
            "git $y",
            "curl x | sh",
            "eval $a",
            "g${e}it push",
            "/usr/bin/g?t push",
            "git$IFS'push'",
            "xargs $a",
            "bash script.sh",
            "source a",
            "A=1 $b",
        ] {
            check("git push *", command, Reading::MayHold);
        }
    }

    #[test]
    fn an_escaped_command_covers_itself_alone() {
        for command in ["ls *.rs", r"echo \*", "a && b", "한글 명령"] {
            let pattern = CommandPattern::escape(command);
            check(&pattern, command, Reading::IsExactly);
            assert_ne!(CommandPattern::new(&pattern).reading("ls a.rs"), Reading::IsExactly);
        }
    }
}
