//! Values that look like secrets, by the name of their variable or by their form: what the redactor is told beside
//! our own credentials (law 10). Too many are named rather than too few, but for values that say where or how: to take
//! `http://localhost:3000` or `kubernetes` out of every text would hide nothing and mangle much. How short a value may
//! be is the redactor's business.

use domain::secret::Secret;
use percent_encoding::percent_decode_str;

/// Endings of the words in a variable's name that make its value a secret.
const SECRETS: [&str; 8] = ["KEY", "TOKEN", "SECRET", "PASSWORD", "PASSWD", "PASSPHRASE", "SSHPASS", "JWT"];
/// Words that do the same where they stand alone, behind another word: alone, `PWD` and `PASS` mean other things.
const WHOLE: [&str; 4] = ["PASS", "PWD", "PAT", "PSK"];
/// Those that may also name a way to log in.
const LOGINS: [&str; 3] = ["CREDENTIAL", "AUTH", "COOKIE"];
/// The fewest bytes of a line that is looked for by itself.
const SHORTEST_LINE: usize = 16;
/// Endings of names whose value is a secret though it is an address or holds one: whoever knows it may write there.
const ADDRESSES: [&str; 3] = ["WEBHOOK_URL", "WEBHOOK", "CONNECTION_STRING"];

/// The secrets in a variable: the whole value where its name says so, and what stands before the `@` of addresses.
pub(crate) fn secrets_in(name: &str, value: &str) -> Vec<Secret> {
    let is_secret = !is_place(value)
        && (is_name_of(name, &SECRETS)
            || is_last_word_of(name, &WHOLE)
            || (is_name_of(name, &LOGINS) && !is_plain_word(value)));
    let is_address = ADDRESSES.iter().any(|ending| name.to_ascii_uppercase().ends_with(ending));
    let whole = (is_secret || (is_address && !is_folder(value))).then_some(value);
    // Commands show a secret of many lines line by line.
    let lines = whole.filter(|value| value.trim().contains('\n')).into_iter().flat_map(str::lines);
    let lines = lines.filter(|line| line.trim().len() >= SHORTEST_LINE);
    whole.into_iter().chain(lines).filter_map(Secret::new).chain(secrets_of_addresses(value)).collect()
}

/// Whether the name is of several words, and the last is one of `words`, whatever number is behind it: `DB_PASS`,
/// `GITHUB_PAT_2`; not `PWD`, `OLDPWD`.
fn is_last_word_of(name: &str, words: &[&str]) -> bool {
    let name = name.to_ascii_uppercase();
    let name = name.trim_end_matches(|last: char| last.is_ascii_digit() || last == '_');
    let last = name.rsplit_once('_').filter(|(before, _)| !before.is_empty());
    last.is_some_and(|(_, last)| words.contains(&last))
}

/// Whether a word of the name ends in one of `endings`, in the plural or with a number behind it, too: `PGPASSWORD`,
/// `aws_secret_access_key`, `API_KEYS`, `TOKEN2`; not `AUTHOR` or `KEYBOARD`.
fn is_name_of(name: &str, endings: &[&str]) -> bool {
    let name = name.to_ascii_uppercase();
    name.split(|character: char| !character.is_ascii_alphanumeric()).any(|word| {
        let word = word.trim_end_matches(|last: char| last.is_ascii_digit());
        let singular = word.strip_suffix('S').unwrap_or(word);
        endings.iter().any(|ending| word.ends_with(ending) || singular.ends_with(ending))
    })
}

/// An address or a path: where something is. What an address holds before its `@` is looked at by itself.
fn is_place(value: &str) -> bool {
    let is_address = value.split_once("://").is_some_and(|(scheme, _)| {
        !scheme.is_empty()
            && scheme.chars().all(|letter| letter.is_ascii_alphanumeric() || "+-.".contains(letter))
    });
    is_address || is_folder(value)
}

fn is_folder(value: &str) -> bool {
    ["/", "./", "../", "~/"].iter().any(|start| value.starts_with(start))
}

/// A word of small letters: `kubernetes`, `ssh-agent`.
fn is_plain_word(value: &str) -> bool {
    value.chars().all(|letter| letter.is_ascii_lowercase() || letter == '-')
}

