//! The table against the parser, and the parser against what people type.

use super::{
    table::{LATER_OPTIONS, LATER_VERBS, OPTIONS, OptionId, Takes, VERBS, verb},
    *,
};

fn run(arguments: &[&str]) -> Result<Invocation, UsageError> {
    parse(arguments.iter().map(Into::into).collect()).map_err(|rejected| rejected.error)
}

fn check(arguments: &[&str], verb: Verb) {
    assert_eq!(run(arguments).map(|invocation| invocation.verb), Ok(verb), "{arguments:?}");
}

fn check_options(arguments: &[&str], expected: Options) {
    let found = run(&[&["task in words"], arguments].concat()).map(|invocation| invocation.options);
    assert_eq!(found, Ok(expected), "{arguments:?}");
}

fn refused(arguments: &[&str], error: UsageError) {
    assert_eq!(run(arguments), Err(error), "{arguments:?}");
}

fn task(text: &str) -> Verb {
    Verb::Run(Task::Text(text.to_owned()))
}

#[test]
fn a_task_is_one_argument_with_or_without_a_verb() {
    check(&["Let it accept refunds"], task("Let it accept refunds"));
    check(&["환불을 처리해 줘"], task("환불을 처리해 줘"));
    check(&["run", "demo"], task("demo"));
    check(&["--", "demo"], task("demo"));
    check(&["run", "--", "--help"], task("--help"));
    check(&["-v", "--", "task"], task("task"));
    check(&["-"], Verb::Run(Task::StandardInput));
    check(&["run", "-"], Verb::Run(Task::StandardInput));
}

#[test]
fn every_verb_is_called_by_its_words() {
    check(&["demo"], Verb::Demo);
    check(&["agents", "list"], Verb::AgentsList);
    check(&["agents", "show", "manager"], Verb::AgentsShow(AgentName::manager()));
    check(&["agents", "show", "coder"], Verb::AgentsShow(AgentName::parse("coder").unwrap()));
    check(&["config", "show"], Verb::ConfigShow);
    check(&["config", "check"], Verb::ConfigCheck);
    check(&["config", "schema"], Verb::ConfigSchema);
    check(&["config", "paths"], Verb::ConfigPaths);
    check(&["config", "trust"], Verb::ConfigTrust);
    check(&["--version"], Verb::Version);
}

#[test]
fn permissions_are_explained_for_all_for_one_and_for_a_call() {
    let check = |arguments: &[&str], agent: Option<&str>, call: Option<(&str, &str)>| {
        let agent = agent.map(|name| AgentName::parse(name).unwrap());
        let call = call.map(|(tool, argument)| (tool.to_owned(), argument.to_owned()));
        check(arguments, Verb::PermissionsExplain(PermissionQuestion { agent, call }));
    };
    check(&["permissions", "explain"], None, None);
    check(&["permissions", "explain", "coder", "--json"], Some("coder"), None);
    check(&["permissions", "explain", "--", "read", "비밀/a b"], None, Some(("read", "비밀/a b")));
    check(&["permissions", "explain", "coder", "--", "bash", "--x"], Some("coder"), Some(("bash", "--x")));
    let missing = VerbError::MissingOperand { verb: "permissions explain".to_owned(), operand: "ARGUMENT" };
    refused(&["permissions", "explain", "--", "bash"], missing.into());
    let extra = |argument: &str| VerbError::ExtraArgument { argument: argument.to_owned() }.into();
    refused(&["permissions", "explain", "--", "bash", "git", "push"], extra("push"));
    refused(&["permissions", "explain", "coder", "bash"], extra("bash"));
    refused(
        &["permissions", "explain", "co der"],
        VerbError::BadAgentName { name: "co der".to_owned() }.into(),
    );
}

