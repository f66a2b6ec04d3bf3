//! The last net under everything the program writes: no secret gets to a screen, a pipe or a log by way of it, whatever
//! said it (law 10). What happens in sessions comes here without secrets already; the program's own words (why nothing
//! began, what broke, the log) come here first.

use std::{
    borrow::Cow,
    io::{self, Write},
    sync::{Arc, PoisonError, RwLock},
};

use better_llm::domain::secret::Redactor;

/// One redactor for all that the program writes. Clones are the same net.
#[derive(Debug, Clone)]
pub(crate) struct Net(Arc<RwLock<Arc<Redactor>>>);

impl Net {
    /// A net of what is known at the beginning: the environment.
    pub(crate) fn new(redactor: Redactor) -> Self {
        Self(Arc::new(RwLock::new(Arc::new(redactor))))
    }

    /// Catches what this one knows from now on: more is known once the configuration is read.
    pub(crate) fn renew(&self, redactor: &Arc<Redactor>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(redactor);
    }

    /// What is said in one go, without secrets; a line of JSON stays one.
    pub(crate) fn catch<'b>(&self, bytes: &'b [u8]) -> Cow<'b, [u8]> {
        let redactor = Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner));
        let json = bytes.strip_suffix(b"\n").filter(|line| line.starts_with(b"{") && line.ends_with(b"}"));
        let Some(Ok(line)) = json.map(str::from_utf8) else { return redactor.redact_bytes(bytes) };
        match redactor.redact_json(line) {
            Cow::Borrowed(_) => Cow::Borrowed(bytes),
            Cow::Owned(line) => Cow::Owned(format!("{line}\n").into_bytes()),
        }
    }
}

/// A stream above the net. Each write is taken for something whole.
#[derive(Debug)]
pub(crate) struct Caught<W> {
    stream: W,
    net: Net,
}

impl<W: Write> Caught<W> {
    /// Everything written to `stream` goes through `net`.
    pub(crate) const fn new(stream: W, net: Net) -> Self {
        Self { stream, net }
    }
}

impl<W: Write> Write for Caught<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.write_all(&self.net.catch(bytes))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

#[cfg(test)]
mod tests {
    use better_llm::domain::secret::Secret;

    use super::*;

    fn knowing(secret: &str) -> Redactor {
        Redactor::new(Secret::new(secret).into_iter().collect())
    }

    /// Spec O-8.
    #[test]
    fn nothing_is_written_that_the_net_knows() {
        let mut written = Caught::new(Vec::new(), Net::new(knowing("hush-hush-비밀")));
        written.write_all("error: no key hush-hush-비밀 (한글)\n".as_bytes()).unwrap();
        written.write_all("{\"text\":\"hush-hush-비밀\",\"v\":1}\n".as_bytes()).unwrap();
        written.net.renew(&Arc::new(knowing("another-secret")));
        written.write_all(b"another-secret \xff AKIAQ3EGRY6JQ7C2XQ4N\n").unwrap();
        let expected = [
            "error: no key [redacted:secret] (한글)\n{\"text\":\"[redacted:secret]\",\"v\":1}\n".as_bytes(),
            b"[redacted:secret] \xff [redacted:aws-access-key-id]\n",
        ];
        assert_eq!(written.stream, expected.concat());
    }
}
