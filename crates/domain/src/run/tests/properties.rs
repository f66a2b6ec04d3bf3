use super::{watched::Watched, *};
use crate::outcome::{Ending, FailReason};

#[derive(Debug, Clone)]
enum Said {
    Nothing,
    Blank,
    Prose,
    Thought,
}

#[derive(Debug, Clone, Copy)]
enum Called {
    Tool,
    Unreadable,
    Closing,
    ClosingThatDoesNotFit,
    UnreadableClosing,
    /// `report` by the manager, `finish` by a worker: tools that they do not have.
    ForeignClosing,
}

#[derive(Debug, Clone)]
struct Answer {
    said: Said,
    calls: Vec<Called>,
    stop_reason: StopReason,
    work_done: bool,
}

#[derive(Debug, Clone, Copy)]
enum Came {
    Ok,
    Error,
    Malformed,
}

/// What happens next, whether it fits the moment or not.
#[derive(Debug, Clone)]
enum Happens {
    Begin {
        is_blank: bool,
    },
    Answer(Answer),
    /// One of the calls that run ends; where none runs, a call that was never made.
    CallEnds(prop::sample::Index, Came),
    /// A call of earlier ends again, or one ends that is not the driver's to end.
    StrayResult(prop::sample::Index, Came),
    Failure,
    TooLong,
    /// The person speaks.
    Said,
    /// The program dies, and another one goes on.
    Death,
    /// The request goes out.
    Show,
    Stop(prop::sample::Index),
}

fn called() -> impl Strategy<Value = Called> {
    prop_oneof![
        6 => Just(Called::Tool),
        1 => Just(Called::Unreadable),
        1 => Just(Called::Closing),
        1 => Just(Called::ClosingThatDoesNotFit),
        1 => Just(Called::UnreadableClosing),
        1 => Just(Called::ForeignClosing),
    ]
}

fn stop_reason() -> impl Strategy<Value = StopReason> {
    prop_oneof![
        6 => Just(StopReason::ToolUse),
        4 => Just(StopReason::EndTurn),
        4 => Just(StopReason::PauseTurn),
        1 => Just(StopReason::MaxTokens),
        1 => Just(StopReason::StopSequence),
        1 => Just(StopReason::Refusal),
        1 => Just(StopReason::ContextWindowExceeded),
        1 => Just(StopReason::Other("brand_new".to_owned())),
    ]
}

fn model_answer() -> impl Strategy<Value = Answer> {
    let said = prop_oneof![Just(Said::Nothing), Just(Said::Blank), Just(Said::Prose), Just(Said::Thought)];
    let calls = prop_oneof![
        1 => Just(Vec::new()),
        3 => prop::collection::vec(called(), 1..2),
        2 => prop::collection::vec(called(), 1..6),
    ];
    (said, calls, stop_reason(), any::<bool>()).prop_map(|(said, calls, stop_reason, work_done)| Answer {
        said,
        calls,
        stop_reason,
        work_done,
    })
}

fn came() -> impl Strategy<Value = Came> {
    prop_oneof![6 => Just(Came::Ok), 2 => Just(Came::Error), 1 => Just(Came::Malformed)]
}

fn happens() -> impl Strategy<Value = Happens> {
    prop_oneof![
        20 => model_answer().prop_map(Happens::Answer),
        30 => (any::<prop::sample::Index>(), came()).prop_map(|(which, came)| Happens::CallEnds(which, came)),
        4 => (any::<prop::sample::Index>(), came()).prop_map(|(which, came)| Happens::StrayResult(which, came)),
        8 => Just(Happens::Begin { is_blank: false }),
        1 => Just(Happens::Begin { is_blank: true }),
        1 => Just(Happens::Failure),
        2 => Just(Happens::TooLong),
        3 => Just(Happens::Said),
        3 => Just(Happens::Death),
        3 => Just(Happens::Show),
        1 => any::<prop::sample::Index>().prop_map(Happens::Stop),
    ]
}

fn role() -> impl Strategy<Value = RunRole> {
    prop_oneof![Just(RunRole::Manager), prop::sample::select(&WorkerKind::ALL[..]).prop_map(RunRole::Worker)]
}

/// A model's window; an answer of this suite comes to twelve tokens, so that some windows are full at once.
fn window() -> impl Strategy<Value = Option<u64>> {
    prop::option::of(0_u64..20)
}

fn limits() -> impl Strategy<Value = RunLimits> {
    (0_u32..24, 0_u32..12, 0_u32..6).prop_map(|(max_turns, max_messages, loop_repeats)| RunLimits {
        max_turns,
        max_messages,
        loop_repeats,
    })
}

/// The rounds of one conversation, each a run.
struct Story {
    role: RunRole,
    made: Vec<CallId>,
    rounds: u32,
    said: u32,
}

impl Story {
    const fn new(role: RunRole) -> Self {
        Self { role, made: Vec::new(), rounds: 0, said: 0 }
    }

