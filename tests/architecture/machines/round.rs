//! `domain::workflow::Round`: how far it is, and how its tests stand.

use better_llm_tests::machine::{Dice, Machine, check_diagram};
use domain::{
    agent::{AgentName, WorkerKind},
    evidence::CheckedClaims,
    id::CallId,
    limits::Limits,
    outcome::Ending,
    report::Report,
    review::{ChangedFiles, ReviewDecision, ReviewOption},
    run::{Finish, FinishStatus, RunEnd},
    workflow::{Round, RoundEffect, RoundInput, WorkerEnd},
};
use serde_json::{Value, json};

struct Driven(Round);

impl Driven {
    fn begin(dice: &mut Dice) -> Self {
        let max_review_iterations = dice.one_of(&[1, 2, 3]);
        Self(Round::new(Limits { max_review_iterations, ..Limits::default() }))
    }

    fn tell(&mut self, dice: &mut Dice) -> (&'static str, Vec<RoundEffect>) {
        let input = input(dice);
        (kind(&input), self.0.step(input))
    }
}

/// Everything that a round can be told, in the words of the diagrams.
const KINDS: &[&str] = &[
    "WorkerCalled",
    "WorkerMentioned",
    "coder ended",
    "reviewer reported",
    "tester reported",
    "worker ended",
    "credentials refused",
    "model failed",
    "FilesChanged",
    "EffectSeen",
    "DeniedUnasked",
    "EvidenceLost",
    "ReviewsDecided",
    "QuestionUnanswered",
    "ManagerEnded",
    "ChainEnded",
];

fn kind(input: &RoundInput) -> &'static str {
    match input {
        RoundInput::WorkerCalled { .. } => "WorkerCalled",
        RoundInput::WorkerMentioned => "WorkerMentioned",
        RoundInput::WorkerEnded { kind, end, .. } => match (kind, end) {
            (_, WorkerEnd::CredentialsRefused) => "credentials refused",
            (_, WorkerEnd::ModelFailed { .. }) => "model failed",
            (WorkerKind::Coder, _) => "coder ended",
            (WorkerKind::Reviewer, WorkerEnd::Reported { .. }) => "reviewer reported",
            (WorkerKind::Tester, WorkerEnd::Reported { .. }) => "tester reported",
            _ => "worker ended",
        },
        RoundInput::FilesChanged => "FilesChanged",
        RoundInput::EffectSeen => "EffectSeen",
        RoundInput::DeniedUnasked => "DeniedUnasked",
        RoundInput::EvidenceLost => "EvidenceLost",
        RoundInput::ReviewsDecided(_) => "ReviewsDecided",
        RoundInput::QuestionUnanswered => "QuestionUnanswered",
        RoundInput::ManagerEnded { .. } => "ManagerEnded",
        RoundInput::ChainEnded { .. } => "ChainEnded",
    }
}

fn input(dice: &mut Dice) -> RoundInput {
    match dice.below(25) {
        0..2 => {
            let kind = dice.one_of(&WorkerKind::ALL);
            RoundInput::WorkerCalled { call: CallId::new("c"), agent: agent(kind), kind }
        }
        2 => RoundInput::WorkerMentioned,
        3..14 => {
            let kind = dice.one_of(&WorkerKind::ALL);
            let end = match dice.below(12) {
                0 => WorkerEnd::CredentialsRefused,
                1 | 2 => WorkerEnd::Failed,
                3..6 => WorkerEnd::ModelFailed { text: String::new() },
                _ => reported(kind, dice),
            };
            RoundInput::WorkerEnded { agent: agent(kind), kind, end }
        }
        14 => RoundInput::FilesChanged,
        15 => RoundInput::DeniedUnasked,
        16 => RoundInput::EvidenceLost,
        17..21 => RoundInput::ReviewsDecided(decision(dice)),
        21 => RoundInput::QuestionUnanswered,
        22 => RoundInput::EffectSeen,
        23 => {
            let finish = Finish { summary: String::new(), status: FinishStatus::Done };
            RoundInput::ManagerEnded { end: RunEnd::Finished(finish), tests_passed: None }
        }
        _ => RoundInput::ChainEnded { ending: Ending::Done, summary: String::new(), tests_passed: None },
    }
}

fn agent(kind: WorkerKind) -> AgentName {
    AgentName::parse(kind.as_str()).expect("a kind is a name")
}

fn reported(kind: WorkerKind, dice: &mut Dice) -> WorkerEnd {
    let report = Report::parse(kind, &report(kind, dice)).expect("it fits");
    WorkerEnd::Reported { report, claims: CheckedClaims::default(), changed: ChangedFiles::unknown("/w") }
}

fn report(kind: WorkerKind, dice: &mut Dice) -> Value {
    match kind {
        WorkerKind::Planner => json!({ "summary": "", "steps": [] }),
        WorkerKind::Coder => json!({ "summary": "", "files_changed": [] }),
        WorkerKind::Reviewer if dice.below(4) == 0 => {
            json!({ "summary": "", "verdict": "approve", "findings": [] })
        }
        WorkerKind::Reviewer => {
            let severity = dice.one_of(&["critical", "critical", "info"]);
            let message = dice.one_of(&["가", "나", "다"]);
            let findings = [json!({ "severity": severity, "message": message })];
            json!({ "summary": "", "verdict": "request_changes", "findings": findings })
        }
        WorkerKind::Tester => json!({ "summary": "", "passed": dice.coin(), "commands": [] }),
        WorkerKind::Committer => json!({ "summary": "" }),
        WorkerKind::General => json!({ "summary": "", "status": "success" }),
    }
}

fn decision(dice: &mut Dice) -> ReviewDecision {
    match dice.below(4) {
        0 => ReviewDecision::Unanswered,
        1 => ReviewDecision::Guided("음수만".to_owned()),
        2 => ReviewDecision::NobodyThere,
        _ => ReviewDecision::Chosen(dice.one_of(&ReviewOption::ALL)),
    }
}

impl Machine for Driven {
    const KINDS: &'static [&'static str] = KINDS;

    fn phase(&self) -> String {
        self.0.phase().to_owned()
    }

    fn step(&mut self, dice: &mut Dice) -> (&'static str, bool) {
        let (kind, effects) = self.tell(dice);
        // A call after the end is refused, and nothing else.
        let acts = effects.iter().any(|effect| !matches!(effect, RoundEffect::Refuse { .. }));
        (kind, acts)
    }
}

/// The same round, looked at for its tests, up to its end.
struct Tests(Driven, &'static str);

impl Machine for Tests {
    const KINDS: &'static [&'static str] = KINDS;

    fn phase(&self) -> String {
        self.1.to_owned()
    }

    fn step(&mut self, dice: &mut Dice) -> (&'static str, bool) {
        let (kind, _) = self.0.tell(dice);
        if self.0.phase() != "Ended" {
            self.1 = self.0.0.test_phase();
        }
        (kind, false)
    }
}

#[test]
fn the_round_is_drawn_as_it_is() {
    check_diagram("round", Driven::begin);
}

#[test]
fn the_tests_of_a_round_are_drawn_as_they_are() {
    check_diagram("tests", |dice| {
        let round = Driven::begin(dice);
        let phase = round.0.test_phase();
        Tests(round, phase)
    });
}
