use super::*;

fn check(text: &str, expected: Result<Addressee, MentionError>) {
    assert_eq!(addressee(text, &team()), expected, "{text:?}");
}

fn check_text(text: &str) {
    check(text, Ok(Addressee::Manager));
}

fn check_unknown(text: &str, name: &str, nearest: &str) {
    match addressee(text, &team()) {
        Err(MentionError::UnknownAgent { name: found, known }) => {
            assert_eq!(
                (found.as_str(), known.first().map(AgentName::as_str)),
                (name, Some(nearest)),
                "{text:?}"
            );
            assert_eq!(known.len(), team().len() + 1, "all are listed");
        }
        other => panic!("{text:?} gives {other:?}"),
    }
}

/// O-11: a worker by name, several in the order written, each with the text up to the next.
#[test]
fn each_mention_gets_the_text_up_to_the_next() {
    check("@coder add refund", calls("", &[("coder", "add refund")]));
    check(
        "@coder add refund\n\n- below zero\n@tester run the tests, @coder mend",
        calls(
            "",
            &[("coder", "add refund\n\n- below zero"), ("tester", "run the tests,"), ("coder", "mend")],
        ),
    );
    check("  @dev-ops\tdeploy  ", calls("", &[("dev-ops", "deploy")]));
}

#[test]
fn words_before_the_first_mention_introduce_all() {
    check(
        "환불은 음수 금액이다.\n@coder 추가해 줘 @reviewer",
        calls("환불은 음수 금액이다.", &[("coder", "추가해 줘"), ("reviewer", "")]),
    );
    check("add refund, @coder", calls("add refund,", &[("coder", "")]));
    check("@coder", Err(MentionError::NothingToDo { agent: agent("coder") }));
    check("\u{200f}@coder: @tester x", Err(MentionError::NothingToDo { agent: agent("coder") }));
}

#[test]
fn a_korean_particle_may_follow_a_name() {
    for mention in [
        "@coder에게",
        "@coder는",
        "@coder야",
        "@coder한테서",
        "@coder한테는",
        "@coder님,",
        "@coder님께서는",
        "@coder가",
        "@coder에게서도!",
        "@coder하고",
        "@coder의",
        "@coder를",
    ] {
        check(&format!("{mention} 환불 추가"), calls("", &[("coder", "환불 추가")]));
    }
    // Written letter by letter, as some systems hand it over.
    check("@coder\u{110b}\u{1166}\u{1100}\u{1166} 환불", calls("", &[("coder", "환불")]));
    check_unknown("@coder환불 추가", "coder환불", "coder");
    check_unknown("@codr에게 환불 추가", "codr", "coder");
    check_text("이건 @coder환불 이다");
}

#[test]
fn punctuation_may_follow_a_name() {
    for mention in
        ["@coder,", "@coder:", "@coder!", "@coder;", "@coder?", "@coder.", "@coder...", "@coder：", "@coder…"]
    {
        check(&format!("{mention} 환불"), calls("", &[("coder", "환불")]));
    }
    check("@coder:환불", calls("", &[("coder", "환불")]));
    check("(see @coder) x", calls("(see", &[("coder", ") x")]));
}

#[test]
fn what_only_looks_like_a_mention_is_text() {
    for text in [
        "ask `@coder` about it",
        "``@coder ` @tester``",
        "```\n@coder\n\n@nobody\n```\nrest",
        "~~~\n@coder\n```\n@tester",
        "a `b\n@coder` c",
        "write to coder@example.org or a@coder",
        "@types/node is old",
        "@file.rs and @coder.rs and @src/coder",
        "@coder/x @coder@x @coder=1 @coder(x)",
        "@lru_cache(maxsize=1)\n@app.route('/x')",
        "@ coder, @@coder, @1coder, @-coder, @",
        "the @override of @nobody",
        "@coder's words",
        "@\u{301}coder and x @coder\u{301}",
        "@👨‍👩‍👧 hello",
        "\\@coder",
    ] {
        check_text(text);
    }
    check("`@nobody` and ` @coder x", calls("`@nobody` and `", &[("coder", "x")]));
    check("a `b\n\n@coder x` c", calls("a `b", &[("coder", "x` c")]));
    check("```\n@nobody\n```\n@coder x", calls("```\n@nobody\n```", &[("coder", "x")]));
}

/// O-11: a slip in a name is an error that lists the names there are, the nearest first.
#[test]
fn an_unknown_name_at_the_start_of_a_line_is_refused() {
    check_unknown("@codr add refund", "codr", "coder");
    check_unknown("@coder add\n  @testre run", "testre", "tester");
    check_unknown("@Coder x", "Coder", "coder");
    check_unknown("@mangaer x", "mangaer", "manager");
    check_unknown("@dev_ops x", "dev_ops", "dev-ops");
    check_unknown("@coder-x y", "coder-x", "coder");
    check_unknown("@코더 환불", "코더", "coder");
    check_unknown("@מתכנת שלום", "מתכנת", "coder");
    let long = addressee(&format!("@{}", "가".repeat(70_000)), &team());
    assert!(matches!(long, Err(MentionError::UnknownAgent { name, .. }) if name == "가".repeat(60)));
    let error = addressee("@codr x", &[agent("tester"), agent("coder")]).expect_err("nobody");
    assert_eq!(
        error.to_string(),
        "there is no agent `codr` (known: `coder`, `tester`, `manager`); as plain text it is written in \
         backquotes: `@codr`"
    );
}

#[test]
fn a_message_that_begins_with_the_manager_is_the_managers() {
    check_text("@manager let @coder do it\n@nobody");
    check_text("hello @manager에게 @coder");
    check("@coder do it, then @manager", Err(MentionError::ManagerAfterWorkers));
}

#[test]
fn a_message_calls_a_bounded_number_of_workers() {
    let most = "@coder x ".repeat(MOST_MENTIONS);
    assert!(matches!(addressee(&most, &team()), Ok(Addressee::Workers(_))));
    check(&format!("{most}@coder y"), Err(MentionError::TooMany));
}

#[test]
fn marks_of_direction_are_gaps() {
    check("\u{200f}@coder\u{200f} הוסף החזר", calls("", &[("coder", "הוסף החזר")]));
    check("\u{2067}שלום\u{2069}@tester x", calls("\u{2067}שלום\u{2069}", &[("tester", "x")]));
}

#[test]
fn the_wide_sign_of_input_methods_calls_like_the_narrow_one() {
    let called = addressee("＠coder에게 환불을 넣어 줘\n@tester 돌려 봐", &team());
    assert_eq!(called, calls("", &[("coder", "환불을 넣어 줘"), ("tester", "돌려 봐")]));
}