    fn new_call(&mut self) -> CallId {
        let id = CallId::new(&format!("call-{}", self.made.len()));
        self.made.push(id.clone());
        id
    }

    fn task(&mut self, is_blank: bool) -> Message {
        self.rounds += 1;
        Message::user(if is_blank { " \n".to_owned() } else { format!("task <{}>", self.rounds) })
    }

    fn answer(&mut self, plan: &Answer) -> ModelAnswer {
        let mut parts = match plan.said {
            Said::Nothing => Vec::new(),
            Said::Blank => vec![Part::Text { text: "\n".to_owned() }],
            Said::Prose => vec![Part::Text { text: "이제 테스터를 부르겠습니다.".to_owned() }],
            Said::Thought => {
                vec![Part::Thinking { text: String::new(), signature: Some("seal".to_owned()) }]
            }
        };
        let own = closing::tool_name(self.role);
        let foreign = if own == FINISH { REPORT } else { FINISH };
        let mut invalid_inputs = Vec::new();
        for called in &plan.calls {
            let id = self.new_call();
            let (tool, input) = match called {
                Called::Tool | Called::Unreadable => ("bash", json!({})),
                Called::Closing => (own, closing_input(self.role)),
                Called::ClosingThatDoesNotFit => (own, json!({"summary": 1})),
                Called::UnreadableClosing => (own, json!({})),
                Called::ForeignClosing => (foreign, json!({})),
            };
            if matches!(called, Called::Unreadable | Called::UnreadableClosing) {
                invalid_inputs.push(InvalidInput {
                    call: id.clone(),
                    raw: "{\"command\": \"ls".to_owned(),
                    error: "EOF while parsing a string".to_owned(),
                });
            }
            parts.push(call_part(&id, tool, input));
        }
        ModelAnswer { invalid_inputs, ..answer(parts, plan.stop_reason.clone()) }
    }

    fn take(&mut self, watched: &mut Watched, happens: &Happens) -> Result<(), String> {
        let input = match happens {
            Happens::Show => return watched.show(),
            Happens::Death => return watched.go_on_after_death(),
            Happens::Said => {
                self.said += 1;
                RunInput::Said(format!("한마디 <{}>", self.said))
            }
            Happens::TooLong => {
                watched.show()?;
                let (reason, text) = (FailReason::Provider, "prompt is too long".to_owned());
                RunInput::TooLong(RunFailure { reason, text })
            }
            Happens::Begin { is_blank } => RunInput::Begin(self.task(*is_blank)),
            Happens::Answer(plan) => {
                watched.show()?;
                RunInput::Answered { answer: self.answer(plan), standing: standing(plan.work_done) }
            }
            Happens::CallEnds(which, came) if !watched.running.is_empty() => {
                call_ended(which.get(&watched.running).as_str(), result(*came))
            }
            Happens::StrayResult(which, came) if !self.made.is_empty() => {
                call_ended(which.get(&self.made).as_str(), result(*came))
            }
            Happens::CallEnds(_, came) | Happens::StrayResult(_, came) => {
                call_ended("never-made", result(*came))
            }
            Happens::Failure => RunInput::RequestFailed(RunFailure {
                reason: FailReason::Provider,
                text: "529 overloaded".to_owned(),
            }),
            Happens::Stop(which) => RunInput::Stop(*which.get(&Ending::ALL)),
        };
        watched.step(input)
    }
}

fn result(came: Came) -> CallResult {
    match came {
        Came::Ok => CallResult::ok("파일 3개"),
        Came::Error => CallResult::error("no such file"),
        Came::Malformed => CallResult::malformed(&RejectedInput("missing field `command`".to_owned())),
    }
}

/// Rounds of one conversation in which anything happens in any order; whatever is left at the end is stopped.
fn play(
    role: RunRole,
    limits: RunLimits,
    window: Option<u64>,
    rounds: &[Vec<Happens>],
) -> Result<(), String> {
    let mut story = Story::new(role);
    let mut conversation = Conversation::default();
    for happenings in rounds {
        let mut watched = Watched::new(role, limits, window, conversation);
        for happens in happenings {
            story.take(&mut watched, happens)?;
        }
        let had_ended = watched.has_ended();
        watched.step(RunInput::Stop(Ending::Stopped))?;
        if watched.ends.len() != 1 || (!had_ended && watched.ends != [RunEnd::Stopped(Ending::Stopped)]) {
            return Err(format!("a stop came to {:?}", watched.ends));
        }
        story.take(&mut watched, &Happens::Begin { is_blank: false })?;
        conversation = watched.run.into_conversation();
    }
    Ok(())
}

