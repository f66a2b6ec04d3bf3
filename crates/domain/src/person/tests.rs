//! The rules of the queue, held against every order in which things can happen.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::{event::Decision, id::Ulid};

/// What can happen to the queue. Questions are named by small numbers, so that they meet.
#[derive(Debug, Clone)]
enum Step {
    Ask(u128),
    Answer(u128),
    TimeIsUp(u128),
    Withdraw(u128),
    Fetch(u128),
    OpenWindow(bool),
    WindowTimeIsUp(bool),
    CloseWindow,
    Pause,
    GoOn,
    Say,
    Written,
    Read,
    SetAside,
    Listen(bool),
    Unattended,
}

fn step() -> impl Strategy<Value = Step> {
    let id = 0_u128..3;
    prop_oneof![
        3 => id.clone().prop_map(Step::Ask),
        2 => id.clone().prop_map(Step::Answer),
        1 => id.clone().prop_map(Step::TimeIsUp),
        1 => id.clone().prop_map(Step::Withdraw),
        2 => id.prop_map(Step::Fetch),
        2 => any::<bool>().prop_map(Step::OpenWindow),
        1 => any::<bool>().prop_map(Step::WindowTimeIsUp),
        1 => Just(Step::CloseWindow),
        2 => Just(Step::Pause),
        2 => Just(Step::GoOn),
        4 => Just(Step::Say),
        3 => Just(Step::Written),
        1 => Just(Step::Read),
        1 => Just(Step::SetAside),
        1 => any::<bool>().prop_map(Step::Listen),
        1 => Just(Step::Unattended),
    ]
}

/// What the queue has to be, in the plainest words there are.
#[derive(Debug, Default)]
struct Model {
    is_attended: bool,
    is_listening: bool,
    /// By question: what came of it, or that it is open.
    questions: BTreeMap<u128, Option<Settled<String>>>,
    /// The window's name for its phase; none: there is none.
    window: Option<&'static str>,
    /// What was said in it.
    said_in_window: Option<String>,
    wishes_pause: bool,
    unwritten: Vec<String>,
    unread: Vec<String>,
    set_aside: Vec<String>,
}

impl Model {
    fn settle(&mut self, id: u128, settled: Settled<String>) -> bool {
        let Some(open @ None) = self.questions.get_mut(&id) else { return false };
        *open = Some(settled);
        true
    }

    fn has_open_window(&self) -> bool {
        matches!(self.window, Some("running" | "paused"))
    }

    fn is_asking(&self) -> bool {
        self.has_open_window() || self.questions.values().any(Option::is_none)
    }
}

fn question(id: u128) -> QuestionId {
    QuestionId::new(Ulid::from_parts(0, id))
}

fn answer() -> String {
    "응".to_owned()
}

