//! What is plain, and what is found wherever it stands.

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
        ("git *", "git"),
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
        ("git *", "git bisect run ./canary"),
        ("git b*", "git bisect run ./canary"),
        ("npm *", "npm exec canary"),
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
