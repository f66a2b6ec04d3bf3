//! Which turn answers which request.

use std::{fmt, sync::Arc};

use super::{
    request::Asked,
    story::{self, Conversation},
    turn::{Expectation, Turn},
};

/// Turns by who asks. Lanes with a condition of their own choose first, in the order they were added; then the
/// agents, as [`Script::agent`] tells them apart; then the lane for anyone.
#[derive(Debug, Clone, Default)]
pub struct Script {
    lanes: Vec<Lane>,
    repeats_last: bool,
    chosen_by: ChosenBy,
}

/// What says which turn of its lane a request gets.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum ChosenBy {
    /// How many requests the lane had.
    #[default]
    Count,
    /// How many messages of the assistant the conversation holds.
    Length,
    /// What the conversation says.
    Story,
}

#[derive(Debug, Clone)]
struct Lane {
    name: String,
    takes: Takes,
    turns: Vec<Turn>,
    played: usize,
}

type Condition = dyn Fn(&Asked) -> bool + Send + Sync;

#[derive(Clone)]
enum Takes {
    If(Arc<Condition>),
    /// The agent of the lane's name.
    Agent,
    Anyone,
}

impl fmt::Debug for Takes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::If(_) => "if",
            Self::Agent => "agent",
            Self::Anyone => "anyone",
        })
    }
}

/// The turn for a request and the lane it comes from; no turn where the lane has none left.
pub(super) struct Chosen {
    pub(super) lane: Option<String>,
    pub(super) turn: Result<Turn, String>,
}

impl Script {
    /// A script without turns.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The n-th request, whoever's, gets the n-th turn.
    #[must_use]
    pub fn in_order(turns: impl IntoIterator<Item = Turn>) -> Self {
        Self::new().lane("anyone", Takes::Anyone, turns)
    }

    /// Turns for an agent. The request that offers the tool `finish` is `manager`'s; another is of the agent whose
    /// name comes first in the first line of its system prompt, or else of the built-in kind whose report the tool
    /// `report` takes.
    #[must_use]
    pub fn agent(self, name: &str, turns: impl IntoIterator<Item = Turn>) -> Self {
        self.lane(name, Takes::Agent, turns)
    }

    /// Turns for the requests that satisfy `condition`; `name` is for messages and records.
    #[must_use]
    pub fn when(
        self,
        name: &str,
        condition: impl Fn(&Asked) -> bool + Send + Sync + 'static,
        turns: impl IntoIterator<Item = Turn>,
    ) -> Self {
        self.lane(name, Takes::If(Arc::new(condition)), turns)
    }

    /// Turns for the requests whose system prompt contains `text`.
    #[must_use]
    pub fn when_system_contains(self, name: &str, text: &str, turns: impl IntoIterator<Item = Turn>) -> Self {
        let text = text.to_owned();
        self.when(name, move |asked| asked.system.contains(&text), turns)
    }

    /// A lane that has played its last turn plays it again and again.
    #[must_use]
    pub fn repeating_last(mut self) -> Self {
        self.repeats_last = true;
        self
    }

    /// A lane's n-th turn goes to the requests whose conversation holds n - 1 assistant messages, instead of to the
    /// lane's n-th request. So several runs of one agent, side by side or after each other, all play the lane from
    /// its beginning. (A conversation that was cut counts what is left of it.)
    #[must_use]
    pub fn by_turn(mut self) -> Self {
        self.chosen_by = ChosenBy::Length;
        self
    }

    /// Plays the turns as a story: each run's turn is chosen by what its conversation shows, so that a program that was
    /// ended in the middle can go on. An interrupted call is repeated, one that failed is gone on from; which of a
    /// worker's runs asks is told by the words that the lane `manager` briefs it with. Nothing is delayed.
    #[must_use]
    pub fn as_story(mut self) -> Self {
        self.chosen_by = ChosenBy::Story;
        self.lanes.iter_mut().flat_map(|lane| &mut lane.turns).for_each(|turn| turn.before = None);
        self
    }