/// Takes a step in both and compares what they give.
fn take(queue: &mut PersonQueue, model: &mut Model, nth: usize, step: &Step) -> Result<(), TestCaseError> {
    match *step {
        Step::Ask(id) => {
            queue.ask(question(id));
            model.questions.insert(id, (!model.is_attended).then_some(Settled::Unattended));
        }
        Step::Answer(id) => {
            let expected = model.settle(id, Settled::Answered(answer()));
            prop_assert_eq!(queue.answer(&question(id), answer()), expected);
        }
        Step::TimeIsUp(id) => {
            queue.time_is_up(&question(id));
            model.settle(id, Settled::Late);
        }
        Step::Withdraw(id) => {
            queue.withdraw(&question(id));
            model.questions.remove(&id);
        }
        Step::Fetch(id) => {
            let expected = model.questions.get(&id).cloned().flatten();
            if expected.is_some() {
                model.questions.remove(&id);
            }
            prop_assert_eq!(queue.fetch(&question(id)), expected);
        }
        Step::OpenWindow(has_length) => {
            let opens = model.is_attended && (has_length || model.wishes_pause);
            if opens {
                let wished = std::mem::take(&mut model.wishes_pause);
                model.window = Some(if wished { "paused" } else { "running" });
                model.unwritten.extend(model.said_in_window.take());
            }
            prop_assert_eq!(queue.open_window(has_length), opens);
        }
        Step::WindowTimeIsUp(was_paused) => {
            if let Some(window) = queue.window_mut() {
                window.time_is_up(was_paused);
            }
            if model.window == Some(if was_paused { "paused" } else { "running" }) {
                model.window = Some("closed");
            }
        }
        Step::CloseWindow => {
            queue.close_window();
            model.window = None;
            model.unwritten.extend(model.said_in_window.take());
        }
        Step::Pause => {
            queue.pause();
            if model.has_open_window() {
                model.window = Some("paused");
            } else {
                model.wishes_pause = model.is_attended;
            }
        }
        Step::GoOn => {
            queue.go_on();
            model.wishes_pause = false;
            model.window = model.window.map(|_| "closed");
        }
        Step::Say => {
            let text = format!("say {nth}");
            let waiting = model.unwritten.len() + model.unread.len() + model.set_aside.len();
            let expected = if !model.is_listening {
                Err(NotHeard::NobodyListens)
            } else if model.has_open_window() {
                model.window = Some("closed");
                model.said_in_window = Some(text.clone());
                Ok(())
            } else if waiting >= PersonQueue::MOST_UNREAD {
                Err(NotHeard::TooMany)
            } else {
                model.unwritten.push(text.clone());
                Ok(())
            };
            prop_assert_eq!(queue.say(text), expected);
        }
        Step::Written => {
            prop_assert_eq!(queue.unwritten(), model.unwritten.first().map(String::as_str));
            queue.written();
            if !model.unwritten.is_empty() {
                model.unread.push(model.unwritten.remove(0));
            }
        }
        Step::Read => prop_assert_eq!(queue.read(), std::mem::take(&mut model.unread)),
        Step::SetAside => {
            model.set_aside.append(&mut model.unread);
            prop_assert_eq!(queue.set_aside(), model.set_aside.len());
        }
        Step::Listen(true) => {
            queue.listen();
            model.is_listening = true;
        }
        Step::Listen(false) => {
            queue.stop_listening();
            model.is_listening = false;
            model.wishes_pause = false;
            let later = std::mem::take(&mut model.unread);
            model.unread = std::mem::take(&mut model.set_aside);
            model.unread.extend(later);
        }
        Step::Unattended => {
            queue.unattended();
            model.is_attended = false;
            model.wishes_pause = false;
            let open = model.questions.values_mut().filter(|settled| settled.is_none());
            open.for_each(|settled| *settled = Some(Settled::Unattended));
            model.window = model.window.map(|_| "closed");
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(crate::properties::cases())]

    /// Whatever the order: what waits is settled once, by whoever came first; work stands still while something is open
    /// and not a moment longer; nothing is open where nobody is there; no word is lost, doubled or out of order.
    #[test]
    fn whatever_comes_the_queue_is_what_its_rules_say(
        is_attended in any::<bool>(),
        steps in prop::collection::vec(step(), 0..120),
    ) {
        let mut queue = PersonQueue::new(is_attended);
        let mut model = Model { is_attended, ..Model::default() };
        for (nth, step) in steps.iter().enumerate() {
            take(&mut queue, &mut model, nth, step)?;
            prop_assert_eq!(queue.is_asking(), model.is_asking(), "{:?}", step);
            prop_assert!(model.is_attended || !queue.is_asking(), "{:?}", step);
            prop_assert_eq!(queue.unread(), model.unread.len() + model.set_aside.len());
            prop_assert!(queue.unread() <= PersonQueue::MOST_UNREAD);
        }
    }

    /// A window tells a pause at most once, and then its one end; nothing after it.
    #[test]
    fn a_window_ends_once_and_says_nothing_after_it(
        steps in prop::collection::vec((0_u8..5, any::<bool>()), 0..20),
    ) {
        let mut window = Window::default();
        for (step, was_paused) in steps {
            match step {
                0 => window.pause(),
                1 => window.go_on(),
                2 => window.say(answer()),
                _ => window.time_is_up(was_paused),
            }
        }
        let mut told: Vec<_> = std::iter::from_fn(|| window.next_step()).collect();
        prop_assert_eq!(told.first() == Some(&WindowStep::Paused), told.contains(&WindowStep::Paused));
        told.retain(|step| *step != WindowStep::Paused);
        prop_assert_eq!(told.len(), usize::from(!window.is_open()));
    }
}

#[test]
fn several_wait_side_by_side_and_any_may_be_answered_first() {
    let mut queue = PersonQueue::new(true);
    let (call, other) = (CallId::new("call"), CallId::new("other"));
    let yes = || LeaveAnswer { decision: Decision::Once, note: None };
    queue.ask(call.clone());
    queue.ask(other.clone());
    queue.ask(question(1));
    assert!(queue.answer(&other, yes()) && queue.answer(&question(1), answer()));
    assert_eq!(queue.fetch(&call), None);
    assert_eq!(queue.fetch(&other), Some(Settled::Answered(yes())));
    assert_eq!(queue.fetch(&question(1)), Some(Settled::Answered(answer())));
    queue.unattended();
    assert_eq!(queue.fetch(&call), Some(Settled::Unattended));
}

/// Whoever answers hears whether that counted: several may be there to answer.
#[test]
fn only_what_waits_can_be_answered_and_only_once() {
    let mut queue = PersonQueue::new(true);
    let (call, asked) = (CallId::new("call"), question(1));
    let leave = Command::Permission { call: call.clone(), decision: Decision::Once, note: None };
    let words = Command::Answer { question: asked, text: answer() };
    assert_eq!(queue.heed(leave.clone()), Err(NotHeard::NoCall(call.clone())));
    assert_eq!(queue.heed(words.clone()), Err(NotHeard::NoQuestion(asked)));
    queue.ask(call.clone());
    queue.ask(asked);
    assert_eq!([queue.heed(leave.clone()), queue.heed(words.clone())], [Ok(()), Ok(())]);
    assert_eq!(queue.heed(leave), Err(NotHeard::NoCall(call)));
    assert_eq!(queue.heed(words), Err(NotHeard::NoQuestion(asked)));
}

#[test]
fn words_that_were_handed_over_and_not_read_stand_before_later_ones() {
    let mut queue = PersonQueue::new(false);
    queue.listen();
    assert_eq!(queue.say("둘".to_owned()), Ok(()));
    queue.written();
    queue.take_back(vec!["하나".to_owned()]);
    queue.hand_over("셋".to_owned());
    assert_eq!(queue.read(), ["하나", "둘", "셋"]);
}