#[test]
fn an_undo_names_a_session_and_paths_or_neither() {
    const ID: &str = "01J9ZQ8W7N4K2M5R6T8V0X1Y3Z";
    let check = |arguments: &[&str], session: Option<&str>, paths: &[&str]| {
        let session = session.map(|id| id.parse().unwrap());
        let paths = paths.iter().map(|path| (*path).to_owned()).collect();
        check(&[&["session", "undo"], arguments].concat(), Verb::SessionUndo(UndoRequest { session, paths }));
    };
    check(&[], None, &[]);
    check(&[ID], Some(ID), &[]);
    check(&[ID, "src", "한글 이름"], Some(ID), &["src", "한글 이름"]);
    check(&["src/a.rs"], None, &["src/a.rs"]);
    check(&["--", ID], None, &[ID]);
    check(&["a", "--", "--round"], None, &["a", "--round"]);
    let round = run(&["session", "undo", "--round", "2"]).unwrap().options.round;
    assert_eq!(round, NonZeroU32::new(2));
    let no_effect = UsageError::NoEffect { option: "--round".to_owned(), verb: "run".to_owned() };
    refused(&["x y", "--round", "2"], no_effect);
}

#[test]
fn help_is_for_the_program_a_group_or_a_verb() {
    check(&["--help"], Verb::Help(Topic::Program));
    check(&["agents", "--help"], Verb::Help(Topic::Group("agents")));
    check(&["--help", "agents", "show"], Verb::Help(Topic::Verb(VerbId::AgentsShow)));
    check(&["run", "--help"], Verb::Help(Topic::Verb(VerbId::Run)));
    for row in &VERBS {
        let words: Vec<&str> = row.path.iter().copied().chain(["--help"]).collect();
        check(&words, Verb::Help(Topic::Verb(row.id)));
        assert_eq!(verb(row.id).path, row.path);
    }
}

/// O-6.
#[test]
fn every_option_arrives_before_and_after_a_verb() {
    check_options(&["-v"], Options { verbose: true, ..Options::default() });
    check_options(
        &["--config", "a.json", "--config=b.json"],
        Options { configs: vec!["a.json".into(), "b.json".into()], ..Options::default() },
    );
    check_options(
        &["--provider", "script:a b.json"],
        Options { provider: Some(Provider::Script("a b.json".into())), ..Options::default() },
    );
    check_options(&["--provider=openai"], Options { provider: Some(Provider::OpenAi), ..Options::default() });
    check_options(
        &["--provider=offline"],
        Options { provider: Some(Provider::Offline), ..Options::default() },
    );
    check_options(
        &["--model", "strong", "--model=coder=fast:1"],
        Options {
            models: vec![
                ModelChoice { agent: None, model: "strong".to_owned() },
                ModelChoice { agent: Some(AgentName::parse("coder").unwrap()), model: "fast:1".to_owned() },
            ],
            ..Options::default()
        },
    );
    check_options(&["--effort", "high"], Options { effort: Some(Effort::High), ..Options::default() });
    check_options(&["-C", "../x"], Options { cwd: Some("../x".into()), ..Options::default() });
    check_options(
        &["--permission-mode", "auto-edit"],
        Options { permission_mode: Some(PermissionMode::AutoEdit), ..Options::default() },
    );
    check_options(&["--sandbox", "none"], Options { sandbox: Some(Sandbox::None), ..Options::default() });
    check_options(&["--sandbox", "strict"], Options { sandbox: Some(Sandbox::Strict), ..Options::default() });
    check_options(&["--worktree"], Options { worktree: true, ..Options::default() });
    check_options(&["--allow-network"], Options { allow_network: true, ..Options::default() });
    check_options(
        &["--add-dir", "../자료:ro", "--add-dir=/x y"],
        Options { add_dirs: vec!["../자료:ro".to_owned(), "/x y".to_owned()], ..Options::default() },
    );
    check_options(
        &["--pass-env", "CC", "--pass-env", "CXX"],
        Options { pass_env: vec!["CC".to_owned(), "CXX".to_owned()], ..Options::default() },
    );
    check_options(
        &["--verify", "make test", "--verify", "make lint"],
        Options { verify: vec!["make test".to_owned(), "make lint".to_owned()], ..Options::default() },
    );
    check_options(&["--max-turns", "7"], Options { max_turns: NonZeroU32::new(7), ..Options::default() });
    check_options(
        &["--max-tokens=200000", "--max-cost-usd", "0.5"],
        Options {
            max_tokens: std::num::NonZeroU64::new(200_000),
            max_cost_usd: Some(0.5),
            ..Options::default()
        },
    );
    check_options(
        &["--timeout", "1.5"],
        Options { timeout: Some(Duration::from_millis(1500)), ..Options::default() },
    );
    check_options(
        &["--context", "a.md", "--context", "-"],
        Options {
            context: vec![ContextSource::File("a.md".into()), ContextSource::StandardInput],
            ..Options::default()
        },
    );
    check_options(
        &["--partial", "--output-format", "stream-json"],
        Options { output: OutputFormat::StreamJson { partial: true }, ..Options::default() },
    );
    check_options(&["--lang", "ko"], Options { language: Some(Language::Korean), ..Options::default() });
    let before = run(&["--json", "agents", "list"]).unwrap();
    assert_eq!(before, run(&["agents", "list", "--json"]).unwrap());
    assert!(before.options.json);
}

