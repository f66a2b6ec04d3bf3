//! Finds out which states a machine has and what leads from one to another, by driving it, and compares that with a
//! diagram in a page.
//!
//! The walks are random and always the same: a fixed seed. What no walk meets is not in the diagram, so there are many.

use std::collections::{BTreeMap, BTreeSet};

use crate::root;

/// The page with the diagrams.
const PAGE: &str = "docs/architecture.md";

/// How many walks explore a machine, and how long they are at most.
const WALKS: u64 = 10_000;
const STEPS: usize = 24;

/// Throws the dice of a walk (splitmix64).
pub struct Dice(u64);

impl Dice {
    /// A number below `sides`.
    ///
    /// # Panics
    /// Where there are no sides.
    pub fn below(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let sides = u64::try_from(sides).expect("few sides");
        usize::try_from((mixed ^ (mixed >> 31)) % sides).expect("less than the sides")
    }

    /// One of `things`.
    pub fn one_of<T: Copy>(&mut self, things: &[T]) -> T {
        things[self.below(things.len())]
    }

    /// Whether a coin shows heads.
    pub fn coin(&mut self) -> bool {
        self.below(2) == 0
    }
}

/// A machine under way.
pub trait Machine {
    /// Every kind of input there is.
    const KINDS: &'static [&'static str];

    /// The word for where it stands.
    fn phase(&self) -> String;

    /// Tells it something: the kind of the input, and whether it answered with something to do.
    fn step(&mut self, dice: &mut Dice) -> (&'static str, bool);
}

/// What leads from one state to another.
type Edges = BTreeMap<(String, String), BTreeSet<&'static str>>;

/// Drives machines that `begin` makes, and holds the diagram called `name` against what they did.
///
/// # Panics
/// Where the page says something else; with the lines that differ and the diagram as it should be.
pub fn check_diagram<M: Machine>(name: &str, begin: impl Fn(&mut Dice) -> M) {
    let (mut first, mut edges, mut told) = (BTreeSet::new(), Edges::new(), BTreeSet::new());
    for walk in 0..WALKS {
        let mut dice = Dice(walk);
        let mut machine = begin(&mut dice);
        first.insert(machine.phase());
        for _ in 0..STEPS {
            let before = machine.phase();
            let (kind, acts) = machine.step(&mut dice);
            told.insert(kind);
            let after = machine.phase();
            // What changes nothing and asks for nothing was ignored.
            if acts || before != after {
                edges.entry((before, after)).or_default().insert(kind);
            }
        }
    }
    let untold: Vec<&&str> = M::KINDS.iter().filter(|kind| !told.contains(**kind)).collect();
    assert!(untold.is_empty(), "the {name} was never told {untold:?}");
    compare(name, &drawn(&first, &edges));
}

/// The lines of the diagram.
fn drawn(first: &BTreeSet<String>, edges: &Edges) -> Vec<String> {
    let mut lines: Vec<String> = first.iter().map(|first| format!("[*] --> {first}")).collect();
    for ((from, to), kinds) in edges {
        let kinds: Vec<&str> = kinds.iter().copied().collect();
        lines.push(format!("{from} --> {to}: {}", kinds.join(", ")));
    }
    let leaves = |state: &String| edges.keys().any(|(from, to)| from == state && to != state);
    let reached: BTreeSet<&String> = first.iter().chain(edges.keys().map(|(_, to)| to)).collect();
    lines.extend(reached.into_iter().filter(|state| !leaves(state)).map(|last| format!("{last} --> [*]")));
    lines
}

fn compare(name: &str, expected: &[String]) {
    let page = std::fs::read_to_string(root().join(PAGE)).expect(PAGE);
    let head = format!("```mermaid\nstateDiagram-v2\n    %% {name}\n");
    let block = page.split_once(&head).and_then(|(_, rest)| rest.split_once("```")).map(|(block, _)| block);
    let found: BTreeSet<&str> = block.unwrap_or_default().lines().map(str::trim).collect();
    let wanted: BTreeSet<&str> = expected.iter().map(String::as_str).collect();
    let missing: Vec<&&str> = wanted.difference(&found).collect();
    let extra: Vec<&&str> = found.difference(&wanted).collect();
    let diagram: String = expected.iter().map(|line| format!("    {line}\n")).collect();
    assert!(
        missing.is_empty() && extra.is_empty(),
        "{PAGE} draws the {name} differently.\nmissing: {missing:#?}\nnot so: {extra:#?}\nIt should be:\n{head}{diagram}```"
    );
}