/// A driver that does its duty: it begins, answers what is asked and runs what is called, from a script that it
/// repeats for as long as the run goes on. Gives back the steps it took.
fn drive(
    role: RunRole,
    limits: RunLimits,
    window: Option<u64>,
    answers: &[Answer],
    results: &[(prop::sample::Index, Came)],
    deaths: &[bool],
) -> Result<(u32, Watched), String> {
    let mut story = Story::new(role);
    let mut watched = Watched::new(role, limits, window, Conversation::default());
    story.take(&mut watched, &Happens::Begin { is_blank: false })?;
    let (mut answers, mut results) = (answers.iter().cycle(), results.iter().cycle());
    let mut deaths = deaths.iter().cycle();
    let mut steps = 1;
    // A turn is an answer and at most five calls.
    while !watched.has_ended() && steps <= 1 + limits.max_turns * 6 {
        let happens = if watched.waits_for_the_model() {
            answers.next().map(|plan| Happens::Answer(plan.clone()))
        } else {
            results.next().map(|(which, came)| Happens::CallEnds(*which, *came))
        };
        story.take(&mut watched, &happens.ok_or("the script is empty")?)?;
        if deaths.next() == Some(&true) {
            story.take(&mut watched, &Happens::Death)?;
        }
        steps += 1;
    }
    if watched.has_ended() { Ok((steps, watched)) } else { Err(format!("no end after {steps} steps")) }
}

proptest! {
    #![proptest_config(crate::properties::cases())]

    /// O-15: turns and messages are limits that nothing passes. O-1: a run ends once, by its closing call or
    /// because code says so.
    #[test]
    fn whatever_happens_no_limit_is_passed_every_call_has_one_result_and_the_end_comes_once(
        role in role(),
        limits in limits(),
        window in window(),
        rounds in prop::collection::vec(prop::collection::vec(happens(), 0..40), 1..4),
    ) {
        play(role, limits, window, &rounds).map_err(TestCaseError::fail)?;
    }

    /// O-15: a run whose driver always answers cannot go on for ever.
    #[test]
    fn a_run_whose_driver_always_answers_ends(
        role in role(),
        limits in limits(),
        window in window(),
        answers in prop::collection::vec(model_answer(), 1..8),
        results in prop::collection::vec((any::<prop::sample::Index>(), came()), 1..8),
    ) {
        drive(role, limits, window, &answers, &results, &[]).map_err(TestCaseError::fail)?;
    }

    /// O-16, P40: however often its program dies, a run says and does what it would have, and ends the same.
    #[test]
    fn a_run_whose_program_dies_goes_on_as_if_nothing_had_happened(
        role in role(),
        limits in limits(),
        window in window(),
        answers in prop::collection::vec(model_answer(), 1..8),
        results in prop::collection::vec((any::<prop::sample::Index>(), came()), 1..8),
        deaths in prop::collection::vec(any::<bool>(), 1..6),
    ) {
        let play = |deaths: &[bool]| drive(role, limits, window, &answers, &results, deaths);
        let (steps, calm) = play(&[]).map_err(TestCaseError::fail)?;
        let (steps_with_deaths, died) = play(&deaths).map_err(TestCaseError::fail)?;
        // White space alone joins no conversation.
        let in_words = |ends: Vec<RunEnd>| -> Vec<(Ending, String)> {
            let words = |end: RunEnd| (end.ending(), end.into_last_words().split_whitespace().collect());
            ends.into_iter().map(words).collect()
        };
        prop_assert_eq!(in_words(died.ends), in_words(calm.ends));
        prop_assert_eq!(died.joined, calm.joined);
        prop_assert_eq!(steps_with_deaths, steps);
    }

    /// The same with a model that only ever calls tools or pauses, so that long conversations are cut.
    #[test]
    fn a_run_that_only_works_ends_at_its_last_turn(
        role in role(),
        limits in limits(),
        window in window(),
        pauses in prop::collection::vec(any::<bool>(), 1..8),
    ) {
        let answers: Vec<Answer> = pauses.into_iter().map(|is_pause| Answer {
            said: Said::Prose,
            calls: if is_pause { Vec::new() } else { vec![Called::Tool] },
            stop_reason: if is_pause { StopReason::PauseTurn } else { StopReason::ToolUse },
            work_done: true,
        }).collect();
        let mut story = Story::new(role);
        let limits = RunLimits { loop_repeats: 100, ..limits };
        let mut watched = Watched::new(role, limits, window, Conversation::default());
        story.take(&mut watched, &Happens::Begin { is_blank: false }).map_err(TestCaseError::fail)?;
        for plan in answers.iter().cycle().take(limits.max_turns as usize) {
            story.take(&mut watched, &Happens::Answer(plan.clone())).map_err(TestCaseError::fail)?;
            if let Some(call) = watched.running.first().cloned() {
                let ended = call_ended(call.as_str(), result(Came::Ok));
                watched.step(ended).map_err(TestCaseError::fail)?;
            }
        }
        prop_assert_eq!(watched.ends, [RunEnd::OutOfTurns]);
    }
}