#[test]
fn a_session_goes_on_with_a_task_or_with_the_round_that_was_broken_off() {
    let named = |id: &str| Some(EarlierSession::Named(id.to_owned()));
    let found = |arguments: &[&str]| run(arguments).map(|call| (call.verb, call.options.session));
    let latest = Some(EarlierSession::Latest);
    assert_eq!(found(&["--continue"]), Ok((Verb::GoOn, latest.clone())));
    assert_eq!(found(&["run", "--continue"]), Ok((Verb::GoOn, latest.clone())));
    assert_eq!(found(&["--continue", "--continue", "더 해 줘"]), Ok((task("더 해 줘"), latest)));
    assert_eq!(found(&["--resume", "01j9zq"]), Ok((Verb::GoOn, named("01j9zq"))));
    let whole = "01J9ZQ8W7N4K2M5R6T8V0X1Y3Z";
    assert_eq!(found(&["run", "--resume", whole, "x"]), Ok((task("x"), named(whole))));
    refused(&["--resume", whole, "--continue"], UsageError::TwoSessions);
    refused(&["--continue", "--resume", whole, "x"], UsageError::TwoSessions);
    let twice = UsageError::Repeated { option: "--resume".to_owned(), most: 1 };
    refused(&["--resume", whole, "--resume", whole], twice);
    for (option, verb) in [("--continue", "demo"), ("--continue", "config show")] {
        let (option, verb) = (option.to_owned(), verb.to_owned());
        let arguments: Vec<&str> = verb.split(' ').chain([option.as_str()]).collect();
        refused(&arguments, UsageError::NoEffect { option: option.clone(), verb: verb.clone() });
    }
    refused(&["--continue", "--context", "a.md"], UsageError::ContextWithoutTask);
    refused(&["--continue", ""], UsageError::EmptyTask);
    for value in ["01J9Z", "fix the bug", "환불환불환불", "01J9ZQ8W7N4K2M5R6T8V0X1Y3Z0", "../../x"] {
        let (option, value) = ("--resume".to_owned(), value.to_owned());
        let error = UsageError::BadValue { option, value: value.clone(), wanted: Wanted::Session };
        refused(&["--resume", &value, "x"], error);
    }
}

#[test]
fn a_session_is_forked_by_its_id_or_the_beginning_of_it() {
    check(&["session", "fork", "01j9zq8w"], Verb::SessionFork("01j9zq8w".to_owned()));
    let missing = VerbError::MissingOperand { verb: "session fork".to_owned(), operand: "ID" };
    refused(&["session", "fork"], missing.into());
    refused(&["session", "fork", "short"], VerbError::BadSession { given: "short".to_owned() }.into());
}

#[test]
fn what_later_versions_bring_is_refused_as_such() {
    for option in LATER_OPTIONS {
        let option = format!("--{option}");
        refused(&[option.as_str(), "x"], UsageError::LaterOption { option: option.clone() });
    }
    for path in LATER_VERBS {
        refused(path, VerbError::Later { verb: path.join(" ") }.into());
    }
    for value in ["claude-code", "replay:x"] {
        let error = UsageError::LaterChoice { option: "--provider".to_owned(), value: value.to_owned() };
        refused(&["--provider", value, "x y"], error);
    }
}

