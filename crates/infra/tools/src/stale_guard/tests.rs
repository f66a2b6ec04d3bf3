//! P12: what another run, a command or somebody outside made of a file is not overwritten unseen.

use std::os::unix::fs::FileExt as _;

use domain::{
    id::Ulid,
    permission::PathRules,
    ports::ToolContext,
    tool::{ToolOutcome, ToolStatus},
};
use serde_json::{Value, json};

use super::*;
use crate::{
    Toolbox,
    confined::VERSIONED,
    testing::{FakeIds, Workspace, context, rules},
};

/// A session with two runs side by side.
struct Bench {
    workspace: Workspace,
    toolbox: Toolbox,
}

/// A run of an agent.
fn caller(agent: &str, run: u128) -> Caller {
    Caller { agent: AgentName::parse(agent).expect("a name"), run: RunId::new(Ulid(run)) }
}

impl Bench {
    fn new() -> Self {
        let workspace = Workspace::new();
        Self { toolbox: workspace.toolbox(), workspace }
    }

    /// A run that begins now.
    fn begins(&self, agent: &str) -> Caller {
        caller(agent, self.workspace.ids.next().0)
    }

    async fn call_by(&self, caller: &Caller, tool: &str, input: Value, paths: PathRules) -> ToolOutcome {
        let tool = self.toolbox.build(tool).expect("a tool");
        let context = ToolContext { agent: caller.agent.clone(), run: caller.run, paths, ..context() };
        tool.prepare(&input).expect("an input that fits").run(context).await
    }

    async fn call(&self, caller: &Caller, tool: &str, input: Value) -> ToolOutcome {
        self.call_by(caller, tool, input, PathRules::default()).await
    }

    async fn reads(&self, caller: &Caller, path: &str) {
        let outcome = self.call(caller, "read", json!({"path": path})).await;
        assert_eq!(outcome.status, ToolStatus::Ok, "{}", outcome.output);
    }

    async fn writes(&self, caller: &Caller, path: &str, content: &str) -> ToolOutcome {
        self.call(caller, "write", json!({"path": path, "content": content})).await
    }

    async fn edits(&self, caller: &Caller, path: &str, old: &str, new: &str) -> ToolOutcome {
        self.call(caller, "edit", json!({"path": path, "old_string": old, "new_string": new})).await
    }

    /// Nothing was written, and the outcome is an error that begins like this.
    fn refused(&self, outcome: &ToolOutcome, path: &str, holds: &str, beginning: &str) {
        assert_eq!(outcome.status, ToolStatus::Error, "{}", outcome.output);
        assert!(outcome.output.starts_with(beginning), "{}\n{beginning}", outcome.output);
        assert_eq!(self.workspace.bytes(path), holds.as_bytes(), "{path}");
    }
}

fn done(outcome: &ToolOutcome) {
    assert_eq!(outcome.status, ToolStatus::Ok, "{}", outcome.output);
}

/// Both read; the second to write is told who was first, and what stands there now. From that it goes on.
#[tokio::test]
async fn of_two_runs_that_change_one_file_the_second_is_told_what_the_first_made_of_it() {
    for path in
        ["src/a.rs", "한글 이름.rs", "\u{1112}\u{1161}\u{11ab}/각.rs", "👨\u{200d}👩\u{200d}👧/שלום.rs"]
    {
        let bench = Bench::new();
        bench.workspace.put(path, "하나\r\n둘\r\n");
        let (one, other) = (bench.begins("coder"), bench.begins("designer"));
        bench.reads(&one, path).await;
        bench.reads(&other, path).await;
        done(&bench.edits(&one, path, "하나", "첫째").await);
        let told = format!(
            "`{path}` was changed by `coder` (run {}) since this run last saw it. Nothing was written. What it holds \
             now follows; begin from that:\n     1\t첫째\n     2\t둘\n[the lines end with CRLF",
            one.run
        );
        let refused = bench.edits(&other, path, "둘", "둘째").await;
        bench.refused(&refused, path, "첫째\r\n둘\r\n", &told);
        done(&bench.edits(&other, path, "둘", "둘째").await);
        assert_eq!(bench.workspace.bytes(path), "첫째\r\n둘째\r\n".as_bytes());

        let refused = bench.writes(&one, path, "ours").await;
        bench.refused(&refused, path, "첫째\r\n둘째\r\n", &format!("`{path}` was changed by `designer`"));
        done(&bench.writes(&one, path, "ours").await);
    }
}

