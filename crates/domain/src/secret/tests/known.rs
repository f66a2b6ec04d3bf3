//! Spec O-8: values that are known do not pass, in whatever form programs commonly write them.

use serde_json::{Value, json};

use super::knowing;

const VALUE: &str = "hush/hüsh\"비밀+=&열쇠 42";
const GONE: &str = "[redacted:secret]";

#[track_caller]
fn check(text: &str, redacted: &str) {
    assert_eq!(knowing([VALUE]).redact(text), redacted);
}

#[test]
fn a_value_is_found_as_it_is() {
    check(&format!("값은 {VALUE}이다"), &format!("값은 {GONE}이다"));
    check(&format!("{VALUE}{VALUE}\n{VALUE}"), &format!("{GONE}{GONE}\n{GONE}"));
    check("hush/hüsh\"비밀+=&열쇠 43", "hush/hüsh\"비밀+=&열쇠 43");
}

#[test]
fn a_value_is_found_as_json_writes_it() {
    let once = json!({ "key": VALUE }).to_string();
    check(&once, &format!("{{\"key\":\"{GONE}\"}}"));
    let twice = Value::from(once).to_string();
    check(&twice, &format!("\"{{\\\"key\\\":\\\"{GONE}\\\"}}\""));
    check(r#""hush/h\u00fcsh\"\ube44\ubc00+=&\uc5f4\uc1e0 42""#, &format!("\"{GONE}\""));
}

#[test]
fn a_value_is_found_as_urls_write_it() {
    let upper = "hush%2Fh%C3%BCsh%22%EB%B9%84%EB%B0%80%2B%3D%26%EC%97%B4%EC%87%A0%2042";
    check(&format!("?key={upper}&x=1"), &format!("?key={GONE}&x=1"));
    check(&format!("?key={}", upper.to_lowercase()), &format!("?key={GONE}"));
}

/// Alone, behind a name (`Basic` authorization), and in the alphabet of URLs. The digits at its ends depend on its
/// neighbours, too, and stay.
#[test]
fn a_value_is_found_in_base64() {
    let redactor = knowing(["sesame-open-9"]);
    for (text, redacted) in [
        ("c2VzYW1lLW9wZW4tOQ==", "[redacted:secret]Q=="),
        ("bWU6c2VzYW1lLW9wZW4tOQ==", "bWU6[redacted:secret]Q=="),
        ("eHNlc2FtZS1vcGVuLTl5", "eH[redacted:secret]l5"),
        ("YWJzZXNhbWUtb3Blbi05", "YWJ[redacted:secret]"),
    ] {
        assert_eq!(redactor.redact(text), redacted);
    }
    assert_eq!(knowing(["??>>??>>??"]).redact("Pz8-Pj8_Pj4_Pw"), "[redacted:secret]w");
}

#[test]
fn short_values_common_words_and_our_own_words_are_left_alone() {
    let text = "postgres 열쇠일곱글자 1234567 redacted [redacted:secret] changeme";
    let redactor =
        knowing(["postgres", "열쇠일곱글자", "1234567", "redacted", "Postgres", "changeme", "[redacted:"]);
    assert_eq!(redactor.redact(text), text);
    assert_eq!(knowing(["여덟글자짜리열쇠"]).redact("여덟글자짜리열쇠!"), format!("{GONE}!"));
}

#[test]
fn the_longest_value_is_taken_out() {
    let redactor = knowing(["hush-hush", "hush-hush-hush"]);
    assert_eq!(redactor.redact("hush-hush-hush hush-hush"), format!("{GONE} {GONE}"));
}

#[test]
fn accents_on_the_last_letter_of_a_value_go_with_it() {
    assert_eq!(knowing(["hush-hush"]).redact("hush-hush\u{301}!"), format!("{GONE}!"));
}

#[test]
fn json_stays_json() {
    let redactor = knowing([VALUE]);
    let mut value = json!({ "a": [VALUE, 1, { VALUE: "AKIAQ3EGRY6JQ7C2XQ4N" }], "b": null });
    let text = value.to_string();
    assert!(redactor.redact_value(&mut value));
    let redacted = json!({ "a": [GONE, 1, { GONE: "[redacted:aws-access-key-id]" }], "b": null });
    assert_eq!(value, redacted);
    assert_eq!(redactor.redact_json(&text), redacted.to_string());
    assert!(!redactor.redact_value(&mut value));

    // A key that was cut off reaches over the end of its string.
    let line = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj";
    let cut =
        json!({ "a": format!("-----BEGIN PRIVATE KEY-----\n{line}"), "b": "-----END PRIVATE KEY-----" });
    let redacted = json!({ "a": "[redacted:private-key]", "b": "-----END PRIVATE KEY-----" });
    assert_eq!(redactor.redact_json(&cut.to_string()), redacted.to_string());
    assert_eq!(
        redactor.redact_json("no JSON: AKIAQ3EGRY6JQ7C2XQ4N"),
        "no JSON: [redacted:aws-access-key-id]"
    );
}

#[test]
fn neither_a_secret_nor_a_redactor_can_be_printed() {
    let redactor = knowing([VALUE]);
    assert_eq!(format!("{redactor:?}"), "Redactor { .. }");
    assert_eq!(format!("{:?}", crate::secret::Secret::new(VALUE)), "Some(Secret(***))");
}