#[test]
fn an_unknown_name_is_refused_with_the_nearest_known_one() {
    let nearest = Some("--verbose".to_owned());
    refused(&["--verbos"], UsageError::UnknownOption { option: "--verbos".to_owned(), nearest });
    refused(&["--zzz"], UsageError::UnknownOption { option: "--zzz".to_owned(), nearest: None });
    refused(&["-x"], UsageError::UnknownOption { option: "-x".to_owned(), nearest: None });
    let nearest = Some("--help".to_owned());
    refused(&["-h"], UsageError::UnknownOption { option: "-h".to_owned(), nearest });
    let mistyped = |word: &str, name, later| VerbError::Mistyped {
        word: word.to_owned(),
        nearest: Known { name, later },
    };
    refused(&["demmo"], mistyped("demmo", "demo", false).into());
    refused(&["sesion", "list"], mistyped("sesion", "session", false).into());
    refused(&["tsak", "list"], mistyped("tsak", "task", true).into());
    refused(&["docter"], mistyped("docter", "doctor", true).into());
    check(&["versoin"], task("versoin"));
    refused(&["help"], VerbError::IsOption { word: "help" }.into());
    let error = VerbError::Unknown {
        group: "config",
        word: "chek".to_owned(),
        known: vec!["show", "check", "schema", "paths", "trust"],
        nearest: Some(Known { name: "check", later: false }),
    };
    refused(&["config", "chek"], error.into());
    let error = VerbError::Unknown {
        group: "agents",
        word: "chek".to_owned(),
        known: vec!["list", "show"],
        nearest: Some(Known { name: "check", later: true }),
    };
    refused(&["agents", "chek"], error.into());
    let error = UsageError::UnknownChoice {
        option: "--effort".to_owned(),
        value: "hihg".to_owned(),
        known: vec!["low", "medium", "high"],
        nearest: Some("high"),
    };
    refused(&["--effort", "hihg", "x y"], error);
}

#[test]
fn a_call_without_what_it_needs_is_refused() {
    refused(&[], UsageError::NothingToDo);
    refused(&["-v"], UsageError::NothingToDo);
    refused(&[" "], UsageError::EmptyTask);
    refused(&["run"], VerbError::MissingOperand { verb: "run".to_owned(), operand: "TASK" }.into());
    let error = VerbError::MissingOperand { verb: "agents show".to_owned(), operand: "AGENT" };
    refused(&["agents", "show"], error.into());
    refused(&["agents"], VerbError::Incomplete { group: "agents", known: vec!["list", "show"] }.into());
    refused(&["--cwd"], UsageError::MissingValue { option: "--cwd".to_owned() });
}

#[test]
fn what_is_too_much_is_refused() {
    refused(&["fix it", "now"], VerbError::ExtraArgument { argument: "now".to_owned() }.into());
    refused(&["demo", "now"], VerbError::ExtraArgument { argument: "now".to_owned() }.into());
    let twice = ["--cwd", "a", "--cwd", "b", "x y"];
    refused(&twice, UsageError::Repeated { option: "--cwd".to_owned(), most: 1 });
    let error = UsageError::UnexpectedValue { option: "--verbose".to_owned(), value: "1".to_owned() };
    refused(&["--verbose=1", "x y"], error);
    refused(&["-", "--context", "-"], UsageError::StandardInputTwice);
    refused(&["-", "--input-format", "stream-json"], UsageError::StandardInputTwice);
    refused(&["--input-format", "stream-json", "--context", "-", "x y"], UsageError::StandardInputTwice);
    refused(&["--model", "a", "--model", "b", "x y"], UsageError::TwoModels { agent: None });
    let no_effect =
        |option: &str, verb: &str| UsageError::NoEffect { option: option.to_owned(), verb: verb.to_owned() };
    refused(&["demo", "--verify", "make"], no_effect("--verify", "demo"));
    refused(&["x y", "--json"], no_effect("--json", "run"));
    refused(&["--partial", "x y"], UsageError::PartialAlone);
}

