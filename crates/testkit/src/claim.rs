//! The right to write in a workspace, as somebody gives it.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use async_trait::async_trait;
use domain::ports::{ClaimError, ClaimPort, Holder};
use tokio::sync::watch;

/// What comes of asking.
#[derive(Debug, Clone)]
enum Answer {
    Free,
    HeldBy(Holder),
    Broken,
    /// It is waited for.
    Later,
}

/// Gives the right, unless it was told otherwise.
#[derive(Debug, Clone)]
pub struct FakeClaim {
    answer: watch::Sender<Answer>,
    asked: Arc<AtomicUsize>,
}

impl Default for FakeClaim {
    fn default() -> Self {
        Self { answer: watch::Sender::new(Answer::Free), asked: Arc::default() }
    }
}

impl FakeClaim {
    /// The right is free.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// From now on, it is free.
    pub fn free(&self) {
        self.answer.send_replace(Answer::Free);
    }

    /// From now on, somebody else has it.
    pub fn held_by(&self, holder: Holder) {
        self.answer.send_replace(Answer::HeldBy(holder));
    }

    /// From now on, its lock cannot be taken.
    pub fn broken(&self) {
        self.answer.send_replace(Answer::Broken);
    }

    /// From now on, who asks waits.
    pub fn later(&self) {
        self.answer.send_replace(Answer::Later);
    }

    /// How often it was asked for.
    #[must_use]
    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }
}

#[async_trait]
impl ClaimPort for FakeClaim {
    async fn claim(&self) -> Result<(), ClaimError> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let mut answers = self.answer.subscribe();
        let answer = answers.wait_for(|answer| !matches!(answer, Answer::Later)).await.unwrap().clone();
        match answer {
            Answer::HeldBy(holder) => Err(ClaimError::Held { holder, folder: None }),
            Answer::Broken => {
                let source =
                    std::io::Error::new(std::io::ErrorKind::ReadOnlyFilesystem, "a fault on request");
                Err(ClaimError::Lock { place: "memory".to_owned(), source: source.into() })
            }
            Answer::Free | Answer::Later => Ok(()),
        }
    }
}
