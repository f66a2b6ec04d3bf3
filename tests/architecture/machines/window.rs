//! `domain::person::Window`, through the queue that holds it.

use better_llm_tests::machine::{Dice, Machine, check_diagram};
use domain::person::{PersonQueue, Window};

struct Driven(PersonQueue);

impl Driven {
    fn begin(dice: &mut Dice) -> Self {
        let mut queue = PersonQueue::new(true);
        queue.listen();
        if dice.coin() {
            queue.pause();
        }
        assert!(queue.open_window(true), "a person is there");
        let mut opened = Self(queue);
        opened.drain();
        opened
    }

    /// Fetches what happened; whether something did.
    fn drain(&mut self) -> bool {
        std::iter::from_fn(|| self.0.window_mut().and_then(Window::next_step)).count() > 0
    }

    fn window(&self) -> &Window {
        self.0.window().expect("it was opened")
    }
}

const KINDS: &[&str] = &["pause", "go on", "say", "time is up", "time of the pause is up", "nobody is there"];

impl Machine for Driven {
    const KINDS: &'static [&'static str] = KINDS;

    fn phase(&self) -> String {
        match (self.window().is_open(), self.window().is_paused()) {
            (true, false) => "Running",
            (true, true) => "Paused",
            (false, _) => "Closed",
        }
        .to_owned()
    }

    fn step(&mut self, dice: &mut Dice) -> (&'static str, bool) {
        let kind = dice.one_of(KINDS);
        match kind {
            "pause" => self.0.pause(),
            "go on" => self.0.go_on(),
            "say" => self.0.say("잠깐".to_owned()).expect("it listens"),
            "nobody is there" => self.0.unattended(),
            _ => {
                let was_paused = kind == "time of the pause is up";
                self.0.window_mut().expect("it was opened").time_is_up(was_paused);
            }
        }
        (kind, self.drain())
    }
}

#[test]
fn the_window_is_drawn_as_it_is() {
    check_diagram("window", Driven::begin);
}
