//! Spec O-8: credentials are known by their form, and nothing else is.

use crate::secret::{FoundSecret, Redactor, SecretKind as K, find};

/// `secret` is found in many surroundings, as a whole and as nothing else.
fn check(kind: K, secret: &str) {
    let colour = "\u{1b}[31m";
    let surroundings = [
        ("", ""),
        ("key = \"", "\"\n"),
        ("키는 ", "입니다"),
        ("첫째 줄\n둘째 ", "\r\n"),
        ("{\\\"log\\\":\\\"a\\n", "\\n\"}"),
        ("?q=%20", "&r=1"),
        (colour, "\u{1b}[0m"),
        ("(", ")."),
        ("👨‍👩‍👧", "👨‍👩‍👧"),
        ("عربي ", " نص"),
    ];
    for (before, after) in surroundings {
        let text = format!("{before}{secret}{after}");
        let found = FoundSecret {
            kind,
            range: before.len()..before.len() + secret.len(),
            line: 1 + before.matches('\n').count(),
        };
        assert_eq!(find(&text), [found], "{text}");
        let redacted = format!("{before}[redacted:{}]{after}", kind.as_str());
        assert_eq!(Redactor::default().redact(&text), redacted);
    }
}

fn in_range<'t>(text: &'t str, found: &FoundSecret) -> &'t str {
    text.get(found.range.clone()).expect("character boundaries")
}

#[track_caller]
fn passes(text: &str) {
    assert_eq!(find(text), [], "{text}");
}

/// Letters and digits of any look, as long as wanted.
fn letters(length: usize) -> String {
    "aB3dE6gH9kLm".chars().cycle().take(length).collect()
}

#[test]
fn tokens_are_known_by_their_vendors_prefixes() {
    check(K::AwsAccessKeyId, "AKIAQ3EGRY6JQ7C2XQ4N");
    check(K::AwsAccessKeyId, "ASIAQ3EGRY6JQ7C2XQ4N");
    for prefix in ["ghp_", "gho_", "ghu_", "ghs_", "ghr_"] {
        check(K::GithubToken, &format!("{prefix}{}", letters(36)));
    }
    check(K::GithubToken, &format!("github_pat_{}_{}", letters(22), letters(59)));
    check(K::GitlabToken, &format!("glpat-{}", letters(20)));
    check(K::AnthropicKey, &format!("sk-ant-api03-{}-{}AA", letters(40), letters(50)));
    check(K::OpenaiKey, &format!("sk-{}T3BlbkFJ{}", letters(20), letters(20)));
    check(K::OpenaiKey, &format!("sk-proj-{}_{}", letters(40), letters(60)));
    check(K::OpenaiKey, &format!("sk-or-v1-{}", "0123456789abcdef".repeat(4)));
    check(K::SlackToken, &format!("xoxb-{}-{}-{}", "123456789012", "1234567890123", letters(24)));
    check(K::StripeKey, &format!("sk_live_{}", letters(24)));
    check(K::StripeKey, &format!("rk_live_{}", letters(24)));
    check(K::GoogleApiKey, &format!("AIza{}", letters(35)));
    check(K::NpmToken, &format!("npm_{}", letters(36)));
    check(K::PypiToken, &format!("pypi-AgEIcHlwaS5vcmc{}", letters(100)));
    check(K::HuggingFaceToken, &format!("hf_{}", letters(34)));
}

/// Decided in `docs/adr/0012-redaction.md`: nothing but its fame tells the documentation's key from a real one.
#[test]
fn the_key_of_the_vendors_documentation_is_known_like_any_other() {
    check(K::AwsAccessKeyId, "AKIAIOSFODNN7EXAMPLE");
}

#[test]
fn a_signed_token_is_known_by_its_two_objects() {
    let (header, payload) = ("eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9", "eyJzdWIiOiIxMjM0NTY3ODkwIn0");
    check(K::Jwt, &format!("{header}.{payload}.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"));
    check(K::Jwt, &format!("{header}.{payload}"));
    passes(&format!("sourceMappingURL=data:application/json;base64,{header}{payload}"));
    passes(&format!("{header}.js"));
}

