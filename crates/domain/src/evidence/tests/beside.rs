//! What runs at work side by side are each shown of what changed, and what their claims are worth.

use super::*;

/// What happens while the runs 1 (a coder) and 2 are at work side by side.
enum Does {
    /// A file tool changes a file, from start to end.
    Writes(u128, &'static str),
    /// A file tool does not do what was asked.
    Fails(u128, &'static str),
    /// A command, from start to end; the files that differ then.
    Runs(u128, &'static [&'static str]),
    /// Commands of both at the same time, and files change.
    BothRun,
}

use Does::{BothRun, Fails, Runs, Writes};

/// The second run has an agent of this name.
fn story(other: &str, happens: &[Does]) -> Observations {
    let mut seen = Observations::default();
    let agent = |name: &str| AgentName::parse(name).expect("a name");
    // A run before them is none of their business.
    seen.run_began(run(9), &agent("coder"));
    let before = seen.edit_started(run(9), Some("before.txt"));
    seen.edit_ended(before, true, true);
    seen.run_began(run(1), &agent("coder"));
    seen.run_began(run(2), &agent(other));
    for does in happens {
        match does {
            Writes(whose, path) | Fails(whose, path) => {
                let is_done = matches!(does, Writes(..));
                let ticket = seen.edit_started(run(*whose), Some(path));
                seen.edit_ended(ticket, is_done, is_done);
            }
            Runs(whose, changes) => {
                let ticket = seen.command_started(Some(run(*whose)), "make");
                seen.command_changed(ticket, changes.iter().map(|path| (*path).to_owned()).collect());
                seen.command_ended(ticket, Some(0), !changes.is_empty());
            }
            BothRun => {
                let one = seen.command_started(Some(run(1)), "make");
                let other = seen.command_started(Some(run(2)), "make");
                seen.command_ended(one, Some(0), true);
                seen.command_ended(other, Some(0), false);
            }
        }
    }
    seen
}

/// What run 1 is shown, of `since` that differ from before its first effect.
#[track_caller]
fn check_shown(happens: &[Does], since: &[&str], expected: &[&str], partial: Option<&str>) {
    let Share::Part(beside) = story("tester", happens).share_of(run(1)) else { panic!("it was alone") };
    let beside = beside.since(since.iter().map(|path| (*path).to_owned()));
    assert_eq!(beside.files_changed(), expected);
    assert_eq!(beside.partial().as_deref(), partial);
}

/// O-24: file tools exactly; around commands to the run that was alone, else to the round.
#[test]
fn what_changed_is_the_runs_that_changed_it() {
    let nobodys =
        "commands of this run ran beside others (tester): what changed meanwhile counts for the round";
    let other = Writes(2, "b.txt");
    check_shown(&[Writes(1, "a.txt"), Writes(2, "b.txt")], &["a.txt", "b.txt"], &["a.txt"], None);
    check_shown(&[Fails(1, "a.txt"), Writes(2, "a.txt")], &["a.txt"], &[], None);
    check_shown(&[Runs(1, &["a.txt"]), Runs(2, &["b.txt"])], &["a.txt", "b.txt"], &["a.txt"], None);
    check_shown(&[Writes(1, "한글.txt"), BothRun], &["c.txt", "한글.txt"], &["한글.txt"], Some(nobodys));
    // Written, and then put back as it was.
    check_shown(&[Writes(1, "a.txt"), other], &["b.txt"], &[], None);
    let (composed, apart) = ("가.txt", "\u{1100}\u{1161}.txt");
    check_shown(&[Writes(1, composed), Writes(2, "מסמך.txt")], &[apart, "מסמך.txt"], &[apart], None);
}

#[test]
fn a_run_with_nobody_beside_it_is_shown_everything() {
    assert_eq!(story("tester", &[Writes(1, "a.txt"), Runs(1, &["b.txt"])]).share_of(run(1)), Share::All);
    assert_eq!(story("tester", &[]).share_of(run(2)), Share::All);
    assert_eq!(Observations::default().share_of(run(1)), Share::All);
}

/// A claim of run 1 about `a.txt`, which differs from the round's start; `since`: what differs from before its first
/// effect. The beginning of what the engine says of it.
#[track_caller]
fn check_claim(other: &str, happens: &[Does], since: Option<&[&str]>, refuted: &[&str], unverified: &[&str]) {
    let Share::Part(mut beside) = story(other, happens).share_of(run(1)) else { panic!("it was alone") };
    if let Some(since) = since {
        beside = beside.since(since.iter().map(|path| (*path).to_owned()));
    }
    let mut checked = CheckedClaims::default();
    beside.check_claim("./a.txt", "a.txt", &mut checked);
    assert_eq!(
        (checked.refuted.as_slice(), checked.unverified.as_slice()),
        (
            refuted
                .iter()
                .map(|text| format!("files_changed: `./a.txt` {text}"))
                .collect::<Vec<_>>()
                .as_slice(),
            unverified
                .iter()
                .map(|text| format!("files_changed: `./a.txt` {text}"))
                .collect::<Vec<_>>()
                .as_slice(),
        )
    );
}

/// Law 7: nobody is praised for another's work.
#[test]
fn a_claim_about_a_file_that_another_run_changed_does_not_hold() {
    let since = Some(&["a.txt", "b.txt"][..]);
    let theirs = "was changed by another run (tester), not by this one";
    let nobodys = "changed while others worked beside this run (tester), and it is not known by whom";
    check_claim("tester", &[Writes(1, "a.txt"), Writes(2, "b.txt")], since, &[], &[]);
    check_claim("tester", &[Writes(1, "b.txt"), Writes(2, "a.txt")], since, &[theirs], &[]);
    check_claim(
        "coder",
        &[Writes(1, "b.txt"), Writes(2, "a.txt")],
        since,
        &["was changed by another run (coder), not by this one"],
        &[],
    );
    check_claim("tester", &[Runs(2, &["a.txt"])], None, &[theirs], &[]);
    check_claim("tester", &[Writes(1, "b.txt"), BothRun], since, &[], &[nobodys]);
    check_claim("tester", &[Writes(2, "a.txt"), BothRun], since, &[], &[nobodys]);
    check_claim(
        "tester",
        &[Writes(1, "b.txt"), Writes(2, "c.txt")],
        since,
        &["was not changed by this run, beside which others worked (tester)"],
        &[],
    );
    check_claim("tester", &[Writes(2, "a.txt"), BothRun], Some(&["b.txt"]), &[theirs], &[]);
    // Changed earlier in the round: no claim about this run alone.
    check_claim("tester", &[Writes(1, "b.txt"), Writes(2, "c.txt")], Some(&["b.txt"]), &[], &[]);
    check_claim("tester", &[Writes(2, "c.txt")], None, &[], &[]);
}

/// O-24: a test command beside which another run writes says nothing about the files as they are.
#[test]
fn a_test_beside_a_writer_is_stale() {
    let mut seen = Observations::default();
    let test = seen.command_started(Some(run(1)), "make test");
    let write = seen.edit_started(run(2), Some("a.txt"));
    // The look after the tests sees what the other run wrote, and the look after that sees nothing new.
    assert!(seen.command_ended(test, Some(0), true));
    check_tests(&seen, &["make test"], None);
    assert!(seen.edit_ended(write, true, false), "files differ from before it");

    let again = seen.command_started(Some(run(1)), "make test");
    let other = seen.edit_started(run(2), Some("b.txt"));
    // A third run keeps the state of the files: no look sees what the writer did before.
    let keeping = seen.keeping_begins();
    seen.kept(keeping, None);
    seen.edit_ended(other, false, false);
    assert!(seen.command_ended(again, Some(0), false));
    check_tests(&seen, &["make test"], None);

    let alone = seen.command_started(Some(run(1)), "make test");
    seen.command_ended(alone, Some(0), true);
    let keeping = seen.keeping_begins();
    seen.kept(keeping, None);
    let own = seen.command_started(Some(run(1)), "make test");
    let keeping = seen.keeping_begins();
    seen.kept(keeping, Some(own));
    seen.command_ended(own, Some(0), false);
    check_tests(&seen, &["make test"], Some(true));
}