#[test]
fn a_value_of_another_kind_is_refused() {
    let check = |option: &str, value: &str, wanted: Wanted| {
        let error = UsageError::BadValue { option: option.to_owned(), value: value.to_owned(), wanted };
        refused(&[option, value, "x y"], error);
    };
    for value in ["0", "-1", "many", "1.5", "99999999999"] {
        check("--max-turns", value, Wanted::PositiveNumber);
    }
    for value in ["0", "-1", "many", "1.5", "1e6", "99999999999999999999"] {
        check("--max-tokens", value, Wanted::PositiveNumber);
    }
    for value in ["0", "-0.5", "NaN", "inf", "$1", "1,5"] {
        check("--max-cost-usd", value, Wanted::Dollars);
    }
    for value in ["0", "-1", "NaN", "inf", "5m", "1e300"] {
        check("--timeout", value, Wanted::Seconds);
    }
    check("--verify", " ", Wanted::Text);
    check("--model", "coder=", Wanted::Model);
    check("--provider", "script:", Wanted::File);
    check("--cwd", "", Wanted::File);
    check("--add-dir", ":ro", Wanted::Folder);
    check("--pass-env", "A=b", Wanted::Variable);
    let error = VerbError::BadAgentName { name: "co der".to_owned() };
    refused(&["--model", "co der=x", "x y"], error.into());
}

#[cfg(unix)]
#[test]
fn a_task_that_is_no_text_is_refused() {
    use std::os::unix::ffi::OsStringExt;
    let bytes = std::ffi::OsString::from_vec(vec![b'a', 0xff]);
    let rejected = parse(vec![bytes]).unwrap_err();
    assert_eq!(rejected.error, UsageError::NotUnicode { argument: "a\u{fffd}".to_owned() });
}

#[test]
fn an_error_knows_the_language_and_the_format_that_were_asked_for() {
    let check = |arguments: &[&str], language, output| {
        let rejected = parse(arguments.iter().map(Into::into).collect()).unwrap_err();
        assert_eq!((rejected.language, rejected.output), (language, output), "{arguments:?}");
    };
    let stream = OutputFormat::StreamJson { partial: false };
    check(&["--zzz", "--lang", "ko"], Some(Language::Korean), OutputFormat::Text);
    check(&["--lang=en", "--zzz", "--output-format=json"], Some(Language::English), OutputFormat::Json);
    check(&["--zzz", "--output-format", "stream-json"], None, stream);
    check(&["--zzz", "--", "--lang", "ko"], None, OutputFormat::Text);
}

#[test]
fn the_table_names_everything_once_and_every_choice_is_understood() {
    for row in &OPTIONS {
        assert_eq!(OPTIONS.iter().filter(|other| other.long == row.long).count(), 1, "{}", row.long);
        assert!(!LATER_OPTIONS.contains(&row.long));
        let letters = OPTIONS.iter().filter(|other| row.short.is_some() && other.short == row.short);
        assert!(letters.count() <= 1, "{}", row.long);
        if let Takes::OneOf { now, .. } = row.takes {
            for choice in now {
                let found = run(&["run", "x", &row.typed(), choice]);
                assert!(found.is_ok(), "{} {choice}: {found:?}", row.long);
            }
        }
        let ends_the_call = matches!(row.id, OptionId::Help | OptionId::Version);
        assert!(ends_the_call || !row.verbs.is_empty());
    }
}

#[test]
fn every_example_is_a_call() {
    for row in &VERBS {
        let arguments = split_like_a_shell(row.example);
        let found = parse(arguments.iter().map(Into::into).collect());
        assert!(found.is_ok(), "{}: {found:?}", row.example);
    }
}

/// The words of a command line whose quotes do not nest.
fn split_like_a_shell(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quote = None;
    for character in line.chars() {
        match (quote, character) {
            (None, '"' | '\'') => quote = Some(character),
            (Some(open), _) if open == character => quote = None,
            (None, ' ') => words.push(String::new()),
            _ => words.last_mut().unwrap().push(character),
        }
    }
    words
}