#[test]
fn a_key_after_its_name_is_known() {
    let value = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYzzzzzzzKEY";
    for name in [
        "aws_secret_access_key = ",
        "AWS_SECRET_ACCESS_KEY=",
        "\"SecretAccessKey\": \"",
        "secretAccessKey: '",
    ] {
        let text = format!("{name}{value}\nregion = x");
        let found = find(&text);
        assert_eq!(found.len(), 1, "{text}");
        assert_eq!((found[0].kind, in_range(&text, &found[0])), (K::AwsSecretKey, value));
    }
    passes(&format!("sha = {value}"));
    passes("aws_secret_access_key = os.environ[\"AWS_SECRET_ACCESS_KEY\"]");
    passes("aws_secret_access_key = 0123456789abcdef0123456789abcdef01234567deadbeef");
}

#[test]
fn the_user_and_password_of_a_url_are_known() {
    let check = |user_info: &str| {
        let text = format!("proxy=http://{user_info}@proxy.example.com:3128/a@b end");
        let found = find(&text);
        assert_eq!(found.len(), 1, "{text}");
        assert_eq!((found[0].kind, in_range(&text, &found[0])), (K::UrlCredentials, user_info));
    };
    check("me:hush-hush");
    check(":hush-hush");
    check("나:비밀번호열쇠");
    check("x-access-token:0123456789abcdef");
    check("me:with@sign");
    for text in [
        "postgres://user:password@localhost/app",
        "postgres://postgres:postgres@db",
        "mysql://root:root@db",
        "https://$USER:$PASSWORD@host",
        "https://${USER}:${PASSWORD}@host",
        "https://<user>:<password>@host",
        "https://{user}:{password}@host",
        "https://me:****@host",
        "https://me:[redacted:secret]@host",
        "ssh://git@github.com:22/a",
        "http://localhost:8080/@scope/package",
        "docker://alpine:3.19.1@sha256:0123",
        "see https://a.example or mail me:you@example.com",
        "http://host:8080",
    ] {
        passes(text);
    }
}

fn armoured(label: &str, lines: &[&str], line_break: &str) -> String {
    let begin = format!("-----BEGIN {label}-----");
    let end = format!("-----END {label}-----");
    [&[begin.as_str()][..], lines, &[end.as_str()]].concat().join(line_break)
}

const LINE: &str = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj";

#[test]
fn private_keys_are_known_from_marker_to_marker() {
    for label in
        ["PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY", "OPENSSH PRIVATE KEY", "PGP PRIVATE KEY BLOCK"]
    {
        check(K::PrivateKey, &armoured(label, &[LINE, LINE, "Tm9=="], "\n"));
        check(K::PrivateKey, &armoured(label, &[LINE, LINE, "Tm9=="], "\r\n"));
        check(K::PrivateKey, &armoured(label, &[LINE, LINE, "Tm9=="], "\\n"));
        check(K::PrivateKey, &armoured(label, &["Version: GnuPG v2", "", LINE, "=aBc4"], "\n"));
        check(K::PrivateKey, &armoured(label, &["DEK-Info: AES-128-CBC,00", "", LINE], "\n"));
    }
    check(
        K::PrivateKey,
        &armoured("PRIVATE KEY", &["MC4CAQAwBQYDK2VwBCIEIJ+DYvh6SEqVTm50DFtMDoQikTmiCqirVv9mWG9qfSnF"], "\n"),
    );
}

/// As `read`, `grep -n` and `diff` show it.
#[test]
fn a_private_key_is_known_behind_numbers_and_signs() {
    for prefix in ["    12\t", "12:", "keys/내 열쇠.pem:12:", "+", " "] {
        let key = armoured("RSA PRIVATE KEY", &[LINE, LINE, "Tm9=="], "\n");
        let shown: String = key.lines().map(|line| format!("{prefix}{line}\n")).collect();
        let found = find(&shown);
        assert_eq!(found.len(), 1, "{shown}");
        assert_eq!(in_range(&shown, &found[0]), shown.trim_end().trim_start_matches(prefix));
    }
}

