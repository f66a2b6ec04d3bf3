//! The reading end of a command's output: bytes become text without secrets, which is handed to whoever keeps it.
//!
//! Secrets are taken out before anything is cut or shown, so that no half of one is left (law 10). The bytes are handed on
//! as they are: whoever writes them takes secrets out himself.

use std::{
    future::{self, Future},
    io,
    os::fd::OwnedFd,
    sync::Arc,
};

use domain::{
    command::{BoundedOutput, WholeOutput},
    ports::OutputSink,
    secret::{RedactingStream, Redactor},
};
use tokio::{io::AsyncReadExt, net::unix::pipe::Receiver, select};

use crate::{
    live::Live,
    output::{Collector, Decoder},
    spill::Spill,
};

/// Bytes a read takes at most.
const READ: usize = 32 * 1024;

/// Keeps output while it arrives.
pub(crate) trait Keep {
    /// Takes more: the bytes, and the text that is complete by now. The last text comes without bytes.
    fn take(&mut self, bytes: &[u8], text: &str);

    /// Resolves when something that was taken should be shown; never where nothing waits. Dropping it loses nothing.
    fn due(&self) -> impl Future<Output = ()> + Send {
        future::pending()
    }

    /// Shows what waits.
    fn show(&mut self) {}
}

/// A pipe out of which output comes, and what keeps it.
pub(crate) struct Tap<K> {
    /// None after the last holder has closed it.
    pipe: Option<Receiver>,
    bytes: Vec<u8>,
    text: String,
    decoder: Decoder,
    redacting: RedactingStream,
    keep: K,
}

impl<K: Keep> Tap<K> {
    /// Needs a tokio runtime with IO.
    pub(crate) fn new(pipe: io::PipeReader, keep: K, redactor: &Arc<Redactor>) -> io::Result<Self> {
        Ok(Self {
            pipe: Some(Receiver::from_owned_fd(OwnedFd::from(pipe))?),
            bytes: Vec::with_capacity(READ),
            text: String::new(),
            decoder: Decoder::default(),
            redacting: RedactingStream::new(Arc::clone(redactor)),
            keep,
        })
    }

    /// Reads or shows once. Waits for ever where there is nothing more to do; dropping the future loses nothing.
    pub(crate) async fn step(&mut self) -> io::Result<()> {
        let read = async {
            match &mut self.pipe {
                Some(pipe) => {
                    self.bytes.clear();
                    pipe.read_buf(&mut self.bytes).await
                }
                None => future::pending().await,
            }
        };
        select! {
            read = read => self.take(read?),
            () = self.keep.due() => self.keep.show(),
        }
        Ok(())
    }

    /// Reads until the last holder has closed the pipe.
    pub(crate) async fn read_all(&mut self) -> io::Result<()> {
        while self.pipe.is_some() {
            self.step().await?;
        }
        Ok(())
    }

    /// Takes what a read left in `bytes`.
    fn take(&mut self, read: usize) {
        if read == 0 {
            self.pipe = None;
            self.bytes.clear();
        } else {
            self.decoder.decode(&self.bytes, &mut self.text);
        }
        let text = self.redacting.push(&self.text);
        self.keep.take(&self.bytes, &text);
        self.text.clear();
    }

    /// Adds words of our own.
    pub(crate) fn add(&mut self, text: &str) {
        self.keep.take(&[], text);
    }

    /// Hands on the last text and gives back what kept it.
    pub(crate) fn finish(mut self) -> K {
        self.decoder.finish(&mut self.text);
        let mut text = self.redacting.push(&self.text);
        text.push_str(&self.redacting.finish());
        self.keep.take(&[], &text);
        self.keep.show();
        self.keep
    }
}

/// Keeps the output of a command that is waited for: shows it live, and keeps head, tail and the whole of it.
pub(crate) struct CommandOutput {
    collector: Collector,
    live: Live,
    spill: Spill,
}

impl CommandOutput {
    pub(crate) fn new(sink: Arc<dyn OutputSink>, spill: Spill) -> Self {
        Self { collector: Collector::default(), live: Live::new(sink), spill }
    }

    pub(crate) fn finish(self) -> (BoundedOutput, WholeOutput) {
        (self.collector.finish(), self.spill.finish())
    }
}

impl Keep for CommandOutput {
    fn take(&mut self, bytes: &[u8], text: &str) {
        self.spill.push(bytes);
        self.collector.push(text);
        self.live.push(text);
    }

    fn due(&self) -> impl Future<Output = ()> + Send {
        self.live.due()
    }

    fn show(&mut self) {
        self.live.flush();
    }
}
