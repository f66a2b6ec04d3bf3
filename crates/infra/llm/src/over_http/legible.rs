//! Events whose text is damaged: halves of a character that a server cut in two, bytes that are no UTF-8.
//!
//! Each damaged place becomes U+FFFD, so that an answer is not lost over one character. Whether the event is JSON
//! otherwise is not judged.

/// The data of an event with nothing damaged in it; none where nothing was.
pub(crate) fn legible(data: &[u8]) -> Option<Vec<u8>> {
    let text = String::from_utf8_lossy(data);
    let mut mended = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        if *first != b'\\' {
            mended.push(*first);
            rest = after;
            continue;
        }
        let (escape, length) = match (escaped_unit(rest), rest.get(6..).and_then(escaped_unit)) {
            (Some(0xd800..0xdc00), Some(0xdc00..0xe000)) => (rest.get(..12), 12),
            (Some(0xd800..0xe000), _) => (Some(b"\\ufffd".as_slice()), 6),
            _ => (rest.get(..2), 2),
        };
        mended.extend_from_slice(escape.unwrap_or(rest));
        rest = rest.get(length..).unwrap_or_default();
    }
    (mended != data).then_some(mended)
}

/// The unit of UTF-16 that a `\u` with four digits at the beginning stands for.
fn escaped_unit(text: &[u8]) -> Option<u16> {
    let digits = text.strip_prefix(b"\\u")?.get(..4)?;
    let digits = std::str::from_utf8(digits)
        .ok()
        .filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
    u16::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(data: &[u8], expected: Option<&str>) {
        let mended = legible(data).map(|mended| String::from_utf8(mended).unwrap());
        assert_eq!(mended.as_deref(), expected, "{}", String::from_utf8_lossy(data));
    }

    #[test]
    fn half_a_character_becomes_one_that_says_so() {
        check(br#""\ud83d""#, Some(r#""\ufffd""#));
        check(br#""\ude00 \uD83D\u0041""#, Some(r#""\ufffd \ufffd\u0041""#));
        check(br#""\ud83d\ud83d\ude00""#, Some(r#""\ufffd\ud83d\ude00""#));
        check(b"\"\xed\x95\"", Some("\"\u{fffd}\""));
    }

    #[test]
    fn what_is_whole_stays() {
        check(r#""환불 👩‍👩‍👧 \ud83d\ude00 \n \\ud83d \" \u00e9""#.as_bytes(), None);
        check(br#""\u12"#, None);
        check(b"\\", None);
        check(b"", None);
    }

    proptest! {
        #[test]
        fn any_string_of_escapes_can_be_read(units in prop::collection::vec(any::<u16>(), 0..8)) {
            let escapes: String = units.iter().map(|unit| format!("\\u{unit:04x}")).collect();
            let data = format!("\"{escapes}\"").into_bytes();
            let mended = legible(&data).unwrap_or(data);
            prop_assert_eq!(serde_json::from_slice::<String>(&mended).unwrap(), String::from_utf16_lossy(&units));
        }

        #[test]
        fn any_bytes_are_taken(data in prop::collection::vec(any::<u8>(), 0..40)) {
            legible(&data);
        }
    }
}