/// However the moments fall: of writes that began from the same content exactly one is done.
#[tokio::test]
async fn of_writes_at_the_same_moment_exactly_one_is_done() {
    for _ in 0..50 {
        let bench = Bench::new();
        bench.workspace.put("a", "old");
        let runs: Vec<_> =
            ["coder", "tester", "reviewer", "committer"].map(|agent| bench.begins(agent)).into();
        for run in &runs {
            bench.reads(run, "a").await;
        }
        let writes = runs.iter().map(|run| {
            let tool = bench.toolbox.build("write").expect("a tool");
            let input = json!({"path": "a", "content": format!("of {}", run.agent)});
            let context = ToolContext { agent: run.agent.clone(), run: run.run, ..context() };
            tokio::spawn(tool.prepare(&input).expect("an input that fits").run(context))
        });
        let mut outcomes = Vec::new();
        for write in writes.collect::<Vec<_>>() {
            outcomes.push(write.await.expect("it ended"));
        }
        let winners: Vec<_> =
            runs.iter().zip(&outcomes).filter(|(_, outcome)| outcome.status == ToolStatus::Ok).collect();
        let [(winner, _)] = winners[..] else { panic!("{outcomes:?}") };
        let now = format!("of {}", winner.agent);
        assert_eq!(bench.workspace.bytes("a"), now.as_bytes());
        let losers = outcomes.iter().filter(|outcome| outcome.status != ToolStatus::Ok);
        for loser in losers {
            let named = format!("by `{}` (run {})", winner.agent, winner.run);
            assert!(loser.output.contains(&named) && loser.output.contains(&now), "{}", loser.output);
        }
    }
}

#[tokio::test]
async fn what_a_command_or_somebody_outside_changed_is_told_without_a_name() {
    let bench = Bench::new();
    bench.workspace.put("a", "하나\n");
    let (one, other) = (bench.begins("coder"), bench.begins("tester"));
    bench.reads(&one, "a").await;
    bench.workspace.put("a", "둘\n");
    let refused = bench.edits(&one, "a", "둘", "셋").await;
    let by = "was changed by a command or somebody outside since this run last saw it. Nothing was written.";
    bench.refused(&refused, "a", "둘\n", &format!("`a` {by}"));

    done(&bench.edits(&other, "a", "둘", "셋").await);
    bench.workspace.put("a", "넷\n");
    let refused = bench.writes(&one, "a", "다섯\n").await;
    let by = format!(
        "`a` was changed by `tester` (run {}), and after that by a command or somebody outside, since",
        other.run
    );
    bench.refused(&refused, "a", "넷\n", &by);
}

/// What was read as it was before the change and noted after it is stale all the same.
#[test]
fn a_read_that_was_overtaken_by_a_change_counts_as_the_older_one() {
    let guard = StaleGuard::new(Arc::<FakeIds>::default());
    let (one, other) = (caller("coder", 100), caller("tester", 101));
    let state = |text: &str| State { version: Version::of(text.as_bytes()), content: None };
    let path = Path::new("/w/a");
    guard.changed(&one, path, state("new"));
    guard.saw(other.run, path, state("old"));
    assert_eq!(
        guard.judge(&other, path, &state("new").version, Doing::Change),
        Err(Stale::Changed { by: Author::Run(one), seen: None })
    );
}

