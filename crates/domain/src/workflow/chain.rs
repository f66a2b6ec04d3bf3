//! Workers that the person called by name, one after the other, as a state machine (spec O-11).
//!
//! It decides what each worker is told, when the chain breaks, and how it ended. That a report says no (changes
//! requested, tests failed, a claim refuted) breaks nothing: it was asked for, and the next worker reads it. A run
//! without a report does, and so does a report by which the worker itself did not do its task. What the round comes to
//! is judged by [`Round`](super::Round); limits of what a manager may try again do not count here, because the person
//! wrote down every step.

use std::collections::VecDeque;

use crate::{
    agent::AgentName,
    brief::Brief,
    mention::{MentionedTask, Mentions},
    outcome::{Ending, FailReason},
    report::{GeneralReport, GeneralStatus, Report},
    run::RunEnd,
    text,
};

#[cfg(test)]
mod tests;

/// A chain of mentioned workers.
#[derive(Debug)]
pub struct Chain {
    introduction: String,
    phase: Phase,
    waiting: VecDeque<MentionedTask>,
    past: Vec<Past>,
}

#[derive(Debug)]
enum Phase {
    /// Not begun.
    Fresh,
    /// A worker is at work.
    Working(MentionedTask),
    /// A worker has reported, and the next one has not begun.
    Between,
    /// Over.
    Ended(Ending),
}

/// What later workers, and the manager, are told of.
#[derive(Debug)]
enum Past {
    Worker {
        task: MentionedTask,
        ending: Ending,
        /// The summary of its report, or its last words.
        words: String,
        /// Its report with what the engine saw, as a manager would read it.
        result: String,
    },
    /// The person said something between two workers.
    Person(String),
}

/// What happened.
#[derive(Debug)]
pub enum ChainInput {
    /// The chain begins.
    Begin,
    /// The worker's run has ended.
    Ended {
        /// How.
        end: RunEnd,
        /// What a manager would read of it.
        result: String,
    },
    /// The moment between two workers has passed, with what the person said in it.
    GoOn(Vec<String>),
    /// Somebody ends the round.
    Stop(Ending),
}

/// What to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChainEffect {
    /// Run this worker. Answered by [`ChainInput::Ended`].
    Run {
        /// The worker.
        agent: AgentName,
        /// What it is told.
        brief: Brief,
    },
    /// Let the person step in before the next worker. Answered by [`ChainInput::GoOn`].
    LetStepIn {
        /// Who comes next.
        next: AgentName,
    },
    /// The chain has ended. The last effect.
    End {
        /// How, as far as the workers themselves say.
        ending: Ending,
        /// What they said last: of one worker its words, of several each by name.
        summary: String,
    },
}

impl Chain {
    /// The most characters of one worker's result that later workers read.
    pub const LONGEST_RESULT: usize = 16_000;
    /// The most characters of a task, and of a worker's words, in [`Self::account`].
    const LONGEST_MEMORY: usize = 1_000;

    /// A chain that has not begun.
    #[must_use]
    pub fn new(mentions: Mentions) -> Self {
        let Mentions { introduction, tasks } = mentions;
        Self { introduction, phase: Phase::Fresh, waiting: tasks.into(), past: Vec::new() }
    }

