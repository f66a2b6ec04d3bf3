//! What was heard of the children, and what it comes to.

use std::{collections::BTreeMap, time::Duration};

use domain::id::SessionId;

use super::processes::Heard;

/// The account of a run.
#[derive(Debug, Default)]
pub(crate) struct Account {
    durable: BTreeMap<SessionId, u64>,
    /// Of each barrier, in microseconds.
    waits: Vec<u64>,
    reads: u64,
    checks: u64,
    pub(crate) kills: u64,
    pub(crate) complaints: Vec<String>,
}

impl Account {
    pub(crate) fn add(&mut self, heard: Heard) {
        match heard {
            Heard::Durable { session, seq, wait } => {
                let durable = self.durable.entry(session).or_default();
                *durable = (*durable).max(seq);
                self.waits.push(wait);
            }
            Heard::Read => self.reads += 1,
            Heard::Checked => self.checks += 1,
            Heard::Complaint(text) => self.complaints.push(text),
        }
    }

    /// The last event of a session that was called durable.
    pub(crate) fn durable(&self, session: SessionId) -> u64 {
        self.durable.get(&session).copied().unwrap_or_default()
    }

    /// How many events were called durable.
    pub(crate) fn events(&self) -> u64 {
        self.durable.values().sum()
    }

    /// What people want to know.
    pub(crate) fn figures(&self, writers: u64, took: Duration) -> String {
        let mut waits = self.waits.clone();
        waits.sort_unstable();
        let share = |share: usize| waits.get((waits.len() * share / 1000).min(waits.len() - 1)).copied();
        let milliseconds = |wait: Option<u64>| wait.unwrap_or_default() as f64 / 1000.0;
        let a_second = |count: u64| count as f64 / took.as_secs_f64();
        format!(
            "{writers} processes, {:.0} s, {:.0} events/s, {:.0} barriers/s (median {:.1} ms, 99.9 % {:.0} ms, longest \
             {:.0} ms), {} reads, {} checkpoints, {} kills, 0 errors",
            took.as_secs_f64(),
            a_second(self.events()),
            a_second(waits.len() as u64),
            milliseconds(share(500)),
            milliseconds(share(999)),
            milliseconds(waits.last().copied()),
            self.reads,
            self.checks,
            self.kills,
        )
    }
}
