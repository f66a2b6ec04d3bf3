//! Files that are no text: what they are, how large, and a fingerprint; never their bytes.

use std::io::{self, Read};

use sha2::{Digest as _, Sha256};

use crate::{off_thread::Stop, text::count};

/// How far into a file we look for a NUL byte, as git does.
pub(crate) const SNIFFED: usize = 8 * 1024;

/// The most bytes that go into a fingerprint.
const FINGERPRINTED: u64 = 64 * 1024 * 1024;

/// Whether a file that begins like this is no text.
pub(crate) fn is_binary(beginning: &[u8]) -> bool {
    let sniffed = beginning.get(..SNIFFED).unwrap_or(beginning);
    is_utf16(sniffed) || memchr::memchr(0, sniffed).is_some()
}

fn is_utf16(beginning: &[u8]) -> bool {
    beginning.starts_with(&[0xff, 0xfe]) || beginning.starts_with(&[0xfe, 0xff])
}

/// Tells a file's type by its first bytes.
fn kind(beginning: &[u8]) -> &'static str {
    const KINDS: [(&[u8], &str); 18] = [
        (b"\x89PNG\r\n\x1a\n", "PNG image"),
        (b"\xff\xd8\xff", "JPEG image"),
        (b"GIF8", "GIF image"),
        (b"BM", "BMP image"),
        (b"%PDF-", "PDF document"),
        (b"PK\x03\x04", "ZIP archive (or a format made of one: jar, docx, xlsx, apk)"),
        (b"\x1f\x8b", "gzip data"),
        (b"\xfd7zXZ\0", "xz data"),
        (b"BZh", "bzip2 data"),
        (b"\x28\xb5\x2f\xfd", "zstd data"),
        (b"7z\xbc\xaf\x27\x1c", "7-Zip archive"),
        (b"\x7fELF", "ELF program or library"),
        (b"\xcf\xfa\xed\xfe", "Mach-O program or library"),
        (b"MZ", "Windows program or library"),
        (b"\0asm", "WebAssembly module"),
        (b"SQLite format 3\0", "SQLite database"),
        (b"wOF", "web font"),
        (b"OggS", "Ogg media"),
    ];
    if is_utf16(beginning) {
        return "text in UTF-16 (convert it with a command, for example `iconv -f UTF-16 -t UTF-8`)";
    }
    if beginning.starts_with(b"RIFF") && beginning.get(8..12) == Some(b"WEBP") {
        return "WebP image";
    }
    let known = KINDS.iter().find(|(magic, _)| beginning.starts_with(magic));
    known.map_or("unknown type", |(_, name)| name)
}

/// One line about a binary file of `size` bytes.
pub(crate) fn describe(beginning: &[u8], mut rest: impl Read, size: u64, stop: &Stop) -> io::Result<String> {
    let mut digest = Sha256::new_with_prefix(beginning);
    let mut hashed = count(beginning.len());
    let mut buffer = vec![0; 64 * 1024];
    while hashed < FINGERPRINTED && !stop.is_set() {
        let read = match rest.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        digest.update(buffer.get(..read).unwrap_or_default());
        hashed = hashed.saturating_add(count(read));
    }
    let fingerprint: String = digest.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    let of = if hashed < size { format!(" of the first {hashed} bytes") } else { String::new() };
    Ok(format!("binary: {}, {size} bytes, sha256{of} {fingerprint}...", kind(beginning)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_type_is_told_by_the_first_bytes() {
        for (bytes, expected) in [
            (&b"\x89PNG\r\n\x1a\n\0\0"[..], "PNG image"),
            (b"RIFF\0\0\0\0WEBPVP8 ", "WebP image"),
            (b"\x7fELF\x02", "ELF program or library"),
            (b"\0\x01\x02", "unknown type"),
        ] {
            assert_eq!(kind(bytes), expected);
        }
        assert!(kind(b"\xff\xfea\0").starts_with("text in UTF-16"));
    }

    #[test]
    fn text_of_any_script_is_not_binary() {
        assert!(!is_binary("한글 مرحبا 👨\u{200d}👩\u{200d}👧".as_bytes()));
        assert!(!is_binary(b"\xc7\xd1\xb1\xdb"));
        assert!(is_binary(b"abc\0def"));
        assert!(is_binary(b"\xff\xfea\0"));
    }

    #[test]
    fn the_fingerprint_is_that_of_the_whole_file() {
        let line = describe(b"abc", &b"def"[..], 6, &Stop::default()).expect("it can be read");
        assert_eq!(line, "binary: unknown type, 6 bytes, sha256 bef57ec7f53a6d40...");
    }
}