/// A file that the run never saw is overwritten only if nobody changed it behind the run's back.
#[tokio::test]
async fn a_file_that_another_run_changed_meanwhile_is_not_overwritten_blindly() {
    let bench = Bench::new();
    bench.workspace.put("old", "old");
    let other = bench.begins("tester");
    let one = bench.begins("coder");
    for path in ["old", "new"] {
        done(&bench.writes(&one, path, "of the coder").await);
        let refused = bench.writes(&other, path, "of the tester").await;
        let told = format!(
            "`{path}` was changed by `coder` (run {}) since this run began, which has not seen that. Nothing was \
             written. What it holds now follows; begin from that:\n     1\tof the coder",
            one.run
        );
        bench.refused(&refused, path, "of the coder", &told);
        done(&bench.writes(&other, path, "of the tester").await);
    }
    // An edit finds its text or does not.
    done(&bench.writes(&one, "third", "of the coder").await);
    done(&bench.edits(&other, "third", "coder", "tester").await);
    // A run that begins later takes the files as it finds them.
    let later = bench.begins("coder");
    done(&bench.writes(&later, "old", "of a later run").await);
}

#[tokio::test]
async fn a_run_that_goes_on_in_another_process_looks_at_a_file_before_it_overwrites_it() {
    let workspace = Workspace::new();
    workspace.put("a", "old");
    let earlier = caller("coder", workspace.ids.next().0);
    let bench = Bench { toolbox: workspace.toolbox(), workspace };
    let refused = bench.writes(&earlier, "a", "new").await;
    bench.refused(
        &refused,
        "a",
        "old",
        "`a` stood there before this session was taken up again, and this run",
    );
    done(&bench.writes(&earlier, "a", "new").await);
    done(&bench.writes(&earlier, "not there yet", "new").await);
}

/// What came to the same content in the end has nothing that could be lost.
#[tokio::test]
async fn a_file_that_holds_what_the_run_saw_or_wants_is_not_stale() {
    let bench = Bench::new();
    bench.workspace.put("a", "하나");
    let (one, other) = (bench.begins("coder"), bench.begins("tester"));
    bench.reads(&one, "a").await;
    done(&bench.writes(&other, "a", "둘").await);
    done(&bench.writes(&other, "a", "하나").await);
    done(&bench.edits(&one, "a", "하나", "셋").await);

    bench.reads(&other, "a").await;
    done(&bench.writes(&one, "a", "넷").await);
    let same = bench.writes(&other, "a", "넷").await;
    assert_eq!(same, ToolOutcome::ok("`a` already has exactly this content; nothing was changed"));
    done(&bench.edits(&other, "a", "넷", "다섯").await);
}

#[tokio::test]
async fn a_file_that_went_or_came_is_another_version() {
    let bench = Bench::new();
    bench.workspace.put("d/a", "old");
    let (one, other) = (bench.begins("coder"), bench.begins("tester"));
    bench.reads(&one, "d/a").await;
    std::fs::remove_dir_all(bench.workspace.path("d")).expect("removed");
    let refused = bench.writes(&one, "d/a", "new").await;
    assert_eq!(
        refused,
        ToolOutcome::error(
            "`d/a` is gone: a command or somebody outside removed it since this run last saw it, so nothing was \
             written. If it has to be there all the same, `write` it again."
        )
    );
    assert!(!bench.workspace.path("d").exists());
    // A folder stands there by now, and it is another one.
    done(&bench.writes(&one, "d/a", "new").await);

    // Deleted and made again by another run: what the first one wrote is not what is there.
    std::fs::remove_dir_all(bench.workspace.path("d")).expect("removed");
    done(&bench.writes(&other, "d/a", "another").await);
    let refused = bench.edits(&one, "d/a", "another", "mine").await;
    bench.refused(&refused, "d/a", "another", "`d/a` was changed by `tester`");

    // Looked for and not found; then it came.
    let missing = bench.call(&one, "read", json!({"path": "d/late"})).await;
    assert_eq!(missing.status, ToolStatus::Error);
    bench.workspace.put("d/late", "from outside");
    let refused = bench.writes(&one, "d/late", "mine").await;
    bench.refused(
        &refused,
        "d/late",
        "from outside",
        "`d/late` was changed by a command or somebody outside",
    );
}