/// As programs, lists, comments and settings write them; what stands around the key stays readable.
#[test]
fn a_private_key_is_known_however_a_text_writes_its_lines() {
    let key = armoured("RSA PRIVATE KEY", &[LINE, LINE, "Tm9=="], "\n");
    let lines = |before: &str, after: &str, between: &str| {
        key.lines().map(|line| format!("{before}{line}{after}")).collect::<Vec<_>>().join(between)
    };
    let check = |text: String| {
        let shown = Redactor::default().redact(&text).into_owned();
        assert!(!shown.contains("MIIEv") && !shown.contains("Tm9"), "{text} -> {shown}");
        assert_eq!(shown.matches("[redacted:private-key]").count(), 1, "{text} -> {shown}");
        assert_eq!(find(&text).len(), 1, "{text}");
        let cut = text.rsplit_once("-----END").map_or("", |(before, _)| before);
        let shown = Redactor::default().redact(cut).into_owned();
        assert!(!shown.contains("MIIEv") && !shown.contains("Tm9"), "{cut} -> {shown}");
    };
    check(format!("const char *key =\n{};\n", lines("  \"", "\\n\"", "\n")));
    check(format!("String key = {};\n", lines("\"", "\\r\\n\"", " +\n    ")));
    check(format!("char *key = \"{}\";\n", lines("", "\\n\\", "\n")));
    check(format!("module.exports = [\n{}\n].join('\\n')\n", lines("  '", "',", "\n")));
    check(format!("{{\"key\":[{}]}}\n", lines("\"", "\"", ", ")));
    check(format!("{{\"key\":[{}]}}\n", lines("\"", "\"", ",")));
    check(format!("{{\\\"key\\\":[{}]}}\n", lines("\\\"", "\\\"", ",")));
    for sign in
        ["#", "# ", "// ", " * ", "-- ", "> ", "; ", "+# ", "    12\t# ", "12:    # ", "a/key.h:12:  // "]
    {
        check(format!("앞\n{}\n뒤\n", lines(sign, "", "\n")));
    }
    check(format!("KEY=\"{}\"\nNEXT=1\n", lines("", "", " ")));
    check(format!("{{\"key\":\"{}\"}}\n", lines("", "", "\\r\\n")));
    check(format!("{{\\\"key\\\":\\\"{}\\\"}}\n", lines("", "", "\\\\r\\\\n")));
    check(format!("{}\n", lines("", "$", "\n")));
    check(format!("{}\n", lines("", "^M$", "\n")));
}

#[test]
fn markers_around_no_key_pass() {
    let private = "-----BEGIN RSA PRIVATE KEY-----";
    for text in [
        format!("A key looks so:\n\n    {private}\n    ...\n    -----END RSA PRIVATE KEY-----\n"),
        format!("# {private}\n# MIIEpAIBAAKCAQEA...\n# -----END RSA PRIVATE KEY-----\n"),
        format!("KEY=\"{private} ... -----END RSA PRIVATE KEY-----\"\n"),
        format!("const LABELS: [&str; 2] = [\"{private}\", \"-----BEGIN PRIVATE KEY-----\"];\n"),
        format!(
            "if text.contains(\"{private}\") {{\n    return a_name_of_more_than_thirty_two_letters(text);\n}}"
        ),
        lines_of("PUBLIC KEY", "\"", "\\n\""),
        lines_of("CERTIFICATE", "# ", ""),
    ] {
        passes(&text);
    }
}

fn lines_of(label: &str, before: &str, after: &str) -> String {
    armoured(label, &[LINE, LINE], "\n").lines().map(|line| format!("{before}{line}{after}\n")).collect()
}