    /// Gives every turn whatever the conversation holds: for stories that a second person goes on with, whose workers find
    /// things done that they were to do.
    #[must_use]
    pub fn expecting_nothing(mut self) -> Self {
        let turns = self.lanes.iter_mut().flat_map(|lane| &mut lane.turns);
        turns.for_each(|turn| turn.expectation = Expectation::default());
        self
    }

    /// Begins every turn that has no thought with a signed one, which has to come back as it was.
    #[must_use]
    pub fn with_thoughts(mut self) -> Self {
        for lane in &mut self.lanes {
            for (number, turn) in lane.turns.iter_mut().enumerate() {
                turn.think(&format!("{}, {}", lane.name, number + 1));
            }
        }
        self
    }

    /// Turns that nobody asked for, by lane; nothing where something else than their count chooses turns.
    pub(super) fn left(&self) -> Vec<(String, usize)> {
        let left = |lane: &Lane| (lane.name.clone(), lane.turns.len().saturating_sub(lane.played));
        self.lanes
            .iter()
            .filter(|_| self.chosen_by == ChosenBy::Count)
            .map(left)
            .filter(|(_, left)| *left > 0)
            .collect()
    }

    /// The turn for a request, and whose it is. `body`: the request whole.
    pub(super) fn choose(&mut self, asked: &Asked, body: &[u8]) -> Chosen {
        let Some(lane) = self.lane_for(asked) else {
            let names: Vec<&str> = self.lanes.iter().map(|lane| lane.name.as_str()).collect();
            let first_line = first_line(&asked.system);
            let what = format!("no lane of {} takes the request of {first_line:?}", names.join(", "));
            return Chosen { lane: None, turn: Err(what) };
        };
        if self.chosen_by == ChosenBy::Story {
            let lane = &self.lanes[lane];
            return Chosen { lane: Some(lane.name.clone()), turn: self.tell(lane, body) };
        }
        let lane = &mut self.lanes[lane];
        let wanted = if self.chosen_by == ChosenBy::Length { asked.turns } else { lane.played };
        lane.played += 1;
        let turn = lane.turns.get(wanted).or_else(|| lane.turns.last().filter(|_| self.repeats_last));
        let exhausted =
            || format!("{} has {} turns, and request {} came", lane.name, lane.turns.len(), wanted + 1);
        Chosen { lane: Some(lane.name.clone()), turn: turn.cloned().ok_or_else(exhausted) }
    }

    fn tell(&self, lane: &Lane, body: &[u8]) -> Result<Turn, String> {
        let conversation = Conversation::read(body).map_err(|error| error.to_string())?;
        let manager = self.lanes.iter().find(|lane| lane.name == "manager");
        let manager = manager.map(|lane| lane.turns.as_slice()).unwrap_or_default();
        let run = story::run_of(&lane.turns, &lane.name, manager, &conversation)?;
        story::next(run, &conversation).map_err(|problem| format!("{}: {problem}", lane.name))
    }

    fn lane(mut self, name: &str, takes: Takes, turns: impl IntoIterator<Item = Turn>) -> Self {
        let turns = turns.into_iter().collect();
        self.lanes.push(Lane { name: name.to_owned(), takes, turns, played: 0 });
        self
    }

    fn lane_for(&self, asked: &Asked) -> Option<usize> {
        let position = |wanted: &dyn Fn(&Lane) -> bool| self.lanes.iter().position(wanted);
        position(&|lane| matches!(&lane.takes, Takes::If(condition) if condition(asked)))
            .or_else(|| {
                let agents = self.lanes.iter().filter(|lane| matches!(lane.takes, Takes::Agent));
                let agent = agent_of(asked, agents.map(|lane| lane.name.as_str()))?;
                position(&|lane| matches!(lane.takes, Takes::Agent) && lane.name == agent)
            })
            .or_else(|| position(&|lane| matches!(lane.takes, Takes::Anyone)))
    }
}