    /// The word for where it stands, as `docs/architecture.md` draws it. Decides nothing.
    #[must_use]
    pub const fn phase(&self) -> &'static str {
        match self.phase {
            Phase::Fresh => "Fresh",
            Phase::Working(_) => "Working",
            Phase::Between => "Between",
            Phase::Ended(_) => "Ended",
        }
    }

    /// Takes what happened, says what to do next. Inputs that do not fit the moment change nothing.
    pub fn step(&mut self, input: ChainInput) -> Option<ChainEffect> {
        match (&self.phase, input) {
            (Phase::Ended(_), _) => None,
            (Phase::Fresh | Phase::Between, ChainInput::Stop(ending)) => Some(self.end(ending)),
            (Phase::Fresh, ChainInput::Begin) => Some(self.next_worker()),
            (Phase::Between, ChainInput::GoOn(said)) => {
                self.past.extend(said.into_iter().map(Past::Person));
                Some(self.next_worker())
            }
            (Phase::Working(_), ChainInput::Ended { end, result }) => self.worker_ended(end, &result),
            // A worker at work is stopped by its own signal, and ends.
            _ => None,
        }
    }

    /// What happened, for a manager who was not asked and goes on from here.
    #[must_use]
    pub fn account(&self) -> String {
        let mut text =
            "[Meanwhile the person called workers directly, without you; files may have changed.".to_owned();
        let short = |text: &str| text::bounded(text, Self::LONGEST_MEMORY);
        if !self.introduction.is_empty() {
            text.push_str(&format!("\nThe person: {}", short(&self.introduction)));
        }
        for past in &self.past {
            text.push_str(&match past {
                Past::Worker { task, ending, words, .. } => format!(
                    "\nThe person: @{} {}\n{} ({}): {}",
                    task.agent,
                    short(&task.text),
                    task.agent,
                    ending.outcome(),
                    short(words)
                ),
                Past::Person(words) => format!("\nThe person: {}", short(words)),
            });
        }
        for task in &self.waiting {
            text.push_str(&format!("\nThe person: @{} {}\n(not begun)", task.agent, short(&task.text)));
        }
        if let Phase::Ended(ending) = self.phase {
            text.push_str(&format!("\nThat ended as `{}`.", ending.outcome()));
        }
        text.push(']');
        text
    }

    fn next_worker(&mut self) -> ChainEffect {
        match self.waiting.pop_front() {
            Some(task) => {
                let (agent, brief) = (task.agent.clone(), self.brief(&task));
                self.phase = Phase::Working(task);
                ChainEffect::Run { agent, brief }
            }
            None => self.end(Ending::Done),
        }
    }

    fn worker_ended(&mut self, end: RunEnd, result: &str) -> Option<ChainEffect> {
        let Phase::Working(task) = std::mem::replace(&mut self.phase, Phase::Between) else { return None };
        let ending = ending_of(&end);
        let result = text::bounded(result, Self::LONGEST_RESULT);
        self.past.push(Past::Worker { task, ending, words: end.into_last_words(), result });
        Some(match (ending, self.waiting.front()) {
            (Ending::Done, Some(next)) => ChainEffect::LetStepIn { next: next.agent.clone() },
            (ending, _) => self.end(ending),
        })
    }

    fn brief(&self, task: &MentionedTask) -> Brief {
        let words: Vec<&str> = [self.introduction.as_str(), task.text.as_str()]
            .into_iter()
            .filter(|text| !text.is_empty())
            .collect();
        let task_description = if words.is_empty() {
            "The person called you by name, without further words: do your part of what the reports below are about."
                .to_owned()
        } else {
            words.join("\n\n")
        };
        Brief { task_description, context: self.context(), done_when: Vec::new(), writes: None }
    }

    /// What came before; none for the first worker.
    fn context(&self) -> Option<String> {
        let mut text = "The person called these workers before you, one after the other.".to_owned();
        for past in &self.past {
            text.push_str(&match past {
                Past::Worker { task, result, .. } => {
                    let asked = text::bounded(&task.text, Self::LONGEST_MEMORY);
                    format!("\n\n## {}\nAsked: {asked}\nResult: {result}", task.agent)
                }
                Past::Person(words) => format!("\n\n## The person said then\n{}", words.trim()),
            });
        }
        (!self.past.is_empty()).then_some(text)
    }

    fn end(&mut self, ending: Ending) -> ChainEffect {
        self.phase = Phase::Ended(ending);
        let workers = self.past.iter().filter_map(|past| match past {
            Past::Worker { task, words, .. } if !words.trim().is_empty() => Some((&task.agent, words.trim())),
            _ => None,
        });
        let words: Vec<(&AgentName, &str)> = workers.collect();
        let summary = match words.as_slice() {
            [(_, words)] if self.waiting.is_empty() => (*words).to_owned(),
            several => several
                .iter()
                .map(|(agent, words)| format!("{agent}: {words}"))
                .collect::<Vec<_>>()
                .join("\n\n"),
        };
        ChainEffect::End { ending, summary }
    }
}

/// What a run comes to where no manager reads its report.
fn ending_of(end: &RunEnd) -> Ending {
    match end {
        RunEnd::Reported(Report::General(GeneralReport { status, .. })) => match status {
            GeneralStatus::Success => Ending::Done,
            GeneralStatus::Partial | GeneralStatus::Failure => Ending::Failed(FailReason::WorkerFailed),
        },
        end => end.ending(),
    }
}
