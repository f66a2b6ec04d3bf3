//! Keeps a command's whole output where it is more than a model is shown.

use std::sync::Arc;

use domain::{
    command::WholeOutput,
    ports::{ArtifactPort, ArtifactWriter},
};

use crate::error::chain;

/// Output up to this many bytes is shown whole (a model sees at most 48,000 characters of a result), so nothing of it
/// has to be kept.
const SHORT: usize = 40_000;

/// Holds the beginning of an output; once it is no longer short, writes all of it to an artifact.
pub(crate) struct Spill {
    artifacts: Arc<dyn ArtifactPort>,
    state: State,
}

enum State {
    Short(Vec<u8>),
    Writing(Box<dyn ArtifactWriter>),
    Lost(String),
}

impl Spill {
    pub(crate) fn new(artifacts: Arc<dyn ArtifactPort>) -> Self {
        Self { artifacts, state: State::Short(Vec::new()) }
    }

    /// Takes more output.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        let written = match &mut self.state {
            State::Short(beginning) if beginning.len() + bytes.len() <= SHORT => {
                beginning.extend_from_slice(bytes);
                return;
            }
            State::Short(beginning) => {
                let mut writer = self.artifacts.begin();
                let written = writer.write(beginning).and_then(|()| writer.write(bytes));
                self.state = State::Writing(writer);
                written
            }
            State::Writing(writer) => writer.write(bytes),
            State::Lost(_) => return,
        };
        if let Err(error) = written {
            // The command goes on: its result says that the rest of its output is lost, and why.
            self.state = State::Lost(chain(&error));
        }
    }

    /// What became of the output.
    pub(crate) fn finish(self) -> WholeOutput {
        match self.state {
            State::Short(_) => WholeOutput::Short,
            State::Writing(writer) => match writer.keep() {
                Ok(artifact) => WholeOutput::Kept(artifact),
                Err(error) => WholeOutput::Lost(chain(&error)),
            },
            State::Lost(why) => WholeOutput::Lost(why),
        }
    }
}
