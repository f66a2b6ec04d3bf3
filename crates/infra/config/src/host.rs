//! Names of hosts that commands may reach (`sandbox.network`).
//!
//! Only one spelling of a host is taken. Where two programs read a name differently (a NUL, a trailing dot, letters
//! of other scripts, addresses in odd bases), one of them would let through what the other forbids.

use std::net::IpAddr;

/// What is wrong with a host; `*` stands for every one.
pub(crate) fn host_fault(text: &str) -> Option<&'static str> {
    if text == "*" || text.parse::<IpAddr>().is_ok() {
        return None;
    }
    if !text.is_ascii() {
        return Some(
            "should be written in ASCII: a name in other letters begins with `xn--` in each such part",
        );
    }
    if text.contains("://") || text.contains(['/', ':', '@']) {
        return Some("should be the name of a host alone: no scheme, port, user or path");
    }
    if text.contains('*') {
        return Some("should be one host: only `*` by itself stands for all of them");
    }
    if text.ends_with('.') {
        return Some("should end without a dot");
    }
    // `0x7f.1`, `0177.0.0.1`, `2130706433`: some programs read them as addresses, and each as another one.
    let last = text.rsplit('.').next().unwrap_or_default();
    if last.starts_with(|first: char| first.is_ascii_digit()) {
        return Some("should be a name, or an address like 192.0.2.1 in plain decimal numbers");
    }
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let is_name = text.len() <= 253 && text.split('.').all(is_label);
    (!is_name).then_some("should be the name of a host: letters, digits, `-` and dots")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// reliability 2.4: a proxy saw `evil\0.allowed.com`, the resolver `evil`.
    #[test]
    fn a_host_has_one_spelling() {
        let good = ["*", "example.com", "a-b.c_d.kr", "xn--bj0bj06e.kr", "localhost", "192.0.2.1", "::1"];
        assert_eq!(good.map(host_fault), [None; 7]);
        let bad = [
            "evil\0.allowed.com",
            "example.com.",
            "한국.kr",
            "2130706433",
            "0x7f.1",
            "0177.0.0.1",
            "127.1",
            "http://a",
            "a:80",
            "me@a",
            "*.a",
            "a..b",
            "-a",
            " a",
            "",
        ];
        for host in bad {
            assert!(host_fault(host).is_some(), "{host:?}");
        }
    }
}