/// The path that counts is the one that the file really has.
#[tokio::test]
async fn what_was_read_through_a_link_counts_for_the_file() {
    let bench = Bench::new();
    bench.workspace.put("real/파일", "old");
    bench.workspace.link("link", "real/파일");
    bench.workspace.link("folder", "real");
    for name in ["link", "folder/파일", "real/../real/파일"] {
        let (one, other) = (bench.begins("coder"), bench.begins("tester"));
        bench.workspace.put("real/파일", "old");
        bench.reads(&one, name).await;
        done(&bench.edits(&other, "real/파일", "old", "new").await);
        let refused = bench.edits(&one, "real/파일", "new", "newer").await;
        bench.refused(&refused, "real/파일", "new", "`real/파일` was changed by `tester`");
    }
    // Of two names of one file the other one stays as it was, and what was seen of it.
    bench.workspace.put("one name", "old");
    std::fs::hard_link(bench.workspace.path("one name"), bench.workspace.path("other name")).expect("a name");
    let (one, other) = (bench.begins("coder"), bench.begins("tester"));
    bench.reads(&one, "other name").await;
    done(&bench.edits(&other, "one name", "old", "new").await);
    done(&bench.edits(&one, "other name", "old", "newer").await);
    assert_eq!(bench.workspace.bytes("one name"), b"new");
}

#[tokio::test]
async fn of_a_binary_file_its_kind_is_told_and_of_a_very_large_one_its_beginning() {
    let bench = Bench::new();
    let (one, other) = (bench.begins("coder"), bench.begins("tester"));
    bench.workspace.put("b", b"\0\x01");
    bench.reads(&one, "b").await;
    bench.workspace.put("b", b"\0\x02");
    let refused = bench.writes(&one, "b", "text").await;
    assert!(
        refused.output.contains("follows; begin from that:\n") && !refused.output.contains('\0'),
        "{refused:?}"
    );
    assert_eq!(bench.workspace.bytes("b"), b"\0\x02");

    bench.workspace.put("huge", "가나다라마바사아자차\n".repeat(3_000));
    let file = std::fs::File::options().write(true).open(bench.workspace.path("huge")).expect("a file");
    file.set_len(VERSIONED + 1).expect("a size");
    bench.reads(&other, "huge").await;
    file.write_at("나".as_bytes(), 0).expect("written");
    let refused = bench.writes(&other, "huge", "short").await;
    let told = "`huge` was changed by a command or somebody outside since this run last saw it. Nothing was written. \
                It now begins as follows; `read` it for more:\n     1\t나나다";
    assert!(refused.output.starts_with(told), "{}", crate::text::beginning(&refused.output, 400));
    assert!(refused.output.chars().count() <= ToolOutcome::LONGEST);
    done(&bench.writes(&other, "huge", "short").await);
}