/// Nobody hides other words from a reader by putting them between markers, or into the password of an address.
#[test]
fn markers_hide_nothing_but_a_key() {
    let begin = "-----BEGIN OPENSSH PRIVATE KEY-----";
    let end = "-----END OPENSSH PRIVATE KEY-----";
    for hidden in [
        format!("{begin}\n{LINE}\n'\ntouch HIDDEN\n: '\n{end}"),
        format!("{begin}\n{LINE}\ntouch HIDDEN\n{end}"),
        format!("{begin}\ntouch HIDDEN {LINE}\n{end}"),
        format!("{begin}\n{LINE}\nTm9=\ntouch HIDDEN\n{LINE}\n{end}"),
        "curl https://me:pass$(touch HIDDEN)@host".to_owned(),
        "curl https://me:pass;touch${IFS}HIDDEN@host".to_owned(),
    ] {
        let shown = Redactor::default().redact(&hidden).into_owned();
        assert!(shown.contains("HIDDEN"), "{hidden} -> {shown}");
    }
}

#[test]
fn a_private_key_that_is_cut_off_is_known_as_far_as_it_goes() {
    let cut = format!("-----BEGIN RSA PRIVATE KEY-----\n{LINE}\n{LINE}\nTm9aB");
    for (key, after) in [
        (cut.clone(), ""),
        (cut, "\n\n여기서 끝났다\n"),
        (format!("-----BEGIN EC PRIVATE KEY-----\n{LINE}"), "\n[12 bytes were left out]\n"),
    ] {
        let text = format!("{key}{after}");
        let redacted = Redactor::default().redact(&text).into_owned();
        assert_eq!(redacted, format!("[redacted:private-key]{after}"));
    }
}

#[test]
fn what_is_no_secret_passes() {
    for text in [
        "",
        "README\n=====\n\n====================================================\n",
        "commit 8132185f0c3a9d2b4e6f8a1c3e5d7b9f0a2c4e6d",
        "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "id: 550e8400-e29b-41d4-a716-446655440000",
        "01J9Z3K4M5N6P7Q8R9S0T1V2W3",
        "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
        "task-force disk-usage risk-averse desk-0123456789abcdefABCDEF ask-me",
        "sk-circle sk-SK sk-fading-circle12 sk-0123456789abcdef0123.js",
        "sk-ant-... sk-ant-your-key-goes-here-please sk-proj-…",
        "ghp_xxx github_pat_… glpat-TOKEN npm_config_registry npm_lifecycle_event npm_package_version",
        "AKIA is a prefix; AKIAIOSFODNN7 is too short, XAKIAQ3EGRY6JQ7C2XQ4N and AKIAQ3EGRY6JQ7C2XQ4NX too long",
        "pypi-server xoxo-hugs xoxb-your-token hf_transfer hf_hub_download AIzaSy…",
        "-----BEGIN CERTIFICATE-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj\n-----END CERTIFICATE-----",
        "-----BEGIN PUBLIC KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj\n-----END PUBLIC KEY-----",
        "if line == \"-----BEGIN RSA PRIVATE KEY-----\" { return Err(\"a private key; see the documentation\") }",
        "a.pem:1:-----BEGIN RSA PRIVATE KEY-----\nb.pem:1:-----BEGIN RSA PRIVATE KEY-----\n",
        "한글 문서에는 비밀이 없다: sk-열쇠, ghp_토큰, 👨‍👩‍👧",
    ] {
        passes(text);
    }
}

/// The commit scan reads files that need not be text.
#[test]
fn secrets_are_found_in_bytes_that_are_no_text() {
    let bytes = [b"\xff\xfe\n".as_slice(), b"AKIAQ3EGRY6JQ7C2XQ4N", b"\xcc"].concat();
    assert_eq!(find(&bytes), [FoundSecret { kind: K::AwsAccessKeyId, range: 3..23, line: 2 }]);
}

#[test]
fn accents_go_with_the_letter_they_stand_on() {
    let redacted = Redactor::default().redact("AKIAQ3EGRY6JQ7C2XQ4N\u{301}\u{200d} 다음").into_owned();
    assert_eq!(redacted, "[redacted:aws-access-key-id] 다음");
}

#[test]
fn placeholders_name_their_kinds() {
    for kind in K::ALL {
        assert_eq!(kind.placeholder(), format!("[redacted:{}]", kind.as_str()));
        passes(kind.placeholder());
    }
}
