use super::*;

/// Pieces that meet each other in unexpected ways.
fn piece() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::sample::select(vec![
            "@",
            "＠",
            "`",
            "```",
            "~~~",
            "\n",
            "\r\n",
            " ",
            "\t",
            "coder",
            "manager",
            "tester",
            "codr",
            "에게",
            "는",
            "환불",
            "\u{1100}",
            "\u{1161}",
            "👨‍👩‍👧",
            "e\u{301}",
            "\u{200f}",
            "\u{2067}",
            "שלום",
            ".",
            ",",
            "/",
            "'",
            ":",
            "-",
            "_",
            "@coder",
            "\n@tester",
            "\\",
            "\u{2028}",
            "\u{feff}",
        ])
        .prop_map(str::to_owned),
        "\\PC{0,3}",
    ]
}

/// Words that hold no `@` and no backquote, and that begin and end visibly.
fn plain() -> impl Strategy<Value = String> {
    prop::sample::select(vec![
        "add refund",
        "환불 기능을 추가해 줘",
        "הוסף החזר",
        "가족 👨‍👩‍👧 계정",
        "line\n\nline",
        "e\u{301}té",
    ])
    .prop_map(str::to_owned)
}

fn called() -> impl Strategy<Value = (AgentName, &'static str, String)> {
    let follows = vec!["", ",", ":", ".", "에게", "는", "님한테서", "에게:", "…"];
    (prop::sample::select(team()), prop::sample::select(follows), prop_oneof![Just(String::new()), plain()])
}

fn is_called(text: &str, name: &str) -> bool {
    SIGNS.iter().any(|sign| text.contains(&format!("{sign}{name}")))
}

proptest! {
    #![proptest_config(crate::properties::cases())]

    /// Whatever is typed, it is read to the end, and every word that a worker gets was typed.
    #[test]
    fn any_text_is_read_and_nothing_is_invented(pieces in prop::collection::vec(piece(), 0..24)) {
        let text = pieces.concat();
        match addressee(&text, &team()) {
            Ok(Addressee::Manager) => {}
            Ok(Addressee::Workers(Mentions { introduction, tasks })) => {
                prop_assert!(!tasks.is_empty() && tasks.len() <= MOST_MENTIONS);
                let mut rest = text.as_str();
                for words in [&introduction].into_iter().chain(tasks.iter().map(|task| &task.text)) {
                    let at = rest.find(words.as_str());
                    prop_assert!(at.is_some(), "{words:?} stands nowhere in {rest:?}");
                    rest = at.and_then(|at| rest.get(at + words.len()..)).unwrap_or_default();
                }
                for task in &tasks {
                    prop_assert!(is_called(&text, task.agent.as_str()));
                    prop_assert!(team().contains(&task.agent));
                }
            }
            Err(MentionError::UnknownAgent { name, known }) => {
                prop_assert!(is_called(&text, &name));
                prop_assert_eq!(known.len(), team().len() + 1);
            }
            Err(_) => prop_assert!(text.contains(SIGNS)),
        }
    }

    /// A message that is put together from mentions reads back as these.
    #[test]
    fn a_message_reads_back_as_it_was_written(
        introduction in prop_oneof![Just(String::new()), plain()],
        written in prop::collection::vec(called(), 1..6),
        gap in prop::sample::select(vec![" ", "\n", "\n\n", "\t", " \u{200f}"]),
    ) {
        let mut text = introduction.clone();
        for (name, follows, words) in &written {
            text.push_str(&format!("{gap}@{name}{follows} {words}"));
        }
        let (first, _, words) = &written[0];
        let expected = if introduction.is_empty() && words.is_empty() {
            Err(MentionError::NothingToDo { agent: first.clone() })
        } else {
            let tasks = written.iter().map(|(agent, _, text)| MentionedTask { agent: agent.clone(), text: text.clone() });
            Ok(Addressee::Workers(Mentions { introduction, tasks: tasks.collect() }))
        };
        prop_assert_eq!(addressee(&text, &team()), expected);
    }

    /// In a code span nothing is a mention.
    #[test]
    fn code_mentions_nobody(inside in "[a-z @]{0,20}", ticks in 1_usize..4) {
        let ticks = "`".repeat(ticks);
        let text = format!("see {ticks}@coder {inside}x{ticks} there");
        prop_assert_eq!(addressee(&text, &team()), Ok(Addressee::Manager));
    }
}