/// Passwords in addresses like `https://user:password@host`; a user without a password is one.
pub(crate) fn secrets_of_addresses(text: &str) -> Vec<Secret> {
    let mut secrets = Vec::new();
    for rest in text.split("://").skip(1) {
        let ends = |character: char| matches!(character, '/' | '?' | '#') || character.is_whitespace();
        let authority = rest.split(ends).next().unwrap_or_default();
        let Some((before, _)) = authority.rsplit_once('@') else { continue };
        let password = before.split_once(':').map_or(before, |(_, password)| password);
        let decoded = percent_decode_str(password).decode_utf8_lossy();
        secrets.extend([before, password, &decoded].into_iter().filter_map(Secret::new));
    }
    secrets
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_what_is_secret_word_by_word() {
        let secret = [
            "AWS_SECRET_ACCESS_KEY",
            "github_token",
            "PGPASSWORD",
            "API_KEYS",
            "TOKEN2",
            "NEXTAUTH",
            "npm_config__authToken",
            "MYSQL_PASSWD",
            "GOOGLE_APPLICATION_CREDENTIALS",
            "DB_PASS",
            "MYSQL_PWD",
            "SSHPASS",
            "GITHUB_PAT",
            "GITHUB_PAT_2",
            "session_jwt",
            "GPG_PASSPHRASE",
            "SESSION_COOKIE",
            "AZURE_STORAGE_CONNECTION_STRING",
            "SLACK_WEBHOOK_URL",
        ];
        let plain = [
            "GIT_AUTHOR_NAME",
            "KEYBOARD",
            "PATH",
            "PWD",
            "OLDPWD",
            "INIT_CWD",
            "TOKENIZERS_PARALLELISM",
            "SECRETARY",
            "COMPASS",
            "PATTERN",
            "_PASS",
            "",
        ];
        let named = |names: &[&'static str]| {
            let is_named = |name: &&&str| !secrets_in(name, "s3cret-value").is_empty();
            names.iter().filter(is_named).copied().collect::<Vec<_>>()
        };
        assert_eq!(named(&secret), secret);
        assert_eq!(named(&plain), [""; 0]);
    }

    #[test]
    fn a_value_that_says_where_or_how_is_no_secret() {
        for (name, value) in [
            ("SSH_AUTH_SOCK", "/tmp/ssh-1/agent.1"),
            ("GOOGLE_APPLICATION_CREDENTIALS", "~/key.json"),
            ("NEXTAUTH_URL", "http://localhost:3000"),
            ("VAULT_AUTH", "kubernetes"),
            ("TOKEN_FILE", "./token"),
            ("DEPLOY_PWD", "/srv/app"),
            ("WEBHOOK", "./hooks"),
        ] {
            assert_eq!(secrets_in(name, value), [], "{name}");
        }
        assert_eq!(secrets_in("DB_PASSWORD", "swordfish").len(), 1);
        let hook = "https://hooks.example.com/services/T000/B000/zXc5uperS3cretPw";
        assert_eq!(secrets_in("SLACK_WEBHOOK_URL", hook).first().map(Secret::reveal), Some(hook));
        assert_eq!(secrets_in("TOKEN_URL", "https://me:geheim@host").len(), 3);
    }

    #[test]
    fn a_secret_of_many_lines_is_known_by_each_that_is_long_enough() {
        let value = "first-line-of-secret-1234\nshort\r\n  second-line-of-secret-5678\n";
        let secrets = secrets_in("MY_SECRET", value);
        let expected = [value.trim(), "first-line-of-secret-1234", "second-line-of-secret-5678"];
        assert_eq!(secrets.iter().map(Secret::reveal).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn an_address_gives_up_its_password_as_written_and_as_meant() {
        let check = |text: &str, expected: &[&str]| {
            let secrets = secrets_of_addresses(text);
            assert_eq!(secrets.iter().map(Secret::reveal).collect::<Vec<_>>(), expected, "{text}");
        };
        check("http://me:hu%40sh@proxy:8080", &["me:hu%40sh", "hu%40sh", "hu@sh"]);
        check("https://t0ken@host/a@b", &["t0ken", "t0ken", "t0ken"]);
        check("postgres://u:p@h/db, redis://:q@h", &["u:p", "p", "p", ":q", "q", "q"]);
        check("https://host/@scope", &[]);
        check("me@example.com", &[]);
    }
}
