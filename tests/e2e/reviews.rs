//! O-15, contract 4: reviews that do not converge by themselves come to an end that says what is left. P38.

use domain::{
    outcome::{Ending, FailReason, NeedReason, PartialReason},
    report::Verdict,
};
use serde_json::{Value, json};
use testkit::{MockServer, Script, Turn};

use crate::support::{
    Said, World, check_end,
    turns::{approved, ask, coded, finish, write},
};

const FILE: &str = "합계.sh";

/// A finding: its id (or none), how bad, what it says.
type Finding<'a> = (&'a str, &'a str, &'a str);

fn reviewed(verdict: &str, findings: &[Finding<'_>]) -> Turn {
    let findings: Vec<Value> = findings
        .iter()
        .map(|(id, severity, message)| {
            let mut finding = json!({ "severity": severity, "file": FILE, "line": 3, "message": message });
            if !id.is_empty() {
                finding["id"] = json!(id);
            }
            finding
        })
        .collect();
    Turn::call("report", json!({ "summary": "보았습니다", "verdict": verdict, "findings": findings }))
}

fn objects(findings: &[Finding<'_>]) -> Turn {
    reviewed("request_changes", findings)
}

/// The coder changes the file under review, as often as it is called.
fn mends(times: usize) -> Vec<Turn> {
    (0..times).flat_map(|n| [write(FILE, &format!("echo {n}\n")), coded(&[FILE], &[])]).collect()
}

/// The manager's way: coder and reviewer in turn, this often, and then these words.
fn coder_and_reviewer(times: usize, last: impl IntoIterator<Item = Turn>) -> Vec<Turn> {
    let cycles = (0..times).flat_map(|_| [ask("coder", "고쳐 줘"), ask("reviewer", "봐 줘")]);
    cycles.chain(last).collect()
}

async fn play(world: &World, script: Script, more: &[&str]) -> Said {
    let server = MockServer::start(script).await;
    let said = world.task(&server, more).await.run().await.said();
    server.assert_nothing_refused();
    said.check_kept(world).await;
    said
}

fn ids(findings: &Value) -> Vec<&str> {
    findings.as_array().into_iter().flatten().filter_map(|finding| finding["id"].as_str()).collect()
}

/// The reviews of a run: which of how many, what it counted as, what is open, settled and ignored.
fn cycles(said: &Said) -> Vec<String> {
    let cycles = said.of_type("review_cycle");
    let shown = cycles.iter().map(|cycle| {
        let verdict: Verdict = serde_json::from_value(cycle["verdict"].clone()).expect("a verdict");
        let closed = cycle["closed"].as_array().into_iter().flatten();
        let closed: Vec<String> =
            closed.map(|closed| format!("{} {}", closed["id"], closed["state"]).replace('"', "")).collect();
        let (number, limit) = (&cycle["cycle"], &cycle["limit"]);
        let (open, ignored) = (ids(&cycle["open_findings"]), ids(&cycle["ignored"]));
        format!(
            "{number}/{limit} {verdict:?} open [{}] closed [{}] ignored [{}]",
            open.join(" "),
            closed.join(", "),
            ignored.join(" ")
        )
    });
    shown.collect()
}

/// P38: a reviewer and a coder that would go on for ever.
#[tokio::test]
async fn a_reviewer_that_invents_a_new_fault_every_time_meets_the_limit() {
    let world = World::new();
    let nits: Vec<Turn> = (1..=9).map(|n| objects(&[("", "critical", &format!("흠 {n}"))])).collect();
    let script = || {
        Script::new()
            .agent("manager", coder_and_reviewer(9, []))
            .agent("coder", mends(9))
            .agent("reviewer", nits.clone())
    };
    let said = play(&world, script(), &[]).await;
    check_end(&said, Ending::NeedsPerson(NeedReason::ReviewLimit), None, true);
    assert_eq!(
        cycles(&said),
        [
            "1/3 RequestChanges open [F1] closed [] ignored []",
            "2/3 RequestChanges open [F2] closed [F1 fixed] ignored []",
            "3/3 RequestChanges open [F3] closed [F2 fixed] ignored []",
        ]
    );
    assert!(said.the("question")["text"].as_str().is_some_and(|text| text.contains("F3 (합계.sh:3): 흠 3")));

    for (lang, words) in [
        ("en", ["Review cycle 3/3: changes requested", "fixed: F2", "nobody was there to decide"]),
        ("ko", ["Review 사이클 3/3: 변경 요청", "해결: F2", "결정할 사람이 없었습니다"]),
    ] {
        let world = World::new();
        let server = MockServer::start(script()).await;
        let ended = world.call(["--lang", lang, "x"]).against(&server).run().await;
        assert_eq!(ended.code(), 10, "{}", ended.err);
        for words in words {
            assert!(ended.err.contains(words), "{words} in {}", ended.err);
        }
    }
}

/// Whatever a reviewer calls it, what is slight is told and stops nobody.
#[tokio::test]
async fn a_reviewer_that_only_finds_trifles_approves() {
    let world = World::new();
    let trifles = [("", "info", "긴 이름"), ("", "warning", "긴 함수")];
    let script = Script::new()
        .agent("manager", coder_and_reviewer(1, [finish("done")]))
        .agent("coder", mends(1))
        .agent("reviewer", [objects(&trifles)]);
    let said = play(&world, script, &[]).await;
    check_end(&said, Ending::Done, None, true);
    assert_eq!(cycles(&said), ["1/3 Approve open [F1 F2] closed [] ignored []"]);
}

/// `review.force_on` has an effect.
#[tokio::test]
async fn what_forces_another_review_can_be_set() {
    let world = World::new();
    let text = json!({ "review": { "force_on": "warning" } }).to_string();
    let file = world.write_outside("system_config.json", &text).display().to_string();
    let script = Script::new()
        .agent("manager", coder_and_reviewer(2, [finish("done")]))
        .agent("coder", mends(2))
        .agent("reviewer", [objects(&[("", "warning", "긴 함수")]), objects(&[("", "info", "긴 이름")])]);
    let said = play(&world, script, &["--config", &file]).await;
    check_end(&said, Ending::Done, None, true);
    assert_eq!(
        cycles(&said),
        [
            "1/3 RequestChanges open [F1] closed [] ignored []",
            "2/3 Approve open [F2] closed [F1 fixed] ignored []",
        ]
    );
}

/// The reviewer says again what was mended, by its id or in the same words, and its file is as it approved it.
#[tokio::test]
async fn a_mended_fault_that_is_said_again_is_recorded_and_ignored() {
    for again in [("F1", "critical", "음수를 더한다"), ("", "critical", "음수를  더한다")] {
        let world = World::new();
        let script = Script::new()
            .agent(
                "manager",
                coder_and_reviewer(
                    2,
                    [
                        ask("reviewer", "한 번 더"),
                        finish("done").expecting_tool_result("nothing is to be done"),
                    ],
                ),
            )
            .agent("coder", mends(2))
            .agent(
                "reviewer",
                [
                    objects(&[("", "critical", "음수를 더한다")]),
                    objects(&[("", "critical", "빈 줄에서 멈춘다")]),
                    objects(&[again]),
                ],
            );
        let said = play(&world, script, &[]).await;
        check_end(&said, Ending::Done, None, true);
        assert_eq!(
            cycles(&said),
            [
                "1/3 RequestChanges open [F1] closed [] ignored []",
                "2/3 RequestChanges open [F2] closed [F1 fixed] ignored []",
                "3/3 Approve open [] closed [F2 withdrawn] ignored [F1]",
            ]
        );
    }
}

/// The reviewer sees the ids and the difference; a file that is not there changes nothing about the rules.
#[tokio::test]
async fn a_later_reviewer_sees_what_is_open_and_what_has_changed() {
    let world = World::new();
    let ghost = json!({ "severity": "critical", "file": "없는 파일.sh", "message": "없다" });
    let report = |verdict: &str| {
        Turn::call("report", json!({ "summary": "", "verdict": verdict, "findings": [ghost.clone()] }))
    };
    let script = Script::new()
        .agent("manager", coder_and_reviewer(3, [finish("done")]))
        .agent("coder", mends(3))
        .agent(
            "reviewer",
            [
                report("request_changes"),
                Turn::call("diff", json!({ "base": "last_review" })),
                reviewed("request_changes", &[]).expecting_tool_result("+echo 1"),
                report("request_changes"),
            ],
        );
    let server = MockServer::start(script).await;
    let said = world.task(&server, &[]).await.run().await.said();
    server.assert_nothing_refused();
    assert_eq!(
        cycles(&said),
        [
            "1/3 RequestChanges open [F1] closed [] ignored []",
            "2/3 Approve open [] closed [F1 withdrawn] ignored []",
            "1/3 Approve open [] closed [] ignored [F1]",
        ]
    );
    check_end(&said, Ending::Done, None, true);
    let briefs =
        server.requests_of("reviewer").into_iter().map(|request| request.body["messages"][0].to_string());
    let briefs: Vec<String> = briefs.collect();
    let [first, second, _, third] = &briefs[..] else { panic!("four requests: {briefs:?}") };
    assert!(!first.contains("last review"), "{first}");
    for shown in
        ["- F1 [critical] (없는 파일.sh): 없다", "`diff` with base `last_review`", "-echo 0\\n+echo 1"]
    {
        assert!(second.contains(shown), "{shown} in {second}");
    }
    assert!(third.contains("withdrawn: F1 [critical] (없는 파일.sh): 없다"), "{third}");
}

/// A coder's word is no review: what was objected to is done when a reviewer says so, or not done.
#[tokio::test]
async fn a_round_is_not_done_while_the_last_review_objects() {
    let script = |last: Vec<Turn>, more: usize| {
        let begin = coder_and_reviewer(1, [ask("coder", "고쳐 줘"), finish("done")]);
        Script::new().agent("manager", begin.into_iter().chain(last)).agent("coder", mends(2)).agent(
            "reviewer",
            [objects(&[("", "critical", "음수를 더한다")])].into_iter().chain((0..more).map(|_| approved())),
        )
    };
    let told = "these findings are open:\n- F1 [critical] (합계.sh:3): 음수를 더한다";

    let world = World::new();
    let looks_again = vec![ask("reviewer", "봐 줘").expecting_tool_result(told), finish("done")];
    let said = play(&world, script(looks_again, 1), &[]).await;
    check_end(&said, Ending::Done, None, true);

    let world = World::new();
    let gives_in = vec![finish("partial").expecting_tool_result(told)];
    let said = play(&world, script(gives_in, 0), &[]).await;
    check_end(&said, Ending::Partial(PartialReason::ManagerPartial), None, true);

    // A model that insists goes in circles.
    let world = World::new();
    let said = play(&world, script(vec![finish("done")], 0).repeating_last(), &[]).await;
    check_end(&said, Ending::Failed(FailReason::Loop), None, true);
    assert_eq!(said.of_type("loop_warning").len(), 1);
}