/// A file that does not fit is told by what changed, as far as that is known.
#[tokio::test]
async fn of_a_long_file_the_changes_are_told() {
    let bench = Bench::new();
    let (one, other) = (bench.begins("coder"), bench.begins("tester"));
    let lines: Vec<_> = (1..=9_000).map(|number| format!("줄 {number}\r\n")).collect();
    bench.workspace.put("long", lines.concat());
    let page = bench.call(&one, "read", json!({"path": "long", "offset": 8_000, "limit": 3})).await;
    done(&page);
    done(&bench.edits(&other, "long", "줄 8500\n", "다른 줄\n").await);
    let refused = bench.writes(&one, "long", "x").await;
    let told = format!(
        "`long` was changed by `tester` (run {}) since this run last saw it. Nothing was written. What changed since \
         then follows; `read` it for more:\n--- a/long\n+++ b/long\n@@ -8497,7 +8497,7 @@\n 줄 8497\r\n 줄 8498\r\n 줄 \
         8499\r\n-줄 8500\r\n+다른 줄\r\n 줄 8501\r\n 줄 8502\r\n 줄 8503\r\n",
        other.run
    );
    assert_eq!(refused, ToolOutcome::error(told));

    // All of it changed: the first changes, within the bound, and what is missing is counted.
    bench.workspace.put("long", lines.concat().replace('줄', "👨\u{200d}👩\u{200d}👧"));
    let refused = bench.writes(&one, "long", "x").await;
    let length = refused.output.chars().count();
    assert!((40_000..=ToolOutcome::LONGEST).contains(&length), "{length}");
    assert!(
        refused.output.contains("The first changes since then follow") && refused.omitted_bytes > 100_000
    );
    assert!(refused.output.ends_with("bytes of this diff are not shown]\n"), "{}", refused.output);
}

/// A refusal shows nothing that the agent could not read.
#[tokio::test]
async fn what_an_agent_may_not_read_no_refusal_shows() {
    let bench = Bench::new();
    bench.workspace.put("비밀", "old");
    let (one, other) = (bench.begins("coder"), bench.begins("tester"));
    done(&bench.writes(&other, "비밀", "the secret inside").await);
    let input = json!({"path": "비밀", "content": "x"});
    let refused = bench.call_by(&one, "write", input.clone(), rules("read", "비밀")).await;
    assert_eq!(refused.status, ToolStatus::Error);
    assert!(
        refused.output.contains("not for you to read") && !refused.output.contains("secret inside"),
        "{refused:?}"
    );
    done(&bench.call_by(&one, "write", input, rules("read", "비밀")).await);
}

/// Somebody who was shown a change gets that change or nothing; what they were not shown is not written either.
#[tokio::test]
async fn a_change_that_was_shown_to_a_person_is_judged_all_the_same() {
    let bench = Bench::new();
    bench.workspace.put("a", "하나");
    let (one, other) = (bench.begins("coder"), bench.begins("tester"));
    bench.reads(&one, "a").await;
    done(&bench.writes(&other, "a", "둘").await);
    let tool = bench.toolbox.build("write").expect("a tool");
    let mut prepared = tool.prepare(&json!({"path": "a", "content": "셋"})).expect("an input that fits");
    let shown = prepared.preview(&domain::workspace::Bases::default()).await.expect("a preview");
    assert!(shown.text.contains("-둘") && shown.text.contains("+셋"), "{}", shown.text);
    let context = ToolContext { agent: one.agent.clone(), run: one.run, ..context() };
    let refused = prepared.run(context).await;
    bench.refused(&refused, "a", "둘", "`a` was changed by `tester`");
}

#[test]
fn what_was_forgotten_for_want_of_room_is_what_nobody_touched_for_longest() {
    let guard = StaleGuard::new(Arc::<FakeIds>::default());
    let (one, other) = (caller("coder", 100), caller("tester", 101));
    let state = || State { version: Version::of(b"old"), content: None };
    let path = |number: usize| PathBuf::from(format!("/w/{number}"));
    for number in 0..=MOST_FILES {
        guard.saw(one.run, &path(number), state());
        guard.saw(other.run, &path(0), state());
    }
    let is_known = |number: usize, caller: &Caller| {
        guard.judge(caller, &path(number), &Version::Missing, Doing::Replace).is_err()
    };
    assert_eq!(guard.known().files.len(), MOST_FILES);
    assert!(is_known(0, &other) && !is_known(1, &one) && is_known(2, &one));

    for run in 0..100 {
        guard.saw(RunId::new(Ulid(1_000 + run)), &path(0), state());
    }
    assert_eq!(guard.known().files[&path(0)].sights.len(), MOST_RUNS);
    assert!(!is_known(0, &other) && is_known(0, &caller("coder", 1_099)));
}