/// Which of `names` asks.
fn agent_of<'a>(asked: &Asked, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let mut names: Vec<&str> = names.collect();
    if asked.offers("finish") {
        return names.into_iter().find(|name| *name == "manager");
    }
    names.retain(|name| *name != "manager");
    let first_line = first_line(&asked.system).to_lowercase();
    let named =
        names.iter().filter_map(|name| Some((word_position(&first_line, &name.to_lowercase())?, *name)));
    if let Some((_, name)) = named.min() {
        return Some(name);
    }
    let kind = kind_of_report(&asked.report_fields)?;
    names.into_iter().find(|name| *name == kind)
}

fn first_line(text: &str) -> &str {
    text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default()
}

/// Where `word` stands in `line` by itself.
fn word_position(line: &str, word: &str) -> Option<usize> {
    let belongs = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    let stands_alone = |at: &usize| {
        let (before, after) = (line[..*at].chars().next_back(), line[at + word.len()..].chars().next());
        !before.is_some_and(belongs) && !after.is_some_and(belongs)
    };
    line.match_indices(word).map(|(at, _)| at).find(stands_alone)
}

/// The built-in kind that hands in a report with these fields (contract 4).
fn kind_of_report(fields: &[String]) -> Option<&'static str> {
    let has = |wanted: &str| fields.iter().any(|field| field == wanted);
    [
        ("steps", "planner"),
        ("files_changed", "coder"),
        ("verdict", "reviewer"),
        ("passed", "tester"),
        ("commit", "committer"),
        ("status", "general"),
    ]
    .into_iter()
    .find_map(|(field, kind)| has(field).then_some(kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(system: &str, tools: &[&str], report: &[&str]) -> Asked {
        let owned = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        Asked {
            system: system.to_owned(),
            tools: owned(tools),
            report_fields: owned(report),
            ..Asked::default()
        }
    }

    #[track_caller]
    fn check(asked: &Asked, expected: Option<&str>) {
        let names = ["manager", "coder", "reviewer", "devops"];
        assert_eq!(agent_of(asked, names.into_iter()), expected, "{asked:?}");
    }

    #[test]
    fn agents_are_told_apart_by_tools_first_line_and_report() {
        check(&asked("You lead.\nThe coder codes.", &["finish"], &[]), Some("manager"));
        check(&asked("\n You are the Reviewer of what the coder did.\n", &["report"], &[]), Some("reviewer"));
        check(
            &asked("You are devops, a coder of infrastructure", &["report"], &["files_changed"]),
            Some("devops"),
        );
        check(&asked("You write programs.", &["report"], &["summary", "files_changed"]), Some("coder"));
        check(&asked("너는 검토자다.", &["report"], &["summary", "verdict", "findings"]), Some("reviewer"));
        check(&asked("You decode and encoder things.", &["report"], &["steps"]), None);
    }

    #[test]
    fn lanes_with_conditions_come_before_agents_and_those_before_anyone() {
        let mut script = Script::in_order([Turn::text("anyone")]).agent("coder", [Turn::text("coder")]).when(
            "picky",
            |asked| asked.model == "m",
            [Turn::text("picky")],
        );
        let mut lane = |asked: &Asked| script.choose(asked, b"").lane;
        let coder = asked("You are the coder.", &["report"], &[]);
        assert_eq!(lane(&Asked { model: "m".to_owned(), ..coder.clone() }).as_deref(), Some("picky"));
        assert_eq!(lane(&coder).as_deref(), Some("coder"));
        assert_eq!(lane(&asked("Who am I?", &[], &[])).as_deref(), Some("anyone"));
    }

    #[test]
    fn turns_can_be_chosen_by_the_length_of_the_conversation() {
        let mut script = Script::in_order([Turn::text("first"), Turn::text("second")]).by_turn();
        let mut is_there = |turns| script.choose(&Asked { turns, ..Asked::default() }, b"").turn.is_ok();
        assert_eq!([0, 0, 1, 1, 2].map(&mut is_there), [true, true, true, true, false]);
        assert!(script.repeating_last().choose(&Asked { turns: 9, ..Asked::default() }, b"").turn.is_ok());
    }
}
