//! Credentials that are known by where they stand: after a name, or in a URL.

use super::{
    rules::SecretKind,
    scan::{Find, Text, Verdict},
};

/// The most bytes between a name and its value.
const LONGEST_GAP: usize = 24;

/// Reads the value after a name like `aws_secret_access_key`, which ends at `at`.
pub(super) fn read_aws_secret_key(text: Text<'_>, at: usize) -> Verdict {
    const LENGTH: usize = 40;
    let Some(gap) = text.run(at, is_between, LONGEST_GAP) else { return Verdict::Open };
    if gap == 0 {
        return Verdict::Nothing;
    }
    let value = at + gap;
    let Some(length) = text.run(value, is_base64, LENGTH + 1) else { return Verdict::Open };
    if length != LENGTH {
        return Verdict::Nothing;
    }
    Verdict::Secret(Find { range: value..value + LENGTH, kind: SecretKind::AwsSecretKey })
}

fn is_between(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'"' | b'\'' | b'`' | b'\\' | b':' | b'=' | b'>')
}

fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'+')
}

/// The most bytes of a URL's user, password and host.
const LONGEST_AUTHORITY: usize = 1024;

/// Words that stand for a password in documentation and examples.
const EXAMPLES: [&str; 22] = [
    "admin",
    "changeit",
    "changeme",
    "example",
    "guest",
    "mypassword",
    "mysql",
    "pass",
    "passwd",
    "password",
    "postgres",
    "pw",
    "pwd",
    "root",
    "secret",
    "test",
    "token",
    "user",
    "username",
    "xxx",
    "your-password",
    "yourpassword",
];

/// Reads the user and password of a URL, whose `://` ends at `at`.
pub(super) fn read_url_credentials(text: Text<'_>, at: usize) -> Verdict {
    let Some(length) = text.run(at, is_authority, LONGEST_AUTHORITY) else { return Verdict::Open };
    let authority = text.from(at).get(..length).unwrap_or_default();
    let Some(user_info) = authority.iter().rposition(|byte| *byte == b'@') else { return Verdict::Nothing };
    let (user_info, host) = authority.split_at(user_info);
    let Some(colon) = user_info.iter().position(|byte| *byte == b':') else { return Verdict::Nothing };
    let (user, password) = user_info.split_at(colon);
    let password = password.get(1..).unwrap_or_default();
    if !is_password(user, password) || host.starts_with(b"@sha256:") {
        return Verdict::Nothing;
    }
    Verdict::Secret(Find { range: at..at + user_info.len(), kind: SecretKind::UrlCredentials })
}

/// What may stand between `//` and the next part of a URL. Brackets and braces stand for templates, and for a part
/// that is redacted already. What a shell gives a meaning to ends it, though RFC 3986 lets some of it stand there:
/// otherwise a command could hide in a password.
fn is_authority(byte: u8) -> bool {
    !byte.is_ascii_control()
        && !matches!(
            byte,
            b' ' | b'/'
                | b'?'
                | b'#'
                | b'"'
                | b'\''
                | b'`'
                | b'<'
                | b'>'
                | b'['
                | b']'
                | b'{'
                | b'}'
                | b'\\'
                | b'|'
                | b'$'
                | b'('
                | b')'
                | b';'
                | b'&'
        )
}

/// Whether it is a password, not a place for one.
fn is_password(user: &[u8], password: &[u8]) -> bool {
    let is_example = |word: &&str| word.as_bytes().eq_ignore_ascii_case(password);
    let is_one_letter = password.iter().all(|byte| Some(byte) == password.first());
    password.len() >= 4
        && password != user
        && !is_one_letter
        && !password.starts_with(b"$")
        && !password.starts_with(b"%(")
        && !EXAMPLES.iter().any(is_example)
}
